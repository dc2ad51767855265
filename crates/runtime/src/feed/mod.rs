//! What market data is made of, beside the matching threads and without a word to them.

pub mod depth;
