//! Several exchanges that are one: each command goes where `subject_of` and the homes say, in the order in which it comes; a
//! transfer that was taken where its funds leave goes on to where they go.

use aeromatch_engine::codes::EventKind;
use aeromatch_engine::exchange::records::{Admin, Subject, subject_of};
use aeromatch_engine::exchange::{Exchange, second_half};
use aeromatch_engine::record::{Event, SLOT_BYTES};

/// The shards of one exchange, each an [`Exchange`].
pub struct Router {
    pub shards: Vec<Exchange>,
}

impl Router {
    /// That many shards, each told which one it is.
    pub fn new(count: u16) -> Router {
        let shards = (0..count).map(|shard| {
            let mut exchange = Exchange::new();
            apply(&mut exchange, &Admin::partition(shard, count).to_bytes());
            exchange
        });
        Router { shards: shards.collect() }
    }

    /// One command to whom it concerns: what each shard said, in order of answering.
    pub fn send(&mut self, slots: &[u8]) -> Vec<(u16, Vec<Event>)> {
        let (subject, taken) = subject_of(slots, 0).expect("a command");
        assert_eq!(taken * SLOT_BYTES, slots.len());
        let first = self.shards[0].answering_shard(subject);
        let mut said = Vec::new();
        match subject {
            Subject::All => said.extend((0..self.shards.len() as u16).map(|shard| (shard, self.tell(shard, slots)))),
            Subject::Groups { target, .. } => {
                said.push((first, self.tell(first, slots)));
                let second = self.shards[0].home_of_group(target).filter(|&second| second != first);
                let is_accepted = said[0].1.iter().any(|event| event.kind == EventKind::Accepted.code());
                said.extend(
                    second.filter(|_| is_accepted).map(|second| (second, self.tell(second, &second_half(slots)))),
                );
            }
            _ => said.push((first, self.tell(first, slots))),
        }
        said
    }

    /// One command to one shard.
    pub fn tell(&mut self, shard: u16, slots: &[u8]) -> Vec<Event> {
        apply(&mut self.shards[usize::from(shard)], slots)
    }
}

/// What one command brings about.
pub fn apply(exchange: &mut Exchange, slots: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    assert_eq!(exchange.process(slots, &mut events), Ok(1));
    exchange.ledger().check_conservation().expect("conserved");
    events
}
