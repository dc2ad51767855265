//! Account names: books know accounts by number, people by name.

use aeromatch_engine::record::UNKNOWN;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

/// A name, shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Arc<str>);

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name(Arc::from(text))
    }
}

impl<'py> IntoPyObject<'py> for Name {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Bound<'py, PyString>, Infallible> {
        Ok(PyString::new(py, &self.0))
    }
}

/// The names of accounts, shared with the reports and views that print them.
#[derive(Clone, Default)]
pub struct Names {
    table: Arc<RwLock<Table>>,
    /// Only commands make accounts: a name that a sender comes with is there, or is unknown.
    is_registered: bool,
}

#[derive(Default)]
struct Table {
    numbers: HashMap<Arc<str>, u32>,
    /// Name of account `i + 1`.
    names: Vec<Arc<str>>,
}

impl Names {
    /// The names of an exchange's accounts, which are made by commands.
    pub fn registered() -> Names {
        Names { is_registered: true, ..Names::default() }
    }

    /// Whether only commands make accounts.
    pub fn is_registered(&self) -> bool {
        self.is_registered
    }

    /// The number that a command carries for a name: the next free one if it is new, or, where only commands make accounts,
    /// the one that none has. `None` when all are taken.
    #[inline]
    pub fn number(&self, name: &str) -> Option<u32> {
        if self.is_registered { Some(self.find(name).unwrap_or(UNKNOWN)) } else { self.intern(name) }
    }

    /// The number of a name, the next free one if it is new; `None` when all 2^32 - 1 are taken.
    pub fn intern(&self, name: &str) -> Option<u32> {
        if let Some(number) = self.find(name) {
            return Some(number);
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(table.names.len() + 1).ok()?;
        let name: Arc<str> = Arc::from(name);
        table.names.push(Arc::clone(&name));
        table.numbers.insert(name, number);
        Some(number)
    }

    /// The number of a name that was interned before.
    pub fn find(&self, name: &str) -> Option<u32> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.numbers.get(name).copied()
    }

    /// The name of a number; 0 and numbers that only batches use have none.
    pub fn name(&self, number: u32) -> Option<Name> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.names.get(place).cloned().map(Name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).names.len()
    }

    /// All names, by number from 1.
    pub fn all(&self) -> Vec<Name> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).names.iter().cloned().map(Name).collect()
    }
}
