//! One symbol's book, rebuilt message by message in the engine's own book.
//!
//! Every execution is a question to the engine: an order of the opposite side, immediate or cancel, at the executed order's
//! price and for its shares must trade with exactly that order. It is sent only where our book has that order first, so
//! that a file which executes another one does not ruin the book; that is counted, and the order reduced in its place.

use crate::message::Message;
use crate::parked::Parked;
use crate::tally::{Difference, Excuse, Reason, Refusal, Tally};
use aeromatch_engine::codes::{CommandKind, EventKind, Side, TimeInForce};
use aeromatch_engine::engine::Book;
use aeromatch_engine::record::{Command, Event, EventSink, Extensions, flag};
use std::collections::HashMap;

/// A displayed order.
#[derive(Clone, Copy, Debug)]
struct Order {
    /// The engine's id; of one that waits its arrival among those.
    id: u64,
    price: u32,
    /// Shares at first, less those canceled: what the engine calls its quantity.
    total: u32,
    remaining: u32,
    side: Side,
    is_parked: bool,
}

/// What the engine answered to one command.
#[derive(Debug, Default)]
struct Answer {
    order_id: u64,
    trades: u32,
    /// Of the last trade.
    maker: u64,
    quantity: u64,
    price: i64,
}

impl EventSink for Answer {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        if event.kind == EventKind::Accepted.code() {
            self.order_id = event.order_id;
        } else if event.kind == EventKind::Trade.code() {
            self.trades += 1;
            (self.maker, self.quantity, self.price) = (event.order_id, event.quantity_lots, event.price_ticks);
        }
    }
}

/// Where a message stands.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    time_ns: u64,
}

/// The replay of one symbol into a book.
#[derive(Debug, Default)]
pub struct Replay {
    /// The live orders by their reference numbers.
    orders: HashMap<u64, Order>,
    parked: Parked,
    tally: Tally,
}

impl Replay {
    /// What came out so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Live orders, those that wait included.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Live orders that wait until the book is not crossed.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Takes a message of the symbol; `offset` is where its frame begins in the file. The book must be one that nobody
    /// else sends commands to.
    pub fn message(&mut self, book: &mut Book, offset: u64, message: &[u8]) {
        self.tally.messages += 1;
        let Some(message) = Message::of(message) else { return };
        match message {
            Message::AddOrder(m) => {
                let place = Place { offset, time_ns: m.timestamp() };
                self.add(book, place, m.order_reference_number(), m.buy_sell_indicator(), m.shares(), m.price());
            }
            Message::AddOrderWithMpid(m) => {
                let place = Place { offset, time_ns: m.timestamp() };
                self.add(book, place, m.order_reference_number(), m.buy_sell_indicator(), m.shares(), m.price());
            }
            Message::OrderExecuted(m) => {
                let place = Place { offset, time_ns: m.timestamp() };
                self.execute(book, place, m.order_reference_number(), m.executed_shares(), None);
            }
            Message::OrderExecutedWithPrice(m) => {
                let place = Place { offset, time_ns: m.timestamp() };
                let terms = Some((m.printable() != b'N', m.execution_price()));
                self.execute(book, place, m.order_reference_number(), m.executed_shares(), terms);
            }
            Message::OrderCancel(m) => {
                self.reduce(book, m.timestamp(), m.order_reference_number(), m.canceled_shares());
            }
            Message::OrderDelete(m) => self.delete(book, m.timestamp(), m.order_reference_number()),
            Message::OrderReplace(m) => {
                let place = Place { offset, time_ns: m.timestamp() };
                let (old, new) = (m.original_order_reference_number(), m.new_order_reference_number());
                self.replace(book, place, (old, new), m.shares(), m.price());
            }
            other => self.rare(&other),
        }
    }

