//! The exchange as its Python objects share it: the state machine behind its lock, and its directory beside it.

use super::directory::Directory;
use super::machine::Machine;
use crate::errors::Failure;
use crate::lens::{Lens, Mirror};
use crate::state::{Entry, Shared};
use std::sync::Arc;

pub struct Handle {
    shared: Shared<Machine>,
    pub directory: Arc<Directory>,
}

impl Handle {
    pub fn new(machine: Machine) -> Handle {
        let directory = Arc::new(Directory::of(machine.exchange()));
        Handle { shared: Shared::new(machine), directory }
    }

    /// The right to use the exchange, at once or not at all.
    pub fn enter(&self) -> Result<Entry<'_, Machine>, Failure> {
        self.shared.enter()
    }

    /// Lets `action` use the exchange, at once or not at all.
    pub fn with<R>(&self, action: impl FnOnce(&mut Machine) -> R) -> Result<R, Failure> {
        self.enter()?.with(action)
    }

    /// Lets `action` look at a book, which is there: a directory names none that is not.
    pub fn read_book<R>(
        &self,
        number: u32,
        mirror: Option<Mirror>,
        action: impl FnOnce(Lens<'_>) -> R,
    ) -> Result<R, Failure> {
        self.with(|machine| {
            let book = machine.exchange().book(number).ok_or(Failure::Unusable("Exchange"))?;
            Ok(action(Lens { book, mirror }))
        })?
    }
}
