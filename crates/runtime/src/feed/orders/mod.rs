//! Follows every order through the events of its shard, from its `accepted` to its end, and says after each batch which ones
//! have changed and what they traded (R7, R9). The events alone are enough; no book is asked.
//!
//! An order entered for the second of two outcomes stands in the first one's book, and the events have it in that one's terms
//! (R32). Here it is told in its own.

mod map;
mod rows;

pub(crate) use map::OrderMap;
pub use rows::{FILL_BYTES, FillRow, ORDER_BYTES, OrderRow, OrderStatus, row};

use aeromatch_engine::codes::{EventKind, OrderType, Side};
use aeromatch_engine::record::{Event, NO_SIDE, shape};

use std::fmt;

/// The second of two outcomes, as its orders' own terms need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// Its instrument's number.
    pub instrument: u32,
    /// Ticks in one unit of cash.
    pub unit_ticks: u32,
}

/// Why events cannot be followed. The tracker is not to be used any more: it has taken a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackError {
    /// An event is about an order that no event before it has accepted: the tracker began later than its log.
    Unknown {
        /// The order.
        order_id: u64,
        /// The command.
        sequence: u64,
    },
    /// An order of a second outcome, of which nothing is known.
    NoOutcome {
        /// The book's number.
        instrument: u32,
        /// The command.
        sequence: u64,
    },
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrackError::Unknown { order_id, sequence } => write!(
                f,
                "command {sequence} is about order {order_id}, which nothing before it has accepted: begin where the log does, \
                 or load the orders that were live"
            ),
            TrackError::NoOutcome { instrument, sequence } => write!(
                f,
                "command {sequence} enters an order for the second outcome of book {instrument}, which is not known: \
                 make the tracker with the exchange"
            ),
        }
    }
}

impl std::error::Error for TrackError {}

/// The rows of a batch, as the bytes that Python's dtypes describe.
#[derive(Debug, Default)]
pub struct Changes {
    /// [`OrderRow`]s of the orders that changed, each once, as the batch leaves it, in order of its first change.
    pub orders: Vec<u8>,
    /// [`FillRow`]s, two for each trade, in order: the maker's, the taker's.
    pub fills: Vec<u8>,
}

/// An order as it is followed: in the terms of its book.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    row: OrderRow,
    /// A stop that has not been triggered.
    is_dormant: bool,
    /// The batch that has it among its changes.
    batch: u64,
}

/// Follows the orders of any number of shards, each shard's events in order.
#[derive(Default)]
pub struct OrderTracker {
    orders: OrderMap<Tracked>,
    /// Of the last answer of each shard (R2): what a command brings about that was answered on another shard happens then.
    times_ns: Vec<u64>,
    batch: u64,
    changed: Vec<u64>,
}

impl OrderTracker {
    /// How many orders are live.
    pub fn live(&self) -> usize {
        self.orders.len()
    }

    /// Time of the last answer of a shard, 0 before the first.
    pub fn time_ns(&self, shard: usize) -> u64 {
        self.times_ns.get(shard).copied().unwrap_or(0)
    }

    /// Goes on where another tracker was: its time on a shard.
    pub fn set_time(&mut self, shard: usize, time_ns: u64) {
        if self.times_ns.len() <= shard {
            self.times_ns.resize(shard + 1, 0);
        }
        self.times_ns[shard] = time_ns;
    }

    /// Goes on with a live order of another tracker. Returns false, and does nothing, where the order has ended.
    pub fn load(&mut self, own: &OrderRow) -> bool {
        if own.status >= OrderStatus::Filled as u8 {
            return false;
        }
        let is_dormant = own.status == OrderStatus::Dormant as u8;
        self.orders.insert(own.order_id, Tracked { row: own.across(), is_dormant, batch: 0 });
        true
    }

    /// A live order as it is now.
    pub fn order(&self, order_id: u64) -> Option<OrderRow> {
        self.orders.get(order_id).map(Tracked::own)
    }

