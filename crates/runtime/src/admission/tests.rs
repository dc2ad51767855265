use super::address::Address;
use super::bucket::Limit;
use super::key::{KeySpec, Role, SecretHash};
use super::{Admission, Admitted, Credentials, Limits, Now, Options, Reason, Refused, Request};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};

const SECRET: &str = "correct-horse";
const NOW: Now = Now { unix_ms: 1_800_000_000_000, monotonic_ns: 1 << 40 };
const OPEN: Limits = Limits {
    address_orders: Limit::NONE,
    address_requests: Limit::NONE,
    venue_orders: Limit::NONE,
    failures: Limit::NONE,
    connections: 3,
    connections_per_address: 2,
};

fn options() -> Options {
    Options { required: true, window_ms: 5_000, ahead_ms: 1_000, not_before_ms: 0, nonces: 1_024 }
}

fn spec(id: &str, role: Role) -> KeySpec {
    KeySpec {
        id: id.into(),
        secrets: vec![SecretHash { hash: Sha256::digest(SECRET).into(), expires_ms: 0 }],
        role,
        account: Some("alice".into()),
        orders: Limit::new(10, 2),
        requests: Limit::NONE,
    }
}

fn table() -> Admission {
    let admission = Admission::new(options(), OPEN);
    admission.set_keys(vec![spec("k1", Role::Trade), spec("reader", Role::Read)]);
    admission
}

fn later(ms: u64) -> Now {
    Now { unix_ms: NOW.unix_ms + ms, monotonic_ns: NOW.monotonic_ns + ms * 1_000_000 }
}

fn sign(timestamp: &str, nonce: &str, method: &str, target: &str, body: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let message = format!("{timestamp}\n{nonce}\n{method}\n{target}\n{}", hex(&Sha256::digest(body)));
    let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(SECRET)).unwrap();
    mac.update(message.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// A request that is signed and then, by `change`, tampered with.
fn signed(admission: &Admission, now: Now, nonce: &str, change: impl FnOnce(&mut Credentials)) -> Result<(), Reason> {
    let timestamp = NOW.unix_ms.to_string();
    let signature = sign(&timestamp, nonce, "POST", "/order?x=1", b"{}");
    let mut credentials = Credentials {
        key: Some("k1"),
        timestamp: Some(&timestamp),
        nonce: Some(nonce),
        signature: Some(&signature),
        method: "POST",
        target: b"/order?x=1",
        body: b"{}",
        ..Credentials::default()
    };
    change(&mut credentials);
    let request = Request { address: Address::parse("10.0.0.1"), credentials, role: Role::Read, cost: 1 };
    admission.admit(&request, now).map(|_| ()).map_err(|refused| refused.reason)
}

fn bearer(admission: &Admission, text: &str, role: Role, now: Now) -> Result<Admitted, Refused> {
    let credentials = Credentials { authorization: Some(text), ..Credentials::default() };
    admission.admit(&Request { address: Address::parse("10.0.0.1"), credentials, role, cost: 1 }, now)
}

#[test]
fn a_signature_is_good_once_and_for_what_it_covers() {
    let admission = table();
    assert_eq!(signed(&admission, NOW, "n1", |_| ()), Ok(()));
    assert_eq!(signed(&admission, NOW, "n1", |_| ()), Err(Reason::ReplayedNonce));
    let invalid = Err(Reason::InvalidSignature);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.body = b"{ }"), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.target = b"/order?x=2"), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.method = "PUT"), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.nonce = Some("n3")), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.timestamp = Some("1799999999999")), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.signature = Some("ab")), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.signature = None), invalid);
    assert_eq!(signed(&admission, NOW, "a nonce", |_| ()), invalid);
    assert_eq!(signed(&admission, NOW, "n2", |request| request.key = Some("k2")), Err(Reason::InvalidKey));
    // What was refused has not used the nonce up.
    assert_eq!(signed(&admission, NOW, "n2", |_| ()), Ok(()));
}

