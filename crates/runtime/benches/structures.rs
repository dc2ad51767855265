//! Times each lock-free structure against the same thing behind a mutex, and against crossbeam's: `make bench-structures`.
//!
//! Rounds alternate between the contenders of a group, so that what else the machine does meets all of them; printed are
//! medians over the rounds and their spread, and each contender's median as a multiple of ours. Whoever finds nothing to do
//! yields.

#![cfg(not(loom))]

use aeromatch_engine::index::{PriceIndex, SkipList};
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::intake::intake;
use aeromatch_runtime::pool::Pool;
use aeromatch_runtime::ring::{broadcast, spsc};
use aeromatch_runtime::versioned::versioned;
use crossbeam_queue::{ArrayQueue, SegQueue};
use crossbeam_skiplist::SkipMap;
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Instant;

/// 64 bytes, as a command has.
type Item = [u64; 8];

const ITEMS: u64 = 200_000;
const CAPACITY: usize = 1024;
const BATCH: usize = 32;

/// A contender: its name, and a run that returns nanoseconds per operation.
type Contender = (&'static str, fn() -> f64);

fn nanoseconds_each(start: Instant, operations: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// Moves ITEMS items from threads that push (as many as fit of the number given; returns how many) to this one.
fn transfer<P>(producers: Vec<P>, mut consume: impl FnMut() -> u64) -> f64
where
    P: FnMut(u64) -> u64 + Send + 'static,
{
    let each = ITEMS / producers.len() as u64;
    let barrier = Arc::new(Barrier::new(producers.len() + 1));
    let total = each * producers.len() as u64;
    let threads: Vec<_> = producers
        .into_iter()
        .map(|mut push| {
            let barrier = barrier.clone();
            thread::spawn(move || {
                barrier.wait();
                let mut left = each;
                while left > 0 {
                    let pushed = push(left);
                    left -= pushed;
                    if pushed == 0 {
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    barrier.wait();
    let start = Instant::now();
    let mut received = 0;
    while received < total {
        let count = consume();
        received += count;
        if count == 0 {
            thread::yield_now();
        }
    }
    let each = nanoseconds_each(start, total);
    threads.into_iter().for_each(|thread| thread.join().expect("a producer does not panic"));
    each
}

fn spsc_single() -> f64 {
    let (mut producer, mut consumer) = spsc::<Item>(CAPACITY);
    transfer(vec![move |left| u64::from(producer.push([left; 8]).is_ok())], || u64::from(consumer.pop().is_some()))
}

fn spsc_batches() -> f64 {
    let (mut producer, mut consumer) = spsc::<Item>(CAPACITY);
    let items = [[7; 8]; BATCH];
    let mut out = Vec::with_capacity(BATCH);
    transfer(vec![move |left: u64| producer.push_batch(&items[..BATCH.min(left as usize)]) as u64], move || {
        out.clear();
        consumer.pop_batch(&mut out, BATCH) as u64
    })
}

fn push_into_deque(queue: &Mutex<VecDeque<Item>>, item: Item) -> u64 {
    let mut queue = queue.lock().unwrap();
    let has_room = queue.len() < CAPACITY;
    if has_room {
        queue.push_back(item);
    }
    u64::from(has_room)
}

fn mutex_single() -> f64 {
    let queue = Arc::new(Mutex::new(VecDeque::with_capacity(CAPACITY)));
    let producer = queue.clone();
    transfer(vec![move |left| push_into_deque(&producer, [left; 8])], || {
        u64::from(queue.lock().unwrap().pop_front().is_some())
    })
}

fn mutex_batches() -> f64 {
    let queue = Arc::new(Mutex::new(VecDeque::<Item>::with_capacity(CAPACITY)));
    let producer = queue.clone();
    let push = move |left: u64| {
        let mut queue = producer.lock().unwrap();
        let count = BATCH.min(left as usize).min(CAPACITY - queue.len());
        queue.extend([[7; 8]; BATCH].iter().take(count));
        count as u64
    };
    let mut out = Vec::with_capacity(BATCH);
    transfer(vec![push], move || {
        out.clear();
        let mut queue = queue.lock().unwrap();
        let count = queue.len().min(BATCH);
        out.extend(queue.drain(..count));
        count as u64
    })
}

fn array_queue(producers: usize) -> f64 {
    let queue = Arc::new(ArrayQueue::new(CAPACITY));
    let push = |_| {
        let queue = queue.clone();
        move |left| u64::from(queue.push([left; 8]).is_ok())
    };
    transfer((0..producers).map(push).collect(), || u64::from(queue.pop().is_some()))
}

fn intake_drained() -> f64 {
    let (intake, mut drain) = intake::<Item>(CAPACITY);
    let push = |_| {
        let intake = intake.clone();
        move |left| u64::from(intake.push([left; 8]).is_ok())
    };
    let mut out = Vec::with_capacity(CAPACITY);
    transfer((0..2).map(push).collect(), move || {
        out.clear();
        drain.drain(&mut out, CAPACITY) as u64
    })
}

fn mutex_drained() -> f64 {
    let queue = Arc::new(Mutex::new(Vec::<Item>::with_capacity(CAPACITY)));
    let push = |_| {
        let queue = queue.clone();
        move |left| {
            let mut queue = queue.lock().unwrap();
            let has_room = queue.len() < CAPACITY;
            if has_room {
                queue.push([left; 8]);
            }
            u64::from(has_room)
        }
    };
    let mut out = Vec::with_capacity(CAPACITY);
    transfer((0..2).map(push).collect(), || {
        out.clear();
        std::mem::swap(&mut out, &mut queue.lock().unwrap());
        out.len() as u64
    })
}

fn seg_queue() -> f64 {
    let queue = Arc::new(SegQueue::new());
    let push = |_| {
        let queue = queue.clone();
        move |left| {
            queue.push([left; 8]);
            1
        }
    };
    transfer((0..2).map(push).collect(), || u64::from(queue.pop().is_some()))
}

/// Two threads run `operation` ITEMS times in all.
fn by_two(operation: impl Fn(u64) + Send + Sync + 'static) -> f64 {
    let operation = Arc::new(operation);
    let start = Instant::now();
    let threads = [0; 2].map(|_| {
        let operation = operation.clone();
        thread::spawn(move || (0..ITEMS / 2).for_each(|number| operation(number)))
    });
    threads.into_iter().for_each(|thread| thread.join().expect("a worker does not panic"));
    nanoseconds_each(start, ITEMS)
}

fn pool_slots() -> f64 {
    let pool = Pool::<Item>::with_capacity(CAPACITY);
    by_two(move |number| pool.take().expect("two threads hold two at most")[0] = number)
}

fn pool_of_mutex() -> f64 {
    let pool = Mutex::new((0..CAPACITY).map(|_| Box::new([0; 8])).collect::<Vec<Box<Item>>>());
    by_two(move |number| {
        let mut item = pool.lock().unwrap().pop().expect("two threads hold two at most");
        item[0] = number;
        pool.lock().unwrap().push(item);
    })
}

fn pool_of_array_queue() -> f64 {
    let pool = ArrayQueue::new(CAPACITY);
    (0..CAPACITY).for_each(|_| assert!(pool.push(Box::new([0; 8])).is_ok()));
    by_two(move |number| {
        let mut item: Box<Item> = pool.pop().expect("two threads hold two at most");
        item[0] = number;
        assert!(pool.push(item).is_ok());
    })
}

fn allocator() -> f64 {
    by_two(|number| drop(black_box(Box::new([number; 8]))))
}

/// Times `operation` here while another thread runs `disturb` without end.
fn disturbed<R, D>(mut operation: impl FnMut(u64) -> R, mut disturb: impl FnMut() -> D + Send + 'static) -> f64 {
    let is_over = Arc::new(AtomicBool::new(false));
    let other = thread::spawn({
        let is_over = is_over.clone();
        move || {
            while !is_over.load(Ordering::Relaxed) {
                black_box(disturb());
            }
        }
    });
    let start = Instant::now();
    for number in 0..ITEMS {
        black_box(operation(number));
    }
    let each = nanoseconds_each(start, ITEMS);
    is_over.store(true, Ordering::Relaxed);
    other.join().expect("the other thread does not panic");
    each
}

type Book = [u64; 16];

fn versioned_write() -> f64 {
    let (mut writer, shared) = versioned(16);
    let read = move || {
        let mut book = Book::default();
        (shared.read(&mut book), book)
    };
    disturbed(move |number| writer.write(&[number; 16]), read)
}

fn rwlock_write() -> f64 {
    let shared = Arc::new(RwLock::new(Book::default()));
    let reader = shared.clone();
    disturbed(move |number| *shared.write().unwrap() = [number; 16], move || *reader.read().unwrap())
}

fn mutex_write() -> f64 {
    let shared = Arc::new(Mutex::new(Book::default()));
    let reader = shared.clone();
    disturbed(move |number| *shared.lock().unwrap() = [number; 16], move || *reader.lock().unwrap())
}

/// A writer that publishes now and then, as a book does, not without pause.
fn pause() {
    (0..200).for_each(|_| std::hint::spin_loop());
}

fn versioned_read() -> f64 {
    let (mut writer, shared) = versioned(16);
    let mut book = Book::default();
    let write = move || {
        writer.write(&[7; 16]);
        pause();
    };
    disturbed(move |_| (shared.read(&mut book), book), write)
}

fn rwlock_read() -> f64 {
    let shared = Arc::new(RwLock::new(Book::default()));
    let writer = shared.clone();
    let write = move || {
        *writer.write().unwrap() = [7; 16];
        pause();
    };
    disturbed(move |_| *shared.read().unwrap(), write)
}

fn mutex_read() -> f64 {
    let shared = Arc::new(Mutex::new(Book::default()));
    let writer = shared.clone();
    let write = move || {
        *writer.lock().unwrap() = [7; 16];
        pause();
    };
    disturbed(move |_| *shared.lock().unwrap(), write)
}

/// Price levels of an index: even keys stay, odd ones come and go.
const KEYS: i64 = 1024;

/// Some key, another one each time.
fn key_of(number: u64) -> i64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as i64 % KEYS
}

fn skip_list() -> SkipList {
    let mut list = SkipList::default();
    (0..KEYS).step_by(2).for_each(|key| list.insert(key, key as u32, 0));
    list
}

fn skip_list_write() -> f64 {
    let mut list = skip_list();
    let (mut reader, mut number) = (list.reader().expect("a seat"), 0);
    let look_up = move || {
        number += 1;
        reader.first_at_or_below(key_of(number))
    };
    let change = move |number| {
        let key = key_of(number) | 1;
        list.insert(key, 1, 0);
        list.remove(key);
    };
    disturbed(change, look_up)
}

fn skip_list_read() -> f64 {
    let mut list = skip_list();
    let (mut reader, mut number) = (list.reader().expect("a seat"), 0);
    let change = move || {
        number += 1;
        list.insert(key_of(number) | 1, 1, 0);
        pause();
        list.remove(key_of(number) | 1);
    };
    disturbed(move |number| reader.first_at_or_below(key_of(number)), change)
}

fn tree_of_mutex() -> Arc<Mutex<BTreeMap<i64, u32>>> {
    Arc::new(Mutex::new((0..KEYS).step_by(2).map(|key| (key, key as u32)).collect()))
}

fn tree_look_up(tree: &Mutex<BTreeMap<i64, u32>>, number: u64) -> Option<(i64, u32)> {
    tree.lock().unwrap().range(..=key_of(number)).next_back().map(|(&key, &level)| (key, level))
}

fn tree_write() -> f64 {
    let (tree, mut number) = (tree_of_mutex(), 0);
    let read = tree.clone();
    let look_up = move || {
        number += 1;
        tree_look_up(&read, number)
    };
    let change = move |number| {
        let key = key_of(number) | 1;
        tree.lock().unwrap().insert(key, 1);
        tree.lock().unwrap().remove(&key);
    };
    disturbed(change, look_up)
}

fn tree_read() -> f64 {
    let (tree, mut number) = (tree_of_mutex(), 0);
    let written = tree.clone();
    let change = move || {
        number += 1;
        written.lock().unwrap().insert(key_of(number) | 1, 1);
        pause();
        written.lock().unwrap().remove(&(key_of(number) | 1));
    };
    disturbed(move |number| tree_look_up(&tree, number), change)
}

fn skip_map() -> Arc<SkipMap<i64, u32>> {
    Arc::new((0..KEYS).step_by(2).map(|key| (key, key as u32)).collect())
}

fn map_look_up(map: &SkipMap<i64, u32>, number: u64) -> Option<(i64, u32)> {
    map.upper_bound(Bound::Included(&key_of(number))).map(|entry| (*entry.key(), *entry.value()))
}

fn map_write() -> f64 {
    let (map, mut number) = (skip_map(), 0);
    let read = map.clone();
    let look_up = move || {
        number += 1;
        map_look_up(&read, number)
    };
    let change = move |number| {
        let key = key_of(number) | 1;
        map.insert(key, 1);
        map.remove(&key).is_some()
    };
    disturbed(change, look_up)
}

fn map_read() -> f64 {
    let (map, mut number) = (skip_map(), 0);
    let written = map.clone();
    let change = move || {
        number += 1;
        written.insert(key_of(number) | 1, 1);
        pause();
        written.remove(&(key_of(number) | 1)).is_some()
    };
    disturbed(move |number| map_look_up(&map, number), change)
}

fn broadcast_publish() -> f64 {
    let (mut writer, ring) = broadcast(CAPACITY);
    let (mut reader, mut out) = (ring.reader(0), vec![]);
    let read = move || {
        out.clear();
        match reader.read(&mut out, BATCH) {
            Ok(0) => thread::yield_now(),
            Ok(_) => {}
            Err(lagged) => reader.resume(lagged.oldest),
        }
    };
    disturbed(move |number| writer.publish(&[[number; 8]]), read)
}

fn mutex_publish() -> f64 {
    let ring = Arc::new(Mutex::new((0_u64, VecDeque::<Item>::with_capacity(CAPACITY))));
    let reader = ring.clone();
    let (mut position, mut out) = (0, Vec::<Item>::new());
    let read = move || {
        out.clear();
        let ring = reader.lock().unwrap();
        let oldest = ring.0 - ring.1.len() as u64;
        position = oldest.max(position);
        out.extend(ring.1.iter().skip((position - oldest) as usize).take(BATCH));
        drop(ring);
        position += out.len() as u64;
        if out.is_empty() {
            thread::yield_now();
        }
    };
    let publish = move |number| {
        let mut ring = ring.lock().unwrap();
        if ring.1.len() == CAPACITY {
            ring.1.pop_front();
        }
        ring.1.push_back([number; 8]);
        ring.0 += 1;
    };
    disturbed(publish, read)
}

fn ring_awake() -> f64 {
    let bell = Doorbell::new().expect("a descriptor is left");
    let start = Instant::now();
    (0..ITEMS).for_each(|_| black_box(&bell).ring());
    nanoseconds_each(start, ITEMS)
}

fn notify_awake() -> f64 {
    let (is_ready, changed) = (Mutex::new(0), Condvar::new());
    let start = Instant::now();
    for number in 0..ITEMS {
        *black_box(&is_ready).lock().unwrap() = number;
        changed.notify_one();
    }
    nanoseconds_each(start, ITEMS)
}

const GROUPS: [(&str, &[Contender]); 9] = [
    (
        "one producer to one consumer, ns an item",
        &[
            ("ring::spsc, one by one", spsc_single),
            ("Mutex<VecDeque>, one by one", mutex_single),
            ("crossbeam ArrayQueue", || array_queue(1)),
            ("ring::spsc, batches of 32", spsc_batches),
            ("Mutex<VecDeque>, batches of 32", mutex_batches),
        ],
    ),
    (
        "two producers to one consumer, ns an item",
        &[
            ("intake", intake_drained),
            ("Mutex<Vec>, swapped", mutex_drained),
            ("crossbeam ArrayQueue", || array_queue(2)),
            ("crossbeam SegQueue (unbounded)", seg_queue),
        ],
    ),
    (
        "take and give by two threads, ns a pair",
        &[
            ("pool", pool_slots),
            ("Mutex<Vec<Box>>", pool_of_mutex),
            ("crossbeam ArrayQueue<Box>", pool_of_array_queue),
            ("the allocator: Box::new, drop", allocator),
        ],
    ),
    (
        "write 16 words while a thread reads, ns a write",
        &[("versioned", versioned_write), ("RwLock", rwlock_write), ("Mutex", mutex_write)],
    ),
    (
        "read 16 words while a thread writes, ns a read",
        &[("versioned", versioned_read), ("RwLock", rwlock_read), ("Mutex", mutex_read)],
    ),
    (
        "add and remove a price level while a thread reads, ns a pair",
        &[("skip list", skip_list_write), ("Mutex<BTreeMap>", tree_write), ("crossbeam SkipMap", map_write)],
    ),
    (
        "look a price level up while a thread writes, ns a look-up",
        &[("skip list", skip_list_read), ("Mutex<BTreeMap>", tree_read), ("crossbeam SkipMap", map_read)],
    ),
    (
        "publish 64 bytes while a thread reads, ns a slot",
        &[("ring::broadcast", broadcast_publish), ("Mutex<VecDeque>", mutex_publish)],
    ),
    ("ring for one who is awake, ns a ring", &[("doorbell", ring_awake), ("Mutex and Condvar", notify_awake)]),
];

fn main() {
    // `cargo bench` passes --bench: numbers only are for us.
    let rounds = std::env::args().find_map(|argument| argument.parse::<usize>().ok()).unwrap_or(15);
    println!("| {rounds} alternating rounds | median | least | most | of ours |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (title, contenders) in GROUPS {
        println!("| **{title}** | | | | |");
        let mut times: Vec<Vec<f64>> = vec![vec![]; contenders.len()];
        for _ in 0..rounds {
            for (times, contender) in times.iter_mut().zip(contenders) {
                times.push((contender.1)());
            }
        }
        times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
        let ours = times[0][rounds / 2];
        for (times, contender) in times.iter().zip(contenders) {
            let (median, least, most) = (times[rounds / 2], times[0], times[rounds - 1]);
            println!("| {} | {median:.1} | {least:.1} | {most:.1} | {:.2} |", contender.0, median / ours);
        }
    }
}
