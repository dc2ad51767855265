//! Who is let in, and how much of what they send.

use crate::client::{Client, limit, login};
use crate::venue::{Stage, clock, limits, options, serve};
use aeromatch_engine::codes::{CommandKind, Side};
use aeromatch_engine::record::Command;
use aeromatch_runtime::admission::Limits;
use aeromatch_runtime::admission::bucket::Limit;
use aeromatch_runtime::admission::key::{KeySpec, Role, SecretHash};
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::frame::{Kind, Login};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

fn key(id: &str, role: Role, account: Option<&str>) -> KeySpec {
    KeySpec {
        id: id.into(),
        secrets: vec![SecretHash { hash: Sha256::digest(id).into(), expires_ms: 0 }],
        role,
        account: account.map(Into::into),
        orders: Limit::NONE,
        requests: Limit::NONE,
    }
}

/// A login signed by a key whose secret is its own name.
fn signed(id: &str, account: &str, nonce: u64) -> Login {
    let timestamp_ms = clock().unix_ms;
    let secret: [u8; 32] = Sha256::digest(id).into();
    let empty: String = Sha256::digest(b"").iter().map(|byte| format!("{byte:02x}")).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(format!("{timestamp_ms}\n{nonce}\nLOGIN\nbinary\n{empty}").as_bytes());
    let signature = mac.finalize().into_bytes().into();
    Login { timestamp_ms, nonce, signature, key: id.to_string(), ..login(account) }
}

fn guarded() -> Stage {
    let (shards, admission) = (crate::venue::exchange(1, 1), crate::venue::admission(true));
    admission.set_keys(vec![
        key("trader", Role::Trade, Some("alice")),
        key("reader", Role::Read, Some("alice")),
        key("admin", Role::Admin, None),
    ]);
    Stage { server: serve(&shards, &admission, options()), admission, shards }
}

fn refused(stage: &Stage, login: &Login) -> u16 {
    let mut client = Client::connect(stage.address());
    client.send_login(login);
    client.ended().0
}

#[test]
fn a_login_proves_who_it_is() {
    let stage = guarded();
    let good = signed("trader", "", 1);
    let mut alice = Client::open(stage.address(), &good);
    alice.commands(&[limit(1, Side::Buy, 1, 1, 1)]);
    assert_eq!(alice.events(1)[0].account, 1);
    let wrong = Login { signature: [7; 32], ..signed("trader", "", 2) };
    let old = Login { timestamp_ms: 1, ..signed("trader", "", 3) };
    for (login, code) in [
        (good, Code::ReplayedNonce),
        (login("alice"), Code::MissingCredentials),
        (wrong, Code::InvalidSignature),
        (old, Code::ExpiredTimestamp),
        (signed("nobody", "", 4), Code::InvalidKey),
        (signed("trader", "bob", 5), Code::NotPermitted),
        (signed("admin", "mallory", 6), Code::UnknownAccount),
        (signed("admin", "carol", 7), Code::NotPermitted),
        (Login { positions: vec![1, 2], ..signed("trader", "", 8) }, Code::Malformed),
        (Login { positions: vec![1 << 40], ..signed("trader", "", 9) }, Code::SequenceNotKept),
    ] {
        assert_eq!(refused(&stage, &login), code as u16, "{code:?}");
    }
    // A key that is gone lets nothing more in over a session that it has opened.
    stage.admission.set_keys(Vec::new());
    alice.commands(&[limit(1, Side::Buy, 1, 1, 2)]);
    assert_eq!(alice.refused(), [(2, Code::InvalidKey as u16, 0)]);
}

