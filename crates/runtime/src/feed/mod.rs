//! What follows a shard's events beside it: whoever reads an [`crate::stream::EventStream`] hands them on to these.

pub mod orders;
