//! One settled book and its ledger, driven as an exchange drives them; after each command everything is added up.

use aeromatch_engine::codes::{CommandKind, EventKind, Phase, RejectReason, Side};
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::ledger::{Balance, EventTerms, Ledger, Mirror, SettlementTerms, Settling};
use aeromatch_engine::record::{Command, Event, Extensions, NO_SIDE, Terms, extension, flag, present};
use aeromatch_engine::rules::Rules;
use std::collections::BTreeMap;

pub const GROUP: u32 = 1;
pub const CASH: u32 = 1;
/// The base asset; of an event the first outcome's shares.
pub const BASE: u32 = 2;
/// The second outcome's shares.
pub const OTHER: u32 = 3;
/// The third outcome's shares.
pub const THIRD: u32 = 4;
pub const FEES: u32 = 9;
pub const EVENT: u32 = 1;
pub const INSTRUMENT: u32 = 1;
pub const MIRROR: u32 = 2;

/// An order as its events tell it: a second, slower account of what it holds and pays, by the formulas of R30 and R31.
#[derive(Clone)]
struct Shadow {
    account: u32,
    is_buy: bool,
    is_mirror: bool,
    price: i64,
    remaining: u64,
    fee_numerator: i128,
    charged: i128,
}

pub struct Desk {
    pub book: Book,
    pub ledger: Ledger,
    pub terms: SettlementTerms,
    shadows: BTreeMap<u64, Shadow>,
    /// Fees less rebates by account.
    pub fees: BTreeMap<u32, i128>,
}

/// Terms of a plain instrument: a lot is 10 units of the base asset, a tick times a lot 3 of cash.
pub fn plain(maker_fee_bps: i16, taker_fee_bps: i16) -> SettlementTerms {
    SettlementTerms {
        instrument: INSTRUMENT,
        group: GROUP,
        base: BASE,
        quote: CASH,
        fee_account: FEES,
        maker_fee_bps,
        taker_fee_bps,
        lot_base_units: 10,
        tick_lot_units: 3,
        unit_ticks: 0,
        event: 0,
        mirror: None,
    }
}

/// Terms of a two-outcome event of 100 ticks a unit.
pub fn event(maker_fee_bps: i16, taker_fee_bps: i16) -> SettlementTerms {
    let mirror = Some(Mirror { instrument: MIRROR, base: OTHER });
    SettlementTerms { unit_ticks: 100, event: EVENT, mirror, ..plain(maker_fee_bps, taker_fee_bps) }
}

impl Desk {
    pub fn new(terms: SettlementTerms) -> Desk {
        Desk::with_rules(terms, Rules { instrument: INSTRUMENT, ..Rules::default() })
    }

    pub fn with_rules(terms: SettlementTerms, rules: Rules) -> Desk {
        assert_eq!(terms.problem(), None);
        let mut ledger = Ledger::new();
        if terms.unit_ticks > 0 {
            let SettlementTerms { group, lot_base_units, tick_lot_units, unit_ticks, .. } = terms;
            // Of two outcomes there is one book, of more this one is the first's.
            let shares = if terms.mirror.is_some() { vec![BASE, OTHER] } else { vec![BASE, OTHER, THIRD] };
            let terms = EventTerms { group, cash: CASH, shares, lot_base_units, tick_lot_units, unit_ticks };
            ledger.open_event(EVENT, terms);
        }
        let mut book = Book::new(rules, IndexKind::Ladder);
        book.set_price_range(terms.price_range());
        Desk { book, ledger, terms, shadows: BTreeMap::new(), fees: BTreeMap::new() }
    }

    /// The same desk with its book and its ledger as they come back from their bytes.
    pub fn restored(&self, ledger: Ledger) -> Desk {
        let mut book = Book::restore(&self.book.snapshot(), None).unwrap();
        book.set_price_range(self.terms.price_range());
        Desk { book, ledger, terms: self.terms, shadows: self.shadows.clone(), fees: self.fees.clone() }
    }

    pub fn deposit(&mut self, account: u32, asset: u32, amount: u128) {
        assert_eq!(self.ledger.deposit(GROUP, account, asset, amount, None), Ok(()));
    }

    /// Available and held.
    pub fn has(&self, account: u32, asset: u32) -> (i128, u128) {
        let Balance { available, held } = self.ledger.balance(GROUP, account, asset);
        (available, held)
    }

    /// A plain order of the first outcome: the events of its command.
    pub fn limit(&mut self, account: u32, side: Side, price_ticks: i64, lots: u64) -> Vec<Event> {
        self.send(Command { account, ..Command::limit(side, price_ticks, lots) }, None, false)
    }

