//! Hand-computed numbers.

use crate::desk::{
    BASE, CASH, Desk, EVENT, FEES, GROUP, INSTRUMENT, MIRROR, OTHER, THIRD, entered, event, funds, plain, rejected,
};
use aeromatch_engine::codes::{Phase, RejectReason, SelfTradePrevention, Side};
use aeromatch_engine::ledger::{EventTerms, LIMIT_UNITS, Ledger, SettlementTerms};
use aeromatch_engine::record::{Command, Terms, flag, present};
use aeromatch_engine::rules::Rules;

const FUNDS: Option<RejectReason> = Some(RejectReason::InsufficientFunds);

#[test]
fn test_r30_a_hold_is_exact_to_the_last_unit() {
    // 5 ticks * 10 lots * 3 = 150; the worst fee is 10 bps of it, 0.15, rounded up: 151.
    let mut desk = Desk::new(plain(5, 10));
    desk.deposit(1, CASH, 150);
    assert_eq!(rejected(&desk.limit(1, Side::Buy, 5, 10)), FUNDS);
    desk.deposit(1, CASH, 1);
    let events = desk.limit(1, Side::Buy, 5, 10);
    assert_eq!(funds(&events), [(1, CASH, 0, 151)]);
    assert_eq!(rejected(&desk.limit(1, Side::Buy, 1, 1)), FUNDS);
    assert_eq!(funds(&desk.cancel(entered(&events))), [(1, CASH, 151, 0)]);
    // A sell holds what it sells: 10 units a lot.
    desk.deposit(2, BASE, 29);
    assert_eq!(rejected(&desk.limit(2, Side::Sell, 5, 3)), FUNDS);
    assert_eq!(funds(&desk.limit(2, Side::Sell, 5, 2)), [(2, BASE, 9, 20)]);
}

#[test]
fn test_r30_a_better_price_gives_back_what_was_held_for_the_worse() {
    let mut desk = Desk::new(plain(5, 10));
    desk.deposit(1, CASH, 1_000);
    desk.deposit(2, BASE, 100);
    desk.limit(2, Side::Sell, 7, 4);
    // Held for 10 lots at 20: 600 + 0.6 -> 601. 4 lots trade at 7: 84 + 0.084 -> 85. What rests, 6 lots at 20, holds 360 and
    // ceil(0.084 + 0.36) - 1 = 0 for fees.
    let events = desk.limit(1, Side::Buy, 20, 10);
    assert_eq!(
        funds(&events),
        // The maker pays 84 * 5 bps = 0.042 -> 1.
        [(1, CASH, 1_000 - 85 - 360, 360), (1, BASE, 40, 0), (2, CASH, 83, 0), (2, BASE, 60, 0), (FEES, CASH, 2, 0)]
    );
    let position = desk.ledger.position(1, INSTRUMENT);
    assert_eq!((position.bought_lots, position.bought_units, position.fee_units), (4, 84, 1));
    let position = desk.ledger.position(2, INSTRUMENT);
    assert_eq!((position.sold_lots, position.sold_units, position.fee_units), (4, 84, 1));
}

#[test]
fn test_r31_fees_of_an_order_round_up_once_over_its_trades() {
    let mut desk = Desk::new(plain(10, 30));
    desk.deposit(1, CASH, 10_000);
    desk.deposit(2, BASE, 1_000);
    // 100 lots at 11: 3,300 held, and 30 bps, 9.9 -> 10.
    let maker = entered(&desk.limit(1, Side::Buy, 11, 100));
    assert_eq!(desk.has(1, CASH), (6_690, 3_310));
    // Each trade is 10 lots at 11, 330: the maker owes 0.33, 0.66, 0.99, 1.32, each taker 0.99, rounded up to 1.
    let mut paid = Vec::new();
    for trades in 1..=4_i128 {
        desk.limit(2, Side::Sell, 11, 10);
        let (available, held) = desk.has(1, CASH);
        paid.push(10_000 - available - held as i128 - 330 * trades);
        assert_eq!(desk.has(2, CASH), ((330 - 1) * trades, 0));
    }
    assert_eq!(paid, [1, 1, 1, 2]);
    assert_eq!(desk.has(FEES, CASH), (2 + 4, 0));
    // 60 lots left: 1,980, and for fees ceil(1.32 + 5.94) - 2 = 6.
    assert_eq!(desk.has(1, CASH), (10_000 - 1_320 - 2 - 1_986, 1_986));
    desk.cancel(maker);
    assert_eq!(desk.has(1, CASH), (8_678, 0));
}

