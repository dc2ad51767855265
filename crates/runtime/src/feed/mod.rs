//! What follows the shards beside them, without a word to the matching threads: orders and market data.

pub mod depth;
pub mod orders;
