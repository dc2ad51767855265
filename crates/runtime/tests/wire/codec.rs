//! Frames as bytes, without a server: golden ones, round trips, and whatever else may come.

use crate::client::{event, limit, login, u16_at, u32_at, u64_at};
use crate::venue::bounds;
use aeromatch_engine::codes::Side;
use aeromatch_engine::record::{Command, SLOT_BYTES, as_bytes};
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::commands::{Sender, check, count};
use aeromatch_runtime::wire::frame::{Channel, HEADER_BYTES, Header, Kind, Login, Subscribe, VERSION, text};
use aeromatch_runtime::wire::inbox::Inbox;
use aeromatch_runtime::wire::outbox::{Outbox, Refusal};
use aeromatch_runtime::wire::session::{Session, State, Step};

const MANY: Refusal = Refusal { tag: 0, code: Code::RateLimited, retry_after_ns: 5 };

fn sender() -> Sender {
    Sender { session: 3, account: 9, may_trade: true, is_killed: false }
}

fn dice(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed * 2 + 0x9e37_79b9_7f4a_7c15;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn golden_bytes() {
    let header = Header { length: 0x0102_0304, kind: 2, version: 1, count: 0x0506, number: 0x0708_090a_0b0c_0d0e };
    assert_eq!(header.bytes(), [4, 3, 2, 1, 2, 1, 6, 5, 0xe, 0xd, 0xc, 0xb, 0xa, 9, 8, 7]);
    assert_eq!(Header::read(&header.bytes()), Some(header));
    let mut body = Vec::new();
    let login = Login {
        timestamp_ms: 1,
        nonce: 2,
        cancel_on_disconnect: true,
        heartbeat_ms: 3,
        signature: [4; 32],
        key: "k".to_string(),
        account: "alice".to_string(),
        positions: vec![5, u64::MAX],
    };
    login.write(&mut body);
    assert_eq!(body.len(), 64 + 64 + 64 + 16);
    assert_eq!((u64_at(&body, 0), u64_at(&body, 8), u32_at(&body, 16), u32_at(&body, 20)), (1, 2, 1, 3));
    assert_eq!((&body[24..32], &body[32..64]), (&[0; 8][..], &[4; 32][..]));
    assert_eq!((&body[64..66], &body[128..134]), (&b"\x01k"[..], &b"\x05alice"[..]));
    assert_eq!((u64_at(&body, 192), u64_at(&body, 200)), (5, u64::MAX));
    assert_eq!(Login::read(&body, 2), Ok(login));
    assert_eq!(Login::read(&body, 1).unwrap_err().code, Code::Malformed);
    let mut body = Vec::new();
    let wanted = Subscribe { channel: Channel::Depth, levels: 7, instrument: 8, tag: 9 };
    wanted.write(&mut body);
    assert_eq!(body, [2, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Subscribe::read(&body), Ok(wanted));
    let mut outbox = Outbox::new(1 << 20);
    outbox.refused(&[Refusal { tag: 1, code: Code::KillSwitch, retry_after_ns: 2 }]);
    let refused = [16, 0, 0, 0, 67, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(outbox.bytes(), refused);
    let mut outbox = Outbox::new(1 << 20);
    outbox.ended(Code::Idle, "why", 0);
    let ended = [25, 0, 0, 0, 72, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(outbox.bytes(), [&ended[..], b"idle: why"].concat());
}

#[test]
fn a_text_is_whole_or_none() {
    let mut slot = [0; SLOT_BYTES];
    assert_eq!(text(&slot), Some(""));
    slot[..4].copy_from_slice(b"\x03abc");
    assert_eq!((text(&slot), text(&slot[..60])), (Some("abc"), None));
    slot[0] = 2;
    assert_eq!(text(&slot), None, "something stands behind its end");
    slot[0] = 64;
    assert_eq!(text(&slot), None, "it is longer than its slot");
    slot[..3].copy_from_slice(&[2, 0xc3, 0x28]);
    assert_eq!(text(&slot), None, "it is no UTF-8");
}

#[test]
fn events_are_parted_at_commands_and_a_long_one_goes_on() {
    let of = |sequence: u64, index: u32| {
        let mut slot = [0; SLOT_BYTES];
        slot[12..16].copy_from_slice(&index.to_le_bytes());
        slot[48..56].copy_from_slice(&sequence.to_le_bytes());
        event(&slot)
    };
    // Room for four events.
    let mut outbox = Outbox::new(8 + 4 * SLOT_BYTES);
    for (shard, sequence, index) in [(0, 1, 0), (1, 1, 0), (1, 2, 0), (1, 2, 1), (1, 2, 2), (1, 2, 3), (1, 2, 4)] {
        outbox.event(Kind::Reports, shard, index == 0, &of(sequence, index));
    }
    let bytes = outbox.bytes().to_vec();
    let (mut at, mut frames) = (0, Vec::new());
    while at < bytes.len() {
        let header = Header::read(&bytes[at..]).unwrap();
        let body = &bytes[at + HEADER_BYTES..at + HEADER_BYTES + header.length as usize];
        assert_eq!(body.len(), 8 + usize::from(header.count) * SLOT_BYTES);
        frames.push((header.number, u16_at(body, 0), header.count, u16_at(body, 2)));
        at += HEADER_BYTES + body.len();
    }
    assert_eq!(frames, [(1, 0, 1, 0), (2, 1, 4, 1), (3, 1, 2, 0)]);
}

#[test]
fn commands_are_completed_and_bad_ones_taken_out() {
    let good = limit(1, Side::Buy, 5, 1, 1);
    let batch = [
        good,
        Command { account: 8, tag: 2, ..good },
        Command { account: 9, tag: 3, ..good },
        Command { time_in_force: 77, tag: 4, ..good },
        Command { tag: 5, ..good },
        Command { tag: 6, ..good },
    ];
    let mut body = as_bytes(&batch).to_vec();
    let mut refused = Vec::new();
    let checked = check(&mut body, &sender(), (5, MANY), &mut refused).unwrap();
    assert_eq!((checked.commands, checked.bytes), (3, 3 * SLOT_BYTES));
    let wanted = [1, 3, 5].map(|tag| Command { account: 9, tag: 3 << 32 | tag, ..good });
    assert_eq!(&body[..checked.bytes], as_bytes(&wanted));
    let codes: Vec<_> = refused.iter().map(|entry| (entry.tag, entry.code, entry.retry_after_ns)).collect();
    assert_eq!(codes, [(2, Code::NotPermitted, 0), (4, Code::Malformed, 0), (6, Code::RateLimited, 5)]);
    assert!(count(&body[..100]).is_err());
    let cut = Command { extensions: 1, ..good };
    assert!(count(as_bytes(&[cut])).is_err());
}

#[test]
fn nothing_that_comes_breaks_a_session_or_takes_more_than_its_room() {
    let most = HEADER_BYTES + bounds().max_frame_bytes;
    for seed in 0..2000 {
        let mut dice = dice(seed);
        let mut bytes = Vec::new();
        let mut session = Session::new(&bounds(), 0);
        if seed % 2 == 0 {
            let mut body = Vec::new();
            login("alice").write(&mut body);
            let length = body.len() as u32;
            bytes.extend(Header { length, kind: 1, version: VERSION, count: 0, number: 1 }.bytes());
            bytes.extend(body);
        }
        for number in 2..6 {
            let length = (dice() % 300) as u32;
            let kind = (dice() % 10) as u8;
            let slots = if dice().is_multiple_of(2) { (length / 64) as u16 } else { 0 };
            bytes.extend(Header { length, kind, version: VERSION, count: slots, number }.bytes());
            bytes.extend((0..length).map(|_| (dice() % 5) as u8));
        }
        for _ in 0..dice() % 4 {
            let place = dice() as usize % bytes.len();
            bytes[place] ^= 1 << (dice() % 8);
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (mut some, later) = rest.split_at((1 + dice() as usize % 200).min(rest.len()));
            rest = later;
            while !some.is_empty() {
                session.inbox.fill(&mut some).unwrap();
            }
            while let Ok(step) = session.step(1) {
                match step {
                    Step::Wait => break,
                    Step::Login(_) => session.state = State::Open,
                    Step::Commands(body) => {
                        let body = session.inbox.body(body);
                        let _ = check(body, &sender(), (1000, MANY), &mut Vec::new());
                    }
                    _ => {}
                }
            }
            assert!(session.inbox.memory_bytes() <= most.max(bytes.len() * 4 + (32 << 10)));
        }
    }
}

#[test]
fn an_announcement_alone_costs_nothing() {
    let mut inbox = Inbox::new(1 << 20);
    let header = Header { length: 1 << 20, kind: 2, version: VERSION, count: 16384, number: 1 }.bytes();
    inbox.fill(&mut &header[..]).unwrap();
    assert_eq!(inbox.next_frame(), Ok(None));
    assert!(inbox.memory_bytes() <= 32 << 10);
    let body = vec![0; 1 << 20];
    let mut some = &body[..];
    while !some.is_empty() {
        inbox.fill(&mut some).unwrap();
    }
    assert!(inbox.memory_bytes() <= HEADER_BYTES + (1 << 20));
    assert!(matches!(inbox.next_frame(), Ok(Some((_, body))) if body.len() == 1 << 20));
    inbox.relax();
    assert_eq!(inbox.memory_bytes(), 0);
}
