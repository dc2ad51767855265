//! What a look at the clock costs, and what it adds to what is timed: `cargo bench -p aeromatch-runtime --bench clock`.

#![cfg(not(loom))]

use std::hint::black_box;
use std::time::Instant;

const LOOKS: usize = 1_000_000;

fn main() {
    let start = Instant::now();
    for _ in 0..LOOKS {
        black_box(Instant::now());
    }
    let each = start.elapsed().as_nanos() as f64 / LOOKS as f64;
    // As a command is timed that takes no time at all.
    let mut between: Vec<u128> = (0..LOOKS).map(|_| black_box(Instant::now()).elapsed().as_nanos()).collect();
    between.sort_unstable();
    println!("one look at the clock: {each:.1} ns");
    println!("between two looks: median {} ns, 99% at most {} ns", between[LOOKS / 2], between[LOOKS / 100 * 99]);
}
