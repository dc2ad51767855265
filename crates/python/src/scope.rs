//! What reports and events need in order to print numbers as amounts and names: of one book, or of a whole exchange.

use crate::exchange::directory::Directory;
use crate::instrument::Context;
use std::sync::Arc;

/// The instrument that something is about, and, in an exchange, whom to ask about everything else.
#[derive(Clone)]
pub struct Scope {
    pub context: Arc<Context>,
    pub directory: Option<Arc<Directory>>,
}

impl Scope {
    /// Of a book of its own, where everything is about the one instrument.
    #[inline]
    pub fn book(context: &Arc<Context>) -> Scope {
        Scope { context: Arc::clone(context), directory: None }
    }

    /// The same for an event of that instrument.
    pub fn at(&self, instrument: u32) -> Scope {
        let context = match &self.directory {
            Some(directory) => directory.context(instrument),
            None => Arc::clone(&self.context),
        };
        Scope { context, directory: self.directory.clone() }
    }
}
