//! What must hold for a directory in which any bytes were changed (R33). The fuzz target (`make fuzz-targets`) and the bounded
//! test in `untrusted_bytes.rs` run the same function, which panics where it finds a fault.

use aeromatch_engine::codes::{AdminKind, Side};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, as_bytes};
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::simulation::{Restart, SimulatedDisk};
use aeromatch_runtime::{Durability, DurableExchange, JournalReader, Options, Storage, StorageFile, verify};

const OPTIONS: Options = Options {
    durability: Durability::Disk,
    segment_bytes: 8192,
    snapshot_bytes: 1 << 20,
    snapshot_interval_s: 0,
    keep_snapshots: 2,
    retain_bytes: None,
};

fn batches() -> Vec<Vec<u8>> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, ["A", "1", "1"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    let orders = (1..6_i64).map(|number| {
        let order = |place: i64| Command { instrument: 1, ..Command::limit(Side::Buy, number * 100 + place, 1) };
        as_bytes(&(0..30).map(order).collect::<Vec<Command>>()).to_vec()
    });
    std::iter::once(admin.to_bytes()).chain(orders).collect()
}

/// Four bytes each say what to change: file, place and value. Then the directory opens in a state that it once had, or is
/// refused by name; and looking at it, live or not, neither panics nor hangs.
pub fn open_changed(changes: &[u8]) {
    let disk = SimulatedDisk::new(1);
    let (mut exchange, _) = DurableExchange::open_without_thread(disk.clone(), OPTIONS).expect("a new directory");
    let mut digests = vec![Exchange::new().digest()];
    for (number, batch) in batches().iter().enumerate() {
        exchange.submit(batch, &mut Vec::new()).expect("a batch");
        digests.push(exchange.exchange().digest());
        if number == 3 {
            exchange.compact().expect("a snapshot");
        }
    }
    disk.shut_down();
    drop(exchange);
    disk.restart(Restart::Process);
    let names: Vec<String> = disk.list().expect("a list").into_iter().filter(|name| name.contains('-')).collect();
    for change in changes.chunks_exact(4) {
        let name = &names[usize::from(change[0]) % names.len()];
        let mut file = disk.open(name).expect("a file");
        let offset = u64::from(u16::from_le_bytes([change[1], change[2]])) % file.length().expect("a length").max(1);
        file.write_at(&change[3..], offset).expect("a write");
        file.sync().expect("a sync");
    }
    if let Err(failure) = verify(&disk) {
        assert!(!failure.to_string().is_empty());
    }
    if let Ok(reader) = JournalReader::open(disk.clone()) {
        for place in 0..reader.segments().len() {
            let Ok(mut frames) = reader.frames(place) else { continue };
            while let Ok(Some(_)) = frames.next() {}
        }
    }
    match DurableExchange::open_without_thread(disk.clone(), OPTIONS) {
        Ok((exchange, _)) => assert!(digests.contains(&exchange.exchange().digest()), "a state that never was"),
        Err(failure) => assert!(!failure.to_string().is_empty()),
    }
}
