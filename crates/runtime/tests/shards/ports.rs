//! Ports: submissions and answers, windows, batches of anything, ends.

use crate::market::{LONG, TestShards, collect, instrument, instruments, limit, options};
use aeromatch_engine::codes::{EventKind, Side};
use aeromatch_runtime::{Failure, Idle, ShardOptions, Shards, SubmitError};
use std::time::Duration;

#[test]
fn a_submission_is_answered_with_what_it_did() {
    let shards: TestShards = Shards::in_memory(options(1)).unwrap();
    let mut port = shards.port().unwrap();
    let made = port.submit(&instrument("A"), false).unwrap();
    let bought = port.submit(&limit(1, Side::Buy, 5, 3), true).unwrap();
    let bad = port.submit(&[7; 64], false).unwrap();
    let sold = port.submit(&limit(1, Side::Sell, 5, 2), true).unwrap();
    let answers = collect(&mut port);
    assert_eq!(answers.iter().map(|answer| answer.ticket).collect::<Vec<_>>(), [made, bought, bad, sold]);
    let done = |place: usize| answers[place].result.as_ref().unwrap();
    assert_eq!(done(1).changes.iter().map(|change| change.quantity_lots).collect::<Vec<_>>(), [3]);
    assert_eq!(done(3).changes.iter().map(|change| change.quantity_lots).collect::<Vec<_>>(), [1]);
    assert!(done(3).events.iter().any(|event| event.kind == EventKind::Trade.code()));
    assert!(matches!(&**answers[2].result.as_ref().unwrap_err(), Failure::Batch(_)));
    assert_eq!(done(3).events[0].sequence, 3, "what is no command takes no number");
    assert_eq!(shards.counters(0).commands, 3);
    shards.close().unwrap();
    assert_eq!(port.submit(&instrument("B"), false), Err(SubmitError::Stopped));
}

#[test]
fn every_idle_strategy_answers() {
    for &idle in Idle::ALL {
        let shards: TestShards = Shards::in_memory(ShardOptions { idle, ..options(2) }).unwrap();
        let mut port = shards.port().unwrap();
        instruments(&mut port, 2);
        for round in 0..20 {
            port.submit(&limit(1 + round % 2, Side::Buy, 5, 3), false).unwrap();
            assert_eq!(collect(&mut port).len(), 1);
        }
        // Long enough for everybody to fall asleep.
        std::thread::sleep(Duration::from_millis(5));
        port.submit(&limit(1, Side::Buy, 5, 3), false).unwrap();
        assert!(port.wait(Some(LONG)));
        shards.close().unwrap();
    }
}
