//! An exchange with accounts and instruments, and a server before it.

use crate::client::{Client, login};
use aeromatch_engine::codes::AdminKind;
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::admission::bucket::Limit;
use aeromatch_runtime::admission::{Admission, Limits, Now, Options as AdmissionOptions};
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::server::{Register, Server, ServerOptions};
use aeromatch_runtime::wire::session::Bounds;
use aeromatch_runtime::wire::venue::Venue;
use aeromatch_runtime::{Durability, Options, ShardOptions, Shards};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub type TestShards = Shards<SimulatedDisk>;

pub fn shard_options(shards: u16) -> ShardOptions {
    ShardOptions { shards, stream_events: 4096, intake_capacity: 1024, window: 256, ..ShardOptions::default() }
}

/// Accounts alice, bob and carol, and as many instruments as that, round the shards.
pub fn exchange(shards: u16, instruments: u32) -> Arc<TestShards> {
    let opened = match Shards::in_memory(shard_options(shards)) {
        Ok(opened) => opened,
        Err((shard, failure)) => panic!("shard {shard}: {failure}"),
    };
    fill(&opened, instruments);
    Arc::new(opened)
}

pub fn fill(shards: &TestShards, instruments: u32) {
    let mut port = shards.port().unwrap();
    let mut events = Vec::new();
    for name in ["alice", "bob", "carol"] {
        port.process(&Admin::named(AdminKind::CreateAccount, [name]).to_bytes(), &mut events).unwrap();
    }
    for number in 0..instruments {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [format!("I{number}").as_str(), "1", "1"]);
        admin.rules = Some((Rules::default(), IndexKind::BTree));
        port.process(&admin.to_bytes(), &mut events).unwrap();
    }
}

pub fn on_disks(disks: &[SimulatedDisk], snapshot_bytes: u64) -> Arc<TestShards> {
    let options = Options {
        durability: Durability::Os,
        segment_bytes: 1 << 16,
        snapshot_bytes,
        snapshot_interval_s: 0,
        ..Options::default()
    };
    match Shards::open(disks.to_vec(), options, shard_options(disks.len() as u16)) {
        Ok((shards, _)) => Arc::new(shards),
        Err((shard, failure)) => panic!("shard {shard}: {failure}"),
    }
}

/// Sessions that were opened and closed: numbers, and whether orders end with them.
#[derive(Default)]
pub struct Ledger {
    pub opened: Vec<(u32, bool)>,
    pub closed: Vec<u32>,
}

/// Numbers sessions, and keeps a ledger of them.
#[derive(Default)]
pub struct Numbers(pub Arc<Mutex<Ledger>>);

impl Register for Numbers {
    fn open(
        &mut self,
        _key: Option<&str>,
        account: Option<&str>,
        _remote: &str,
        cancels_at_end: bool,
    ) -> Result<u32, (Code, String)> {
        if account == Some("carol") {
            return Err((Code::NotPermitted, "carol is not to come".to_string()));
        }
        let opened = &mut self.0.lock().unwrap().opened;
        let number = opened.len() as u32 + 1;
        opened.push((number, cancels_at_end));
        Ok(number)
    }

    fn close(&mut self, session: u32) {
        self.0.lock().unwrap().closed.push(session);
    }
}

pub fn clock() -> Now {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let monotonic_ns = START.get_or_init(Instant::now).elapsed().as_nanos() as u64;
    Now { unix_ms: unix.as_millis() as u64, monotonic_ns }
}

pub fn limits() -> Limits {
    Limits {
        address_orders: Limit::NONE,
        address_requests: Limit::NONE,
        venue_orders: Limit::NONE,
        failures: Limit::NONE,
        connections: 1000,
        connections_per_address: 1000,
    }
}

pub fn admission(required: bool) -> Arc<Admission> {
    let options = AdmissionOptions { required, window_ms: 5000, ahead_ms: 1000, not_before_ms: 0, nonces: 1024 };
    Arc::new(Admission::new(options, limits()))
}

pub fn bounds() -> Bounds {
    Bounds { max_frame_bytes: 1 << 20, outbound_bytes: 1 << 20, heartbeat_ms: 10_000, login_timeout_ms: 5_000 }
}

pub fn options() -> ServerOptions {
    ServerOptions {
        tcp: Some("127.0.0.1:0".parse().unwrap()),
        unix_path: None,
        bounds: bounds(),
        max_subscriptions: 4,
        depth_interval: Duration::from_millis(1),
        clock,
    }
}

pub fn serve(venue: &Arc<TestShards>, admission: &Arc<Admission>, options: ServerOptions) -> Server {
    let venue = Arc::clone(venue) as Arc<dyn Venue>;
    Server::open(venue, Arc::clone(admission), options, Box::new(Numbers::default())).unwrap()
}

/// A server before an exchange in memory.
pub struct Stage {
    pub server: Server,
    pub admission: Arc<Admission>,
    pub shards: Arc<TestShards>,
}

impl Stage {
    pub fn new(shards: u16, options: ServerOptions) -> Stage {
        let (shards, admission) = (exchange(shards, 4), admission(false));
        Stage { server: serve(&shards, &admission, options), admission, shards }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.tcp().unwrap()
    }

    pub fn client(&self, account: &str) -> Client {
        Client::open(self.address(), &login(account))
    }
}