#[test]
fn a_signature_is_good_for_a_while() {
    let admission = table();
    assert_eq!(signed(&admission, later(5_000), "n1", |_| ()), Ok(()));
    assert_eq!(signed(&admission, later(5_001), "n2", |_| ()), Err(Reason::ExpiredTimestamp));
    let earlier = |ms| Now { unix_ms: NOW.unix_ms - ms, ..NOW };
    assert_eq!(signed(&admission, earlier(1_000), "n3", |_| ()), Ok(()));
    assert_eq!(signed(&admission, earlier(1_001), "n4", |_| ()), Err(Reason::ExpiredTimestamp));
    for timestamp in ["", "-1", "+1800000000000", "1.8e12", "18446744073709551615", "99999999999999999999"] {
        let refused = signed(&admission, NOW, "n5", |request| request.timestamp = Some(timestamp));
        assert_eq!(refused, Err(Reason::ExpiredTimestamp), "{timestamp}");
    }
    let restarted = Admission::new(Options { not_before_ms: NOW.unix_ms, ..options() }, OPEN);
    restarted.set_keys(vec![spec("k1", Role::Trade)]);
    assert_eq!(signed(&restarted, later(10), "n1", |_| ()), Err(Reason::ExpiredTimestamp));
}

#[test]
fn bearer_tokens() {
    let admission = table();
    let reason = |text: &str| bearer(&admission, text, Role::Read, NOW).map(|_| ()).map_err(|refused| refused.reason);
    assert_eq!(reason("Bearer k1.correct-horse"), Ok(()));
    assert_eq!(reason("bearer  k1.correct-horse "), Ok(()));
    assert_eq!(reason("Bearer k1.correct-hors"), Err(Reason::InvalidKey));
    assert_eq!(reason("Bearer k9.correct-horse"), Err(Reason::InvalidKey));
    assert_eq!(reason("Bearer k1"), Err(Reason::InvalidKey));
    assert_eq!(reason("Basic azE6eA=="), Err(Reason::MissingCredentials));
    let nothing =
        Request { address: Address::parse("::1"), credentials: Credentials::default(), role: Role::Read, cost: 1 };
    assert_eq!(admission.admit(&nothing, NOW).unwrap_err().reason, Reason::MissingCredentials);
}

#[test]
fn roles_include_those_below() {
    let admission = table();
    let token = "Bearer k1.correct-horse";
    let admitted = bearer(&admission, token, Role::Trade, NOW).unwrap();
    let key = admitted.key.unwrap();
    assert_eq!((key.id(), key.account(), key.role()), ("k1", Some("alice"), Role::Trade));
    assert!(bearer(&admission, token, Role::Read, NOW).is_ok());
    assert_eq!(bearer(&admission, token, Role::Admin, NOW).unwrap_err().reason, Reason::NotPermitted);
    let refused = bearer(&admission, "Bearer reader.correct-horse", Role::Trade, NOW).unwrap_err();
    assert_eq!(refused.reason, Reason::NotPermitted);
}

#[test]
fn two_secrets_while_one_takes_the_others_place() {
    let admission = table();
    let mut rotated = spec("k1", Role::Trade);
    rotated.secrets[0].expires_ms = NOW.unix_ms + 100;
    rotated.secrets.push(SecretHash { hash: Sha256::digest("new").into(), expires_ms: 0 });
    admission.set_keys(vec![rotated]);
    assert!(bearer(&admission, "Bearer k1.correct-horse", Role::Read, later(99)).is_ok());
    assert!(bearer(&admission, "Bearer k1.new", Role::Read, later(99)).is_ok());
    assert!(bearer(&admission, "Bearer k1.correct-horse", Role::Read, later(100)).is_err());
    assert!(bearer(&admission, "Bearer k1.new", Role::Read, later(100)).is_ok());
    assert_eq!(signed(&admission, later(99), "n1", |_| ()), Ok(()));
    assert_eq!(signed(&admission, later(100), "n2", |_| ()), Err(Reason::InvalidSignature));
}

#[test]
fn limits_of_a_key_survive_a_reload() {
    let admission = table();
    let token = "Bearer k1.correct-horse";
    let left = bearer(&admission, token, Role::Trade, NOW).unwrap();
    assert_eq!(left.allowance.map(|allowance| (allowance.limit, allowance.remaining)), Some((2, 1)));
    bearer(&admission, token, Role::Trade, NOW).unwrap();
    admission.set_keys(vec![spec("k1", Role::Trade)]);
    let refused = bearer(&admission, token, Role::Trade, NOW).unwrap_err();
    assert_eq!((refused.reason, refused.empty.map(|empty| empty.retry_ns)), (Reason::RateLimited, Some(100_000_000)));
    assert!(bearer(&admission, token, Role::Read, NOW).is_ok());
    assert!(bearer(&admission, token, Role::Trade, later(100)).is_ok());
}