#[test]
fn test_r31_a_rebate_comes_from_the_fee_account() {
    let mut desk = Desk::new(plain(-20, 30));
    desk.deposit(1, CASH, 300);
    desk.deposit(2, BASE, 1_000);
    // The worst fee counts, whoever takes: 297 + ceil(0.891) = 298.
    desk.limit(1, Side::Buy, 9, 11);
    assert_eq!(desk.has(1, CASH), (2, 298));
    desk.limit(2, Side::Sell, 9, 11);
    // The maker's rebate of 0.594 is rounded down to 0, the taker's fee of 0.891 up to 1.
    assert_eq!([desk.has(1, CASH), desk.has(2, CASH), desk.has(FEES, CASH)], [(3, 0), (296, 0), (1, 0)]);
    desk.deposit(1, CASH, 31_000);
    desk.limit(1, Side::Buy, 100, 100);
    desk.limit(2, Side::Sell, 100, 50);
    // 15,000 at -20 bps: the maker gets 30, the taker pays 45.
    assert_eq!(desk.has(1, BASE), (610, 0));
    assert_eq!([desk.has(2, CASH), desk.has(FEES, CASH)], [(296 + 15_000 - 45, 0), (16, 0)]);
    assert_eq!(desk.ledger.position(1, INSTRUMENT).fee_units, -30);
    // It holds 15,000 and 30 bps of the rest, less the rebate it has: ceil(-30 + 45) + 30 = 45.
    assert_eq!(desk.has(1, CASH), (31_003 - 15_000 + 30 - 15_045, 15_045));
}

#[test]
fn test_r30_an_amend_needs_what_its_new_hold_is_more() {
    let mut desk = Desk::new(plain(0, 0));
    desk.deposit(1, CASH, 400);
    desk.deposit(2, BASE, 1_000);
    let id = entered(&desk.limit(1, Side::Buy, 10, 10));
    assert_eq!(desk.has(1, CASH), (100, 300));
    desk.limit(2, Side::Sell, 10, 4);
    assert_eq!(desk.has(1, CASH), (100, 180));
    // 6 lots left. Total 13 leaves 9 at 10: 270 of 280; 14 would take 300. At 15 the 6 take 270, at 16 288.
    assert_eq!(rejected(&desk.amend(id, None, Some(14))), FUNDS);
    assert_eq!(rejected(&desk.amend(id, Some(16), None)), FUNDS);
    assert_eq!(rejected(&desk.amend(id, Some(-1), None)), Some(RejectReason::InvalidPrice));
    assert_eq!(desk.has(1, CASH), (100, 180));
    assert_eq!(funds(&desk.amend(id, None, Some(13))), [(1, CASH, 10, 270)]);
    assert_eq!(funds(&desk.amend(id, Some(15), Some(10))), [(1, CASH, 10, 270)][1..]);
    assert_eq!(funds(&desk.amend(id, Some(9), Some(5))), [(1, CASH, 253, 27)]);
    // No more than what is filled: canceled.
    assert_eq!(funds(&desk.amend(id, None, Some(4))), [(1, CASH, 280, 0)]);
}

