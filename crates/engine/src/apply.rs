//! The one way in: `apply` takes the next command of the log, `process` a batch of slots.

use crate::book::{OrderBook, Output};
use crate::codes::{CommandKind, RejectReason};
use crate::index::PriceIndex;
use crate::record::{Command, EventSink, Extensions, RecordError, SLOT_BYTES, decode};

impl<I: PriceIndex> OrderBook<I> {
    /// Applies one command: its events go to `sink` in the order in which things happen, the first of its own being
    /// `accepted` or `rejected` (R6). Total: every command gets an answer, none panics (R33).
    ///
    /// The codes inside `command` are those of [`decode`] or of the constructors; an unknown kind, which neither makes, is
    /// rejected as `invalid_combination`.
    #[inline(always)]
    pub fn apply<S: EventSink>(&mut self, command: &Command, extensions: &Extensions, sink: &mut S) {
        // A sequencer's number is kept, a library's 0 means the next one; neither goes back (R4).
        self.sequence = self.sequence.saturating_add(1).max(command.sequence);
        self.statistics.commands += 1;
        let instrument = self.rules.instrument;
        let mut out = Output { sink, sequence: self.sequence, instrument: command.instrument, index: 0 };
        if command.instrument != instrument {
            return self.reject(command, RejectReason::UnknownInstrument.into(), &mut out);
        }
        self.move_time(command.timestamp_ns, &mut out);
        match CommandKind::from_code(command.kind) {
            Some(CommandKind::New) => self.new_order(command, extensions, &mut out),
            Some(CommandKind::Cancel) => self.cancel(command, extensions, &mut out),
            Some(CommandKind::Amend) => self.amend(command, extensions, &mut out),
            Some(CommandKind::MassCancel) => self.mass_cancel(command, &mut out),
            Some(CommandKind::Phase) => self.change_phase(command, &mut out),
            Some(CommandKind::AdvanceTime) => out.accepted(0, command.account, self.now_ns, command.tag),
            None => self.reject(command, RejectReason::InvalidCombination.into(), &mut out),
        }
    }

    /// Applies a batch of slots (docs/records.md), all or nothing: the whole batch is checked before its first command is
    /// applied. Returns the number of commands.
    ///
    /// # Errors
    /// [`RecordError`] for the first slot that is no command.
    pub fn process<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<usize, RecordError> {
        let end = slots.len().div_ceil(SLOT_BYTES);
        let mut slot = 0;
        while slot < end {
            slot += decode(slots, slot)?.0.slots();
        }
        let (mut slot, mut count) = (0, 0);
        while slot < end {
            let (command, extensions) = decode(slots, slot)?;
            self.apply(&command, &extensions, sink);
            slot += command.slots();
            count += 1;
        }
        Ok(count)
    }
}
