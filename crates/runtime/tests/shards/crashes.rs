//! A crash at any step, of opening too: what was acknowledged is there, and all shards agree, once it is opened again.

use crate::market::{TestShards, instrument, limit, options, settled, small};
use aeromatch_engine::codes::{AdminKind, CommandKind, Side};
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, as_bytes};
use aeromatch_runtime::simulation::disk::{Fault, Restart, SimulatedDisk};
use aeromatch_runtime::{Durability, Failure, ShardOptions, Shards};

const SHARDS: u16 = 3;

/// Everything that concerns one shard, several, or all.
fn script() -> Vec<Vec<u8>> {
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
    let groups = vec![("placed".to_string(), 2)];
    ShardOptions { groups, instruments: vec![("A".to_string(), 2), ("B".to_string(), 1)], ..options(SHARDS) }
}

type Opened = Result<TestShards, (u16, Failure)>;

fn open(disks: &[SimulatedDisk], durability: Durability) -> Opened {
    Shards::open(disks.to_vec(), small(durability), shard_options()).map(|(shards, _)| shards)
}

fn digests(shards: &TestShards) -> Vec<[u8; 32]> {
    (0..SHARDS).map(|shard| shards.read(shard, |exchange| exchange.digest()).unwrap()).collect()
}

/// What the shards are after that many commands of the script.
fn states() -> Vec<Vec<[u8; 32]>> {
    let shards: TestShards = Shards::in_memory(shard_options()).unwrap();
    let mut port = shards.port().unwrap();
    let mut states = vec![digests(&shards)];
    for command in script() {
        port.process(&command, &mut Vec::new()).unwrap();
        states.push(digests(&shards));
    }
    shards.close().unwrap();
    states
}

/// Runs the script from a command on; returns how many were acknowledged.
fn run(shards: &TestShards, from: usize) -> Result<usize, usize> {
    let mut port = shards.port().map_err(|_| from)?;
    for (place, command) in script().iter().enumerate().skip(from) {
        let mut events: Vec<Event> = Vec::new();
        match port.process(command, &mut events) {
            Ok(commands) => assert_eq!(commands, 1),
            Err(Failure::Stopped { .. }) => return Err(place),
            Err(failure) => panic!("{failure}"),
        }
    }
    Ok(script().len())
}

/// Everything on the machine ends with the disk that has crashed.
fn fall(disks: &[SimulatedDisk], shards: Opened, restart: Restart) {
    disks.iter().for_each(SimulatedDisk::shut_down);
    drop(shards);
    disks.iter().for_each(|disk| disk.restart(restart));
}

fn crash_at(disk: usize, operation: u64, again: u64, states: &[Vec<[u8; 32]>]) -> bool {
    let seed = 1 + operation * 10 + disk as u64;
    let disks: Vec<SimulatedDisk> = (0..SHARDS).map(|shard| SimulatedDisk::new(seed * 10 + u64::from(shard))).collect();
    disks[disk].arm(operation, Fault::Crash);
    let shards = open(&disks, Durability::Disk);
    let acknowledged = shards.as_ref().map_or(Err(0), |shards| run(shards, 0));
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
    assert_eq!(run(&shards, place), Ok(script().len()));
    assert_eq!(digests(&shards), *states.last().unwrap());
    shards.close().unwrap();
    has_crashed
}

#[test]
fn a_crash_at_any_step_is_repaired() {
    let states = states();
    let mut crashes = 0;
    for disk in 0..usize::from(SHARDS) {
        for operation in 1..40 {
            crashes += u32::from(crash_at(disk, operation, 3 + operation % 7, &states));
        }
    }
    assert!(crashes > 60, "{crashes} crashes: the script is over before");
}

#[test]
fn what_each_shard_has_lost_for_itself_is_made_up_for() {
    let states = states();
    for seed in 0..12 {
        let disks: Vec<SimulatedDisk> =
            (0..SHARDS).map(|shard| SimulatedDisk::new(seed * 10 + u64::from(shard))).collect();
        let shards = open(&disks, Durability::Os);
        assert_eq!(run(shards.as_ref().unwrap(), 0), Ok(script().len()));
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
    run(shards.as_ref().unwrap(), 0).unwrap();
    fall(&disks, shards, Restart::Process);
    let shards = open(&disks, Durability::Os).unwrap();
    assert_eq!(digests(&shards), *states.last().unwrap());
    shards.close().unwrap();
}
