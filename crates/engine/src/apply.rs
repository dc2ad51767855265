//! The one way in: `apply` takes the next command of the log, `process` a batch of slots.

use crate::book::{OrderBook, Output};
use crate::codes::{CommandKind, Phase, RejectReason};
use crate::index::PriceIndex;
use crate::pool::NIL;
use crate::record::{Command, EventSink, Extensions, RecordError, SLOT_BYTES, check, decode, slot_at};

/// How many slots ahead a cancel's id is looked up; its order and neighbours follow at half and a quarter of it.
const AHEAD: usize = 16;

impl<I: PriceIndex> OrderBook<I> {
    /// Applies one command: its events go to `sink` in the order in which things happen, the first of its own being
    /// `accepted` or `rejected` (R6). Total: every command gets an answer, none panics (R33).
    ///
    /// The codes inside `command` are those of [`decode`] or of the constructors; an unknown kind, which neither makes, is
    /// rejected as `invalid_combination`.
    #[inline(always)]
    pub fn apply<S: EventSink>(&mut self, command: &Command, extensions: &Extensions, sink: &mut S) {
        let now_ns = self.now_ns.max(command.timestamp_ns);
        // The plainest commands, at a time at which nothing is due, are most of what arrives. They take the same steps as
        // `apply_any` would, without its questions; their `Output` never has its address taken, so it stays in registers.
        if command.instrument == self.rules.instrument && now_ns < self.plain_until_ns {
            if sink.faults() == 0 && Self::is_plain_order(command) {
                self.now_ns = now_ns;
                let out = self.next_output(command, sink);
                return self.enter_plain(command, out);
            }
            if Self::is_plain_cancel(command) {
                let slot = self.take_plain(command);
                if slot != NIL {
                    self.now_ns = now_ns;
                    let out = self.next_output(command, sink);
                    return self.cancel_taken(slot, command, out);
                }
            }
        }
        // A copy that the optimiser cannot see through, so that for the plain paths the caller's command need not stand in
        // memory.
        self.apply_any(&std::hint::black_box(*command), extensions, sink);
    }

    /// Refuses a command for a reason that the book does not know of.
    pub(crate) fn refuse<S: EventSink>(&mut self, command: &Command, reason: RejectReason, sink: &mut S) {
        let mut out = self.next_output(command, sink);
        self.move_time(command.timestamp_ns, &mut out);
        self.reject(command, reason.into(), &mut out);
        self.look_around();
    }

    #[inline(never)]
    fn apply_any<S: EventSink>(&mut self, command: &Command, extensions: &Extensions, sink: &mut S) {
        let mut out = self.next_output(command, sink);
        if command.instrument != self.rules.instrument {
            return self.reject(command, RejectReason::UnknownInstrument.into(), &mut out);
        }
        self.move_time(command.timestamp_ns, &mut out);
        self.open_breaker();
        if !self.triggers.has_aons() {
            // Bands, or a time at which something was due, are no reason to ask a plain command all the other questions.
            let is_plain = out.sink.faults() == 0 && Self::is_plain_order(command);
            if self.phase == Phase::Continuous && is_plain && self.is_in_band(command.price_ticks) {
                return self.enter_plain(command, out);
            }
            if Self::is_plain_cancel(command) {
                let slot = self.take_plain(command);
                if slot != NIL {
                    return self.cancel_taken(slot, command, out);
                }
            }
            let is_taken = self.phase == Phase::Continuous || self.phase.collects();
            if let Some(slot) = self.to_reduce(command).filter(|_| is_taken) {
                return self.reduce(slot, command, &mut out);
            }
        }
        let answer = match CommandKind::from_code(command.kind) {
            Some(CommandKind::New) => self.enter_any(command, extensions, &mut out),
            Some(CommandKind::Cancel) => self.cancel_any(command, extensions, &mut out),
            Some(CommandKind::Amend) => self.amend(command, extensions, &mut out),
            Some(CommandKind::MassCancel) => self.mass_cancel(command, &mut out),
            Some(CommandKind::Phase) => self.change_phase(command, &mut out),
            Some(CommandKind::AdvanceTime) => {
                out.accepted(0, command.account, self.now_ns, command.tag);
                Ok(())
            }
            None => Err(RejectReason::InvalidCombination.into()),
        };
        match answer {
            Ok(()) => self.settle_down(&mut out),
            Err(refusal) => self.reject(command, refusal, &mut out),
        }
        self.look_around();
    }

    /// Gives the command its sequence number: a sequencer's is kept, a library's 0 means the next one; neither goes back (R4).
    #[inline(always)]
    fn next_output<'a, S: EventSink>(&mut self, command: &Command, sink: &'a mut S) -> Output<'a, S> {
        self.sequence = self.sequence.saturating_add(1).max(command.sequence);
        self.statistics.commands += 1;
        Output { sink, sequence: self.sequence, instrument: command.instrument, index: 0 }
    }

    /// Applies a batch of slots (docs/records.md), all or nothing: the whole batch is checked before its first command is
    /// applied. Returns the number of commands.
    ///
    /// # Errors
    /// [`RecordError`] for the first slot that is no command. If someone writes to the slots during the call, what was applied
    /// until that was noticed stays applied.
    pub fn process<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<usize, RecordError> {
        let end = slots.len().div_ceil(SLOT_BYTES);
        let mut slot = 0;
        while slot < end {
            slot += check(slots, slot)?;
        }
        let mut ahead = [0_u32; AHEAD];
        let (mut slot, mut count) = (0, 0);
        while slot < end {
            if self.is_deep() {
                self.look_ahead(slots, slot, &mut ahead);
            }
            // Each slot is read once; codes that changed since the check are refused by `apply` like any others.
            match slot_at::<Command>(slots, slot) {
                Some(command) if command.extensions == 0 => {
                    self.apply(&command, &Extensions::NONE, sink);
                    slot += 1;
                }
                _ => {
                    let (command, extensions) = decode(slots, slot)?;
                    self.apply(&command, &extensions, sink);
                    slot += command.slots();
                }
            }
            count += 1;
        }
        Ok(count)
    }

    /// Asks for what the cancels some slots ahead will read, a step at a time. A slot that is no cancel has the order id 0, an
    /// extension slot some number: hints about nothing, which do no harm.
    #[inline(always)]
    fn look_ahead(&self, slots: &[u8], slot: usize, ahead: &mut [u32; AHEAD]) {
        let order_id =
            |distance: usize| slot_at::<Command>(slots, slot + distance).map_or(0, |command| command.order_id);
        self.prefetch_id(order_id(AHEAD));
        ahead[(slot + AHEAD / 2) % AHEAD] = self.prefetch_order(order_id(AHEAD / 2));
        self.prefetch_links(ahead[(slot + AHEAD / 4) % AHEAD]);
    }
}
