//! The exchange of a shard, in memory or behind a journal.

use crate::durable::{DurableExchange, Submitted};
use crate::failure::Failure;
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::EventSink;

pub(crate) enum Engine<St: Storage> {
    Memory(Box<Exchange>),
    Journal(Box<DurableExchange<St>>),
}

impl<St: Storage> Engine<St> {
    pub fn exchange(&self) -> &Exchange {
        match self {
            Engine::Memory(exchange) => exchange,
            Engine::Journal(durable) => durable.exchange(),
        }
    }

    /// Writes checked slots into the journal, if there is one. Then [`Engine::sync`], and [`Engine::apply`] command by command.
    pub fn journal(&mut self, slots: &[u8]) -> Result<Submitted, Failure> {
        match self {
            Engine::Memory(_) => Ok(Submitted::Applied { commands: 0 }),
            Engine::Journal(durable) => durable.journal(slots),
        }
    }

    /// Returns when what was journaled is what the policy promises; whether the disk had to be waited for.
    pub fn sync(&mut self) -> Result<bool, Failure> {
        match self {
            Engine::Memory(_) => Ok(false),
            Engine::Journal(durable) => durable.sync(),
        }
    }

    /// Applies the command at that slot, which is the next one of what was journaled; returns how many slots it took.
    #[inline]
    pub fn apply<S: EventSink>(&mut self, slots: &[u8], slot: usize, sink: &mut S) -> Result<usize, Failure> {
        match self {
            Engine::Memory(exchange) => exchange.apply_at(slots, slot, sink).map_err(Failure::Batch),
            Engine::Journal(durable) => durable.apply_next(sink),
        }
    }

    /// Everything up to this number survives a loss of power.
    pub fn durable_sequence(&self) -> u64 {
        match self {
            Engine::Memory(_) => 0,
            Engine::Journal(durable) => durable.durable_sequence(),
        }
    }

    /// Makes everything durable, whatever the policy.
    pub fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Engine::Memory(_) => Ok(()),
            Engine::Journal(durable) => durable.flush(),
        }
    }

    /// Writes what waits in memory to the files.
    pub fn write_out(&mut self) -> Result<(), Failure> {
        match self {
            Engine::Memory(_) => Ok(()),
            Engine::Journal(durable) => durable.write_out(),
        }
    }

    pub fn close(self) -> Result<(), Failure> {
        match self {
            Engine::Memory(_) => Ok(()),
            Engine::Journal(durable) => durable.close(),
        }
    }
}
