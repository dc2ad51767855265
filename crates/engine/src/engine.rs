//! A book of any price index behind one type. The index is chosen here, at the boundary; inside a book it is compiled in.

use crate::auction::Indicative;
use crate::book::OrderBook;
use crate::codes::{Phase, RejectReason, Side};
use crate::index::{BTree, Heap, Ladder, SkipList};
use crate::record::{ClientId, Command, EventSink, Extensions, RecordError};
use crate::rules::Rules;
use crate::snapshot::{Reader, SnapshotError};
use crate::statistics::Statistics;
use crate::views::{LevelView, OrderView};

/// The price indexes that a book can have. Events, digests and snapshots (but for this choice) do not depend on it.
/// A snapshot holds the number; none is ever given to another index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexKind {
    /// [`Ladder`]: constant time, a window of ticks that follows the market.
    #[default]
    Ladder = 0,
    /// [`BTree`]: logarithmic time, no window.
    BTree = 1,
    /// [`SkipList`]: logarithmic time, laid out for readers beside the writer.
    SkipList = 2,
    /// [`Heap`]: a heap of prices and a hash map.
    Heap = 3,
}

impl IndexKind {
    /// Every index.
    pub const ALL: &[IndexKind] = &[IndexKind::Ladder, IndexKind::BTree, IndexKind::SkipList, IndexKind::Heap];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            IndexKind::Ladder => "ladder",
            IndexKind::BTree => "btree",
            IndexKind::SkipList => "skiplist",
            IndexKind::Heap => "heap",
        }
    }

    /// The index of a public name.
    pub fn from_slug(slug: &str) -> Option<IndexKind> {
        IndexKind::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<IndexKind> {
        IndexKind::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// One instrument's book. See [`OrderBook`] for the methods.
pub enum Book {
    /// With the [`Ladder`].
    Ladder(Box<OrderBook<Ladder>>),
    /// With the [`BTree`].
    BTree(Box<OrderBook<BTree>>),
    /// With the [`SkipList`].
    SkipList(Box<OrderBook<SkipList>>),
    /// With the [`Heap`].
    Heap(Box<OrderBook<Heap>>),
}

macro_rules! on_book {
    ($self:expr, $book:ident => $body:expr) => {
        match $self {
            Book::Ladder($book) => $body,
            Book::BTree($book) => $body,
            Book::SkipList($book) => $body,
            Book::Heap($book) => $body,
        }
    };
}

macro_rules! make_book {
    ($index:expr, $book:expr) => {
        match $index {
            IndexKind::Ladder => Book::Ladder(Box::new($book)),
            IndexKind::BTree => Book::BTree(Box::new($book)),
            IndexKind::SkipList => Book::SkipList(Box::new($book)),
            IndexKind::Heap => Book::Heap(Box::new($book)),
        }
    };
}

impl Book {
    /// An empty book.
    ///
    /// # Panics
    /// If the rules contradict themselves: [`Rules::problem`].
    pub fn new(rules: Rules, index: IndexKind) -> Book {
        make_book!(index, OrderBook::new(rules))
    }

    /// Lowest and highest price that an order may slide to (R13): where its orders are settled, not every price is one (R30).
    pub fn set_price_range(&mut self, (lowest, highest): (i64, i64)) {
        on_book!(self, book => book.price_range = (lowest, highest));
    }

    /// Applies one command: [`OrderBook::apply`].
    pub fn apply<S: EventSink>(&mut self, command: &Command, extensions: &Extensions, sink: &mut S) {
        on_book!(self, book => book.apply(command, extensions, sink))
    }

    /// Applies a batch of slots: [`OrderBook::process`].
    ///
    /// # Errors
    /// [`RecordError`] for the first slot that is no command; nothing was applied.
    pub fn process<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<usize, RecordError> {
        on_book!(self, book => book.process(slots, sink))
    }

    pub(crate) fn refuse<S: EventSink>(&mut self, command: &Command, reason: RejectReason, sink: &mut S) {
        on_book!(self, book => book.refuse(command, reason, sink))
    }

    pub(crate) fn wind_up<S: EventSink>(&mut self, sequence: u64, sink: &mut S) {
        on_book!(self, book => book.wind_up(sequence, sink))
    }

    pub(crate) fn next_effect_ns(&self) -> Option<u64> {
        on_book!(self, book => book.next_effect_ns())
    }

    pub(crate) fn begin_time(&mut self, now_ns: u64) {
        on_book!(self, book => book.begin_time(now_ns))
    }

    pub(crate) fn expire<S: EventSink>(&mut self, due_ns: u64, sequence: u64, sink: &mut S) {
        on_book!(self, book => book.expire(due_ns, sequence, sink))
    }

    pub(crate) fn resume<S: EventSink>(&mut self, due_ns: u64, sequence: u64, sink: &mut S) {
        on_book!(self, book => book.resume(due_ns, sequence, sink))
    }

    pub(crate) fn end_time(&mut self) {
        on_book!(self, book => book.end_time())
    }

    pub(crate) fn digest_at(&self, now_ns: u64) -> [u8; 32] {
        on_book!(self, book => book.digest_at(now_ns))
    }

    /// The whole book as bytes, versioned and checksummed.
    pub fn snapshot(&self) -> Vec<u8> {
        on_book!(self, book => book.write_snapshot(self.index()))
    }

    /// The book of a snapshot, with its own price index or another.
    ///
    /// # Errors
    /// [`SnapshotError`] says what is wrong with the bytes.
    pub fn restore(bytes: &[u8], index: Option<IndexKind>) -> Result<Book, SnapshotError> {
        let mut input = Reader::open(bytes)?;
        let stored = input.code(IndexKind::from_code, "unknown price index")?;
        Ok(make_book!(index.unwrap_or(stored), OrderBook::read_body(&mut input)?))
    }

    /// The price index in use.
    pub fn index(&self) -> IndexKind {
        match self {
            Book::Ladder(_) => IndexKind::Ladder,
            Book::BTree(_) => IndexKind::BTree,
            Book::SkipList(_) => IndexKind::SkipList,
            Book::Heap(_) => IndexKind::Heap,
        }
    }

    /// What the instrument is to its book.
    pub fn rules(&self) -> &Rules {
        on_book!(self, book => &book.rules)
    }

    /// Hash of the logical state: [`OrderBook::digest`].
    pub fn digest(&self) -> [u8; 32] {
        on_book!(self, book => book.digest())
    }

    /// Best price of a side.
    pub fn best(&self, side: Side) -> Option<i64> {
        on_book!(self, book => book.best(side))
    }

    /// Levels of a side from the best price on, at most `limit`.
    pub fn depth(&self, side: Side, limit: usize) -> Vec<LevelView> {
        on_book!(self, book => book.depth(side, limit))
    }

    /// Price, displayed lots and displayed orders of a side's best levels: [`OrderBook::best_levels`].
    pub fn best_levels(&self, side: Side, limit: usize, visit: impl FnMut(i64, u128, u32)) {
        on_book!(self, book => book.best_levels(side, limit, visit))
    }

    /// The level at a price.
    pub fn level(&self, side: Side, price_ticks: i64) -> Option<LevelView> {
        on_book!(self, book => book.level(side, price_ticks))
    }

    /// Live orders at a price in order of priority (R10), undisplayed ones included.
    pub fn queue_at(&self, side: Side, price_ticks: i64) -> Vec<OrderView> {
        on_book!(self, book => book.queue_at(side, price_ticks))
    }

    /// Number of levels of a side.
    pub fn level_count(&self, side: Side) -> usize {
        on_book!(self, book => book.level_count(side))
    }

    /// A live order by its id.
    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        on_book!(self, book => book.order(order_id))
    }

    /// Id and price of the displayed order of a side that trades next: [`OrderBook::first_in_line`].
    pub fn first_in_line(&self, side: Side) -> Option<(u64, i64)> {
        on_book!(self, book => book.first_in_line(side))
    }

    /// A live order by its client id.
    pub fn order_by_client_id(&self, account: u32, client_id: &ClientId) -> Option<OrderView> {
        on_book!(self, book => book.order_by_client_id(account, client_id))
    }

    /// Live orders in order of id: of one account, or all.
    pub fn orders(&self, account: Option<u32>) -> Vec<OrderView> {
        on_book!(self, book => book.orders(account))
    }

    /// Dormant stops (R15): buys, then sells, in the order in which they would be triggered; those that wait for a first trade last.
    pub fn stops(&self) -> Vec<OrderView> {
        on_book!(self, book => book.stops())
    }

    /// What an uncross would do now (R27): [`OrderBook::indicative`].
    pub fn indicative(&self) -> Indicative {
        on_book!(self, book => book.indicative())
    }

    /// When the circuit breaker's halt ends (R28), ns.
    pub fn halt_end_ns(&self) -> Option<u64> {
        on_book!(self, book => book.halt_end_ns())
    }

    /// Number of live orders.
    pub fn order_count(&self) -> usize {
        on_book!(self, book => book.order_count())
    }

    /// Time of the last command, ns.
    pub fn now_ns(&self) -> u64 {
        on_book!(self, book => book.now_ns())
    }

    /// Number of the last command.
    pub fn sequence(&self) -> u64 {
        on_book!(self, book => book.sequence())
    }

    /// The trading phase.
    pub fn phase(&self) -> Phase {
        on_book!(self, book => book.phase())
    }

    /// Price of the last trade.
    pub fn last_trade_price(&self) -> Option<i64> {
        on_book!(self, book => book.last_trade_price())
    }

    /// Counts since the book was made.
    pub fn statistics(&self) -> Statistics {
        on_book!(self, book => book.statistics())
    }

    /// Bytes of memory that the price indexes of both sides hold.
    pub fn index_bytes(&self) -> usize {
        on_book!(self, book => book.index_bytes())
    }

    /// Bytes of memory that the book's structures hold.
    pub fn memory_bytes(&self) -> usize {
        on_book!(self, book => book.memory_bytes())
    }
}
