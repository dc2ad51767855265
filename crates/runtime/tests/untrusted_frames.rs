//! Damaged streams of the binary protocol, a bounded number of them; `make fuzz-decoders SECONDS=60` goes on for longer.

#[path = "untrusted/frames.rs"]
mod frames;

use aeromatch_runtime::simulation::Random;
use frames::Outcome;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const LEAST: u64 = 20_000;
const KEPT: usize = 1000;
const LONGEST_BYTES: usize = 4096;

fn from_environment(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn damage(random: &mut Random, data: &[u8], other: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(data.len() as u64 + 1) as usize;
        let end = (at + [0, 1, 1, 4, 8, 64][random.index(6)]).min(data.len());
        let from = random.index(other.len());
        let piece: Vec<u8> = match random.below(4) {
            0 => vec![random.bits() as u8],
            1 => [0, 1, 0x7f, 0x80, 0xff][random.index(5)..].iter().take(1).copied().collect(),
            2 => other[from..(from + [16, 24, 64, 128][random.index(4)]).min(other.len())].to_vec(),
            _ => Vec::new(),
        };
        // As often as not the length stays: what follows is understood as before.
        if random.below(2) == 0 && at + piece.len() <= data.len() {
            data[at..at + piece.len()].copy_from_slice(&piece);
        } else {
            data.splice(at..end, piece);
        }
    }
    data.truncate(LONGEST_BYTES);
    data
}

#[test]
fn test_the_sample_is_understood() {
    let outcome = frames::read(&frames::sample());
    assert_eq!(outcome, Outcome { frames: 7, commands: 5, refused: 0, end: None });
}

#[test]
fn test_any_frames_are_understood_or_end_the_session() {
    let ends = Instant::now() + Duration::from_secs(from_environment("AEROMATCH_FUZZ_SECONDS"));
    let mut random = Random::new(from_environment("AEROMATCH_FUZZ_SEED").max(1));
    let mut corpus = vec![frames::sample()];
    let mut seen = BTreeSet::new();
    let mut runs = 0_u64;
    while runs < LEAST || Instant::now() < ends {
        let (one, other) = (random.index(corpus.len()), random.index(corpus.len()));
        let data = damage(&mut random, &corpus[one], &corpus[other]);
        runs += 1;
        let outcome = std::panic::catch_unwind(|| frames::read(&data));
        let outcome = outcome.unwrap_or_else(|_| panic!("fault after {runs} inputs on {data:?}"));
        if seen.insert(outcome) && corpus.len() < KEPT && !data.is_empty() {
            corpus.push(data);
        }
    }
    println!("binary: {runs} inputs, {} different outcomes, no fault", seen.len());
    assert!(seen.len() > 20);
    assert!(seen.iter().any(|outcome| outcome.refused > 0 && outcome.commands > 0));
}