#[test]
fn test_r30_market_buys_need_a_protection_price_or_a_budget() {
    let mut desk = Desk::new(plain(0, 100));
    desk.deposit(1, CASH, 1_000);
    desk.deposit(2, BASE, 1_000);
    desk.limit(2, Side::Sell, 30, 2);
    desk.limit(2, Side::Sell, 33, 3);
    desk.limit(2, Side::Sell, 34, 5);
    let buy = Command { account: 1, ..Command::market(Side::Buy, 10) };
    let with = |present: u8, value: i64| Some(Terms { present, protection_price_ticks: value, ..Terms::NONE });
    let combination = Some(RejectReason::InvalidCombination);
    assert_eq!(rejected(&desk.send(buy, None, false)), combination);
    assert_eq!(rejected(&desk.send(buy, with(present::PROTECTION | present::BUDGET, 9), false)), combination);
    let sell = Command { account: 2, ..Command::market(Side::Sell, 1) };
    assert_eq!(rejected(&desk.send(sell, with(present::BUDGET, 9), false)), combination);
    assert_eq!(rejected(&desk.send(buy, with(present::PROTECTION, -1), false)), Some(RejectReason::InvalidPrice));
    // 10 lots at 33 with 1 %: 990 + 9.9 -> 1,000. One unit less affords 32, one more no more.
    assert_eq!(rejected(&desk.send(buy, with(present::PROTECTION, 34), false)), FUNDS);
    assert_eq!(rejected(&desk.send(buy, with(present::BUDGET, 1_030), false)), None);
    // 2 at 30 and 3 at 33: 477 and 4.77 -> 5. The rest found nothing at its price, and holds nothing.
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE)], [(1_000 - 477 - 5, 0), (50, 0)]);
    assert_eq!(rejected(&desk.send(buy, with(present::BUDGET, 1_031), false)), FUNDS);
    // A budget below one tick of each lot affords price 0: accepted, and canceled.
    assert_eq!(rejected(&desk.send(buy, with(present::BUDGET, 5), false)), None);
    assert_eq!(desk.has(1, CASH), (518, 0));
    // Waiting for an uncross it holds what its protection price could cost; more of it is asked for at that price.
    desk.phase(Phase::PreOpen);
    let id = entered(&desk.send(Command { quantity_lots: 3, ..buy }, with(present::PROTECTION, 40), false));
    assert_eq!(desk.has(1, CASH), (518 - 364, 364));
    assert_eq!(rejected(&desk.amend(id, None, Some(5))), FUNDS);
    desk.amend(id, None, Some(4));
    assert_eq!(desk.has(1, CASH), (518 - 485, 485));
    desk.phase(Phase::Continuous);
    // 4 at 34: 408, and as the younger of the two it takes: 4.08 -> 5.
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE)], [(518 - 413, 0), (90, 0)]);
}

#[test]
fn test_r25_self_trade_prevention_releases_both_holds() {
    let mut desk = Desk::with_rules(
        plain(0, 10),
        Rules { instrument: INSTRUMENT, self_trade_prevention: SelfTradePrevention::Decrement, ..Rules::default() },
    );
    desk.deposit(1, CASH, 1_000);
    desk.deposit(1, BASE, 100);
    desk.limit(1, Side::Sell, 10, 6);
    desk.limit(1, Side::Buy, 10, 4);
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE)], [(1_000, 0), (80, 20)]);
    desk.limit(1, Side::Buy, 10, 5);
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE)], [(1_000 - 91, 91), (100, 0)]);
    assert_eq!(desk.ledger.positions(1).count(), 0);
}

#[test]
fn test_r13_a_sliding_order_holds_for_where_it_rests() {
    let mut desk = Desk::new(plain(0, 0));
    desk.deposit(1, CASH, 300);
    desk.deposit(2, BASE, 100);
    desk.limit(2, Side::Sell, 8, 1);
    let slide =
        Command { account: 1, flags: flag::PRICE | flag::POST_ONLY | flag::SLIDE, ..Command::limit(Side::Buy, 10, 10) };
    assert_eq!(funds(&desk.send(slide, None, false)), [(1, CASH, 90, 210)]);
}

