//! The engine as it ships behind the C interface that order-matching engines are compared through.
//!
//! The interface names orders by the sender's ids and knows no amend that keeps priority, so this adapter keeps a table from the
//! sender's ids to order ids and back, and makes a modify of a cancel and a new order. Everything else goes through the
//! engine's public `apply`; the queries read the engine's own book.
//!
//! What the interface leaves open: a new order under an id that is still resting, or with a quantity of 0, is answered with
//! the only rejection there is for it, `CANCEL_REJECT`, and changes nothing.

mod interface;
mod names;

pub use interface::{Cancel, Channel, Message, Modify, NewOrder, Report, Transport, report};

use aeromatch_engine::book::OrderBook;
use aeromatch_engine::codes::{EventKind, Side, TimeInForce};
use aeromatch_engine::index::Ladder;
use aeromatch_engine::record::{Command, Event, EventSink, Extensions};
use aeromatch_engine::rules::Rules;
use names::Names;

/// An engine between a sender and a transport.
pub struct Adapter {
    book: OrderBook<Ladder>,
    names: Names,
    channel: Channel,
}

/// Live orders that memory is laid out for before the clock runs.
const EXPECTED_ORDERS: usize = 1 << 15;

/// How many messages ahead an order's id is looked up; its order and neighbours follow at half and a quarter of it.
const AHEAD: usize = 16;

/// What the reports of an operation look like.
const NEW: u8 = 0;
const CANCEL: u8 = 1;
const MODIFY_OUT: u8 = 2;
const MODIFY_IN: u8 = 3;

/// Turns the events of one command into reports.
///
/// The order of the fields matters: were sequence and name neighbours, as they are in a report, the compiler would copy both with
/// one load of 16 bytes right behind two stores of 8, which the processor cannot forward and waits for.
#[repr(C)]
struct Reports<'a, const OPERATION: u8> {
    /// The message's sequence.
    sequence: u64,
    names: &'a mut Names,
    channel: &'a Channel,
    /// The sender's id of its order.
    name: u64,
    is_rejected: bool,
}

impl<const OPERATION: u8> EventSink for Reports<'_, OPERATION> {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        let Reports { sequence, name, .. } = *self;
        let plain = Report {
            side: event.side,
            sequence,
            order_id: name,
            price: event.price_ticks,
            quantity: event.quantity_lots as u32,
            ..Report::of(report::ORDER_ACK)
        };
        match EventKind::from_code(event.kind) {
            Some(EventKind::Accepted) if OPERATION == NEW || OPERATION == MODIFY_IN => {
                self.names.bind(name, event.order_id);
                if OPERATION == NEW {
                    self.channel.push(&plain);
                }
            }
            Some(EventKind::Trade) => self.channel.push(&Report {
                kind: report::TRADE,
                maker_order_id: self.names.name_of(event.order_id),
                taker_order_id: name,
                ..plain
            }),
            Some(EventKind::Canceled) if OPERATION != MODIFY_OUT => {
                self.channel.push(&Report { kind: report::CANCEL_ACK, ..plain });
            }
            Some(EventKind::Rejected) => self.is_rejected = true,
            _ => {}
        }
    }
}

impl Adapter {
    /// An engine without orders that reports to `channel`.
    pub fn new(channel: Channel) -> Adapter {
        Adapter { book: OrderBook::with_capacity(Rules::default(), EXPECTED_ORDERS), names: Names::new(), channel }
    }

    #[inline(always)]
    fn apply<const OPERATION: u8>(&mut self, command: &Command, sequence: u64, name: u64) -> bool {
        let mut reports =
            Reports::<OPERATION> { names: &mut self.names, channel: &self.channel, sequence, name, is_rejected: false };
        self.book.apply(command, &Extensions::NONE, &mut reports);
        !reports.is_rejected
    }

    fn refuse(&self, kind: u8, sequence: u64, name: u64) {
        self.channel.push(&Report { sequence, order_id: name, ..Report::of(kind) });
    }

    #[inline(always)]
    pub fn on_new_order(&mut self, order: &NewOrder) {
        let resting = self.names.order_id(order.order_id);
        if resting != 0 && self.book.is_live(resting) {
            return self.refuse(report::CANCEL_REJECT, order.sequence, order.order_id);
        }
        let time_in_force = if order.ioc == 0 { TimeInForce::Gtc } else { TimeInForce::Ioc };
        let command = limit(order.side, order.price, order.quantity, time_in_force);
        if !self.apply::<NEW>(&command, order.sequence, order.order_id) {
            self.refuse(report::CANCEL_REJECT, order.sequence, order.order_id);
        }
    }

    #[inline(always)]
    pub fn on_cancel(&mut self, cancel: &Cancel) {
        let command = Command::cancel(self.names.order_id(cancel.order_id));
        if !self.apply::<CANCEL>(&command, cancel.sequence, cancel.order_id) {
            self.refuse(report::CANCEL_REJECT, cancel.sequence, cancel.order_id);
        }
    }

    #[inline(always)]
    pub fn on_modify(&mut self, modify: &Modify) {
        let order_id = self.names.order_id(modify.order_id);
        // A modify to nothing would be refused after the cancel, so it is refused before it.
        let is_out = modify.quantity > 0
            && self.apply::<MODIFY_OUT>(&Command::cancel(order_id), modify.sequence, modify.order_id);
        if !is_out {
            return self.refuse(report::MODIFY_REJECT, modify.sequence, modify.order_id);
        }
        let command = limit(modify.side, modify.price, modify.quantity, TimeInForce::Gtc);
        self.apply::<MODIFY_IN>(&command, modify.sequence, modify.order_id);
        self.channel.push(&Report {
            side: modify.side,
            sequence: modify.sequence,
            order_id: modify.order_id,
            price: modify.price,
            quantity: modify.quantity,
            ..Report::of(report::MODIFY_ACK)
        });
    }

    /// Messages in order; the same as one by one, with the memory of the next ones asked for ahead.
    pub fn on_batch(&mut self, messages: &[Message]) {
        let Some(last) = messages.len().checked_sub(1) else { return };
        let name = |i: usize| messages[i.min(last)].body.order_id;
        let mut slots = [0_u32; AHEAD];
        for (i, message) in messages.iter().enumerate() {
            self.names.prefetch(name(i + 2 * AHEAD));
            if self.book.is_deep() {
                self.book.prefetch_id(self.names.order_id_hint(name(i + AHEAD)));
                let order_id = self.names.order_id_hint(name(i + AHEAD / 2));
                slots[(i + AHEAD / 2) % AHEAD] = self.book.prefetch_order(order_id);
                self.book.prefetch_links(slots[(i + AHEAD / 4) % AHEAD]);
            }
            self.on_message(message);
        }
    }

    #[inline(always)]
    fn on_message(&mut self, message: &Message) {
        match message.kind {
            0 => self.on_new_order(&message.body),
            1 => self.on_cancel(&message.as_cancel()),
            _ => self.on_modify(&message.as_modify()),
        }
    }

    pub fn best(&self, side: Side) -> Option<i64> {
        self.book.best(side)
    }

    pub fn depth_at(&self, side: Side, price_ticks: i64) -> u64 {
        let level = self.book.level(side, price_ticks);
        level.map_or(0, |level| u64::try_from(level.quantity_lots).unwrap_or(u64::MAX))
    }
}

#[inline(always)]
fn limit(side: u8, price_ticks: i64, quantity: u32, time_in_force: TimeInForce) -> Command {
    Command {
        side: side & 1,
        time_in_force: time_in_force as u8,
        ..Command::limit(Side::Buy, price_ticks, u64::from(quantity))
    }
}
