//! NASDAQ TotalView-ITCH 5.0: every message type decoded in place, every framing that such files come in, and a replay of
//! one symbol through the engine that checks its executions.
//!
//! The bytes come in chunks of any size, from whoever reads the file: there is no I/O here. Any bytes are read or refused
//! with their offset; none panic (R33). Start at [`message`] for the formats, at [`stream`] for the framing, at
//! [`replay`] for the book, at [`reader`] to use it.

#![forbid(unsafe_code)]

pub mod day;
pub mod message;
pub mod reader;
pub mod replay;
pub mod stream;
pub mod tally;

mod parked;
