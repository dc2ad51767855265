//! Edge cases with their reports written out, one by one and in batches. The model of the differential tests must agree too.

use crate::common::{BUY, Model, Queries, Rig, SELL, assert_same_book, buy, cancel, ioc, modify, numbered, sell};
use aeromatch_abi::{Message, Report, report};

const WORDS: [&str; 6] = ["new", "trade", "canceled", "modified", "no cancel", "no modify"];

/// A report in words, once its unused fields are seen to be zero and its sequence to be the message's.
fn words(r: &Report, sequence: u64) -> String {
    assert_eq!(r.sequence, sequence, "{r:?}");
    assert_eq!((r.pad, r.pad2, r.pad3), ([0; 6], 0, 0), "{r:?}");
    let word = WORDS[usize::from(r.kind)];
    let side = if r.side == BUY { "buy" } else { "sell" };
    let (quantity, price) = (r.quantity, r.price);
    match r.kind {
        report::TRADE => {
            assert_eq!(r.order_id, r.taker_order_id, "{r:?}");
            format!("trade {}<{} {side} {quantity}@{price}", r.maker_order_id, r.taker_order_id)
        }
        report::CANCEL_REJECT | report::MODIFY_REJECT => {
            let id = r.order_id;
            assert_eq!(*r, Report { sequence, order_id: id, ..Report::of(r.kind) });
            format!("{word} {id}")
        }
        _ => {
            assert_eq!((r.maker_order_id, r.taker_order_id), (0, 0), "{r:?}");
            format!("{word} {} {side} {quantity}@{price}", r.order_id)
        }
    }
}

/// Plays messages and compares each one's reports with those written beside it. Returns the engine for further questions.
fn play(steps: &[(Message, &[&str])]) -> Rig {
    let messages = numbered(steps.iter().map(|&(message, _)| message).collect());
    let (mut model, mut rig) = (Model::default(), Rig::new());
    let mut all = Vec::new();
    for (message, (_, expected)) in messages.iter().zip(steps) {
        rig.one(message);
        let reports = rig.taken();
        let said: Vec<_> = reports.iter().map(|r| words(r, message.body.sequence)).collect();
        assert_eq!(said, *expected, "message {}", message.body.sequence);
        assert_eq!(model.apply(message), reports, "the model at message {}", message.body.sequence);
        assert_same_book(&model, &rig, "one by one");
        all.extend(reports);
    }
    for size in [1, 3, messages.len()] {
        let mut batched = Rig::new();
        batched.batch(&[]);
        messages.chunks(size).for_each(|chunk| batched.batch(chunk));
        assert_eq!(batched.taken(), all, "in batches of {size}");
        assert_same_book(&model, &batched, "batched");
    }
    rig
}

#[test]
fn a_partial_fill_keeps_its_place() {
    let rig = play(&[
        (sell(1, 100, 10), &["new 1 sell 10@100"]),
        (sell(2, 100, 10), &["new 2 sell 10@100"]),
        (buy(3, 101, 4), &["new 3 buy 4@101", "trade 1<3 buy 4@100"]),
        (buy(4, 100, 8), &["new 4 buy 8@100", "trade 1<4 buy 6@100", "trade 2<4 buy 2@100"]),
        (cancel(2), &["canceled 2 sell 8@100"]),
        (cancel(1), &["no cancel 1"]),
    ]);
    assert_eq!((rig.best(BUY), rig.best(SELL)), (None, None));
}

#[test]
fn head_middle_and_tail_leave_a_queue_and_the_others_keep_their_order() {
    play(&[
        (buy(1, 50, 1), &["new 1 buy 1@50"]),
        (buy(2, 50, 2), &["new 2 buy 2@50"]),
        (buy(3, 50, 3), &["new 3 buy 3@50"]),
        (buy(4, 50, 4), &["new 4 buy 4@50"]),
        (buy(5, 50, 5), &["new 5 buy 5@50"]),
        (cancel(1), &["canceled 1 buy 1@50"]),
        (cancel(3), &["canceled 3 buy 3@50"]),
        (cancel(5), &["canceled 5 buy 5@50"]),
        (buy(6, 50, 6), &["new 6 buy 6@50"]),
        (sell(7, 50, 12), &["new 7 sell 12@50", "trade 2<7 sell 2@50", "trade 4<7 sell 4@50", "trade 6<7 sell 6@50"]),
        (cancel(7), &["no cancel 7"]),
    ]);
}

