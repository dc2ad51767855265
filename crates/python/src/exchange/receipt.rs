//! The answer to a command that is about no order: what it made, and what it did to accounts.

use crate::enums::{member, member_of};
use crate::events::Event;
use crate::names::Name;
use crate::report::{answer, rejection};
use crate::scope::Scope;
use aeromatch_engine::codes::{AdminKind, CreatedKind, EventKind, RejectReason};
use aeromatch_engine::record::Event as Record;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// What a command that is about no order did. Immutable.
///
/// A rejection is data: `status` is "rejected" and `reject_reason` says why (R8).
#[pyclass(frozen, module = "aeromatch")]
pub struct Receipt {
    scope: Scope,
    kind: AdminKind,
    events: Box<[Record]>,
}

impl Receipt {
    pub fn new(scope: Scope, kind: AdminKind, events: Box<[Record]>) -> Receipt {
        Receipt { scope, kind, events }
    }

    fn rejection(&self) -> Option<RejectReason> {
        rejection(answer(&self.events))
    }

    fn is_accepted(&self) -> bool {
        answer(&self.events).is_some_and(|event| event.kind == EventKind::Accepted.code())
    }

    fn made(&self) -> impl Iterator<Item = (CreatedKind, Name)> {
        let created = self.events.iter().filter(|event| event.kind == EventKind::Created.code());
        created.filter_map(|event| {
            let (what, number) = (CreatedKind::from_code(event.reason)?, u32::try_from(event.order_id).ok()?);
            Some((what, self.scope.directory.as_ref()?.name(what, number)?))
        })
    }
}

#[pymethods]
impl Receipt {
    /// How it was answered: "accepted" or "rejected" (R6).
    #[getter]
    fn status(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, if self.is_accepted() { EventKind::Accepted } else { EventKind::Rejected })
    }

    /// Whether the command was accepted.
    #[getter]
    fn accepted(&self) -> bool {
        self.is_accepted()
    }

    /// Why the command was rejected (R8), None if it was not.
    #[getter]
    fn reject_reason(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, self.rejection())
    }

    /// What the command made, in order: pairs of what it is ("asset", "group", ...) and its name.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for (what, name) in self.made() {
            list.append((member(py, what), &*name))?;
        }
        Ok(list)
    }

    /// All events of this command in order (R7), effects of time first (R6).
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for event in &self.events {
            list.append(Event::new(&self.scope, *event))?;
        }
        Ok(list)
    }

    /// The command's number in the log (R4).
    #[getter]
    fn sequence(&self) -> u64 {
        answer(&self.events).map_or(0, |event| event.sequence)
    }

    /// The time of the command, in nanoseconds since the Unix epoch (R2).
    #[getter]
    fn timestamp(&self) -> u64 {
        answer(&self.events).map_or(0, |event| event.other)
    }

    fn __repr__(&self) -> String {
        let status = match self.rejection() {
            Some(reason) => format!("status='rejected', reject_reason='{}'", reason.slug()),
            None => "status='accepted'".to_string(),
        };
        let made: Vec<String> = self.made().map(|(what, name)| format!("{} {}", what.slug(), &*name)).collect();
        let made = if made.is_empty() { String::new() } else { format!(", created=[{}]", made.join(", ")) };
        format!("Receipt({} {status}{made}, events={})", self.kind.slug(), self.events.len())
    }

    fn __eq__(&self, other: &Receipt) -> bool {
        (self.kind, &self.events) == (other.kind, &other.events)
    }

    fn __hash__(&self) -> u64 {
        self.sequence()
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
