//! A crash at any step, of opening too: what was acknowledged is there, and all shards agree, once it is opened again.

use crate::market::{TestShards, instrument, limit, options, settled, small};
use aeromatch_engine::codes::{AdminKind, CommandKind, Side};
use aeromatch_engine::exchange::TransferOut;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, as_bytes};
use aeromatch_runtime::simulation::disk::{Fault, Restart, SimulatedDisk};
use aeromatch_runtime::{Durability, Failure, Options, ShardOptions, Shards};

const SHARDS: u16 = 3;
/// No sum of some of the amounts that are transferred.
const DEPOSIT: u128 = 500;

type Script = Vec<Vec<u8>>;

/// Everything that concerns one shard, several, or all.
fn script() -> Script {
    let sweep = Command { instrument: ALL_INSTRUMENTS, account: 1, ..Command::of(CommandKind::MassCancel) };
    vec![
        settled("S", "placed"),
        instrument("A"),
        Admin::named(AdminKind::CreateAccount, ["someone"]).to_bytes(),
        limit(2, Side::Buy, 5, 3),
        Admin::funds(AdminKind::Deposit, 1, 2, 500, 1, None).to_bytes(),
        instrument("B"),
        limit(3, Side::Sell, 7, 2),
        as_bytes(&[sweep]).to_vec(),
        limit(2, Side::Sell, 5, 1),
        Admin::named(AdminKind::CreateGroup, ["other"]).to_bytes(),
    ]
}

fn shard_options() -> ShardOptions {
    let groups = vec![("placed".to_string(), 2), ("far".to_string(), 0)];
    ShardOptions { groups, instruments: vec![("A".to_string(), 2), ("B".to_string(), 1)], ..options(SHARDS) }
}

type Opened = Result<TestShards, (u16, Failure)>;

/// Transfers between groups that live on three shards, there and back, and what the funds are used for where they have come.
fn transfers() -> Script {
    let mut script = vec![
        settled("S", "placed"),
        settled("T", "near"),
        settled("U", "far"),
        Admin::named(AdminKind::CreateAccount, ["someone"]).to_bytes(),
        Admin::funds(AdminKind::Deposit, 2, 2, DEPOSIT, 1, None).to_bytes(),
    ];
    let mut now_ns = 10;
    let mut transfer = |amount: u128, source: u64, target: u64, id: &str| {
        let mut admin = Admin::funds(AdminKind::Transfer, 2, 2, amount, target << 32 | source, Some(id));
        now_ns += 1;
        admin.command.timestamp_ns = now_ns;
        admin.to_bytes()
    };
    let buy = Command { instrument: 2, account: 2, ..Command::limit(Side::Buy, 5, 3) };
    script.extend([
        transfer(301, 1, 2, "a"),
        transfer(500, 1, 2, "b"), // more than is left
        as_bytes(&[buy]).to_vec(),
        transfer(203, 2, 3, "c"),
        transfer(1, 1, 2, "a"), // the same id again
        transfer(152, 3, 1, "d"),
        transfer(67, 1, 3, "e"),
    ]);
    script
}

fn open(disks: &[SimulatedDisk], durability: Durability) -> Opened {
    Shards::open(disks.to_vec(), small(durability), shard_options()).map(|(shards, _)| shards)
}

fn digests(shards: &TestShards) -> Vec<[u8; 32]> {
    (0..SHARDS).map(|shard| shards.read(shard, |exchange| exchange.digest()).unwrap()).collect()
}

type States = Vec<Vec<[u8; 32]>>;

/// What the shards are after that many commands of the script.
fn states(script: &Script) -> States {
    let shards: TestShards = Shards::in_memory(shard_options()).unwrap();
    let mut port = shards.port().unwrap();
    let mut states = vec![digests(&shards)];
    for command in script {
        port.process(command, &mut Vec::new()).unwrap();
        states.push(digests(&shards));
    }
    shards.close().unwrap();
    states
}

