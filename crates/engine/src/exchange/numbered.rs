//! The envelope of a command's events, where several books or none emit them: one sequence number, one running index (R4).

use crate::codes::{EventKind, Side};
use crate::record::{Event, EventSink};

/// It is behind a pointer here, so that the books need not be compiled once more for every kind of sink there is: these paths
/// are not the short ones.
pub(crate) struct Numbered<'a> {
    sink: &'a mut dyn EventSink,
    pub sequence: u64,
    index: u32,
    /// The command was answered already: the books' own answers are kept back.
    pub is_answered: bool,
    /// Another shard answers: see [`Numbered::answer`].
    pub is_muted: bool,
}

impl<'a> Numbered<'a> {
    pub fn new(sink: &'a mut dyn EventSink, sequence: u64) -> Numbered<'a> {
        Numbered { sink, sequence, index: 0, is_answered: false, is_muted: false }
    }

    /// What only one shard says of a command that all get: that it was taken or refused, and what it made.
    pub fn answer(&mut self, event: Event) {
        if !self.is_muted {
            self.event(event);
        }
    }
}

impl EventSink for Numbered<'_> {
    fn event(&mut self, event: Event) {
        if self.is_answered && event.kind == EventKind::Accepted.code() {
            return;
        }
        self.sink.event(Event { sequence: self.sequence, index: self.index, ..event });
        self.index += 1;
    }

    fn level_touched(&mut self, side: Side, price_ticks: i64) {
        self.sink.level_touched(side, price_ticks);
    }

    fn book(&mut self, instrument: u32) {
        self.sink.book(instrument);
    }
}