    /// All live orders, in no order.
    pub fn live_orders(&self) -> impl Iterator<Item = OrderRow> + '_ {
        self.orders.values().map(Tracked::own)
    }

    /// Takes events of whole commands of one shard, in order, and appends what they changed. `second` knows the second outcome of
    /// a book.
    ///
    /// # Errors
    /// [`TrackError`]: they do not follow from what was taken before.
    pub fn apply(
        &mut self,
        shard: usize,
        events: &[Event],
        second: impl Fn(u32) -> Option<Mirrored>,
        out: &mut Changes,
    ) -> Result<(), TrackError> {
        self.batch += 1;
        let mut time_ns = self.time_ns(shard);
        let mut rest = events;
        while let Some((first, others)) = rest.split_first() {
            // The index begins anew with each command (R4).
            let end = others.iter().position(|event| event.index == 0).map_or(rest.len(), |place| place + 1);
            let (command, behind) = rest.split_at(end);
            // Effects of time stand before the answer, and happen at its time (R6).
            let answer = if is_answer(first) { Some(first) } else { command.iter().find(|event| is_answer(event)) };
            time_ns = answer.map_or(time_ns, |answer| answer.other);
            for event in command {
                self.event(event, time_ns, &second, out)?;
            }
            rest = behind;
        }
        self.set_time(shard, time_ns);
        self.tell(out);
        Ok(())
    }

    /// Writes the rows of what has changed, and forgets what has ended.
    fn tell(&mut self, out: &mut Changes) {
        out.orders.reserve(self.changed.len() * ORDER_BYTES);
        for order_id in self.changed.drain(..) {
            let Some(order) = self.orders.get(order_id) else { continue };
            let own = order.own();
            own.write(&mut out.orders);
            if own.status >= OrderStatus::Filled as u8 {
                self.orders.remove(order_id);
            }
        }
    }

    #[inline]
    fn event(
        &mut self,
        event: &Event,
        time_ns: u64,
        second: &impl Fn(u32) -> Option<Mirrored>,
        out: &mut Changes,
    ) -> Result<(), TrackError> {
        match EventKind::from_code(event.kind) {
            Some(EventKind::Accepted) if event.side != NO_SIDE => self.accepted(event, time_ns, second)?,
            Some(EventKind::Trade) => {
                self.traded(event, event.order_id, true, time_ns, out)?;
                self.traded(event, event.other, false, time_ns, out)?;
            }
            Some(EventKind::Canceled) => {
                let order = self.change(event, event.order_id, time_ns)?;
                (order.row.status, order.row.reason) = (OrderStatus::Canceled as u8, event.reason);
                order.row.remaining_lots = 0;
            }
            Some(EventKind::Amended) => {
                let order = self.change(event, event.order_id, time_ns)?;
                order.row.price_ticks = event.price_ticks;
                (order.row.quantity_lots, order.row.remaining_lots) = (event.other, event.quantity_lots);
                order.refresh();
            }
            Some(EventKind::Repriced) => {
                self.change(event, event.order_id, time_ns)?.row.price_ticks = event.price_ticks;
            }
            Some(EventKind::Triggered) => {
                let order = self.change(event, event.order_id, time_ns)?;
                order.is_dormant = false;
                order.refresh();
            }
            // One that has nothing left is canceled next.
            Some(EventKind::Decremented) => {
                for order_id in [event.order_id, event.other] {
                    let order = self.change(event, order_id, time_ns)?;
                    order.row.quantity_lots = order.row.quantity_lots.saturating_sub(event.quantity_lots);
                    order.row.remaining_lots = order.row.remaining_lots.saturating_sub(event.quantity_lots);
                }
            }
            // Slices, phases, funds and what is made change nothing that is told of an order.
            _ => {}
        }
        Ok(())
    }

    #[inline]
    fn accepted(
        &mut self,
        event: &Event,
        time_ns: u64,
        second: &impl Fn(u32) -> Option<Mirrored>,
    ) -> Result<(), TrackError> {
        let order_type = event.reason & !shape::ALL;
        let is_dormant = OrderType::from_code(order_type).is_some_and(OrderType::is_stop);
        let mut row = OrderRow {
            order_id: event.order_id,
            instrument: event.instrument,
            book: event.instrument,
            account: event.account,
            side: event.side,
            order_type,
            flags: event.reason & (shape::UNDISPLAYED | shape::SLICES) | row::HAS_FILLS,
            price_ticks: event.price_ticks,
            quantity_lots: event.quantity_lots,
            remaining_lots: event.quantity_lots,
            created_ns: time_ns,
            updated_ns: time_ns,
            sequence: event.sequence,
            accepted: event.sequence,
            ..OrderRow::default()
        };
        if event.reason & shape::MIRRORED != 0 {
            let unknown = TrackError::NoOutcome { instrument: event.instrument, sequence: event.sequence };
            let mirrored = second(event.instrument).ok_or(unknown)?;
            (row.instrument, row.unit_ticks) = (mirrored.instrument, mirrored.unit_ticks);
        }
        let mut order = Tracked { row, is_dormant, batch: self.batch };
        order.refresh();
        self.orders.insert(event.order_id, order);
        self.changed.push(event.order_id);
        Ok(())
    }

    /// The order that an event is about, among the changes of the batch.
    #[inline]
    fn change(&mut self, event: &Event, order_id: u64, time_ns: u64) -> Result<&mut Tracked, TrackError> {
        let unknown = TrackError::Unknown { order_id, sequence: event.sequence };
        let order = self.orders.get_mut(order_id).ok_or(unknown)?;
        if order.batch != self.batch {
            order.batch = self.batch;
            self.changed.push(order_id);
        }
        (order.row.updated_ns, order.row.sequence) = (time_ns, event.sequence);
        Ok(order)
    }

    #[inline]
    fn traded(
        &mut self,
        event: &Event,
        order_id: u64,
        is_maker: bool,
        time_ns: u64,
        out: &mut Changes,
    ) -> Result<(), TrackError> {
        let order = self.change(event, order_id, time_ns)?;
        order.row.filled_lots += event.quantity_lots;
        order.row.remaining_lots = order.row.remaining_lots.saturating_sub(event.quantity_lots);
        order.row.notional += i128::from(event.price_ticks) * i128::from(event.quantity_lots);
        order.refresh();
        let row = &order.row;
        let fill = FillRow {
            order_id,
            trade_id: event.detail,
            price_ticks: row.price_across(event.price_ticks),
            quantity_lots: event.quantity_lots,
            sequence: event.sequence,
            timestamp_ns: time_ns,
            instrument: row.instrument,
            account: row.account,
            side: row.side_across(),
            is_maker: u8::from(is_maker),
        };
        fill.write(&mut out.fills);
        Ok(())
    }
}

impl Tracked {
    /// R9: the status that follows from what is live and what has traded.
    #[inline]
    fn refresh(&mut self) {
        let status = match (self.is_dormant, self.row.remaining_lots, self.row.filled_lots) {
            (true, ..) => OrderStatus::Dormant,
            (false, 0, _) => OrderStatus::Filled,
            (false, _, 0) => OrderStatus::Open,
            _ => OrderStatus::PartiallyFilled,
        };
        self.row.status = status as u8;
    }

    /// In the order's own terms.
    fn own(&self) -> OrderRow {
        self.row.across()
    }
}

#[inline]
fn is_answer(event: &Event) -> bool {
    event.kind == EventKind::Accepted.code() || event.kind == EventKind::Rejected.code()
}

/// The other side, by code.
fn other_side(side: u8) -> u8 {
    match Side::from_code(side) {
        Some(Side::Buy) => Side::Sell.code(),
        Some(Side::Sell) => Side::Buy.code(),
        None => side,
    }
}
