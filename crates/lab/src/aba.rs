//! The interleaving that breaks a free list without stamps: step by step, and with real threads.

use crate::free_list::{FreeList, Seen, Stamps};
use crate::stage::{Part, Placement, Random, Stage};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One step of the script, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// "A" or "B".
    pub thread: &'static str,
    /// What the thread did.
    pub action: String,
    /// Stamp of the head afterwards.
    pub stamp: u32,
    /// The free list afterwards.
    pub free: Vec<u32>,
    /// Slots in use afterwards, with their users, in order of taking. A slot that stands here twice has two users.
    pub used: Vec<(u32, &'static str)>,
}

struct Script {
    list: FreeList,
    used: Vec<(u32, &'static str)>,
    steps: Vec<Step>,
}

impl Script {
    fn note(&mut self, thread: &'static str, action: String) {
        let (stamp, free, used) = (self.list.head().stamp, self.list.free(), self.used.clone());
        self.steps.push(Step { thread, action, stamp, free, used });
    }

    fn look(&mut self, thread: &'static str) -> Seen {
        let seen = self.list.look().expect("the script looks at a list that is not empty");
        self.note(thread, format!("looks: slot {} first, slot {} behind it", seen.slot(), seen.next()));
        seen
    }

    fn commit(&mut self, thread: &'static str, seen: Seen) -> bool {
        let taken = self.list.commit(seen);
        let action = match taken {
            Some(slot) => {
                self.used.push((slot, thread));
                format!("commits: takes slot {slot}, slot {} is first", seen.next())
            }
            None => "commits: refused, the head has changed; looks again".to_string(),
        };
        self.note(thread, action);
        taken.is_some()
    }

    fn take(&mut self, thread: &'static str) {
        let slot = self.list.take().expect("the script takes from a list that is not empty");
        self.used.push((slot, thread));
        self.note(thread, format!("takes slot {slot}"));
    }

    fn give(&mut self, thread: &'static str, slot: u32) {
        self.used.retain(|&user| user != (slot, thread));
        self.list.give(slot);
        self.note(thread, format!("gives slot {slot} back"));
    }
}

/// Plays the script on three slots: A looks, B takes two slots and gives the first back, A commits.
pub fn script(stamps: Stamps) -> Vec<Step> {
    let mut script = Script { list: FreeList::new(3, stamps), used: Vec::new(), steps: Vec::new() };
    let seen = script.look("A");
    script.take("B");
    script.take("B");
    script.give("B", 0);
    if !script.commit("A", seen) {
        let seen = script.look("A");
        script.commit("A", seen);
    }
    script.take("A");
    script.steps
}

/// What the race came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Race {
    /// Rounds, each on a new list.
    pub rounds: u64,
    /// Rounds in which a slot had two users at once, or the list was not whole at the end.
    pub broken_rounds: u64,
    /// Slots taken.
    pub takes: u64,
}

const THREADS: usize = 2;
/// Few, so that the same ones come back soon.
const SLOTS: u32 = 4;
/// What a thread does in a round: a broken list is not used for long.
const TURNS: u32 = 400;

struct Board {
    list: std::sync::RwLock<FreeList>,
    users: [AtomicU64; SLOTS as usize],
    is_broken: AtomicBool,
    meeting: Barrier,
    is_over: AtomicBool,
}

/// Lets two threads take slots and give them back, in rounds.
pub fn race(stage: &Stage, stamps: Stamps) -> Race {
    let board = Board {
        list: FreeList::new(SLOTS, stamps).into(),
        users: [const { AtomicU64::new(0) }; SLOTS as usize],
        is_broken: AtomicBool::new(false),
        meeting: Barrier::new(THREADS),
        is_over: AtomicBool::new(false),
    };
    let part = |number: usize| -> Part<Race> {
        let board = &board;
        Box::new(move |signal| {
            let mut random = Random::new(number as u64 + 1);
            let mut race = Race::default();
            while !board.is_over.load(Ordering::Acquire) {
                race.takes += round(board, number as u64 + 1, &mut random);
                if board.meeting.wait().is_leader() {
                    race.rounds += 1;
                    race.broken_rounds += u64::from(!is_whole(board));
                    clear(board, stamps);
                    board.is_over.store(signal.is_over(), Ordering::Release);
                }
                board.meeting.wait();
            }
            race
        })
    };
    let played = stage.play(Placement::Even, (0..THREADS).map(part).collect());
    let sum = |field: fn(&Race) -> u64| played.results.iter().map(field).sum();
    Race {
        rounds: sum(|race| race.rounds),
        broken_rounds: sum(|race| race.broken_rounds),
        takes: sum(|race| race.takes),
    }
}

/// Takes two slots, gives them back in the order in which they came; again and again.
fn round(board: &Board, me: u64, random: &mut Random) -> u64 {
    let list = board.list.read().expect("nobody panics while holding it");
    let mut takes = 0;
    let mut held = Vec::with_capacity(2);
    for _ in 0..TURNS {
        if board.is_broken.load(Ordering::Relaxed) {
            break;
        }
        for _ in 0..=random.below(2) {
            let Some(slot) = list.take() else { break };
            takes += 1;
            if board.users[slot as usize].swap(me, Ordering::AcqRel) != 0 {
                board.is_broken.store(true, Ordering::Relaxed);
            }
            held.push(slot);
        }
        for slot in held.drain(..) {
            board.users[slot as usize].store(0, Ordering::Release);
            list.give(slot);
        }
    }
    takes
}

/// After a round every slot is free, once.
fn is_whole(board: &Board) -> bool {
    let mut free = board.list.read().expect("nobody panics while holding it").free();
    free.sort_unstable();
    !board.is_broken.load(Ordering::Relaxed) && free.iter().copied().eq(0..SLOTS)
}

fn clear(board: &Board, stamps: Stamps) {
    *board.list.write().expect("nobody panics while holding it") = FreeList::new(SLOTS, stamps);
    board.users.iter().for_each(|user| user.store(0, Ordering::Relaxed));
    board.is_broken.store(false, Ordering::Relaxed);
}