    /// A plain order of the second outcome, in its terms.
    pub fn mirror(&mut self, account: u32, side: Side, price_ticks: i64, lots: u64) -> Vec<Event> {
        self.send(Command { account, ..Command::limit(side, price_ticks, lots) }, None, true)
    }

    pub fn cancel(&mut self, order_id: u64) -> Vec<Event> {
        self.send(Command::cancel(order_id), None, false)
    }

    pub fn amend(&mut self, order_id: u64, price_ticks: Option<i64>, total: Option<u64>) -> Vec<Event> {
        let flags =
            if price_ticks.is_some() { flag::PRICE } else { 0 } | if total.is_some() { flag::QUANTITY } else { 0 };
        let amend = Command {
            flags,
            order_id,
            price_ticks: price_ticks.unwrap_or(0),
            quantity_lots: total.unwrap_or(0),
            ..Command::of(CommandKind::Amend)
        };
        self.send(amend, None, false)
    }

    pub fn phase(&mut self, phase: Phase) -> Vec<Event> {
        self.send(Command { order_type: phase as u8, ..Command::of(CommandKind::Phase) }, None, false)
    }

    /// A command in the terms of the first outcome, or of the second. Returns its events, `funds` included.
    pub fn send(&mut self, own: Command, terms: Option<Terms>, is_mirror: bool) -> Vec<Event> {
        let unit = i64::from(self.terms.unit_ticks);
        let x = Extensions { terms, client_id: None };
        let own = Command { instrument: INSTRUMENT, ..own };
        let is_new = own.kind == CommandKind::New as u8;
        let assessment = match Side::from_code(own.side).filter(|_| is_new) {
            Some(side) => self.ledger.assess_new(&self.terms, is_mirror, side, &own, &x),
            None => Default::default(),
        };
        let turn = |price_ticks: i64| if is_mirror { unit.saturating_sub(price_ticks) } else { price_ticks };
        let mut c = own;
        if own.flags & flag::PRICE != 0 {
            c.price_ticks = turn(own.price_ticks);
        }
        if is_mirror && own.side != NO_SIDE {
            c.side ^= 1;
        }
        let mut terms = terms.unwrap_or_default();
        if terms.present & present::STOP != 0 {
            terms.stop_price_ticks = turn(terms.stop_price_ticks);
        }
        let protection_ticks = assessment.protection_ticks.map(turn);
        if let Some(price_ticks) = protection_ticks {
            terms.present = terms.present & !present::BUDGET | present::PROTECTION;
            terms.protection_price_ticks = price_ticks;
        }
        c.extensions = if terms.present != 0 { extension::TERMS } else { 0 };
        let x = Extensions { terms: (terms.present != 0).then_some(terms), client_id: None };
        let faults = match own.kind == CommandKind::Amend as u8 {
            true => self.ledger.assess_amend(&self.terms, c.order_id, &c),
            false => assessment.faults,
        };
        let mut events = Vec::new();
        self.ledger.begin();
        let mut sink = Settling {
            faults,
            is_mirror,
            protection_ticks,
            ..Settling::new(&mut self.ledger, &self.terms, &mut events)
        };
        self.book.apply(&c, &x, &mut sink);
        self.ledger.emit_changes(&mut events);
        self.follow(&events, is_mirror, protection_ticks);
        self.check();
        events
    }

    fn notional(&self, price: i64, lots: u64) -> i128 {
        i128::from(price) * i128::from(lots) * i128::from(self.terms.tick_lot_units)
    }

    /// Keeps the second account.
    fn follow(&mut self, events: &[Event], is_mirror: bool, protection_ticks: Option<i64>) {
        let unit = i64::from(self.terms.unit_ticks);
        for event in events {
            let kind = EventKind::from_code(event.kind).unwrap();
            let order = |shadows: &BTreeMap<u64, Shadow>| shadows.contains_key(&event.order_id);
            match kind {
                EventKind::Accepted if event.side != NO_SIDE && event.quantity_lots > 0 => {
                    let is_market = event.reason & 7 == 1;
                    let price = if is_market { protection_ticks.unwrap_or(0) } else { event.price_ticks };
                    let shadow = Shadow {
                        account: event.account,
                        is_buy: (event.side == 0) != is_mirror,
                        is_mirror,
                        price: if is_mirror { unit - price } else { price },
                        remaining: event.quantity_lots,
                        fee_numerator: 0,
                        charged: 0,
                    };
                    self.shadows.insert(event.order_id, shadow);
                }
                EventKind::Repriced | EventKind::Amended => {
                    assert!(order(&self.shadows));
                    let is_limit = self.book.order(event.order_id).is_none_or(|view| view.order_type.has_limit());
                    let shadow = self.shadows.get_mut(&event.order_id).unwrap();
                    if is_limit {
                        shadow.price = if shadow.is_mirror { unit - event.price_ticks } else { event.price_ticks };
                    }
                    if kind == EventKind::Amended {
                        shadow.remaining = event.quantity_lots;
                    }
                }
                EventKind::Decremented => {
                    for id in [event.order_id, event.other] {
                        self.shadows.get_mut(&id).unwrap().remaining -= event.quantity_lots;
                    }
                }
                EventKind::Canceled => {
                    assert!(self.shadows.remove(&event.order_id).is_some());
                }
                EventKind::Trade => {
                    self.follow_fill(event.order_id, event, self.terms.maker_fee_bps);
                    self.follow_fill(event.other, event, self.terms.taker_fee_bps);
                }
                _ => {}
            }
        }
    }