#[test]
fn test_r13_nothing_slides_to_a_price_that_cannot_be_settled() {
    let bad_price = Some(RejectReason::InvalidPrice);
    let slide = |account: u32, side: Side, price_ticks: i64| {
        let flags = flag::PRICE | flag::POST_ONLY | flag::SLIDE;
        Command { account, flags, ..Command::limit(side, price_ticks, 1) }
    };
    let mut desk = Desk::new(plain(0, 0));
    desk.deposit(1, CASH, 300);
    desk.deposit(2, BASE, 100);
    let id = entered(&desk.send(slide(1, Side::Buy, 0), None, false));
    desk.cancel(id);
    desk.limit(2, Side::Sell, 0, 1);
    assert_eq!(rejected(&desk.send(slide(1, Side::Buy, 5), None, false)), bad_price);
    // Of an event: behind yes at 1, behind yes at 99, and behind no at 1, which is yes at 99.
    let mut desk = Desk::new(event(0, 0));
    desk.deposit(1, CASH, 900);
    desk.ledger.mint(EVENT, 1, 2).unwrap();
    let best = entered(&desk.limit(1, Side::Sell, 1, 1));
    assert_eq!(rejected(&desk.send(slide(1, Side::Buy, 5), None, false)), bad_price);
    assert_eq!(rejected(&desk.send(slide(1, Side::Sell, 95), None, true)), bad_price);
    desk.amend(best, Some(90), None);
    let slid = entered(&desk.send(slide(1, Side::Buy, 95), None, false));
    assert_eq!(desk.book.order(slid).unwrap().price_ticks, 89);
}

#[test]
fn test_r32_two_buyers_whose_prices_reach_one_unit_mint_a_set() {
    let mut desk = Desk::new(event(0, 100));
    desk.deposit(1, CASH, 10_000);
    desk.deposit(2, CASH, 10_000);
    // Yes at 60: 1,800 a 10 lots, fee held 18. No at 45 takes it at its 40: 1,200 and 12, where it had held 1,350 and 14.
    desk.limit(1, Side::Buy, 60, 10);
    assert_eq!(desk.has(1, CASH), (8_182, 1_818));
    let events = desk.mirror(2, Side::Buy, 45, 10);
    assert_eq!(
        funds(&events),
        [(1, CASH, 8_200, 0), (1, BASE, 100, 0), (2, CASH, 8_788, 0), (2, OTHER, 100, 0), (FEES, CASH, 12, 0)]
    );
    assert_eq!(desk.ledger.position(2, MIRROR).bought_units, 1_200);
    // Together they paid 3,000: 10 sets of 100 ticks at 3 units. Sold to one another the sets go: yes at 70, no at 30.
    desk.limit(1, Side::Sell, 70, 4);
    assert_eq!(desk.has(1, BASE), (60, 40));
    desk.mirror(2, Side::Sell, 25, 4);
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE)], [(8_200 + 840, 0), (60, 0)]);
    // 30 * 4 * 3 = 360, less 3.6 -> 4.
    assert_eq!([desk.has(2, CASH), desk.has(2, OTHER)], [(8_788 + 356, 0), (60, 0)]);
    assert_eq!((desk.ledger.position(2, MIRROR).sold_lots, desk.ledger.position(2, INSTRUMENT).sold_lots), (4, 0));
    // Of one outcome, shares change hands: no at 20 from 2 to 3.
    desk.deposit(3, CASH, 1_000);
    desk.mirror(2, Side::Sell, 20, 6);
    desk.mirror(3, Side::Buy, 20, 6);
    assert_eq!([desk.has(2, OTHER), desk.has(3, OTHER)], [(0, 0), (60, 0)]);
    assert_eq!(desk.has(3, CASH), (1_000 - 364, 0));
}

