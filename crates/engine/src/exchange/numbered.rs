//! The envelope of a command's events, where several books or none emit them: one sequence number, one running index (R4).

use crate::codes::{EventKind, Side};
use crate::record::{Event, EventSink};

pub(crate) struct Numbered<'a, S> {
    sink: &'a mut S,
    pub sequence: u64,
    index: u32,
    /// The command was answered already: the books' own answers are kept back.
    pub is_answered: bool,
}

impl<'a, S: EventSink> Numbered<'a, S> {
    pub fn new(sink: &'a mut S, sequence: u64) -> Numbered<'a, S> {
        Numbered { sink, sequence, index: 0, is_answered: false }
    }
}

impl<S: EventSink> EventSink for Numbered<'_, S> {
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
