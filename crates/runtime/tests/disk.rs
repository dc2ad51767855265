//! On a real directory: what is journaled comes back, files come and go as they should, and what is wrong is refused by name.

mod common;

use aeromatch_engine::record::Event;
use aeromatch_runtime::{Disk, Durability, DurableExchange, Failure, Options, Recovery, Submitted};
use common::{Directory, instrument, orders, plain, small};

fn open(directory: &Directory, options: Options) -> (DurableExchange<Disk>, Recovery) {
    DurableExchange::open(Disk::open(directory.path()).unwrap(), options).unwrap()
}

fn batches(count: i64) -> Vec<Vec<u8>> {
    std::iter::once(instrument()).chain((1..count).map(|number| orders(5, number))).collect()
}

#[test]
fn what_was_submitted_comes_back() {
    for &durability in Durability::ALL {
        let directory = Directory::new(&format!("comes-back-{}", durability.slug()));
        let batches = batches(100);
        let (expected, expected_events) = plain(&batches);
        let (mut exchange, recovery) = open(&directory, small(durability));
        assert!(!recovery.clean && recovery.commands_replayed == 0);
        let mut events: Vec<Event> = Vec::new();
        for batch in &batches {
            let submitted = exchange.submit(batch, &mut events).unwrap();
            assert!(matches!(submitted, Submitted::Applied { .. }));
        }
        assert_eq!(events, expected_events);
        assert_eq!(exchange.exchange().digest(), expected.digest());
        exchange.close().unwrap();
        assert!(directory.names().len() > 5, "segments were closed: {:?}", directory.names());

        let (exchange, recovery) = open(&directory, small(durability));
        assert_eq!(exchange.exchange().digest(), expected.digest());
        assert!(recovery.clean);
        assert_eq!((recovery.commands_replayed, recovery.bytes_cut), (expected.sequence(), 0));
    }
}

#[test]
fn a_forgotten_close_loses_nothing() {
    for &durability in Durability::ALL {
        let directory = Directory::new(&format!("forgotten-{}", durability.slug()));
        let batches = batches(10);
        let (mut exchange, _) = open(&directory, small(durability));
        for batch in &batches {
            exchange.submit(batch, &mut Vec::new()).unwrap();
        }
        drop(exchange);
        let (exchange, _) = open(&directory, small(durability));
        assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    }
}

#[test]
fn a_directory_has_one_exchange_at_a_time() {
    let directory = Directory::new("one-at-a-time");
    let (exchange, _) = open(&directory, Options::default());
    let second = Disk::open(directory.path());
    assert!(matches!(second, Err(Failure::DirectoryInUse { .. })), "{second:?}");
    drop(exchange);
    Disk::open(directory.path()).unwrap();
}