    /// Messages that do not change the book.
    fn rare(&mut self, message: &Message<'_>) {
        match message {
            Message::Trade(m) => self.tally.hidden.add(u64::from(m.shares())),
            Message::CrossTrade(m) => self.tally.crosses.add(m.shares()),
            Message::BrokenTrade(_) => self.tally.broken += 1,
            Message::StockTradingAction(m) => self.tally.act(m.timestamp(), &[m.trading_state()], &m.reason()),
            Message::OperationalHalt(m) => {
                let state = [m.market_code(), b':', m.operational_halt_action()];
                self.tally.act(m.timestamp(), &state, b"");
            }
            _ => {}
        }
    }

    fn add(&mut self, book: &mut Book, place: Place, reference: u64, side: u8, shares: u32, price: u32) {
        let side = match side {
            b'B' => Side::Buy,
            b'S' => Side::Sell,
            _ => return self.tally.refuse(Refusal::NoSide),
        };
        self.enter(book, place, reference, side, shares, price);
    }

    fn enter(&mut self, book: &mut Book, place: Place, reference: u64, side: Side, shares: u32, price: u32) {
        if shares == 0 {
            return self.tally.refuse(Refusal::NoShares);
        }
        if self.orders.contains_key(&reference) {
            return self.tally.refuse(Refusal::ReferenceInUse);
        }
        self.tally.added += 1;
        let crosses = book.best(opposite(side)).is_some_and(|best| is_reached(side, price, best));
        let id = if crosses {
            self.tally.parked += 1;
            self.parked.insert(side, price, reference)
        } else {
            send(book, &limit(side, price, shares, place.time_ns)).order_id
        };
        let order = Order { id, price, total: shares, remaining: shares, side, is_parked: crosses };
        self.orders.insert(reference, order);
    }

    /// An execution; `terms` are whether it is printable and at which price, where the message says so.
    fn execute(&mut self, book: &mut Book, place: Place, reference: u64, shares: u32, terms: Option<(bool, u32)>) {
        let Some(&order) = self.orders.get(&reference) else {
            return self.tally.unknown(if terms.is_some() { b'C' } else { b'E' });
        };
        if shares == 0 {
            return self.tally.refuse(Refusal::NoShares);
        }
        self.tally.executed.add(u64::from(shares));
        let excuse = match terms {
            Some((false, _)) => Some(Excuse::NonPrintable),
            Some((true, price)) if price != order.price => Some(Excuse::OtherPrice),
            _ if self.parked.has(order.side) => Some(Excuse::CrossedBook),
            _ => None,
        };
        let has_traded = match excuse {
            Some(excuse) => {
                self.tally.excuse(excuse);
                false
            }
            None => self.judge(book, place, reference, &order, shares),
        };
        if !has_traded {
            self.take(book, place.time_ns, reference, &order, shares);
        } else if let Some(live) = self.orders.get_mut(&reference) {
            live.remaining -= shares;
            if live.remaining == 0 {
                self.orders.remove(&reference);
            }
        }
        if order.remaining <= shares {
            self.tally.filled += 1;
            self.release(book, place.time_ns);
        }
    }

    /// Compares an execution with our book. Returns whether the engine has carried it out.
    fn judge(&mut self, book: &mut Book, place: Place, reference: u64, order: &Order, shares: u32) -> bool {
        self.tally.judged += 1;
        let first = book.first_in_line(order.side);
        let price = i64::from(order.price);
        let reason = match first {
            _ if shares > order.remaining => Reason::TooManyShares,
            Some((id, _)) if id == order.id => {
                let taker = Command {
                    time_in_force: TimeInForce::Ioc.code(),
                    ..limit(opposite(order.side), order.price, shares, place.time_ns)
                };
                let answer = send(book, &taker);
                let met = (answer.trades, answer.maker, answer.quantity, answer.price);
                if met == (1, order.id, u64::from(shares), price) {
                    self.tally.agreed += 1;
                    return true;
                }
                Reason::EngineDiffers
            }
            Some((_, best)) if best != price => Reason::NotBestPrice,
            _ => Reason::NotFirst,
        };
        let first = first.and_then(|(id, best)| {
            let reference = self.orders.iter().find(|(_, order)| order.id == id && !order.is_parked)?.0;
            Some((*reference, best))
        });
        let Place { offset, time_ns } = place;
        let left = order.remaining;
        self.tally.differ(Difference { offset, time_ns, reference, shares, price: order.price, reason, first, left });
        false
    }

