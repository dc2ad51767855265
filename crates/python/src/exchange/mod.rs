//! `aeromatch.Exchange`: many markets, accounts and a journal (R2 to R5, R24, R30 to R32). What commands mean is the
//! engine's business, what is written where the runtime's.

pub mod accounts;
mod admin;
mod commands;
pub mod directory;
mod funds;
pub mod handle;
pub mod journal;
mod lifecycle;
mod machine;
pub mod markets;
mod orders;
mod reads;
pub mod receipt;
mod recovery;
mod watched;

use crate::buffer::Pool;
use crate::scope::Scope;
use directory::Directory;
use handle::Handle;
use pyo3::prelude::*;
use std::sync::Arc;

/// Many markets and the accounts that trade there: one state machine, driven by one log of commands.
///
/// It begins empty: assets, clearing groups, accounts, instruments and events are made by commands. Order commands
/// answer with a Report, the others with a Receipt; a rejection is data in them (R8), an exception means misuse and
/// uses no sequence number (R9). Amounts are Decimal, str, int or float (a float by its shortest repr), exact or
/// refused (R1). Times are nanoseconds since the Unix epoch; without one the last time seen counts (R2). A command that
/// names what is not there is rejected; a read that does raises UnknownNameError. An exchange is used by one thread at
/// a time; a second one gets an AeroMatchError, never a wait.
///
/// `Exchange()` lives in memory and ends with the process. `Exchange.open` keeps a journal.
#[pyclass(frozen, module = "aeromatch")]
pub struct Exchange {
    handle: Arc<Handle>,
    pool: Pool,
}

impl Exchange {
    /// In memory, as it is.
    pub fn in_memory(exchange: aeromatch_engine::exchange::Exchange) -> Exchange {
        Exchange::over(Handle::in_memory(exchange))
    }

    fn directory(&self) -> &Arc<Directory> {
        &self.handle.directory
    }

    /// What prints what is about no single instrument.
    fn scope(&self) -> Scope {
        let directory = self.directory();
        Scope { context: Arc::clone(directory.nowhere()), directory: Some(Arc::clone(directory)) }
    }
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Exchange>()?;
    module.add_class::<receipt::Receipt>()?;
    module.add_class::<accounts::Balance>()?;
    module.add_class::<accounts::Position>()?;
    module.add_class::<markets::Asset>()?;
    module.add_class::<markets::EventMarket>()?;
    module.add_class::<recovery::Recovery>()?;
    module.add_class::<recovery::SnapshotInfo>()?;
    lifecycle::close_at_exit(module.py())
}