#[test]
fn test_r32_full_sets_are_minted_and_redeemed_at_one_unit() {
    let mut desk = Desk::new(event(0, 0));
    desk.deposit(1, CASH, 1_000);
    assert_eq!(desk.ledger.mint(2, 1, 1), Err(RejectReason::UnknownEvent));
    assert_eq!(desk.ledger.mint(EVENT, 1, 0), Err(RejectReason::InvalidQuantity));
    assert_eq!(desk.ledger.mint(EVENT, 1, (1 << 48) + 1), Err(RejectReason::InvalidQuantity));
    assert_eq!(desk.ledger.mint(EVENT, 1, 4), Err(RejectReason::InsufficientFunds));
    assert_eq!(desk.ledger.mint(EVENT, 1, 3), Ok(()));
    assert_eq!([desk.has(1, CASH), desk.has(1, BASE), desk.has(1, OTHER)], [(100, 0), (30, 0), (30, 0)]);
    desk.check();
    // What an order holds cannot be redeemed.
    let id = entered(&desk.mirror(1, Side::Sell, 50, 2));
    assert_eq!(desk.ledger.redeem(EVENT, 1, 2), Err(RejectReason::InsufficientFunds));
    assert_eq!(desk.ledger.redeem(EVENT, 1, 1), Ok(()));
    desk.cancel(id);
    assert_eq!(desk.ledger.redeem(EVENT, 1, 2), Ok(()));
    desk.check();
    assert_eq!(desk.ledger.balances().count(), 1);
    assert_eq!(desk.has(1, CASH), (1_000, 0));
}

#[test]
fn test_r32_settlement_pays_the_pot_to_zero_once() {
    // Full, a fraction, and a refund at a stated price. 7 sets with account 1, which sells 3 of its second shares to account 2.
    for (payouts, first, second) in [([100, 0], 2_100, 0), ([0, 100], 1_200, 900), ([37, 63], 777 + 756, 567)] {
        let mut desk = Desk::new(event(0, 0));
        desk.deposit(1, CASH, 2_100);
        desk.deposit(2, CASH, 90);
        desk.ledger.mint(EVENT, 1, 7).unwrap();
        desk.mirror(1, Side::Sell, 10, 3);
        desk.mirror(2, Side::Buy, 10, 3);
        assert!(!desk.ledger.is_settled(EVENT));
        desk.ledger.begin();
        desk.ledger.settle_event(EVENT, &payouts);
        assert!(desk.ledger.is_settled(EVENT));
        desk.check();
        assert_eq!([desk.has(1, CASH), desk.has(2, CASH)], [(90 + first, 0), (second, 0)]);
        let mut events = Vec::new();
        desk.ledger.emit_changes(&mut events);
        assert!(funds(&events).contains(&(1, BASE, 0, 0)));
        assert!(desk.ledger.balances().all(|(_, _, asset, _)| asset == CASH), "no share is left");
        assert_eq!(desk.ledger.mint(EVENT, 1, 1), Err(RejectReason::AlreadySettled));
        assert_eq!(desk.ledger.redeem(EVENT, 1, 1), Err(RejectReason::AlreadySettled));
    }
}

#[test]
fn test_r32_more_than_two_outcomes_have_a_book_each() {
    let mut desk = Desk::new(SettlementTerms { mirror: None, ..event(-10, 10) });
    desk.deposit(1, CASH, 1_500);
    desk.deposit(2, CASH, 500);
    desk.ledger.mint(EVENT, 1, 5).unwrap();
    // 4 of the first outcome at 40: 480. A rebate is fine where both sides pay on one notional: 0.48 -> 0 against 1.
    desk.limit(1, Side::Sell, 40, 4);
    desk.limit(2, Side::Buy, 41, 4);
    assert_eq!([desk.has(1, CASH), desk.has(2, CASH), desk.has(FEES, CASH)], [(480, 0), (19, 0), (1, 0)]);
    assert_eq!([desk.has(1, BASE), desk.has(2, BASE), desk.has(1, THIRD)], [(10, 0), (40, 0), (50, 0)]);
    assert_eq!(desk.ledger.redeem(EVENT, 1, 2), Err(RejectReason::InsufficientFunds));
    // The first is worth 20 ticks, the others 30 and 50: account 1 gets 60 and 5 * (90 + 150), account 2 4 * 60.
    desk.ledger.settle_event(EVENT, &[20, 30, 50]);
    desk.check();
    assert_eq!([desk.has(1, CASH), desk.has(2, CASH)], [(480 + 60 + 1_200, 0), (19 + 240, 0)]);
}