#[test]
fn an_ioc_sweeps_levels_and_gives_back_its_rest() {
    play(&[
        (sell(1, 10, 1), &["new 1 sell 1@10"]),
        (sell(2, 12, 2), &["new 2 sell 2@12"]),
        (sell(3, 15, 3), &["new 3 sell 3@15"]),
        (ioc(buy(4, 14, 9)), &["new 4 buy 9@14", "trade 1<4 buy 1@10", "trade 2<4 buy 2@12", "canceled 4 buy 6@14"]),
        (ioc(buy(5, 15, 3)), &["new 5 buy 3@15", "trade 3<5 buy 3@15"]),
        (ioc(buy(6, 15, 3)), &["new 6 buy 3@15", "canceled 6 buy 3@15"]),
        (ioc(sell(7, -15, 3)), &["new 7 sell 3@-15", "canceled 7 sell 3@-15"]),
        (cancel(7), &["no cancel 7"]),
    ]);
}

#[test]
fn what_a_sweep_leaves_becomes_the_best() {
    let rig = play(&[
        (buy(1, 99, 1), &["new 1 buy 1@99"]),
        (buy(2, 98, 1), &["new 2 buy 1@98"]),
        (sell(3, 98, 5), &["new 3 sell 5@98", "trade 1<3 sell 1@99", "trade 2<3 sell 1@98"]),
    ]);
    assert_eq!((rig.best(BUY), rig.best(SELL), rig.depth_at(SELL, 98)), (None, Some(98), 3));
}

#[test]
fn a_modify_into_the_other_side_trades_at_the_makers_price() {
    play(&[
        (sell(1, 100, 5), &["new 1 sell 5@100"]),
        (buy(2, 90, 3), &["new 2 buy 3@90"]),
        (modify(2, BUY, 105, 7), &["trade 1<2 buy 5@100", "modified 2 buy 7@105"]),
        (sell(3, 110, 4), &["new 3 sell 4@110"]),
        (modify(3, SELL, 101, 4), &["trade 2<3 sell 2@105", "modified 3 sell 4@101"]),
        (buy(4, 101, 2), &["new 4 buy 2@101", "trade 3<4 buy 2@101"]),
        (modify(3, SELL, 101, 1), &["no modify 3"]),
    ]);
}

#[test]
fn a_modify_filled_on_the_way_in_is_done() {
    play(&[
        (buy(1, 100, 5), &["new 1 buy 5@100"]),
        (sell(2, 120, 5), &["new 2 sell 5@120"]),
        (modify(2, SELL, 100, 5), &["trade 1<2 sell 5@100", "modified 2 sell 5@100"]),
        (cancel(2), &["no cancel 2"]),
        (cancel(1), &["no cancel 1"]),
    ]);
}

#[test]
fn a_modify_goes_to_the_back_even_at_the_same_price_and_less() {
    play(&[
        (sell(1, 7, 5), &["new 1 sell 5@7"]),
        (sell(2, 7, 5), &["new 2 sell 5@7"]),
        (modify(1, SELL, 7, 4), &["modified 1 sell 4@7"]),
        (buy(3, 7, 6), &["new 3 buy 6@7", "trade 2<3 buy 5@7", "trade 1<3 buy 1@7"]),
        (modify(1, SELL, 8, 9), &["modified 1 sell 9@8"]),
        (cancel(1), &["canceled 1 sell 9@8"]),
    ]);
}

#[test]
fn a_modify_may_change_the_side() {
    play(&[
        (sell(1, 7, 5), &["new 1 sell 5@7"]),
        (modify(1, BUY, 9, 5), &["modified 1 buy 5@9"]),
        (sell(2, 9, 1), &["new 2 sell 1@9", "trade 1<2 sell 1@9"]),
        (cancel(1), &["canceled 1 buy 4@9"]),
    ]);
}

#[test]
fn what_is_not_resting_is_refused() {
    play(&[
        (cancel(0), &["no cancel 0"]),
        (cancel(u64::MAX), &["no cancel 18446744073709551615"]),
        (modify(3, BUY, 1, 1), &["no modify 3"]),
        (buy(1, 5, 1), &["new 1 buy 1@5"]),
        (cancel(1), &["canceled 1 buy 1@5"]),
        (cancel(1), &["no cancel 1"]),
        (modify(1, BUY, 5, 1), &["no modify 1"]),
        (cancel(1), &["no cancel 1"]),
    ]);
}

#[test]
fn an_id_is_free_again_after_cancel_fill_and_ioc() {
    play(&[
        (buy(1, 5, 1), &["new 1 buy 1@5"]),
        (cancel(1), &["canceled 1 buy 1@5"]),
        (sell(1, 9, 2), &["new 1 sell 2@9"]),
        (buy(2, 9, 2), &["new 2 buy 2@9", "trade 1<2 buy 2@9"]),
        (ioc(buy(1, 4, 3)), &["new 1 buy 3@4", "canceled 1 buy 3@4"]),
        (buy(1, 3, 3), &["new 1 buy 3@3"]),
        (sell(2, 3, 1), &["new 2 sell 1@3", "trade 1<2 sell 1@3"]),
        (cancel(1), &["canceled 1 buy 2@3"]),
    ]);
}