#[test]
fn who_holds_a_key_learns_that_it_was_replaced() {
    let admission = table();
    let key = bearer(&admission, "Bearer k1.correct-horse", Role::Trade, NOW).unwrap().key.unwrap();
    assert!(admission.admit_again(&key, Role::Trade, 1, NOW).is_ok());
    assert_eq!(admission.admit_again(&key, Role::Trade, 1, NOW).unwrap_err().reason, Reason::RateLimited);
    assert_eq!(admission.admit_again(&key, Role::Admin, 1, NOW).unwrap_err().reason, Reason::NotPermitted);
    admission.set_keys(vec![]);
    assert_eq!(admission.admit_again(&key, Role::Read, 1, NOW).unwrap_err().reason, Reason::InvalidKey);
    assert!(admission.keys().is_empty());
}

#[test]
fn failures_are_told_why_so_often_and_harm_nobody_else() {
    let admission = table();
    admission.set_limits(Limits { failures: Limit::new(1, 3), ..OPEN });
    let wrong = |now| bearer(&admission, "Bearer k1.wrong", Role::Read, now).unwrap_err();
    assert_eq!([wrong(NOW), wrong(NOW), wrong(NOW)].map(|refused| refused.reason), [Reason::InvalidKey; 3]);
    assert_eq!(wrong(NOW).reason, Reason::RateLimited);
    assert!(wrong(NOW).empty.is_some_and(|empty| empty.retry_ns == 1_000_000_000));
    assert!(bearer(&admission, "Bearer k1.correct-horse", Role::Read, NOW).is_ok());
    assert_eq!(wrong(later(1_000)).reason, Reason::InvalidKey);
}

#[test]
fn addresses_and_the_venue_have_limits() {
    let admission = Admission::new(Options { required: false, ..options() }, OPEN);
    let ask = |address: &str, role, cost| {
        let credentials = Credentials::default();
        admission.admit(&Request { address: Address::parse(address), credentials, role, cost }, NOW)
    };
    admission.set_limits(Limits { address_orders: Limit::new(1, 5), venue_orders: Limit::new(1, 8), ..OPEN });
    assert_eq!(ask("10.0.0.1", Role::Trade, 5).unwrap().allowance.map(|allowance| allowance.remaining), Some(0));
    assert_eq!(ask("10.0.0.1", Role::Trade, 1).unwrap_err().detail, "this address has used up its limit");
    assert!(ask("10.0.0.1", Role::Read, 1).is_ok());
    assert_eq!(ask("10.0.0.2", Role::Trade, 4).unwrap_err().detail, "the venue has used up its limit");
}

#[test]
fn connections_are_counted_in_all_and_by_address() {
    let admission = table();
    let connect = |address| admission.connect(Address::parse(address)).map_err(|refused| refused.reason);
    assert_eq!((connect("10.0.0.1"), connect("10.0.0.1")), (Ok(()), Ok(())));
    assert_eq!(connect("10.0.0.1"), Err(Reason::TooManyConnections));
    assert_eq!((connect("10.0.0.2"), connect("10.0.0.3")), (Ok(()), Err(Reason::Full)));
    admission.disconnect(Address::parse("10.0.0.1"));
    assert_eq!((connect("10.0.0.1"), admission.connections()), (Ok(()), 3));
}

#[test]
fn nothing_shows_what_proves_a_key() {
    let admission = table();
    let hash = format!("{:?}", Sha256::digest(SECRET));
    let credentials = Credentials { authorization: Some("Bearer k1.correct-horse"), ..Credentials::default() };
    for shown in [format!("{admission:?}"), format!("{credentials:?}")] {
        assert!(!shown.contains(&hash[1..hash.len() - 1]) && !shown.contains(SECRET), "{shown}");
    }
}

fn keyed(secret: &str, orders: Limit) -> KeySpec {
    KeySpec {
        secrets: vec![SecretHash { hash: Sha256::digest(secret).into(), expires_ms: 0 }],
        orders,
        ..spec("k1", Role::Trade)
    }
}

