//! Time where several books share it (R2): what falls due comes by due time over all of them, expiries before phases on a tie
//! (R6), in order of id and of instrument.

use super::Exchange;
use super::numbered::Numbered;
use crate::record::EventSink;
use std::collections::BTreeSet;

/// Lets a market's book act on `sink`, which settles what the book says if its funds are settled.
macro_rules! act {
    ($exchange:expr, $place:expr, $out:expr, |$book:ident, $sink:ident| $body:expr) => {{
        let market = &mut $exchange.markets[$place];
        $out.book(market.number);
        let $book = &mut market.book;
        match &market.terms {
            None => {
                let $sink = &mut *$out;
                $body
            }
            Some(terms) => {
                let $sink = &mut crate::ledger::Settling::new(&mut $exchange.ledger, terms, &mut *$out);
                $body
            }
        }
    }};
}
pub(super) use act;

impl Exchange {
    /// Moves the time of a clearing group; an earlier stamp counts as the last one seen.
    pub(super) fn move_group(&mut self, group: u32, to_ns: u64, out: &mut Numbered<'_>) {
        let clock = &mut self.clocks[group as usize - 1];
        clock.now_ns = clock.now_ns.max(to_ns);
        let due: BTreeSet<_> = clock.due.range(..=(clock.now_ns, usize::MAX)).copied().collect();
        if !due.is_empty() {
            self.effects_of_time(due, to_ns, out);
        }
    }

    /// Moves the time of everything.
    pub(super) fn move_all(&mut self, to_ns: u64, out: &mut Numbered<'_>) {
        for clock in &mut self.clocks {
            clock.now_ns = clock.now_ns.max(to_ns);
        }
        for place in 0..self.markets.len() {
            let now_ns = self.time_at(place, to_ns);
            self.markets[place].book.begin_time(now_ns);
        }
        let due = (0..self.markets.len()).filter_map(|place| self.next_due(place, to_ns)).collect();
        self.effects_of_time(due, to_ns, out);
    }

    /// Places of all books, by instrument number.
    pub(super) fn places_by_number(&self) -> Vec<usize> {
        self.books_here().map(|(_, _, place)| place).collect()
    }

    /// What time it is for a book once a command has brought `to_ns`.
    fn time_at(&self, place: usize, to_ns: u64) -> u64 {
        let market = &self.markets[place];
        match &market.terms {
            Some(terms) => self.clocks[terms.group as usize - 1].now_ns,
            None => market.book.now_ns().max(to_ns),
        }
    }

    /// When a book has something due by now, and its place.
    fn next_due(&self, place: usize, to_ns: u64) -> Option<(u64, usize)> {
        let due_ns = self.markets[place].book.next_effect_ns()?;
        (due_ns <= self.time_at(place, to_ns)).then_some((due_ns, place))
    }

    /// Keeps up when the book at that place next has something due, in its clearing group's list. Client ids become free
    /// without a trace, so they wait for the book's next command.
    pub(super) fn note_due(&mut self, place: usize) {
        let market = &mut self.markets[place];
        let Some(terms) = &market.terms else {
            return;
        };
        let due_ns = market.book.next_effect_ns();
        if due_ns != market.listed_due_ns {
            let due = &mut self.clocks[terms.group as usize - 1].due;
            if let Some(listed_ns) = market.listed_due_ns {
                due.remove(&(listed_ns, place));
            }
            due.extend(due_ns.map(|due_ns| (due_ns, place)));
            market.listed_due_ns = due_ns;
        }
    }

    /// What has become due, one due time after the other; only books that have something due are looked at.
    fn effects_of_time(&mut self, mut due: BTreeSet<(u64, usize)>, to_ns: u64, out: &mut Numbered<'_>) {
        let sequence = out.sequence;
        let mut touched = BTreeSet::new();
        while let Some(&(due_ns, _)) = due.first() {
            let later = due.split_off(&(due_ns, usize::MAX));
            let mut books: Vec<usize> =
                std::mem::replace(&mut due, later).into_iter().map(|(_, place)| place).collect();
            books.sort_unstable_by_key(|&place| self.markets[place].number);
            for &place in &books {
                if touched.insert(place) {
                    let now_ns = self.time_at(place, to_ns);
                    self.markets[place].book.begin_time(now_ns);
                }
                act!(self, place, out, |book, sink| book.expire(due_ns, sequence, sink));
            }
            for &place in &books {
                act!(self, place, out, |book, sink| book.resume(due_ns, sequence, sink));
            }
            due.extend(books.into_iter().filter_map(|place| self.next_due(place, to_ns)));
        }
        for place in touched {
            self.markets[place].book.end_time();
            self.note_due(place);
        }
    }
}
