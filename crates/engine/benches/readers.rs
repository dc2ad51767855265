//! The skip list with a reader beside its writer, against a B-tree behind a lock and crossbeam's skip list:
//!
//!     cargo bench -p aeromatch-engine --bench readers
//!
//! One writer makes and removes levels at random places of a side of 1,000; a reader on a second thread looks levels up at
//! random places, or walks ten levels from there. Each case has as long in every round, the rounds alternate, medians are printed.
//! The B-tree's walk is a snapshot, the two lists' walks are not; crossbeam's list takes many writers, ours takes one.

use aeromatch_engine::index::{PriceIndex, SkipList, SkipListReader};
use crossbeam_skiplist::SkipMap;
use std::collections::BTreeMap;
use std::ops::Bound::Included;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};
use std::{hint, thread};

const LEVELS: i64 = 1_000;
const SPACING: i64 = 16;
const WALK: usize = 10;
const ROUNDS: usize = 9;
const TIME: Duration = Duration::from_millis(100);
/// Operations between two looks at the clock or the flag.
const STRETCH: u64 = 64;

trait Writer {
    fn insert(&mut self, key: i64);
    fn remove(&mut self, key: i64);
}

trait Reader: Send {
    fn look_up(&mut self, key: i64) -> i64;
    fn walk(&mut self, key: i64) -> i64;
}

impl Writer for SkipList {
    fn insert(&mut self, key: i64) {
        PriceIndex::insert(self, key, 1, 0);
    }

    fn remove(&mut self, key: i64) {
        PriceIndex::remove(self, key);
    }
}

impl Reader for SkipListReader {
    fn look_up(&mut self, key: i64) -> i64 {
        self.first_at_or_below(key).map_or(0, |(found, _)| found)
    }

    fn walk(&mut self, key: i64) -> i64 {
        SkipListReader::walk(self, key).take(WALK).map(|(found, _)| found).sum()
    }
}

type Locked = Arc<Mutex<BTreeMap<i64, u32>>>;

impl Writer for Locked {
    fn insert(&mut self, key: i64) {
        self.lock().expect("not poisoned").insert(key, 1);
    }

    fn remove(&mut self, key: i64) {
        self.lock().expect("not poisoned").remove(&key);
    }
}

impl Reader for Locked {
    fn look_up(&mut self, key: i64) -> i64 {
        self.lock().expect("not poisoned").range(..=key).next_back().map_or(0, |(&found, _)| found)
    }

    fn walk(&mut self, key: i64) -> i64 {
        self.lock().expect("not poisoned").range(..=key).rev().take(WALK).map(|(&found, _)| found).sum()
    }
}

type Crossbeam = Arc<SkipMap<i64, u32>>;

impl Writer for Crossbeam {
    fn insert(&mut self, key: i64) {
        SkipMap::insert(self, key, 1);
    }

    fn remove(&mut self, key: i64) {
        SkipMap::remove(self, &key);
    }
}

impl Reader for Crossbeam {
    fn look_up(&mut self, key: i64) -> i64 {
        self.upper_bound(Included(&key)).map_or(0, |entry| *entry.key())
    }

    fn walk(&mut self, key: i64) -> i64 {
        self.range(..=key).rev().take(WALK).map(|entry| *entry.key()).sum()
    }
}

/// Xorshift: the same places for all.
struct Places(u64);

impl Places {
    fn next(&mut self) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as i64 % LEVELS * SPACING
    }
}

/// Nanoseconds a change (half of them insert, half remove) until the time is over. Even places stay.
fn write(writer: &mut impl Writer) -> f64 {
    let (mut places, mut changes, start) = (Places(7), 0, Instant::now());
    while start.elapsed() < TIME {
        for _ in 0..STRETCH {
            let key = places.next() + 1;
            writer.insert(key);
            writer.remove(key);
        }
        changes += 2 * STRETCH;
    }
    start.elapsed().as_secs_f64() * 1e9 / changes as f64
}

/// Nanoseconds a question until the writer is through.
fn read(mut question: impl FnMut(i64) -> i64, is_over: &AtomicBool) -> f64 {
    let (mut places, mut questions, start) = (Places(11), 0, Instant::now());
    while !is_over.load(Acquire) {
        for _ in 0..STRETCH {
            hint::black_box(question(places.next() + SPACING / 2));
        }
        questions += STRETCH;
    }
    start.elapsed().as_secs_f64() * 1e9 / questions as f64
}

/// Nanoseconds a change alone, a change beside look-ups, a look-up, a change beside walks, a walk.
fn round<W: Writer, R: Reader>(writer: &mut W, open: impl Fn(&W) -> R) -> [f64; 5] {
    let alone = write(writer);
    let mut beside = |is_walk: bool| {
        let (mut reader, is_over, begin) = (open(writer), AtomicBool::new(false), Barrier::new(2));
        thread::scope(|scope| {
            let reading = scope.spawn(|| {
                begin.wait();
                let question = |key| if is_walk { reader.walk(key) } else { reader.look_up(key) };
                read(question, &is_over)
            });
            begin.wait();
            let written = write(writer);
            is_over.store(true, Release);
            [written, reading.join().expect("a reader that did not panic")]
        })
    };
    let ([beside_look_ups, look_up], [beside_walks, walk]) = (beside(false), beside(true));
    [alone, beside_look_ups, look_up, beside_walks, walk]
}

fn fill(writer: &mut impl Writer) {
    (0..LEVELS).for_each(|level| writer.insert(level * SPACING));
}

fn main() {
    let (mut ours, mut locked, mut crossbeam) = (SkipList::default(), Locked::default(), Arc::new(SkipMap::new()));
    fill(&mut ours);
    fill(&mut locked);
    fill(&mut crossbeam);
    let mut found: [Vec<[f64; 5]>; 3] = Default::default();
    for _ in 0..ROUNDS {
        found[0].push(round(&mut ours, |list| list.reader().expect("one reader at a time")));
        found[1].push(round(&mut locked, Arc::clone));
        found[2].push(round(&mut crossbeam, Arc::clone));
    }
    println!("| ns | change alone | change beside look-ups | look-up | change beside walks | walk of {WALK} |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, rounds) in ["SkipList", "Mutex<BTreeMap>", "crossbeam SkipMap"].iter().zip(&found) {
        let medians = (0..5).map(|column| {
            let mut times: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
            times.sort_by(f64::total_cmp);
            format!(" {:.0} |", times[ROUNDS / 2])
        });
        println!("| {name} |{}", medians.collect::<String>());
    }
}
