//! When somebody else's command was done: its answer has the time. Whoever is told what it did is told that too, and nothing more of
//! the answer.

use aeromatch_engine::codes::EventKind;
use aeromatch_engine::record::{Event, NO_SIDE};

/// Is it a command's own first event (R6)?
#[inline]
pub fn is_answer(event: &Event) -> bool {
    event.kind == EventKind::Accepted.code() || event.kind == EventKind::Rejected.code()
}

/// What anybody may know of an answer: its place in the log and its time.
pub fn time_of(answer: &Event) -> Event {
    Event {
        kind: EventKind::Accepted.code(),
        reason: 0,
        side: NO_SIDE,
        account: 0,
        price_ticks: 0,
        quantity_lots: 0,
        order_id: 0,
        detail: 0,
        ..*answer
    }
}