/// Runs the script from a command on; returns how many were acknowledged.
fn run(script: &Script, shards: &TestShards, from: usize) -> Result<usize, usize> {
    let mut port = shards.port().map_err(|_| from)?;
    for (place, command) in script.iter().enumerate().skip(from) {
        let mut events: Vec<Event> = Vec::new();
        match port.process(command, &mut events) {
            Ok(commands) => assert_eq!(commands, 1),
            Err(Failure::Stopped { .. }) => return Err(place),
            Err(failure) => panic!("{failure}"),
        }
    }
    Ok(script.len())
}

/// Everything on the machine ends with the disk that has crashed.
fn fall(disks: &[SimulatedDisk], shards: Opened, restart: Restart) {
    disks.iter().for_each(SimulatedDisk::shut_down);
    drop(shards);
    disks.iter().for_each(|disk| disk.restart(restart));
}

fn crash_at(disk: usize, operation: u64, again: u64, script: &Script, states: &States) -> bool {
    let seed = 1 + operation * 10 + disk as u64;
    let disks: Vec<SimulatedDisk> = (0..SHARDS).map(|shard| SimulatedDisk::new(seed * 10 + u64::from(shard))).collect();
    disks[disk].arm(operation, Fault::Crash);
    let shards = open(&disks, Durability::Disk);
    let acknowledged = shards.as_ref().map_or(Err(0), |shards| run(script, shards, 0));
    let has_crashed = acknowledged.is_err();
    let acknowledged = acknowledged.unwrap_or_else(|acknowledged| acknowledged);
    fall(&disks, shards, Restart::Power);
    // It may crash once more on the way back.
    disks[(disk + 1) % disks.len()].arm(again, Fault::Crash);
    let shards = open(&disks, Durability::Disk);
    fall(&disks, shards, Restart::Power);
    let shards =
        open(&disks, Durability::Disk).unwrap_or_else(|(shard, failure)| panic!("{operation}: {shard}: {failure}"));
    let found = digests(&shards);
    let place = states.iter().position(|state| *state == found);
    let place = place.unwrap_or_else(|| panic!("disk {disk}, operation {operation}: a state that never was"));
    assert!(
        place == acknowledged || place == acknowledged + 1,
        "disk {disk}, operation {operation}: {acknowledged} were acknowledged, {place} are there"
    );
    assert_eq!(run(script, &shards, place), Ok(script.len()));
    assert_eq!(digests(&shards), *states.last().unwrap());
    assert!(is_whole(&shards));
    shards.close().unwrap();
    has_crashed
}

/// What has left one shard has arrived at another, once: what account 2 has, wherever it is, is whole deposits.
fn is_whole(shards: &TestShards) -> bool {
    let (mut left, mut units) = (Vec::new(), 0);
    for shard in 0..SHARDS {
        let found = shards.read(shard, |exchange| {
            exchange.ledger().check_conservation().unwrap();
            let all = exchange.ledger().balances_of(2).filter(|(_, _, asset, _)| *asset == 2);
            let sum: i128 = all.map(|(_, _, _, balance)| balance.available + balance.held as i128).sum();
            (exchange.transfers_out().cloned().collect::<Vec<_>>(), sum)
        });
        let (out, sum) = found.unwrap();
        left.extend(out);
        units += sum;
    }
    let has_arrived = |transfer: &TransferOut| {
        let home = shards.home_of_group(transfer.target);
        let (source, account, id) = (transfer.source, transfer.account, transfer.id.clone());
        shards.read(home, move |exchange| exchange.has_transfer_in(source, account, &id)).unwrap()
    };
    left.iter().all(has_arrived) && units % DEPOSIT as i128 == 0
}

fn crash_at_any_step(script: &Script) -> u32 {
    let states = states(script);
    let mut crashes = 0;
    for disk in 0..usize::from(SHARDS) {
        for operation in 1..40 {
            crashes += u32::from(crash_at(disk, operation, 3 + operation % 7, script, &states));
        }
    }
    crashes
}

#[test]
fn a_crash_at_any_step_is_repaired() {
    let crashes = crash_at_any_step(&script());
    assert!(crashes > 60, "{crashes} crashes: the script is over before");
}

