//! `aeromatch.Exchange`: many markets, accounts and a journal (R2 to R5, R24, R30 to R32). What commands mean is the
//! engine's business, what is written where the runtime's.

pub mod accounts;
mod admin;
mod answer;
mod commands;
mod counters;
pub mod directory;
mod funds;
pub mod handle;
pub mod journal;
mod lifecycle;
mod machine;
mod many;
pub mod markets;
mod order_json;
mod orders;
mod reads;
pub mod receipt;
mod recovery;
mod settings;
pub mod sharded;
mod shards;
mod stream;
mod watched;

use crate::buffer::Pool;
use crate::errors::Failure;
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
/// `Exchange()` lives in memory and ends with the process. `Exchange.open` keeps a journal. With `shards`, a number or
/// Shards, commands are applied by threads of their own, each for its part of the clearing groups and instruments;
/// reports and events are the same for any number, but for sequence numbers, which each shard counts for itself, and
/// for the order in which the shards answer a command about all instruments.
#[pyclass(frozen, module = "aeromatch")]
pub struct Exchange {
    handle: Arc<Handle>,
    pool: Pool,
    /// Commands return tickets, under which their answers come.
    answers_later: bool,
}

impl Exchange {
    /// What its Python objects share.
    pub fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// In memory, as it is.
    pub fn in_memory(exchange: aeromatch_engine::exchange::Exchange) -> Result<Exchange, Failure> {
        Handle::in_memory(exchange).map(Exchange::over)
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
    module.add_class::<counters::ShardCounters>()?;
    module.add_class::<stream::EventStream>()?;
    module.add_class::<many::OrderBatch>()?;
    lifecycle::close_at_exit(module.py())
}