/// However often the table is replaced, a key's bucket is the same one: as many tokens are given as it holds.
#[test]
fn tokens_are_given_once_while_keys_are_replaced() {
    let (admission, tokens) = (Admission::new(options(), OPEN), 2_000);
    let limit = Limit::new(1, tokens);
    admission.set_keys(vec![keyed("one", limit)]);
    let is_over = AtomicBool::new(false);
    let given: u32 = std::thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                admission.set_keys(vec![keyed("one", limit)]);
                std::thread::yield_now();
            }
        });
        let asking: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    (0..tokens).filter(|_| bearer(&admission, "Bearer k1.one", Role::Trade, NOW).is_ok()).count()
                })
            })
            .collect();
        let given = asking.into_iter().map(|thread| thread.join().unwrap() as u32).sum();
        is_over.store(true, Ordering::Relaxed);
        reloading.join().unwrap();
        given
    });
    assert_eq!(given, tokens);
}

/// A secret is good before the table without it is in place, and never after: who is told of the change sees it.
#[test]
fn a_secret_ends_when_it_is_replaced() {
    let admission = Admission::new(options(), OPEN);
    for round in 0..100 {
        let (old, new) = (format!("old-{round}"), format!("new-{round}"));
        admission.set_keys(vec![keyed(&old, Limit::NONE)]);
        let is_replaced = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                admission.set_keys(vec![keyed(&new, Limit::NONE)]);
                is_replaced.store(true, Ordering::Release);
            });
            loop {
                let was_replaced = is_replaced.load(Ordering::Acquire);
                let outcome = bearer(&admission, &format!("Bearer k1.{old}"), Role::Read, NOW);
                if was_replaced {
                    assert_eq!(outcome.unwrap_err().reason, Reason::InvalidKey);
                    break;
                }
                std::thread::yield_now();
            }
        });
        assert!(bearer(&admission, &format!("Bearer k1.{new}"), Role::Read, NOW).is_ok());
    }
}

#[test]
fn who_would_be_refused_is_so_before_the_body_is_there() {
    let admission = table();
    let timestamp = NOW.unix_ms.to_string();
    let signature = sign(&timestamp, "n1", "POST", "/order", b"{}");
    let good = Credentials {
        key: Some("k1"),
        timestamp: Some(&timestamp),
        nonce: Some("n1"),
        signature: Some(&signature),
        method: "POST",
        target: b"/order",
        ..Credentials::default()
    };
    let address = Address::parse("10.0.0.1");
    let screen = |credentials, role, now| {
        let request = Request { address, credentials, role, cost: 1 };
        admission.screen(&request, now).map_err(|refused| refused.reason)
    };
    let bearer = |text| Credentials { authorization: Some(text), ..Credentials::default() };
    assert_eq!(screen(Credentials::default(), Role::Trade, NOW), Err(Reason::MissingCredentials));
    assert_eq!(screen(bearer("Bearer k1.correct-horse"), Role::Trade, NOW), Ok(()));
    assert_eq!(screen(bearer("Bearer k1.wrong"), Role::Trade, NOW), Err(Reason::InvalidKey));
    assert_eq!(screen(bearer("Bearer reader.correct-horse"), Role::Trade, NOW), Err(Reason::NotPermitted));
    assert_eq!(screen(Credentials { key: Some("k2"), ..good }, Role::Trade, NOW), Err(Reason::InvalidKey));
    assert_eq!(screen(Credentials { nonce: None, ..good }, Role::Trade, NOW), Err(Reason::InvalidSignature));
    assert_eq!(screen(good, Role::Trade, later(5_001)), Err(Reason::ExpiredTimestamp));
    // Nothing is taken by looking: neither the nonce nor tokens, of which there are two.
    for _ in 0..5 {
        assert_eq!(screen(good, Role::Trade, NOW), Ok(()));
    }
    for _ in 0..2 {
        let credentials = Credentials { authorization: Some("Bearer k1.correct-horse"), ..Credentials::default() };
        admission.admit(&Request { address, credentials, role: Role::Trade, cost: 1 }, NOW).unwrap();
    }
    assert_eq!(screen(good, Role::Trade, NOW), Err(Reason::RateLimited));
    let limited = Admission::new(Options { required: false, ..options() }, OPEN);
    limited.set_limits(Limits { address_orders: Limit::new(1, 1), ..OPEN });
    let request = Request { address, credentials: Credentials::default(), role: Role::Trade, cost: 1 };
    limited.screen(&request, NOW).unwrap();
    limited.admit(&request, NOW).unwrap();
    assert_eq!(limited.screen(&request, NOW).unwrap_err().empty, limited.admit(&request, NOW).unwrap_err().empty);
}
