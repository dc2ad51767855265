//! Time where several books share it (R2): what falls due comes by due time over all of them, expiries before phases on a tie
//! (R6), in order of id and of instrument.

use super::numbered::Numbered;
use super::{Clock, Exchange};
use crate::record::EventSink;

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

impl Clock {
    /// A book of the group may have something due at that time.
    pub fn due_by(&mut self, at_ns: u64) {
        self.next_due_ns = self.next_due_ns.min(at_ns);
    }
}

impl Exchange {
    /// Moves a clearing group's time; an earlier stamp counts as the last one seen. Returns what time it is.
    pub(super) fn move_group(&mut self, group: u32, to_ns: u64, out: &mut Numbered<'_>) -> u64 {
        let clock = &mut self.clocks[group as usize - 1];
        clock.now_ns = clock.now_ns.max(to_ns);
        let now_ns = clock.now_ns;
        self.now_ns = self.now_ns.max(now_ns);
        if clock.next_due_ns <= now_ns {
            let books = clock.books.iter().map(|&place| (place, now_ns)).collect();
            self.effects_of_time(books, out);
            self.find_next_due(group);
        }
        now_ns
    }

    /// Moves the time of everything.
    pub(super) fn move_all(&mut self, to_ns: u64, out: &mut Numbered<'_>) {
        self.now_ns = self.now_ns.max(to_ns);
        for clock in &mut self.clocks {
            clock.now_ns = clock.now_ns.max(to_ns);
        }
        let books = self.places_by_number().into_iter().map(|place| {
            let market = &self.markets[place];
            let of_group = market.terms.as_ref().map(|terms| self.clocks[terms.group as usize - 1].now_ns);
            (place, of_group.unwrap_or_else(|| market.book.now_ns().max(to_ns)))
        });
        let books = books.collect();
        self.effects_of_time(books, out);
        self.find_all_due();
    }

    /// Places of all books, by instrument number.
    pub(super) fn places_by_number(&self) -> Vec<usize> {
        let books = self.registry.instruments().filter(|(_, info)| !info.is_mirror);
        books.map(|(_, info)| info.book).collect()
    }

    /// Finds for every clearing group until when its time passes without effect.
    pub(super) fn find_all_due(&mut self) {
        for group in 1..=self.clocks.len() as u32 {
            self.find_next_due(group);
        }
    }

    fn find_next_due(&mut self, group: u32) {
        let Clock { books, next_due_ns, .. } = &mut self.clocks[group as usize - 1];
        let due = books.iter().map(|&place| self.markets[place].book.next_due_ns());
        *next_due_ns = due.min().unwrap_or(u64::MAX);
    }

    /// What has become due in these books, whose time is now as given.
    fn effects_of_time(&mut self, books: Vec<(usize, u64)>, out: &mut Numbered<'_>) {
        for &(place, now_ns) in &books {
            self.markets[place].book.begin_time(now_ns);
        }
        let sequence = out.sequence;
        loop {
            let next = books.iter().filter_map(|&(place, now_ns)| {
                Some(self.markets[place].book.next_effect_ns()).filter(|&due_ns| due_ns <= now_ns)
            });
            let Some(due_ns) = next.min() else {
                break;
            };
            let reached = || books.iter().filter(|&&(_, now_ns)| due_ns <= now_ns);
            for &(place, _) in reached() {
                act!(self, place, out, |book, sink| book.expire(due_ns, sequence, sink));
            }
            for &(place, _) in reached() {
                act!(self, place, out, |book, sink| book.resume(due_ns, sequence, sink));
            }
            if due_ns == u64::MAX {
                // The end of time, or nothing left: a book without anything due says so too.
                break;
            }
        }
        for &(place, _) in &books {
            self.markets[place].book.end_time();
        }
    }
}