#[test]
fn test_r32_prices_lie_within_one_unit() {
    let mut desk = Desk::new(event(0, 0));
    desk.deposit(1, CASH, 1_000_000);
    for (price, is_legal) in [(-1, false), (0, false), (1, true), (99, true), (100, false), (i64::MAX, false)] {
        let expected = (!is_legal).then_some(RejectReason::InvalidPrice);
        assert_eq!(rejected(&desk.limit(1, Side::Buy, price, 1)), expected);
        assert_eq!(rejected(&desk.mirror(1, Side::Buy, 100_i64.saturating_sub(price), 1)), expected);
    }
    // What cannot be expressed has price 0, and a settled instrument without an event takes 0 and nothing below.
    let mut desk = Desk::new(plain(0, 0));
    assert_eq!(rejected(&desk.limit(1, Side::Buy, 0, 5)), None);
    assert_eq!(rejected(&desk.limit(1, Side::Buy, -1, 5)), Some(RejectReason::InvalidPrice));
}

#[test]
fn test_r30_movements_of_funds_happen_once() {
    use RejectReason::{DuplicateTransfer, InsufficientFunds, InvalidCombination, InvalidName, InvalidQuantity};
    let mut ledger = Ledger::new();
    ledger.begin();
    assert_eq!(ledger.deposit(1, 1, CASH, 0, None), Err(InvalidQuantity));
    assert_eq!(ledger.deposit(1, 1, CASH, LIMIT_UNITS + 1, None), Err(InvalidQuantity));
    assert_eq!(ledger.deposit(1, 1, CASH, u128::MAX, None), Err(InvalidQuantity));
    assert_eq!(ledger.deposit(1, 1, CASH, LIMIT_UNITS, Some(b"first")), Ok(()));
    assert_eq!(
        ledger.deposit(1, 2, CASH, 1, None),
        Err(InvalidQuantity),
        "the sum over all accounts of the group counts"
    );
    assert_eq!(ledger.withdraw(1, 1, CASH, 1, Some(b"first")), Err(DuplicateTransfer));
    assert_eq!(ledger.withdraw(1, 1, CASH, 1, Some(b"second")), Ok(()));
    assert_eq!(ledger.deposit(2, 2, CASH, 1, Some(b"first")), Ok(()), "another account's ids are its own");
    assert_eq!(ledger.deposit(2, 1, CASH, 1, Some(b"first")), Ok(()), "and another group's");
    assert_eq!(ledger.withdraw(2, 1, CASH, 1, None), Ok(()));
    assert_eq!(ledger.withdraw(2, 2, CASH, 2, Some(b"third")), Err(InsufficientFunds));
    assert_eq!(ledger.withdraw(1, 2, CASH, 1, Some(b"third")), Err(InsufficientFunds), "of another group");
    assert_eq!(ledger.send(2, 2, CASH, 1, b""), Err(InvalidName));
    assert_eq!(ledger.send(2, 2, CASH, 1, &[b'x'; 37]), Err(InvalidName));
    assert_eq!(ledger.send(2, 2, CASH, 1, b"third"), Ok(()), "a rejected command uses no id up");
    ledger.check_conservation().expect("what is under way is nobody's");
    ledger.receive(3, 2, CASH, 1);
    assert_eq!(ledger.send(2, 2, CASH, 1, b"third"), Err(DuplicateTransfer));
    assert_eq!((ledger.balance(2, 2, CASH).available, ledger.balance(3, 2, CASH).available), (0, 1));
    let mut events = Vec::new();
    ledger.emit_changes(&mut events);
    // Account 2 has in group 2 what it had before the command: nothing.
    assert_eq!(funds(&events), [(1, CASH, LIMIT_UNITS as i128 - 1, 0), (2, CASH, 1, 0)]);
    assert_eq!(events[1].detail, 3);
    ledger.emit_changes(&mut events);
    assert_eq!(events.len(), 2);
    // Shares come from minting alone.
    let terms = EventTerms {
        group: 1,
        cash: CASH,
        shares: vec![5, 6, 7],
        lot_base_units: 1,
        tick_lot_units: 1,
        unit_ticks: 10,
    };
    ledger.open_event(1, terms);
    ledger.mint(1, 1, 2).unwrap();
    assert_eq!(ledger.balance(1, 1, 7).available, 2);
    assert_eq!(ledger.deposit(1, 1, 5, 1, None), Err(InvalidCombination));
    assert_eq!(ledger.withdraw(1, 1, 5, 1, None), Err(InvalidCombination));
    assert_eq!(ledger.send(1, 1, 5, 1, b"shares"), Err(InvalidCombination));
    ledger.check_conservation().unwrap();
}

