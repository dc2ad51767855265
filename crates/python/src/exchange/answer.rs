//! What a command's method answers: at once, or, where commands are awaited, a ticket now and the answer later. Both come
//! from the same question, so that what a Report or a Receipt says is written once.

use super::many;
use super::receipt::Receipt;
use crate::lens::Mirror;
use crate::report::Report;
use crate::scope::Scope;
use aeromatch_engine::codes::{AdminKind, CommandKind};
use aeromatch_engine::collector::{Change, Done};
use aeromatch_engine::record::Event;
use pyo3::PyClass;
use pyo3::prelude::*;
use std::sync::Arc;

/// What a method returns.
pub enum Answered<T> {
    /// The answer.
    Now(T),
    /// The ticket under which it will come; `None`: there was no room, and nothing was sent.
    Later(Option<u64>),
}

impl<'py, T: PyClass + Into<PyClassInitializer<T>>> IntoPyObject<'py> for Answered<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    #[inline]
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Answered::Now(answer) => Bound::new(py, answer).map(Bound::into_any),
            Answered::Later(ticket) => Ok(ticket.into_pyobject(py)?.into_any()),
        }
    }
}

/// What a command asked, as far as its answer has to know.
pub enum Question {
    Order(OrderQuestion),
    Admin(AdminQuestion),
    /// What one shard does of a batch of orders, which has it as soon as it is known.
    Batch {
        batch: Arc<many::Inner>,
        group: usize,
    },
}

/// About orders, phases or time.
pub struct OrderQuestion {
    pub scope: Scope,
    pub kind: CommandKind,
    /// For a second outcome: the number of the book, and how it is seen (R32).
    pub mirror: Option<(u32, Mirror)>,
}

/// To the exchange itself.
pub struct AdminQuestion {
    pub scope: Scope,
    pub kind: AdminKind,
}

impl OrderQuestion {
    #[inline]
    pub fn report(self, mut done: Done) -> Report {
        if let Some((book, mirror)) = self.mirror {
            show_mirrored(&mut done.events, &mut done.changes, book, mirror);
        }
        Report::new(self.scope, self.kind, done)
    }
}

impl AdminQuestion {
    pub fn receipt(self, events: Box<[Event]>) -> Receipt {
        Receipt::new(self.scope, self.kind, events)
    }
}

/// What a command did to the book of both outcomes, in the second one's terms (R32).
pub fn show_mirrored(events: &mut [Event], changes: &mut [Change], book: u32, mirror: Mirror) {
    for event in events.iter_mut().filter(|event| event.instrument == book) {
        *event = mirror.event(*event);
    }
    for change in changes.iter_mut().filter(|change| change.instrument == book) {
        (change.side, change.price_ticks) = (mirror.side(change.side), mirror.price(change.price_ticks));
        change.instrument = mirror.instrument;
    }
    changes.sort_by_key(|change| (change.instrument, change.side));
}
