//! A batch of any commands through a port: each goes where it belongs, and events come back in the order of the commands.
//!
//! Commands for shards are sent in stretches, one submission for each shard in it, a few stretches ahead. What concerns several
//! shards is a barrier: everything before it is answered first, and it is before anything behind it is sent.

use crate::failure::Failure;
use crate::journal::slots_of;
use crate::port::{Port, SubmitError};
use crate::shard::submission::Slots;
use crate::shard::{Completion, Ticket};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Event, SLOT_BYTES};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

/// Commands of a stretch.
const STRETCH_COMMANDS: usize = 1024;
/// Stretches that are under way: so that the shards have work while answers are put in order.
const STRETCHES: usize = 4;

/// Commands under way that have to be answered before later ones are.
struct Stretch {
    /// By command its part; empty where there is one part.
    plan: Vec<u8>,
    parts: Vec<Part>,
}

/// What of a stretch goes to one thread.
struct Part {
    target: usize,
    ticket: Option<Ticket>,
    events: Option<Box<[Event]>>,
}

struct Process<'a> {
    port: &'a mut Port,
    events: &'a mut Vec<Event>,
    under_way: VecDeque<Stretch>,
    failure: Option<Arc<Failure>>,
    answers: Vec<Completion>,
}

impl Port {
    /// Sends a batch of any commands, waits until all are answered, and appends their events in order of the commands. Returns
    /// how many commands they are. Answers to what was submitted before are kept for [`Port::poll`].
    ///
    /// # Errors
    /// [`Failure::Batch`]: the slots are no commands; nothing has happened. [`Failure::Stopped`]: some may have been taken.
    pub fn process(&mut self, slots: &[u8], events: &mut Vec<Event>) -> Result<usize, Failure> {
        let commands = Exchange::check(slots).map_err(Failure::Batch)?;
        if self.shared().life.is_over() {
            return Err(self.shared().life.stopped());
        }
        let mut process =
            Process { port: self, events, under_way: VecDeque::new(), failure: None, answers: Vec::new() };
        let mut slot = 0;
        while slot < slots.len() / SLOT_BYTES && process.failure.is_none() {
            slot = process.send_next(slots, slot).map_err(Failure::Batch)?;
        }
        process.land_all();
        match process.failure {
            None => Ok(commands),
            Some(failure) => Err(match Arc::try_unwrap(failure) {
                Ok(failure) => failure,
                Err(_) => self.shared().life.stopped(),
            }),
        }
    }
}

impl Process<'_> {
    /// Sends the commands from a slot on that can go together; returns the slot behind them.
    fn send_next(&mut self, slots: &[u8], from: usize) -> Result<usize, aeromatch_engine::record::RecordError> {
        let (coordinator, end) = (self.port.shared().coordinator(), slots.len() / SLOT_BYTES);
        let mut parts: Vec<(usize, Vec<u8>)> = Vec::new();
        let (mut plan, mut slot) = (Vec::new(), from);
        while slot < end && plan.len() < STRETCH_COMMANDS {
            let (target, used) = if coordinator == 1 {
                (0, slots_of(&slots[slot * SLOT_BYTES..]))
            } else {
                self.port.target(slots, slot)?
            };
            let bytes = &slots[slot * SLOT_BYTES..(slot + used) * SLOT_BYTES];
            if target == coordinator {
                if plan.is_empty() {
                    self.land_all();
                    self.send(Vec::new(), vec![(target, bytes.to_vec())]);
                    self.land_all();
                    return Ok(slot + used);
                }
                break;
            }
            // Places are bytes: more shards than that in one stretch go into the next.
            let place = match parts.iter().position(|(other, _)| *other == target) {
                Some(place) => place,
                None if parts.len() <= usize::from(u8::MAX) => {
                    parts.push((target, Vec::new()));
                    parts.len() - 1
                }
                None => break,
            };
            parts[place].1.extend_from_slice(bytes);
            plan.push(place as u8);
            slot += used;
        }
        while self.under_way.len() >= STRETCHES {
            self.receive();
        }
        self.send(plan, parts);
        Ok(slot)
    }

    fn send(&mut self, plan: Vec<u8>, parts: Vec<(usize, Vec<u8>)>) {
        let plan = if parts.len() > 1 { plan } else { Vec::new() };
        let mut waiting = Vec::with_capacity(parts.len());
        let mut stretch = Stretch { plan, parts: Vec::with_capacity(parts.len()) };
        for (target, bytes) in parts {
            waiting.push(Slots::new(&bytes));
            stretch.parts.push(Part { target, ticket: None, events: None });
        }
        self.under_way.push_back(stretch);
        let place = self.under_way.len() - 1;
        let mut gone = 0;
        for (part, mut slots) in waiting.into_iter().enumerate() {
            loop {
                // What lands meanwhile stands before it.
                let stretch = &mut self.under_way[place - gone];
                match self.port.submit_to(stretch.parts[part].target, slots, false) {
                    Ok(ticket) => {
                        stretch.parts[part].ticket = Some(ticket);
                        break;
                    }
                    Err((SubmitError::Full, back)) => {
                        slots = back;
                        let before = self.under_way.len();
                        self.receive();
                        gone += before - self.under_way.len();
                    }
                    Err(_) => {
                        self.failure.get_or_insert_with(|| self.port.shared().life.failure());
                        // Nothing will come for it.
                        self.under_way[place - gone].parts[part].events = Some(Box::default());
                        break;
                    }
                }
            }
        }
        self.land();
    }

    /// Waits for answers, and puts those that belong here to their commands.
    fn receive(&mut self) {
        if !self.port.wait_for_answers(None) {
            // The intake is full of what others sent.
            thread::yield_now();
            return;
        }
        let mut answers = std::mem::take(&mut self.answers);
        self.port.receive(&mut answers);
        for answer in answers.drain(..) {
            let mut parts = self.under_way.iter_mut().flat_map(|stretch| &mut stretch.parts);
            let Some(part) = parts.find(|part| part.ticket == Some(answer.ticket)) else {
                self.port.kept.push_back(answer);
                continue;
            };
            part.events = Some(match answer.result {
                Ok(done) => done.events,
                Err(failure) => {
                    self.failure.get_or_insert(failure);
                    Box::default()
                }
            });
        }
        self.answers = answers;
        self.land();
    }

    /// Takes the events of the stretches that are answered, oldest first.
    fn land(&mut self) {
        let is_answered = |stretch: &Stretch| stretch.parts.iter().all(|part| part.events.is_some());
        while self.under_way.front().is_some_and(is_answered) {
            if let Some(stretch) = self.under_way.pop_front() {
                stretch.merge(self.events);
            }
        }
    }

    fn land_all(&mut self) {
        self.land();
        while !self.under_way.is_empty() {
            self.receive();
        }
    }
}

impl Stretch {
    /// Puts the parts' events into the order of the commands: a command's first event has the index 0.
    fn merge(self, out: &mut Vec<Event>) {
        let mut rests: Vec<&[Event]> =
            self.parts.iter().map(|part| part.events.as_deref().unwrap_or_default()).collect();
        for &place in &self.plan {
            let rest = &mut rests[usize::from(place)];
            let behind_first = rest.iter().skip(1).position(|event| event.index == 0);
            let (command, behind) = rest.split_at(behind_first.map_or(rest.len(), |place| place + 1));
            out.extend_from_slice(command);
            *rest = behind;
        }
        rests.into_iter().for_each(|rest| out.extend_from_slice(rest));
    }
}
