//! An answer on its way from the thread that gives it to a port.
//!
//! Memory that one thread takes and another gives back drags the allocator's own lines from processor to processor, and with
//! every answer. Most answers are a few events: those lie in the ring's slot itself, and the port's thread takes the memory
//! that its caller keeps.

use super::submission::{Completion, Ticket};
use crate::failure::Failure;
use aeromatch_engine::collector::{Change, Done};
use aeromatch_engine::record::Event;
use std::sync::Arc;

/// Events of an answer that needs no memory of its own: an order that trades once has as many.
const FEW: usize = 3;

/// Whole lines: neighbours in the ring are written and read by different processors.
#[repr(align(64))]
pub(crate) struct Packed {
    pub ticket: Ticket,
    pub shard: u16,
    reply: Reply,
}

enum Reply {
    /// The first `count` of them; the others only fill the place.
    Few {
        events: [Event; FEW],
        count: usize,
        is_dormant: bool,
    },
    Whole(Result<Done, Arc<Failure>>),
}

impl Packed {
    /// What a command did.
    #[inline]
    pub fn done(ticket: Ticket, shard: u16, events: &[Event], changes: Vec<Change>, is_dormant: bool) -> Packed {
        let reply = match events {
            [first, ..] if events.len() <= FEW && changes.is_empty() => {
                let mut few = [*first; FEW];
                few[..events.len()].copy_from_slice(events);
                Reply::Few { events: few, count: events.len(), is_dormant }
            }
            _ => Reply::Whole(Ok(Done { events: Box::from(events), changes: changes.into_boxed_slice(), is_dormant })),
        };
        Packed { ticket, shard, reply }
    }

    /// Why it did nothing, or what was put together for it.
    pub fn whole(ticket: Ticket, shard: u16, result: Result<Done, Arc<Failure>>) -> Packed {
        Packed { ticket, shard, reply: Reply::Whole(result) }
    }

    /// The answer as its caller gets it.
    #[inline]
    pub fn into_completion(self) -> Completion {
        let Packed { ticket, shard, reply } = self;
        let result = match reply {
            Reply::Few { events, count, is_dormant } => {
                Ok(Done { events: Box::from(&events[..count]), changes: Box::default(), is_dormant })
            }
            Reply::Whole(result) => result,
        };
        Completion { ticket, shard, result }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Packed};
    use crate::shard::Ticket;
    use aeromatch_engine::codes::Side;
    use aeromatch_engine::collector::{Change, Done};
    use aeromatch_engine::record::Event;

    fn event(index: u32) -> Event {
        Event { index, ..crate::shard::words::event_of(&[0; 8]) }
    }

    #[test]
    fn what_comes_out_is_what_went_in_however_it_travels() {
        let change =
            Change { sequence: 1, instrument: 2, side: Side::Buy, price_ticks: 3, quantity_lots: 4, order_count: 5 };
        for count in 0..=FEW as u32 + 2 {
            for changes in [vec![], vec![change; 2]] {
                let events: Vec<Event> = (0..count).map(event).collect();
                let answer = Packed::done(Ticket(7), 3, &events, changes.clone(), count == 1).into_completion();
                let done = Done { events: events.into(), changes: changes.into(), is_dormant: count == 1 };
                assert_eq!((answer.ticket, answer.shard, answer.result.unwrap()), (Ticket(7), 3, done));
            }
        }
    }
}