#[test]
fn a_live_id_cannot_be_used_again() {
    play(&[
        (buy(1, 5, 1), &["new 1 buy 1@5"]),
        (buy(1, 6, 1), &["no cancel 1"]),
        (ioc(sell(1, 5, 1)), &["no cancel 1"]),
        (cancel(1), &["canceled 1 buy 1@5"]),
    ]);
}

#[test]
fn quantity_zero_changes_nothing() {
    play(&[
        (buy(1, 5, 0), &["no cancel 1"]),
        (ioc(buy(1, 5, 0)), &["no cancel 1"]),
        (buy(1, 5, u32::MAX), &["new 1 buy 4294967295@5"]),
        (modify(1, BUY, 6, 0), &["no modify 1"]),
        (buy(2, 5, u32::MAX), &["new 2 buy 4294967295@5"]),
        (cancel(1), &["canceled 1 buy 4294967295@5"]),
    ]);
}

#[test]
fn prices_reach_over_all_of_64_bits() {
    const LEAST: &str = "-9223372036854775808";
    const MOST: &str = "9223372036854775807";
    let rig = play(&[
        (buy(1, i64::MIN, 1), &[&format!("new 1 buy 1@{LEAST}")]),
        (sell(2, i64::MAX, 1), &[&format!("new 2 sell 1@{MOST}")]),
        (buy(3, -7, 2), &["new 3 buy 2@-7"]),
        (sell(4, -8, 1), &["new 4 sell 1@-8", "trade 3<4 sell 1@-7"]),
        (cancel(3), &["canceled 3 buy 1@-7"]),
        (
            ioc(buy(5, i64::MAX, 2)),
            &[&format!("new 5 buy 2@{MOST}"), &format!("trade 2<5 buy 1@{MOST}"), &format!("canceled 5 buy 1@{MOST}")],
        ),
        (
            ioc(sell(6, i64::MIN, 2)),
            &[
                &format!("new 6 sell 2@{LEAST}"),
                &format!("trade 1<6 sell 1@{LEAST}"),
                &format!("canceled 6 sell 1@{LEAST}"),
            ],
        ),
    ]);
    assert_eq!((rig.best(BUY), rig.best(SELL)), (None, None));
}

#[test]
fn ids_reach_over_all_of_64_bits() {
    // Some are far from all before them, and no longer far from those that follow.
    let far = [5 << 21, 3 << 21, 0, 1 << 21, (1 << 22) + 1, (1 << 28) - 1, 1 << 28, 1 << 32, (1 << 32) + 1, u64::MAX];
    let mut rig = Rig::new();
    let mut model = Model::default();
    let rested = far.iter().map(|&id| sell(id, 10, 1));
    let moved = far.iter().map(|&id| modify(id, SELL, 11, 2));
    let swept = std::iter::once(buy(5, 11, 13));
    let gone = far.iter().map(|&id| cancel(id));
    for message in numbered(rested.chain(moved).chain(swept).chain(gone).collect()) {
        rig.one(&message);
        assert_eq!(rig.taken(), model.apply(&message));
    }
    assert_eq!(rig.best(SELL), None);
}

#[test]
fn a_best_price_that_was_canceled_is_not_the_best() {
    let rig = play(&[
        (buy(1, 10, 1), &["new 1 buy 1@10"]),
        (buy(2, 30, 1), &["new 2 buy 1@30"]),
        (buy(3, 20, 1), &["new 3 buy 1@20"]),
        (cancel(2), &["canceled 2 buy 1@30"]),
        (sell(4, 25, 1), &["new 4 sell 1@25"]),
        (cancel(3), &["canceled 3 buy 1@20"]),
        (sell(5, 15, 1), &["new 5 sell 1@15"]),
        (cancel(5), &["canceled 5 sell 1@15"]),
        (buy(6, 24, 1), &["new 6 buy 1@24"]),
        (cancel(6), &["canceled 6 buy 1@24"]),
    ]);
    assert_eq!((rig.best(BUY), rig.best(SELL)), (Some(10), Some(25)));
}

#[test]
fn one_order_fills_five_thousand() {
    let mut rig = Rig::new();
    let makers = (1..=5_000).map(|id| sell(id, 100 + id as i64 / 100, 1));
    rig.batch(&numbered(makers.collect()));
    assert_eq!(rig.taken().len(), 5_000);
    let mut sweep = ioc(buy(9_999, 1_000, 5_001));
    sweep.body.sequence = 77;
    rig.one(&sweep);
    let reports = rig.taken();
    assert_eq!(reports.len(), 5_002);
    for (trade, maker) in reports[1..=5_000].iter().zip(1..) {
        let expected = format!("trade {maker}<9999 buy 1@{}", 100 + maker / 100);
        assert_eq!(words(trade, 77), expected);
    }
    assert_eq!(words(&reports[5_001], 77), "canceled 9999 buy 1@1000");
    assert_eq!(rig.best(SELL), None);
}
