//! Client order ids (R5): unique per account among live orders and those finished within the dedup window.

use crate::record::ClientId;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

/// Account and text.
pub(crate) type Name = (u32, ClientId);

/// An id whose order is done but which is not free yet.
#[derive(Clone, Copy)]
pub(crate) struct Finished {
    pub at_ns: u64,
    pub name: Name,
    pub order_id: u64,
}

#[derive(Clone, Copy)]
struct Owner {
    order_id: u64,
    is_live: bool,
}

/// The hasher has fixed keys: nothing here may depend on a random seed. Nothing depends on the order of iteration either.
type Names = HashMap<Name, Owner, BuildHasherDefault<DefaultHasher>>;

/// All ids that a new order may not use.
pub(crate) struct ClientIds {
    names: Names,
    /// In order of finishing, so in order of time.
    finished: VecDeque<Finished>,
    window_ns: u64,
}

impl ClientIds {
    pub fn new(window_ns: u64) -> ClientIds {
        ClientIds { names: Names::default(), finished: VecDeque::new(), window_ns }
    }

    /// The order that has this id now, finished or not.
    pub fn owner(&self, name: &Name) -> Option<u64> {
        self.names.get(name).map(|owner| owner.order_id)
    }

    /// The live order that has this id.
    pub fn live_owner(&self, name: &Name) -> Option<u64> {
        self.names.get(name).filter(|owner| owner.is_live).map(|owner| owner.order_id)
    }

    pub fn insert(&mut self, name: Name, order_id: u64) {
        self.names.insert(name, Owner { order_id, is_live: true });
    }

    /// The order with this id is done at `now_ns`: the id is free at once (also at the end of time), or after the window.
    pub fn finish(&mut self, name: Name, now_ns: u64) {
        if now_ns.saturating_add(self.window_ns) <= now_ns {
            self.names.remove(&name);
        } else if let Entry::Occupied(mut owner) = self.names.entry(name) {
            owner.get_mut().is_live = false;
            let order_id = owner.get().order_id;
            self.finished.push_back(Finished { at_ns: now_ns, name, order_id });
        }
    }

    /// When the next finished id becomes free; `u64::MAX` if none waits.
    pub fn next_ns(&self) -> u64 {
        self.finished.front().map_or(u64::MAX, |first| first.at_ns.saturating_add(self.window_ns))
    }

    /// Frees the ids whose window has passed.
    pub fn forget_until(&mut self, now_ns: u64) {
        while let Some(&first) = self.finished.front().filter(|first| self.is_free(first, now_ns)) {
            self.names.remove(&first.name);
            self.finished.pop_front();
        }
    }

    /// Has the window of a finished id passed?
    pub fn is_free(&self, finished: &Finished, now_ns: u64) -> bool {
        finished.at_ns.saturating_add(self.window_ns) <= now_ns
    }

    /// Finished ids still remembered, in the order in which they finished.
    pub fn finished(&self) -> impl ExactSizeIterator<Item = &Finished> {
        self.finished.iter()
    }

    /// Adds a finished id; for restoring a snapshot. False if the id is taken.
    pub fn restore(&mut self, finished: Finished) -> bool {
        let owner = Owner { order_id: finished.order_id, is_live: false };
        self.finished.push_back(finished);
        self.names.insert(finished.name, owner).is_none()
    }

    /// Bytes held, roughly.
    pub fn bytes(&self) -> usize {
        self.names.capacity() * (size_of::<(Name, Owner)>() + 1) + self.finished.capacity() * size_of::<Finished>()
    }
}
