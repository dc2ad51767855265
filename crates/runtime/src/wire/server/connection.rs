//! A connection: its socket, its session, and what of it waits for the exchange.

use super::listen::{Incoming, Socket};
use super::market::Followed;
use super::resume::Resume;
use crate::admission::address::Address;
use crate::admission::key::Key;
use crate::shard::submission::Slots;
use crate::wire::commands::Named;
use crate::wire::session::{Bounds, Session};
use aeromatch_engine::record::Event;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// A connection's place, and which of those that have had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub place: u32,
    pub generation: u32,
}

/// Commands for one thread that answers.
pub struct Pending {
    pub target: usize,
    pub slots: Slots,
    pub commands: usize,
    /// Those of its orders that have client order ids.
    pub named: Vec<Named>,
}

impl Pending {
    pub fn new(target: usize, slots: Slots, commands: usize) -> Pending {
        let mut named = Vec::new();
        crate::wire::commands::named(slots.bytes(), &mut named);
        Pending { target, slots, commands, named }
    }
}

/// Where a session's reports of a shard come from.
#[derive(Debug)]
pub enum Source {
    /// The stream, behind that number.
    Live(u64),
    /// The past, and it has everything up to that number: the stream's are not for it yet.
    Past(u64),
    /// The past up to a number that the stream has passed: what the stream has had since is held until then.
    Joining { upto: u64, held: Vec<Event> },
}

impl Source {
    /// Behind `begin`, where the stream has come to `own`.
    pub fn of(own: u64, begin: u64) -> Source {
        if begin < own { Source::Past(begin) } else { Source::Live(begin) }
    }
}

/// A connection.
pub struct Connection {
    pub token: Token,
    pub socket: Socket,
    pub address: Address,
    pub remote: String,
    pub session: Session,
    /// The last read did not come to the end of what is there.
    pub is_readable: bool,
    pub is_writable: bool,
    /// When the socket last took something.
    pub moved_ns: u64,
    /// There will be nothing more.
    pub is_at_end: bool,
    /// It is among those that are served next.
    pub is_ready: bool,
    /// It has something to send.
    pub is_dirty: bool,
    /// Commands in the inbox that were checked and not submitted.
    pub rest: Range<usize>,
    /// Taken out of there, and not submitted.
    pub waiting: VecDeque<Pending>,
    pub key: Option<Arc<Key>>,
    pub account_name: Option<String>,
    pub cancels_at_end: bool,
    /// By shard.
    pub sources: Vec<Source>,
    /// By shard, the command of which it had the last event.
    pub reported: Vec<u64>,
    pub resume: Option<Resume>,
    pub followed: Vec<Followed>,
    /// It was told that there is no more.
    pub is_shut: bool,
    pub is_listing: bool,
    /// When it is closed whatever waits, once it is ending.
    pub deadline_ns: u64,
}

impl Connection {
    pub fn new(token: Token, incoming: Incoming, bounds: &Bounds, now_ns: u64) -> Connection {
        let Incoming { socket, address, remote } = incoming;
        Connection {
            token,
            socket,
            address,
            remote,
            session: Session::new(bounds, now_ns),
            is_readable: true,
            is_writable: true,
            moved_ns: now_ns,
            is_at_end: false,
            is_ready: false,
            is_dirty: false,
            rest: 0..0,
            waiting: VecDeque::new(),
            key: None,
            account_name: None,
            cancels_at_end: false,
            sources: Vec::new(),
            reported: Vec::new(),
            resume: None,
            followed: Vec::new(),
            is_shut: false,
            is_listing: false,
            deadline_ns: 0,
        }
    }

    /// Do commands of it wait to be submitted?
    #[inline]
    pub fn is_held_up(&self) -> bool {
        !self.rest.is_empty() || !self.waiting.is_empty()
    }
}
