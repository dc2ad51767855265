//! A client that does what it is told, and waits for what comes: the plainest reading of the protocol's text.

use aeromatch_engine::codes::Side;
use aeromatch_engine::record::{Command, Event, as_bytes};
use aeromatch_runtime::wire::frame::{HEADER_BYTES, Header, Kind, Login, VERSION};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What a test may wait for at most: long enough for the slowest machine, and no measure of anything.
const LONG: Duration = Duration::from_secs(60);

pub trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

pub struct Frame {
    pub kind: Kind,
    pub count: u16,
    pub body: Vec<u8>,
}

pub struct Client {
    pub socket: Box<dyn Socket>,
    sent: u64,
    received: u64,
    /// Of the shards, what reports it has.
    pub positions: Vec<u64>,
    pub session: u32,
    pub account: u32,
}

pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// An event's bytes as the event.
pub fn event(slot: &[u8]) -> Event {
    Event {
        kind: slot[0],
        version: slot[1],
        reason: slot[2],
        side: slot[3],
        instrument: u32_at(slot, 4),
        account: u32_at(slot, 8),
        index: u32_at(slot, 12),
        price_ticks: u64_at(slot, 16) as i64,
        quantity_lots: u64_at(slot, 24),
        order_id: u64_at(slot, 32),
        other: u64_at(slot, 40),
        sequence: u64_at(slot, 48),
        detail: u64_at(slot, 56),
    }
}

pub fn login(account: &str) -> Login {
    Login {
        timestamp_ms: 0,
        nonce: 0,
        cancel_on_disconnect: false,
        heartbeat_ms: 0,
        signature: [0; 32],
        key: String::new(),
        account: account.to_string(),
        positions: Vec::new(),
    }
}

pub fn limit(instrument: u32, side: Side, price_ticks: i64, lots: u64, tag: u64) -> Command {
    Command { instrument, tag, ..Command::limit(side, price_ticks, lots) }
}

impl Client {
    pub fn over(socket: Box<dyn Socket>) -> Client {
        Client { socket, sent: 0, received: 0, positions: Vec::new(), session: 0, account: 0 }
    }

    pub fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.set_write_timeout(Some(LONG)).unwrap();
        Client::over(Box::new(socket))
    }

    pub fn connect_unix(path: &Path) -> Client {
        let socket = UnixStream::connect(path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Client::over(Box::new(socket))
    }

    pub fn open(address: SocketAddr, login: &Login) -> Client {
        let mut client = Client::connect(address);
        client.log_in(login);
        client
    }

    pub fn log_in(&mut self, login: &Login) {
        self.send_login(login);
        let welcome = self.expect(Kind::Welcome);
        self.session = u64_at(&welcome.body, 0) as u32;
        self.account = u32_at(&welcome.body, 8);
        self.positions = welcome.body[32..].chunks_exact(8).map(|bytes| u64_at(bytes, 0)).collect();
    }

    pub fn send_login(&mut self, login: &Login) {
        let mut body = Vec::new();
        login.write(&mut body);
        self.send(Kind::Login, login.positions.len(), &body).unwrap();
    }

    pub fn frame(&mut self, kind: Kind, count: usize, body: &[u8]) -> Vec<u8> {
        self.sent += 1;
        let header = Header {
            length: body.len() as u32,
            kind: kind as u8,
            version: VERSION,
            count: count as u16,
            number: self.sent,
        };
        [&header.bytes(), body].concat()
    }

    pub fn send(&mut self, kind: Kind, count: usize, body: &[u8]) -> io::Result<()> {
        let frame = self.frame(kind, count, body);
        self.socket.write_all(&frame)
    }

    pub fn commands(&mut self, commands: &[Command]) {
        self.send(Kind::Commands, commands.len(), as_bytes(commands)).unwrap();
    }

    pub fn receive(&mut self) -> io::Result<Frame> {
        let mut header = [0; HEADER_BYTES];
        self.socket.read_exact(&mut header)?;
        let header = Header::read(&header).unwrap();
        let mut body = vec![0; header.length as usize];
        self.socket.read_exact(&mut body)?;
        self.received += 1;
        assert_eq!((header.version, header.number), (VERSION, self.received), "frames are numbered");
        let kind = Kind::from_code(header.kind).unwrap();
        Ok(Frame { kind, count: header.count, body })
    }

    /// The next frame that is no heartbeat.
    pub fn next(&mut self) -> Frame {
        loop {
            let frame = self.receive().unwrap();
            if frame.kind != Kind::Alive {
                return frame;
            }
        }
    }

    pub fn expect(&mut self, kind: Kind) -> Frame {
        let frame = self.next();
        assert_eq!(frame.kind, kind, "{}", String::from_utf8_lossy(&frame.body));
        frame
    }

    /// The next reports: shard and events.
    pub fn reports(&mut self) -> (u16, Vec<Event>) {
        let frame = self.expect(Kind::Reports);
        let shard = u16_at(&frame.body, 0);
        let events: Vec<Event> = frame.body[8..].chunks_exact(64).map(event).collect();
        assert_eq!(events.len(), usize::from(frame.count));
        if let Some(last) = events.last() {
            self.positions[usize::from(shard)] = last.sequence;
        }
        (shard, events)
    }

    /// At least so many events.
    pub fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.reports().1);
        }
        events
    }

    /// What is refused: tags and codes.
    pub fn refused(&mut self) -> Vec<(u32, u16, u64)> {
        let frame = self.expect(Kind::Refused);
        frame.body.chunks_exact(16).map(|entry| (u32_at(entry, 0), u16_at(entry, 4), u64_at(entry, 8))).collect()
    }

    /// Why the session is ended; nothing comes behind it.
    pub fn ended(&mut self) -> (u16, String) {
        loop {
            let frame = self.receive().unwrap();
            if frame.kind == Kind::Ended {
                let text = String::from_utf8(frame.body[16..].to_vec()).unwrap();
                let mut rest = [0; 1];
                assert_eq!(self.socket.read(&mut rest).unwrap(), 0, "the server closes behind it");
                return (u16_at(&frame.body, 0), text);
            }
        }
    }
}
