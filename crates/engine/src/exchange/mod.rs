//! The exchange: many books, the names by which people know things, and a ledger, driven by one log of commands.
//!
//! It begins empty. Instruments, clearing groups, accounts, assets and events are made by commands (`records`), so that the log
//! alone rebuilds everything. A command for a book whose funds are not settled goes straight there: it costs one look-up more
//! than the book alone. One for a settled book (R30) goes by way of `trading`, where the ledger gives its verdict before and
//! keeps its accounts after; commands to the exchange itself are in `admin` and `funds`.

mod admin;
mod digest;
mod funds;
mod numbered;
pub mod partition;
pub mod records;
pub mod registry;
mod snapshot;
mod subject;
mod time;
mod trading;
mod transfers;

use crate::codes::{EventKind, RejectReason};
use crate::engine::Book;
use crate::ledger::{Ledger, SettlementTerms};
use crate::record::{
    Command, Event, EventSink, Extensions, RecordError, SLOT_BYTES, UNKNOWN, check as check_order, decode, slot_at,
};
use numbered::Numbered;
use partition::Partition;
use records::Admin;
use registry::{InstrumentInfo, Registry};
use std::collections::BTreeSet;
use std::sync::Arc;
use transfers::Transfers;

pub use transfers::{TransferOut, second_half};

/// Highest number that a command may bring (R4).
const MAX_SEQUENCE: u64 = 1 << 62;
/// Numbers below this find their book through an array.
const DENSE: usize = 1 << 16;

/// The top-level state machine: `apply(command) -> events` over everything that a venue has.
pub struct Exchange {
    /// Number of the last command (R4).
    sequence: u64,
    /// The registry's time: the latest that a command to all shards brought.
    now_ns: u64,
    partition: Partition,
    registry: Registry,
    /// Of clearing group `i + 1`.
    clocks: Vec<Clock>,
    /// In order of creation.
    markets: Vec<Market>,
    /// By instrument number.
    routes: Vec<Route>,
    ledger: Ledger,
    transfers: Transfers,
}

/// A book and how it is settled.
pub(crate) struct Market {
    pub book: Book,
    pub number: u32,
    /// `None`: no accounts are looked at.
    pub terms: Option<Arc<SettlementTerms>>,
    /// Its entry in its clearing group's list of what is due.
    pub listed_due_ns: Option<u64>,
}

/// Time of a clearing group, which all its books share (R2).
#[derive(Default)]
pub(crate) struct Clock {
    pub now_ns: u64,
    /// When its books next have something due that shows, and their places.
    pub due: BTreeSet<(u64, usize)>,
}

/// Where commands for an instrument go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route(u32);

impl Route {
    const NOWHERE: Route = Route(u32::MAX);
    const SETTLED: u32 = 1 << 31;
    const MIRROR: u32 = 1 << 30;

    fn to(info: &InstrumentInfo) -> Route {
        let settled = if info.terms.is_some() { Route::SETTLED } else { 0 };
        let mirror = if info.is_mirror { Route::MIRROR } else { 0 };
        info.book.map_or(Route::NOWHERE, |book| Route(book as u32 | settled | mirror))
    }

    /// Of a book that is not settled, its place; else something out of range.
    #[inline(always)]
    fn plain_place(self) -> usize {
        self.0 as usize
    }

    fn place(self) -> usize {
        (self.0 & !(Route::SETTLED | Route::MIRROR)) as usize
    }

    fn is_settled(self) -> bool {
        self.0 & Route::SETTLED != 0
    }

    fn is_mirror(self) -> bool {
        self.0 & Route::MIRROR != 0
    }
}

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange::new()
    }
}

impl Exchange {
    /// An exchange in which there is nothing yet.
    pub fn new() -> Exchange {
        Exchange {
            sequence: 0,
            now_ns: 0,
            partition: Partition::default(),
            registry: Registry::default(),
            clocks: Vec::new(),
            markets: Vec::new(),
            routes: Vec::new(),
            ledger: Ledger::new(),
            transfers: Transfers::default(),
        }
    }

    /// Applies one command about orders, phases or time. Total: every command gets an answer, none panics (R33).
    #[inline(always)]
    pub fn apply<S: EventSink>(&mut self, command: &Command, extensions: &Extensions, sink: &mut S) {
        let place = self.route(command.instrument).plain_place();
        if let Some(market) = self.markets.get_mut(place).filter(|_| command.account != UNKNOWN) {
            self.sequence = self.sequence.saturating_add(1).max(command.sequence);
            sink.book(market.number);
            return market.book.apply(&Command { sequence: self.sequence, ..*command }, extensions, sink);
        }
        self.apply_any(command, extensions, sink);
    }

    /// Applies one command to the exchange itself. Total, as [`Exchange::apply`].
    pub fn apply_admin(&mut self, admin: &Admin, sink: &mut dyn EventSink) {
        let is_first = self.sequence == 0;
        let mut out = self.next_output(&admin.command, sink);
        self.ledger.begin();
        if admin.kind.is_for_all_shards() {
            self.begin_broadcast(&admin.command, &mut out);
        }
        if let Err(reason) = self.carry_out(admin, is_first, &mut out) {
            self.reject_at(&admin.command, reason, self.time_for(admin), &mut out);
            // Time may have released holds.
            self.ledger.emit_changes(&mut out);
        }
    }

