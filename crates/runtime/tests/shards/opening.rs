//! Opening: numbers of shards, places, directories, options; and what is published from the start.

use crate::market::{disks, instrument, instruments, limit, open, options, settled, small};
use aeromatch_engine::codes::{AdminKind, Side};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot};
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::shard::directory;
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::{Depth, Durability, Failure, ShardOptions, Shards, Top};
use std::path::{Path, PathBuf};

type Refused = (u16, Failure);

fn refused(disks: &[SimulatedDisk], options: ShardOptions) -> Refused {
    match Shards::open(disks.to_vec(), small(Durability::Os), options) {
        Ok(_) => panic!("it opens"),
        Err(refused) => refused,
    }
}

#[test]
fn another_number_of_shards_is_refused() {
    let disks = disks(3, 1);
    open(&disks[..2], Durability::Os).close().unwrap();
    assert!(matches!(refused(&disks[..1], options(1)), (0, Failure::Shards { found: 2, wanted: 1 })));
    assert!(matches!(refused(&disks, options(3)), (0, Failure::Shards { found: 2, wanted: 3 })));
    let turned = [disks[1].clone(), disks[0].clone()];
    assert!(matches!(refused(&turned, options(2)), (0, Failure::Incomplete { .. })));
    // And the refusals have changed nothing.
    open(&disks[..2], Durability::Os).close().unwrap();
}

#[test]
fn a_log_that_is_lost_is_not_begun_again() {
    let disks = disks(2, 2);
    let shards = open(&disks, Durability::Os);
    instruments(&mut shards.port().unwrap(), 2);
    shards.close().unwrap();
    let replaced = [disks[0].clone(), SimulatedDisk::new(77)];
    assert!(matches!(refused(&replaced, options(2)), (1, Failure::Incomplete { .. })));
    open(&disks, Durability::Os).close().unwrap();
}

#[test]
fn logs_of_two_exchanges_are_not_one() {
    let some = [disks(2, 6), disks(2, 7)];
    for (disks, symbol) in some.iter().zip(["A", "B"]) {
        let shards = open(disks, Durability::Os);
        shards.port().unwrap().process(&instrument(symbol), &mut Vec::new()).unwrap();
        shards.close().unwrap();
    }
    // As many commands to all shards, but not the same.
    let mixed = [some[0][0].clone(), some[1][1].clone()];
    assert!(matches!(refused(&mixed, options(2)), (1, Failure::Option { option: "shards", .. })));
    open(&some[0], Durability::Os).close().unwrap();
}

#[test]
fn what_is_placed_lives_there_and_stays() {
    let disks = disks(3, 3);
    let placed = |shard| ShardOptions {
        groups: vec![("g".to_string(), shard)],
        instruments: vec![("I0".to_string(), 1)],
        ..options(3)
    };
    let (shards, _) = Shards::open(disks.clone(), small(Durability::Os), placed(2)).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    port.process(&settled("S", "g"), &mut Vec::new()).unwrap();
    assert_eq!([1, 2, 3, 4].map(|number| shards.home_of_instrument(number)), [1, 1, 2, 0]);
    assert_eq!(shards.home_of_group(1), 2);
    port.process(&limit(1, Side::Buy, 5, 1), &mut Vec::new()).unwrap();
    assert_eq!(shards.read(1, |exchange| exchange.book(1).unwrap().order_count()).unwrap(), 1);
    drop((port, shards));
    assert!(matches!(refused(&disks, placed(0)), (2, Failure::Option { option: "groups", .. })));
    let (shards, _) = Shards::open(disks, small(Durability::Os), placed(2)).unwrap();
    assert_eq!([1, 2, 3].map(|number| shards.home_of_instrument(number)), [1, 1, 2]);
    shards.close().unwrap();
}

#[test]
fn a_place_without_effect_is_a_place_all_the_same() {
    let disks = disks(3, 5);
    let placed = || ShardOptions { instruments: vec![("S".to_string(), 2)], ..options(3) };
    for _ in 0..3 {
        let (shards, _) = Shards::open(disks.clone(), small(Durability::Os), placed()).unwrap();
        // It is settled, so it lives with its clearing group; the second time it exists.
        shards.port().unwrap().process(&settled("S", "g"), &mut Vec::new()).unwrap();
        assert_eq!((shards.home_of_instrument(1), shards.home_of_group(1)), (0, 0));
        shards.close().unwrap();
    }
    let elsewhere = ShardOptions { instruments: vec![("S".to_string(), 1)], ..options(3) };
    assert!(matches!(refused(&disks, elsewhere), (2, Failure::Option { option: "instruments", .. })));
}

