//! Account names: a book knows accounts by number, people by name.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The names of a book's accounts, shared with the reports and views that print them.
#[derive(Clone, Default)]
pub struct Names(Arc<RwLock<Table>>);

#[derive(Default)]
struct Table {
    numbers: HashMap<Arc<str>, u32>,
    /// Name of account `i + 1`.
    names: Vec<Arc<str>>,
}

impl Names {
    /// The number of a name, the next free one if it is new; `None` when all 2^32 - 1 are taken.
    pub fn intern(&self, name: &str) -> Option<u32> {
        if let Some(number) = self.find(name) {
            return Some(number);
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(table.names.len() + 1).ok()?;
        let name: Arc<str> = Arc::from(name);
        table.names.push(Arc::clone(&name));
        table.numbers.insert(name, number);
        Some(number)
    }

    /// The number of a name that was interned before.
    pub fn find(&self, name: &str) -> Option<u32> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.numbers.get(name).copied()
    }

    /// The name of a number; 0 and numbers that only batches use have none.
    pub fn name(&self, number: u32) -> Option<Arc<str>> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.names.get(place).cloned()
    }

    /// All names, by number from 1.
    pub fn all(&self) -> Vec<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).names.clone()
    }
}