#[test]
fn nobody_does_what_it_may_not() {
    let stage = guarded();
    let mut reader = Client::open(stage.address(), &signed("reader", "", 1));
    reader.commands(&[limit(1, Side::Buy, 1, 1, 1)]);
    assert_eq!(reader.refused(), [(1, Code::NotPermitted as u16, 0)]);
    // Without an account it sees everything, and takes away.
    let mut admin = Client::open(stage.address(), &signed("admin", "", 2));
    let mut alice = Client::open(stage.address(), &signed("trader", "", 3));
    alice.commands(&[limit(1, Side::Buy, 5, 1, 1)]);
    let order = admin.events(1)[0];
    assert_eq!((alice.events(1), reader.events(1)), (vec![order], vec![order]));
    admin.commands(&[
        limit(1, Side::Buy, 1, 1, 1),
        Command { tag: 2, instrument: 1, ..Command::cancel(order.order_id) },
    ]);
    assert_eq!(admin.refused(), [(1, Code::NotPermitted as u16, 0)]);
    assert_eq!(alice.events(1)[0].order_id, order.order_id);
    let good = limit(1, Side::Sell, 50, 1, 9);
    let phase = Command { instrument: 1, tag: 8, ..Command::of(CommandKind::Phase) };
    alice.commands(&[
        Command { account: 2, tag: 3, ..good },
        Command { timestamp_ns: 1, tag: 4, ..good },
        Command { sequence: 9, tag: 5, ..good },
        Command { tag: 1 << 32 | 6, ..good },
        Command { order_type: 99, tag: 7, ..good },
        phase,
        good,
    ]);
    let codes = [
        (3, Code::NotPermitted),
        (4, Code::Malformed),
        (5, Code::Malformed),
        (6, Code::Malformed),
        (7, Code::Malformed),
        (8, Code::Malformed),
    ];
    assert_eq!(alice.refused(), codes.map(|(tag, code)| (tag, code as u16, 0)));
    assert_eq!(alice.events(1)[0].detail as u32, 9);
}

#[test]
fn limits_count_every_order_however_it_comes() {
    let stage = Stage::new(1, options());
    stage.admission.set_limits(Limits { venue_orders: Limit::new(1, 10), ..limits() });
    let mut alice = stage.client("alice");
    let orders: Vec<Command> = (0..25).map(|tag| limit(1, Side::Buy, 1, 1, tag)).collect();
    alice.commands(&orders);
    let refused = alice.refused();
    assert_eq!(refused.iter().map(|entry| entry.0).collect::<Vec<_>>(), (10..25).collect::<Vec<_>>());
    assert!(refused.iter().all(|entry| entry.1 == Code::RateLimited as u16 && entry.2 > 0));
    let taken: Vec<u64> = alice.events(10).iter().map(|event| event.detail & 0xffff_ffff).collect();
    assert_eq!(taken, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_kill_switch_lets_nothing_in_but_cancels() {
    let stage = Stage::new(1, options());
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    alice.commands(&[limit(1, Side::Buy, 1, 1, 1)]);
    let order = alice.events(1)[0].order_id;
    stage.admission.switches().set(Some("alice"), true);
    let cancel = Command { instrument: 1, tag: 3, ..Command::cancel(order) };
    alice.commands(&[limit(1, Side::Buy, 1, 1, 2), cancel]);
    assert_eq!(alice.refused(), [(2, Code::KillSwitch as u16, 0)]);
    assert_eq!(alice.events(2)[0].detail as u32, 3);
    bob.commands(&[limit(1, Side::Buy, 1, 1, 1)]);
    assert_eq!(bob.events(1).len(), 1);
    stage.admission.switches().set(None, true);
    bob.commands(&[limit(1, Side::Buy, 1, 1, 2)]);
    assert_eq!(bob.refused(), [(2, Code::KillSwitch as u16, 0)]);
}

#[test]
fn connections_and_subscriptions_are_as_many_as_may_be() {
    let stage = Stage::new(1, options());
    stage.admission.set_limits(Limits { connections: 2, ..limits() });
    let mut alice = stage.client("alice");
    let _bob = stage.client("bob");
    assert_eq!(Client::connect(stage.address()).ended().0, Code::TooManyConnections as u16);
    for (instrument, tag) in [(1, 1), (2, 2), (3, 3), (4, 4), (1, 5), (99, 6)] {
        let channel = if tag == 5 {
            aeromatch_runtime::wire::frame::Channel::Trades
        } else {
            aeromatch_runtime::wire::frame::Channel::Depth
        };
        let mut body = Vec::new();
        aeromatch_runtime::wire::frame::Subscribe { channel, levels: 0, instrument, tag }.write(&mut body);
        alice.send(Kind::Subscribe, 0, &body).unwrap();
        match tag {
            5 | 6 => assert_eq!(alice.refused(), [(tag, Code::TooManySubscriptions as u16, 0)]),
            _ => assert_eq!(alice.expect(Kind::Depth).count, 0),
        }
    }
}
