//! Clients that mean no good, or know no better: what they get, and that it hurts nobody else.

use crate::client::{Client, limit, login};
use crate::venue::{Stage, bounds, options};
use aeromatch_engine::codes::{CommandKind, Side};
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command};
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::frame::{HEADER_BYTES, Header, Kind, VERSION};
use aeromatch_runtime::wire::server::ServerOptions;
use aeromatch_runtime::wire::session::Bounds;
use std::io::Write;
use std::time::{Duration, Instant};

fn header(length: u32, kind: u8, version: u8, count: u16, number: u64) -> [u8; HEADER_BYTES] {
    Header { length, kind, version, count, number }.bytes()
}

#[test]
fn what_is_no_frame_ends_the_session_with_the_reason() {
    let stage = Stage::new(1, options());
    let commands = Kind::Commands as u8;
    for (bytes, code) in [
        (header(0, commands, VERSION, 0, 3), Code::BadSequence),
        (header(0, commands, VERSION, 0, 1), Code::BadSequence),
        (header(0, commands, 2, 0, 2), Code::Malformed),
        (header(u32::MAX, commands, VERSION, 0, 2), Code::FrameTooLarge),
        (header(0, 99, VERSION, 0, 2), Code::Malformed),
        (header(0, Kind::Welcome as u8, VERSION, 0, 2), Code::Malformed),
        (header(0, commands, VERSION, 1, 2), Code::Malformed),
        (header(0, Kind::Test as u8, VERSION, 0, 2), Code::Malformed),
        (header(0, Kind::Login as u8, VERSION, 0, 2), Code::Malformed),
        (header(0, Kind::Heartbeat as u8, VERSION, 1, 2), Code::Malformed),
    ] {
        let mut client = stage.client("alice");
        client.socket.write_all(&bytes).unwrap();
        assert_eq!(client.ended().0, code as u16, "{bytes:?}");
    }
    let mut client = Client::connect(stage.address());
    client.send(Kind::List, 0, &[]).unwrap();
    assert_eq!(client.ended().0, Code::Unauthenticated as u16);
}

#[test]
fn who_is_silent_is_ended_and_who_is_not_is_kept() {
    let short = Bounds { heartbeat_ms: 100, login_timeout_ms: 100, ..bounds() };
    let stage = Stage::new(1, ServerOptions { bounds: short, ..options() });
    assert_eq!(Client::connect(stage.address()).ended().0, Code::RequestTimeout as u16);
    let mut silent = stage.client("alice");
    // A frame that never ends is silence.
    silent.socket.write_all(&header(1 << 20, Kind::Commands as u8, VERSION, 16384, 2)).unwrap();
    assert_eq!(silent.ended().0, Code::Idle as u16);
    let (mut bob, begin) = (stage.client("bob"), Instant::now());
    while begin.elapsed() < Duration::from_millis(600) {
        assert_eq!(bob.receive().unwrap().kind, Kind::Alive);
        bob.send(Kind::Heartbeat, 0, &[]).unwrap();
    }
    bob.commands(&[limit(1, Side::Buy, 1, 1, 1)]);
    assert_eq!(bob.events(1).len(), 1);
}

#[test]
fn who_does_not_read_is_ended_and_others_trade_on() {
    let stage = Stage::new(1, options());
    let mut bob = stage.client("bob");
    let mut alice = stage.client("alice");
    let orders: Vec<Command> = (0..1000).map(|tag| limit(1, Side::Buy, 1, 1, tag)).collect();
    let sweep = Command { instrument: ALL_INSTRUMENTS, tag: 1, ..Command::of(CommandKind::MassCancel) };
    let mut sent = 0;
    // It sends and never reads, until the server has had enough.
    while stage.server.counters().slow_consumers == 0 && sent < 5000 {
        let batch = [&orders[..], &[sweep]].concat();
        let frame = alice.frame(Kind::Commands, batch.len(), aeromatch_engine::record::as_bytes(&batch));
        if alice.socket.write_all(&frame).is_err() {
            break;
        }
        sent += 1;
        bob.commands(&[limit(1, Side::Sell, 1000, 1, sent)]);
        assert_eq!(bob.events(1)[0].detail as u32, sent as u32);
    }
    assert_eq!(stage.server.counters().slow_consumers, 1);
}

#[test]
fn garbage_hurts_nobody() {
    let stage = Stage::new(2, options());
    let mut good = stage.client("bob");
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 32) as u8
    };
    for round in 0..300 {
        let mut client = if round % 3 == 0 { Client::connect(stage.address()) } else { stage.client("alice") };
        let length = usize::from(byte()) * 8;
        let mut body: Vec<u8> = (0..length).map(|_| byte()).collect();
        if round % 3 == 1 {
            // Frames that are right, of slots that are not.
            let slots = length / 64;
            body.truncate(slots * 64);
            for slot in body.chunks_exact_mut(64) {
                (slot[0], slot[1]) = (1 + slot[0] % 6, 1);
                slot[2] %= 5;
            }
            let _ = client.send(Kind::Commands, slots, &body);
        } else {
            let _ = client.socket.write_all(&body);
        }
    }
    good.commands(&[limit(1, Side::Buy, 1, 1, 7)]);
    assert_eq!(good.events(1)[0].detail as u32, 7);
    drop(good);
    assert!(stage.server.drain(Duration::from_secs(60)));
    assert_eq!(stage.admission.connections(), 0);
    let mut late = login("alice");
    late.heartbeat_ms = 1;
    assert!(std::net::TcpStream::connect(stage.address()).is_err(), "it listens no more");
}