#[test]
fn a_crash_between_the_halves_of_a_transfer_neither_loses_nor_doubles_it() {
    let crashes = crash_at_any_step(&transfers());
    assert!(crashes > 60, "{crashes} crashes: the script is over before");
}

#[test]
fn what_each_shard_has_lost_for_itself_is_made_up_for() {
    let script = script();
    let states = states(&script);
    for seed in 0..12 {
        let disks: Vec<SimulatedDisk> =
            (0..SHARDS).map(|shard| SimulatedDisk::new(seed * 10 + u64::from(shard))).collect();
        let shards = open(&disks, Durability::Os);
        assert_eq!(run(&script, shards.as_ref().unwrap(), 0), Ok(script.len()));
        // Nothing was synced since the opening: of each disk something else is left.
        fall(&disks, shards, Restart::Power);
        let shards = open(&disks, Durability::Os).unwrap();
        let counts: Vec<u64> =
            (0..SHARDS).map(|shard| shards.read(shard, |exchange| exchange.broadcast_count()).unwrap()).collect();
        assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "{counts:?}");
        shards.close().unwrap();
    }
    // And the end of the process alone loses nothing.
    let disks: Vec<SimulatedDisk> = (0..SHARDS).map(|shard| SimulatedDisk::new(u64::from(shard))).collect();
    let shards = open(&disks, Durability::Os);
    run(&script, shards.as_ref().unwrap(), 0).unwrap();
    fall(&disks, shards, Restart::Process);
    let shards = open(&disks, Durability::Os).unwrap();
    assert_eq!(digests(&shards), *states.last().unwrap());
    shards.close().unwrap();
}

#[test]
fn transfers_arrive_once_though_shards_lose_what_was_not_synced() {
    let script = transfers();
    for (seed, durability) in (0..12).flat_map(|seed| [(seed, Durability::Os), (seed, Durability::Memory)]) {
        let disks: Vec<SimulatedDisk> =
            (0..SHARDS).map(|shard| SimulatedDisk::new(seed * 10 + u64::from(shard))).collect();
        // Part of the way, then the rest: what was made up for can be lost once more.
        for end in [script.len() - 3, script.len()] {
            let shards = open(&disks, durability);
            let some: Script = script[..end].to_vec();
            assert_eq!(run(&some, shards.as_ref().unwrap(), 0), Ok(end));
            fall(&disks, shards, Restart::Power);
        }
        let shards = open(&disks, durability).unwrap();
        assert!(is_whole(&shards), "{durability:?}, {seed}");
        shards.close().unwrap();
    }
}

#[test]
fn what_a_quiet_shard_has_of_all_outlives_what_a_busy_one_removes() {
    for (seed, durability) in (0..6).flat_map(|seed| [(seed, Durability::Os), (seed, Durability::Memory)]) {
        let disks = crate::market::disks(2, 40 + seed);
        let retaining = Options { retain_bytes: Some(0), keep_snapshots: 1, ..small(durability) };
        let open = || Shards::open(disks.clone(), retaining, options(2)).map(|(shards, _)| shards);
        let shards = open().unwrap();
        let mut port = shards.port().unwrap();
        port.process(&[instrument("A"), instrument("B")].concat(), &mut Vec::new()).unwrap();
        for _ in 0..2 {
            // Shard 0 goes on and removes its beginning; shard 1 has nothing to do.
            let orders: Vec<u8> = (1..400).flat_map(|price| limit(1, Side::Buy, price, 1)).collect();
            port.process(&orders, &mut Vec::new()).unwrap();
            shards.compact(0).unwrap();
        }
        drop(port);
        fall(&disks, Ok(shards), Restart::Power);
        let shards = open().unwrap_or_else(|(shard, failure)| panic!("{durability:?}, {seed}: {shard}: {failure}"));
        let made = |shard| shards.read(shard, |exchange| exchange.registry().instruments().count()).unwrap();
        assert_eq!([made(0), made(1)], [2, 2]);
        shards.close().unwrap();
    }
}
