//! What goes to a shard, and what comes back.

use super::packed::Packed;
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::intake::Intake;
use crate::ring::Full;
use crate::ring::spsc::Producer;
use aeromatch_engine::collector::Done;
use aeromatch_engine::record::SLOT_BYTES;
use std::sync::Arc;

/// A submission's name at its port: they are given in order, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The answer to a submission.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Which one.
    pub ticket: Ticket,
    /// The shard that answers; of what concerned several, the first.
    pub shard: u16,
    /// What it did, or why it did nothing. [`Failure::Stopped`] leaves open whether it was taken.
    pub result: Result<Done, Arc<Failure>>,
}

/// Whose submission it is: a place in the shards' tables of ports, and which of those that have had the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub place: u32,
    pub generation: u32,
}

/// The slots of a submission. Most are one command of one slot, which needs no memory of its own.
pub(crate) enum Slots {
    One([u8; SLOT_BYTES]),
    Many(Box<[u8]>),
}

impl Slots {
    pub fn new(slots: &[u8]) -> Slots {
        match <[u8; SLOT_BYTES]>::try_from(slots) {
            Ok(slot) => Slots::One(slot),
            Err(_) => Slots::Many(Box::from(slots)),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Slots::One(slot) => slot,
            Slots::Many(slots) => slots,
        }
    }
}

pub(crate) struct Submission {
    pub origin: Origin,
    pub ticket: Ticket,
    pub wants_changes: bool,
    /// Commands without a time are to have none, also where the wall clock's is given.
    pub keeps_times: bool,
    /// Whoever sent it reads the stream: its answer has no events that are there.
    pub is_quiet: bool,
    pub slots: Slots,
}

/// The way to a thread: its intake, and what wakes it.
pub(crate) struct Gate {
    pub intake: Intake<Submission>,
    pub doorbell: Doorbell,
    /// It may sleep, and has to be woken.
    pub sleeps: bool,
}

impl Gate {
    #[inline]
    pub fn push(&self, submission: Submission) -> Result<(), Full<Submission>> {
        self.intake.push(submission)?;
        self.wake();
        Ok(())
    }

    #[inline]
    pub fn wake(&self) {
        if self.sleeps {
            self.doorbell.ring();
        }
    }
}

/// A port's end of the way back, at the thread that answers.
pub(crate) struct Door {
    pub generation: u32,
    /// It has room for the window, and so for everything that is not answered.
    pub completions: Producer<Packed>,
    pub doorbell: Arc<Doorbell>,
}

/// The ports that a thread answers.
#[derive(Default)]
pub(crate) struct Doors {
    doors: Vec<Option<Door>>,
    /// Places to which something was pushed since the doorbells were rung.
    answered: Vec<u32>,
}

impl Doors {
    /// Takes a port into the table; forgets those that are gone.
    pub fn attach(&mut self, place: u32, door: Door) {
        for known in &mut self.doors {
            if known.as_ref().is_some_and(|known| known.completions.is_abandoned()) {
                *known = None;
            }
        }
        let place = place as usize;
        if self.doors.len() <= place {
            self.doors.resize_with(place + 1, || None);
        }
        self.doors[place] = Some(door);
    }

    /// Answers. A port that is gone hears nothing, and hurts nobody.
    #[inline]
    pub fn complete(&mut self, origin: Origin, completion: Packed) {
        let door = self.doors.get_mut(origin.place as usize).and_then(Option::as_mut);
        if let Some(door) = door.filter(|door| door.generation == origin.generation) {
            let pushed = door.completions.push(completion);
            debug_assert!(pushed.is_ok(), "a port has room for everything that it may have sent");
            if self.answered.last() != Some(&origin.place) {
                self.answered.push(origin.place);
            }
        }
    }

    /// Wakes those that were answered.
    #[inline]
    pub fn ring(&mut self) {
        for place in self.answered.drain(..) {
            if let Some(door) = &self.doors[place as usize] {
                door.doorbell.ring();
            }
        }
    }
}
