//! What must hold for any bytes that a client of the binary protocol sends. The fuzz target (`make fuzz-targets`) and the test
//! in `untrusted_frames.rs` (`make fuzz-decoders`) run the same function, which panics where it finds a fault.

use aeromatch_engine::codes::{CommandKind, Side};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Command, SLOT_BYTES, as_bytes, flag};
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::commands::{self, Sender};
use aeromatch_runtime::wire::frame::{Channel, Fault, HEADER_BYTES, Header, Kind, Login, Subscribe, VERSION};
use aeromatch_runtime::wire::outbox::Refusal;
use aeromatch_runtime::wire::session::{Bounds, Session, State, Step};

const BOUNDS: Bounds =
    Bounds { max_frame_bytes: 4096, outbound_bytes: 1 << 16, heartbeat_ms: 10_000, login_timeout_ms: 10_000 };
const SENDER: Sender = Sender { session: 7, account: 3, may_trade: true, is_killed: false };
const ACCOUNT_AT: usize = 12;
const SESSION_AT: usize = 60;

/// What a stream came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Frames that were understood.
    pub frames: usize,
    /// Commands that would go to the exchange.
    pub commands: usize,
    /// Commands that were refused.
    pub refused: usize,
    /// Why the session ended, if it did.
    pub end: Option<&'static str>,
}

/// The first byte says in which pieces the rest comes, the second one whether frames are numbered as they should be. Then every
/// frame is understood or ends the session with a reason; commands that go on are good, the session's own and as many as are
/// not refused; and no more memory is taken than a frame may have.
pub fn read(input: &[u8]) -> Outcome {
    let [size, flags, stream @ ..] = input else { return Outcome::default() };
    let mut stream = stream.to_vec();
    if flags & 1 != 0 {
        number(&mut stream);
    }
    let mut session = Session::new(&BOUNDS, 0);
    let mut outcome = Outcome::default();
    for mut piece in stream.chunks(usize::from(*size) + 1) {
        while !piece.is_empty() {
            session.inbox.fill(&mut piece).expect("bytes can be read");
            assert!(session.inbox.memory_bytes() <= 1 << 15);
            if let Err(fault) = steps(&mut session, &mut outcome) {
                assert!(!fault.detail.is_empty());
                session.end(fault.code, fault.detail, 0);
                assert!(session.state == State::Ending && !session.outbox.is_empty());
                outcome.end = Some(fault.detail);
                return outcome;
            }
        }
    }
    outcome
}

/// Frames get the numbers that they should have, as far as their lengths lead from one to the next.
fn number(stream: &mut [u8]) {
    let (mut at, mut next) = (0, 1_u64);
    while let Some(mut header) = Header::read(&stream[at.min(stream.len())..]) {
        (header.number, header.version) = (next, VERSION);
        stream[at..at + HEADER_BYTES].copy_from_slice(&header.bytes());
        at += HEADER_BYTES + header.length as usize;
        next += 1;
    }
}

fn steps(session: &mut Session, outcome: &mut Outcome) -> Result<(), Fault> {
    loop {
        match session.step(1)? {
            Step::Wait => return Ok(()),
            Step::Login(login) => {
                let mut body = Vec::new();
                login.write(&mut body);
                assert_eq!(Login::read(&body, login.positions.len() as u16), Ok(login));
                (session.state, session.sender) = (State::Open, SENDER);
            }
            Step::Commands(range) => take(session.inbox.body(range), outcome)?,
            Step::Subscribe(asked) | Step::Unsubscribe(asked) => {
                let mut body = Vec::new();
                asked.write(&mut body);
                assert_eq!(Subscribe::read(&body), Ok(asked));
            }
            Step::Logout => return Err(Fault::new(Code::Malformed, "the client has gone")),
            Step::Done | Step::Test(_) | Step::List => {}
        }
        outcome.frames += 1;
    }
}

fn take(body: &mut [u8], outcome: &mut Outcome) -> Result<(), Fault> {
    let all = commands::count(body)?;
    let limit = (all.min(40), Refusal { tag: 0, code: Code::RateLimited, retry_after_ns: 1 });
    let mut refused = Vec::new();
    let checked = commands::check(body, &SENDER, limit, &mut refused)?;
    assert_eq!(checked.commands + refused.len(), all);
    let good = &body[..checked.bytes];
    assert_eq!(commands::count(good), Ok(checked.commands));
    assert!(good.is_empty() || Exchange::check(good).is_ok());
    let mut at = 0;
    while at < good.len() {
        assert_eq!(good[at + ACCOUNT_AT..at + ACCOUNT_AT + 4], SENDER.account.to_le_bytes());
        assert_eq!(good[at + SESSION_AT..at + SESSION_AT + 4], SENDER.session.to_le_bytes());
        let extensions = good[at + 2];
        at += SLOT_BYTES * (1 + usize::from(extensions & 1) + usize::from(extensions >> 1));
    }
    commands::named(good, &mut Vec::new());
    outcome.commands += checked.commands;
    outcome.refused += refused.len();
    Ok(())
}

/// A stream with a frame of each kind, to be damaged.
pub fn sample() -> Vec<u8> {
    let mut stream = vec![200, 1];
    let login = Login {
        timestamp_ms: 1_800_000_000_000,
        nonce: 7,
        cancel_on_disconnect: true,
        heartbeat_ms: 1000,
        signature: [3; 32],
        key: "key".into(),
        account: "alice".into(),
        positions: vec![41, u64::MAX],
    };
    let mut body = Vec::new();
    login.write(&mut body);
    push(&mut stream, Kind::Login, 2, &body);
    let order = |price: i64| Command { instrument: 1, tag: price as u64, ..Command::limit(Side::Buy, price, 5) };
    let mut slots = as_bytes(&[order(100), order(101)]).to_vec();
    let cancel = Command { instrument: 1, tag: 1, ..Command::cancel(9) };
    let kind = CommandKind::Amend as u8;
    let amend = Command { kind, flags: flag::QUANTITY, quantity_lots: 4, tag: 2, ..cancel };
    let named = Command { extensions: 2, ..order(102) };
    slots.extend_from_slice(as_bytes(&[cancel, amend, named]));
    let mut id = [0; SLOT_BYTES];
    id[..4].copy_from_slice(b"\x03abc");
    slots.extend_from_slice(&id);
    push(&mut stream, Kind::Commands, 6, &slots);
    body.clear();
    Subscribe { channel: Channel::Depth, levels: 5, instrument: 1, tag: 9 }.write(&mut body);
    push(&mut stream, Kind::Subscribe, 0, &body);
    push(&mut stream, Kind::Test, 0, &7_u64.to_le_bytes());
    push(&mut stream, Kind::List, 0, &[]);
    push(&mut stream, Kind::Unsubscribe, 0, &body);
    push(&mut stream, Kind::Heartbeat, 0, &[]);
    stream
}

fn push(stream: &mut Vec<u8>, kind: Kind, count: u16, body: &[u8]) {
    let header = Header { length: body.len() as u32, kind: kind as u8, version: VERSION, count, number: 0 };
    stream.extend_from_slice(&header.bytes());
    stream.extend_from_slice(body);
}
