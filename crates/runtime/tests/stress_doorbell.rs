//! The doorbell between real threads: a lost wake-up would leave both asleep for good.
#![cfg(not(loom))]

#[path = "stress/mod.rs"]
mod stress;

use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::ring::spsc::{Consumer, Producer};
use aeromatch_runtime::ring::{Full, spsc};
use std::sync::Arc;
use std::thread;
use stress::{Random, count, words_of};

/// A number, and words that follow from it.
type Item = (u64, [u64; 3]);

/// One side of a hand-over: its ring, and the doorbell of who reads it.
struct Sender {
    ring: Producer<Item>,
    doorbell: Arc<Doorbell>,
}

impl Sender {
    fn send(&mut self, number: u64) {
        let mut item = (number, words_of(number));
        while let Err(Full(back)) = self.ring.push(item) {
            item = back;
            thread::yield_now();
        }
        self.doorbell.ring();
    }
}

fn receive(ring: &mut Consumer<Item>, doorbell: &Doorbell) -> u64 {
    loop {
        if let Some((number, words)) = ring.pop() {
            assert_eq!(words, words_of(number));
            return number;
        }
        // Without a limit: who misses a wake-up hangs.
        assert!(doorbell.wait(|| !ring.is_empty(), None));
    }
}

fn side() -> (Sender, Consumer<Item>, Arc<Doorbell>) {
    let (producer, consumer) = spsc(4);
    let doorbell = Arc::new(Doorbell::new().expect("a doorbell"));
    (Sender { ring: producer, doorbell: Arc::clone(&doorbell) }, consumer, doorbell)
}

/// Bursts there, and each one's answer back: both sides sleep and wake all the time, at moments that differ.
#[test]
fn nobody_sleeps_on_work() {
    let rounds = count(20_000) / 4;
    let (mut there, mut asked, bell_there) = side();
    let (mut back, mut answered, bell_back) = side();
    let answering = thread::spawn(move || {
        for round in 0..rounds {
            let burst = receive(&mut asked, &bell_there);
            assert!((1..burst).all(|_| receive(&mut asked, &bell_there) == 0), "round {round}");
            back.send(round);
        }
        (asked, back, bell_there)
    });
    let mut random = Random::new(3);
    for round in 0..rounds {
        let burst = 1 + random.below(6);
        there.send(burst);
        for _ in 1..burst {
            (0..random.below(200)).for_each(|_| std::hint::spin_loop());
            there.send(0);
        }
        assert_eq!(receive(&mut answered, &bell_back), round);
    }
    let (mut asked, _back, _bell) = answering.join().expect("nothing found wrong");
    assert_eq!((asked.pop(), answered.pop()), (None, None));
}