    /// Checks a batch of slots (docs/records.md) and returns how many commands it is.
    ///
    /// # Errors
    /// [`RecordError`] for the first slot that is no command.
    pub fn check(slots: &[u8]) -> Result<usize, RecordError> {
        let end = slots.len().div_ceil(SLOT_BYTES);
        let (mut slot, mut count) = (0, 0);
        while slot < end {
            let start = slot;
            slot += match records::is_admin(slots, slot) {
                Some(true) => records::decode(slots, slot)?.1,
                _ => check_order(slots, slot)?,
            };
            // Above it the numbers of a log could run out.
            if slot_at::<Command>(slots, start).is_some_and(|command| command.sequence > MAX_SEQUENCE) {
                let problem = "a number above 2^62".to_string();
                return Err(RecordError { slot: start, offset: start * SLOT_BYTES + 48, field: "sequence", problem });
            }
            count += 1;
        }
        Ok(count)
    }

    /// Applies a batch of slots, all or nothing: the whole batch is checked before its first command is applied. Returns the
    /// number of commands.
    ///
    /// # Errors
    /// [`RecordError`] for the first slot that is no command. If someone writes to the slots during the call, what was applied
    /// until that was noticed stays applied.
    pub fn process<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<usize, RecordError> {
        Exchange::check(slots)?;
        self.apply_checked(slots, sink)
    }

    /// Applies a batch that [`Exchange::check`] has passed, and returns the number of commands.
    ///
    /// # Errors
    /// [`RecordError`] for a slot that is no command after all; what stands before it stays applied.
    pub fn apply_checked<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<usize, RecordError> {
        let end = slots.len().div_ceil(SLOT_BYTES);
        let (mut slot, mut count) = (0, 0);
        while slot < end {
            slot += self.apply_at(slots, slot, sink)?;
            count += 1;
        }
        Ok(count)
    }

    /// Applies the command that starts at `slot`, and returns how many slots it took.
    ///
    /// # Errors
    /// [`RecordError`] if there is no command; nothing was applied.
    #[inline(always)]
    pub fn apply_at<S: EventSink>(&mut self, slots: &[u8], slot: usize, sink: &mut S) -> Result<usize, RecordError> {
        if records::is_admin(slots, slot) == Some(true) {
            let (admin, taken) = records::decode(slots, slot)?;
            self.apply_admin(&admin, sink);
            return Ok(taken);
        }
        // Each slot is read once. `check` has seen the batch, and codes that changed since are refused like any others.
        match slot_at::<Command>(slots, slot) {
            Some(command) if command.extensions == 0 => {
                self.apply(&command, &Extensions::NONE, sink);
                Ok(1)
            }
            _ => {
                let (command, extensions) = decode(slots, slot)?;
                self.apply(&command, &extensions, sink);
                Ok(command.slots())
            }
        }
    }

    #[inline(always)]
    fn route(&self, instrument: u32) -> Route {
        match self.routes.get(instrument as usize) {
            Some(&route) => route,
            None => self.far_route(instrument),
        }
    }

    #[cold]
    fn far_route(&self, instrument: u32) -> Route {
        self.registry.instrument(instrument).map_or(Route::NOWHERE, Route::to)
    }

    /// Lets commands for an instrument find their way.
    fn add_route(&mut self, number: u32, info: &InstrumentInfo) {
        let place = number as usize;
        if place < DENSE {
            let length = self.routes.len().max(place + 1);
            self.routes.resize(length, Route::NOWHERE);
            self.routes[place] = Route::to(info);
        }
    }

    /// Gives the command its sequence number (R4), and numbers its events.
    fn next_output<'a>(&mut self, command: &Command, sink: &'a mut dyn EventSink) -> Numbered<'a> {
        self.sequence = self.sequence.saturating_add(1).max(command.sequence);
        Numbered::new(sink, self.sequence)
    }

    /// A command that no book answers is refused.
    fn reject(&self, c: &Command, reason: RejectReason, out: &mut Numbered<'_>) {
        self.reject_at(c, reason, self.now_ns, out);
    }

    fn reject_at(&self, c: &Command, reason: RejectReason, now_ns: u64, out: &mut Numbered<'_>) {
        let is_order = c.kind == crate::codes::CommandKind::New.code();
        out.answer(Event {
            reason: reason.code(),
            side: if is_order { c.side } else { crate::record::NO_SIDE },
            instrument: c.instrument,
            account: c.account,
            other: now_ns,
            detail: c.tag,
            ..Event::of(EventKind::Rejected)
        });
    }

    /// A command that no book answers was taken.
    fn accept(&self, c: &Command, out: &mut Numbered<'_>) {
        self.accept_at(c, self.now_ns, out);
    }

    fn accept_at(&self, c: &Command, now_ns: u64, out: &mut Numbered<'_>) {
        out.answer(Event {
            instrument: c.instrument,
            account: c.account,
            other: now_ns,
            detail: c.tag,
            ..Event::of(EventKind::Accepted)
        });
    }

    /// Number of the last command.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The latest time that it is anywhere here, ns: for a book, a clearing group, or for the registry. A look at every book.
    pub fn now_ns(&self) -> u64 {
        let of_groups = self.clocks.iter().map(|clock| clock.now_ns);
        let of_books = self.markets.iter().map(|market| market.book.now_ns());
        of_groups.chain(of_books).fold(self.now_ns, u64::max)
    }

    /// The registry's time, ns: the latest that a command brought which makes something, places something, or concerns all
    /// instruments. No other command moves it (R3).
    pub fn registry_now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Time of a clearing group, ns (R2).
    pub fn group_now_ns(&self, group: u32) -> Option<u64> {
        self.clocks.get((group as usize).wrapping_sub(1)).map(|clock| clock.now_ns)
    }

    /// The book of an instrument; of the second outcome of a two-outcome event the book that both share (R32).
    pub fn book(&self, instrument: u32) -> Option<&Book> {
        self.markets.get(self.route(instrument).place()).map(|market| &market.book)
    }

    /// What has a name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who owns what.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Bytes of memory that the books hold.
    pub fn memory_bytes(&self) -> usize {
        self.markets.iter().map(|market| market.book.memory_bytes()).sum()
    }
}
