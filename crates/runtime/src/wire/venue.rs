//! What the server needs of the exchange that it stands before.

use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::port::Port;
use crate::publication::PublishedBook;
use crate::shard::{ShardOptions, Shards};
use crate::storage::Storage;
use crate::stream::EventStream;
use aeromatch_engine::exchange::Exchange;
use std::sync::Arc;

/// An exchange with shards.
pub trait Venue: Send + Sync {
    /// How it is run.
    fn options(&self) -> ShardOptions;

    /// A door for commands.
    ///
    /// # Errors
    /// As [`Shards::port`].
    fn port(&self) -> Result<Port, Failure>;

    /// A shard's events from a number on.
    ///
    /// # Errors
    /// As [`Shards::stream_with`].
    fn stream(&self, shard: u16, from_sequence: u64, doorbell: Arc<Doorbell>) -> Result<EventStream, Failure>;

    /// As [`Shards::history`].
    ///
    /// # Errors
    /// As there.
    fn history(
        &self,
        shard: u16,
        from_sequence: u64,
        doorbell: Arc<Doorbell>,
        look: &mut dyn FnMut(&Exchange),
    ) -> Result<Option<EventStream>, Failure>;

    /// Looks at a shard between two of its batches.
    ///
    /// # Errors
    /// As [`Shards::read`].
    fn look(&self, shard: u16, act: &mut dyn FnMut(&Exchange)) -> Result<(), Failure>;

    /// A book as it is published.
    fn published(&self, instrument: u32) -> Option<Arc<PublishedBook>>;

    /// The shard of an instrument.
    fn home_of_instrument(&self, instrument: u32) -> u16;

    /// The last command of a shard that streams may have.
    fn last_sequence(&self, shard: u16) -> u64;
}

impl<St: Storage> Venue for Shards<St> {
    fn options(&self) -> ShardOptions {
        Shards::options(self).clone()
    }

    fn port(&self) -> Result<Port, Failure> {
        Shards::port(self)
    }

    fn stream(&self, shard: u16, from_sequence: u64, doorbell: Arc<Doorbell>) -> Result<EventStream, Failure> {
        self.stream_with(shard, from_sequence, doorbell)
    }

    fn history(
        &self,
        shard: u16,
        from_sequence: u64,
        doorbell: Arc<Doorbell>,
        look: &mut dyn FnMut(&Exchange),
    ) -> Result<Option<EventStream>, Failure> {
        Shards::history(self, shard, from_sequence, doorbell, look)
    }

    fn look(&self, shard: u16, act: &mut dyn FnMut(&Exchange)) -> Result<(), Failure> {
        self.read(shard, act)
    }

    fn published(&self, instrument: u32) -> Option<Arc<PublishedBook>> {
        Shards::published(self, instrument)
    }

    fn home_of_instrument(&self, instrument: u32) -> u16 {
        Shards::home_of_instrument(self, instrument)
    }

    fn last_sequence(&self, shard: u16) -> u64 {
        Shards::last_sequence(self, shard)
    }
}