    fn follow_fill(&mut self, order_id: u64, trade: &Event, bps: i16) {
        let (unit, lots) = (i64::from(self.terms.unit_ticks), trade.quantity_lots);
        let shadow = &self.shadows[&order_id];
        let price = if shadow.is_mirror { unit - trade.price_ticks } else { trade.price_ticks };
        assert!(!shadow.is_buy || price <= shadow.price, "no buyer pays more than it bid");
        let notional = self.notional(price, lots);
        let shadow = self.shadows.get_mut(&order_id).unwrap();
        shadow.fee_numerator += notional * i128::from(bps);
        let charged = -(-shadow.fee_numerator).div_euclid(10_000);
        *self.fees.entry(shadow.account).or_default() += charged - shadow.charged;
        shadow.charged = charged;
        shadow.remaining -= lots;
        if shadow.remaining == 0 {
            self.shadows.remove(&order_id);
        }
    }

    /// Everything adds up, whatever the command was.
    pub fn check(&self) {
        self.ledger.check_conservation().unwrap();
        let orders = self.book.orders(None);
        assert_eq!((orders.len(), orders.len()), (self.ledger.order_count(), self.shadows.len()));
        assert!(self.ledger.agrees_with(&self.terms, &orders));
        let worst = i128::from(self.terms.maker_fee_bps.max(self.terms.taker_fee_bps).max(0));
        let mut held: BTreeMap<(u32, u32), i128> = BTreeMap::new();
        for order in self.shadows.values() {
            let (asset, units) = if order.is_buy {
                let notional = self.notional(order.price, order.remaining);
                let fees = -(-(order.fee_numerator + notional * worst)).div_euclid(10_000) - order.charged;
                (CASH, notional + fees.max(0))
            } else {
                let base = if order.is_mirror { OTHER } else { BASE };
                (base, i128::from(order.remaining) * i128::from(self.terms.lot_base_units))
            };
            *held.entry((order.account, asset)).or_default() += units;
        }
        for (_, account, asset, balance) in self.ledger.balances() {
            let expected = held.remove(&(account, asset)).unwrap_or(0);
            assert_eq!(balance.held as i128, expected, "account {account}, asset {asset}");
            assert!(balance.available >= 0 || account == FEES, "account {account}, asset {asset}: {balance:?}");
        }
        assert!(held.values().all(|&units| units == 0), "{held:?}");
        for (&account, &fees) in &self.fees {
            let paid: i128 = self.ledger.positions(account).map(|(_, position)| position.fee_units).sum();
            assert_eq!(paid, fees, "account {account}");
        }
    }
}

/// Reasons of the rejections among the events.
pub fn rejected(events: &[Event]) -> Option<RejectReason> {
    let first = events.first().filter(|event| event.kind == EventKind::Rejected as u8)?;
    RejectReason::from_code(first.reason)
}

/// The `funds` among the events: account, asset, available, held.
pub fn funds(events: &[Event]) -> Vec<(u32, u32, i128, u128)> {
    let is_funds = |event: &&Event| event.kind == EventKind::Funds as u8;
    let read = |event: &Event| {
        let available = i128::from(event.price_ticks) << 64 | i128::from(event.quantity_lots);
        (event.account, event.instrument, available, u128::from(event.other) << 64 | u128::from(event.order_id))
    };
    events.iter().filter(is_funds).map(read).collect()
}

/// Order id of the order that a command entered.
pub fn entered(events: &[Event]) -> u64 {
    let accepted = events.iter().find(|event| event.kind == EventKind::Accepted as u8);
    accepted.expect("an accepted order").order_id
}
