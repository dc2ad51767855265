//! Runs seeds of the simulation: `simulate SEEDS FIRST_SEED`.

use aeromatch_runtime::simulation::{Outcome, run};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(seeds)), Some(Ok(first)), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: simulate SEEDS FIRST_SEED");
        return ExitCode::from(2);
    };
    let (next, start) = (AtomicU64::new(first), Instant::now());
    let (total, failed) = (Mutex::new(Outcome::default()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    match std::panic::catch_unwind(|| run(seed, |disk| disk)) {
                        Ok(Ok(outcome)) => total.lock().expect("no panic").add(&outcome),
                        Ok(Err(problem)) => failed.lock().expect("no panic").push((seed, problem)),
                        Err(_) => failed.lock().expect("no panic").push((seed, "a panic".to_string())),
                    }
                }
            });
        }
    });
    report(&total.into_inner().expect("no panic"), seeds, start.elapsed().as_secs_f64());
    let mut failed = failed.into_inner().expect("no panic");
    failed.sort();
    for (seed, problem) in &failed {
        println!("seed {seed} failed: {problem}\n  make simulate SEEDS=1 SEED={seed}");
    }
    if failed.is_empty() {
        println!("no acknowledged command was lost");
        ExitCode::SUCCESS
    } else {
        println!("{} of {seeds} seeds failed", failed.len());
        ExitCode::FAILURE
    }
}

fn report(total: &Outcome, seeds: u64, seconds: f64) {
    let disk = &total.disk;
    println!("{seeds} seeds in {seconds:.1} s, {:.0} a second", seeds as f64 / seconds);
    let rows = [
        ("batches acknowledged", total.batches),
        ("operations of the disk", disk.operations),
        ("crashes in an operation", disk.crashes),
        ("losses of power", disk.power_losses),
        ("sectors lost or older", disk.sectors_lost),
        ("names lost or older", disk.names_lost),
        ("writes that failed", disk.write_errors),
        ("syncs that failed", disk.sync_errors),
        ("other operations that failed", disk.other_errors),
        ("times without room", disk.full),
        ("batches refused for that", total.refused_full),
        ("bits flipped", disk.bits_flipped),
        ("snapshots made and proven", total.snapshots),
        ("recoveries, all right", total.recoveries),
        ("recoveries interrupted", total.recoveries_interrupted),
        ("unfinished ends cut off", total.cuts),
        ("damaged snapshots replaced by older ones", total.snapshots_refused),
        ("refusals by name after flipped bits", total.refusals),
    ];
    rows.iter().for_each(|(name, count)| println!("  {name:42} {count:>12}"));
}