#[test]
fn d62_a_group_takes_what_comes_and_its_own_deposits_have_a_limit() {
    let mut ledger = Ledger::new();
    ledger.deposit(1, 1, CASH, LIMIT_UNITS, None).unwrap();
    ledger.deposit(2, 1, CASH, LIMIT_UNITS, None).unwrap();
    ledger.send(1, 1, CASH, LIMIT_UNITS, b"all").unwrap();
    ledger.receive(2, 1, CASH, LIMIT_UNITS);
    assert_eq!(ledger.balance(2, 1, CASH).available, 2 * LIMIT_UNITS as i128);
    // What has left by transfer was deposited here all the same: else there could be any amount elsewhere.
    assert_eq!(ledger.deposit(1, 1, CASH, 1, None), Err(RejectReason::InvalidQuantity));
    assert_eq!(ledger.withdraw(2, 1, CASH, LIMIT_UNITS, None), Ok(()));
    assert_eq!(ledger.withdraw(2, 1, CASH, LIMIT_UNITS, None), Ok(()));
    assert_eq!(ledger.deposit(2, 1, CASH, LIMIT_UNITS, None), Ok(()), "below 0 it was by as much");
    ledger.check_conservation().unwrap();
    let mut bytes = Vec::new();
    ledger.write(&mut bytes);
    let restored = Ledger::restore(&bytes).unwrap();
    assert_eq!(restored.balances().collect::<Vec<_>>(), ledger.balances().collect::<Vec<_>>());
}

#[test]
fn terms_that_cannot_be_settled_are_named() {
    let problem = |terms: SettlementTerms| terms.problem().is_some();
    assert!(!problem(plain(-5, 5)) && !problem(event(0, 10_000)));
    assert!(problem(plain(-6, 5)) && problem(plain(0, 10_001)) && problem(plain(-10_001, 10_000)));
    assert!(problem(event(-5, 5)), "yes at 99 and no at 1 pay on two notionals");
    assert!(problem(SettlementTerms { base: CASH, ..plain(0, 0) }));
    assert!(problem(SettlementTerms { tick_lot_units: 0, ..plain(0, 0) }));
    let terms = |lot_base_units, unit_ticks, shares: &[u32]| EventTerms {
        group: GROUP,
        cash: CASH,
        shares: shares.to_vec(),
        lot_base_units,
        tick_lot_units: 1,
        unit_ticks,
    };
    assert_eq!(terms(1 << 21, 2, &[5, 6]).problem(), None);
    assert!(terms((1 << 21) + 1, 2, &[5, 6]).problem().is_some());
    assert!(terms(1, 1, &[5, 6]).problem().is_some() && terms(1, 2, &[5]).problem().is_some());
}