    /// Takes shares from an order where it stands.
    fn take(&mut self, book: &mut Book, time_ns: u64, reference: u64, order: &Order, shares: u32) {
        if shares >= order.remaining {
            self.orders.remove(&reference);
            if order.is_parked {
                return self.parked.remove(order.side, order.price, order.id);
            }
            send(book, &Command { timestamp_ns: time_ns, ..Command::cancel(order.id) });
            return;
        }
        // Waiting, it has met nobody: its total may shrink with it, and the engine will see it as it then is.
        let total = order.total - shares;
        if !order.is_parked {
            let amend = Command {
                order_id: order.id,
                quantity_lots: u64::from(total),
                flags: flag::QUANTITY,
                timestamp_ns: time_ns,
                ..Command::of(CommandKind::Amend)
            };
            send(book, &amend);
        }
        if let Some(live) = self.orders.get_mut(&reference) {
            live.total = total;
            live.remaining -= shares;
        }
    }

    fn reduce(&mut self, book: &mut Book, time_ns: u64, reference: u64, shares: u32) {
        let Some(&order) = self.orders.get(&reference) else { return self.tally.unknown(b'X') };
        if shares == 0 {
            return self.tally.refuse(Refusal::NoShares);
        }
        self.tally.reduced += 1;
        self.take(book, time_ns, reference, &order, shares);
        if shares >= order.remaining {
            self.tally.canceled += 1;
            self.release(book, time_ns);
        }
    }

    fn delete(&mut self, book: &mut Book, time_ns: u64, reference: u64) {
        let Some(&order) = self.orders.get(&reference) else { return self.tally.unknown(b'D') };
        self.tally.canceled += 1;
        self.take(book, time_ns, reference, &order, order.remaining);
        self.release(book, time_ns);
    }

    fn replace(&mut self, book: &mut Book, place: Place, (old, new): (u64, u64), shares: u32, price: u32) {
        let Some(&order) = self.orders.get(&old) else { return self.tally.unknown(b'U') };
        self.tally.replaced += 1;
        self.take(book, place.time_ns, old, &order, order.remaining);
        self.release(book, place.time_ns);
        self.enter(book, place, new, order.side, shares, price);
    }

    /// Enters those that nothing keeps waiting any more.
    fn release(&mut self, book: &mut Book, time_ns: u64) {
        if self.parked.is_empty() {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            while let Some(reference) = self.parked.release(side, book.best(opposite(side))) {
                if let Some(order) = self.orders.get_mut(&reference) {
                    order.is_parked = false;
                    order.total = order.remaining;
                    order.id = send(book, &limit(side, order.price, order.remaining, time_ns)).order_id;
                }
            }
        }
    }
}

fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}

/// Does an order of that side and price trade with the best price opposite?
fn is_reached(side: Side, price: u32, best: i64) -> bool {
    match side {
        Side::Buy => i64::from(price) >= best,
        Side::Sell => i64::from(price) <= best,
    }
}

fn limit(side: Side, price: u32, shares: u32, time_ns: u64) -> Command {
    Command { timestamp_ns: time_ns, ..Command::limit(side, i64::from(price), u64::from(shares)) }
}

fn send(book: &mut Book, command: &Command) -> Answer {
    let mut answer = Answer::default();
    let command = Command { instrument: book.rules().instrument, ..*command };
    book.apply(&command, &Extensions::NONE, &mut answer);
    answer
}