#[test]
fn options_that_cannot_be_are_named() {
    let bad = [
        ("shards", ShardOptions { shards: 0, ..options(1) }),
        ("cores", ShardOptions { cores: vec![0], ..options(2) }),
        ("window", ShardOptions { window: 0, ..options(1) }),
        ("published_levels", ShardOptions { published_levels: 1000, ..options(1) }),
        ("groups", ShardOptions { groups: vec![("g".to_string(), 2)], ..options(2) }),
        ("instruments", ShardOptions { instruments: vec![("i".to_string(), 0); 2], ..options(2) }),
        ("instruments", ShardOptions { instruments: vec![(" i".to_string(), 0)], ..options(2) }),
        ("cores", ShardOptions { cores: vec![1 << 20], ..options(1) }),
    ];
    for (name, options) in bad {
        let Err((_, Failure::Option { option, .. })) = Shards::<SimulatedDisk>::in_memory(options.clone()) else {
            panic!("{options:?}")
        };
        assert_eq!(option, name);
    }
}

#[test]
fn books_are_published_from_the_start() {
    let disks = disks(2, 4);
    let shards = open(&disks, Durability::Os);
    let mut port = shards.port().unwrap();
    let mut event = Admin::named(AdminKind::CreateEvent, ["event", "0.1", "1", "CASH", "main", "fees", "yes", "no"]);
    event.rules = Some((Rules::default(), IndexKind::BTree));
    let units = SettlementSlot { lot_base_units: 1, tick_lot_units: 3, unit_ticks: 10, ..SettlementSlot::default() };
    event.settlement = Some(units);
    port.process(&event.to_bytes(), &mut Vec::new()).unwrap();
    port.process(&instrument("A"), &mut Vec::new()).unwrap();
    port.process(&instrument("B"), &mut Vec::new()).unwrap();
    let top = shards.published(3).unwrap().top();
    assert_eq!((top.bid, top.ask), (None, None));
    assert!(shards.published(9).is_none());
    for price in 1..=20 {
        port.process(&limit(3, Side::Buy, price, 10), &mut Vec::new()).unwrap();
        port.process(&limit(3, Side::Sell, 100 - price, 20), &mut Vec::new()).unwrap();
    }
    drop((port, shards));
    let shards = open(&disks, Durability::Os);
    let book = shards.published(3).unwrap();
    let mut depth = Depth::default();
    book.depth(&mut depth);
    let prices = |levels: &[aeromatch_runtime::PublishedLevel]| -> Vec<i64> {
        levels.iter().map(|level| level.price_ticks).collect()
    };
    assert_eq!(prices(&depth.bids), (13..=20).rev().collect::<Vec<i64>>());
    assert_eq!(prices(&depth.asks), (80..=87).collect::<Vec<i64>>());
    let Top { bid, ask, sequence } = book.top();
    assert_eq!((bid, ask, sequence), (Some(depth.bids[0]), Some(depth.asks[0]), depth.sequence));
    // Both outcomes have one book.
    assert!(std::sync::Arc::ptr_eq(&shards.published(1).unwrap(), &shards.published(2).unwrap()));
    shards.close().unwrap();
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn one_shard_has_the_directory_and_several_have_their_own() {
    let scratch = Scratch::new("shards");
    assert_eq!(directory::count(&scratch.0).unwrap(), None);
    let disks = directory::open(&scratch.0, Some(2)).unwrap();
    assert_eq!(directory::count(&scratch.0).unwrap(), Some(2));
    let (shards, _) = Shards::open(disks, small(Durability::Os), options(2)).unwrap();
    instruments(&mut shards.port().unwrap(), 2);
    let Err((1, Failure::DirectoryInUse { .. })) = directory::open(&scratch.0, None) else { panic!("it is in use") };
    shards.close().unwrap();
    assert_eq!(directory::open(&scratch.0, None).unwrap().len(), 2);
    for wanted in [1, 3] {
        let refused = directory::open(&scratch.0, Some(wanted)).unwrap_err();
        assert!(matches!(refused, (0, Failure::Shards { found: 2, wanted: asked }) if asked == wanted));
    }
    // A crash while they were made: the last comes first.
    std::fs::remove_dir_all(directory::shard_path(&scratch.0, 0)).unwrap();
    assert_eq!(directory::count(&scratch.0).unwrap(), Some(2));

    let alone = Scratch::new("alone");
    let disks = directory::open(&alone.0, None).unwrap();
    let (shards, _) = Shards::open(disks, small(Durability::Os), options(1)).unwrap();
    instruments(&mut shards.port().unwrap(), 1);
    shards.close().unwrap();
    assert_eq!((directory::count(&alone.0).unwrap(), directory::open(&alone.0, None).unwrap().len()), (Some(1), 1));
    let refused = directory::open(&alone.0, Some(2)).unwrap_err();
    assert!(matches!(refused, (0, Failure::Shards { found: 1, wanted: 2 })));
}
