//! Keys: who may come in, what proves it, what they may do.
//!
//! A secret is 256 random bits as text. Stored is SHA-256 of that text, which is enough: what cannot be guessed needs no
//! slow hash (docs/security.md). A bearer token brings the secret itself; a signature is made with its hash as HMAC key.

use super::bucket::{Bucket, Limit};
use crate::padding::Padded;
use crate::sync::atomic::{AtomicBool, Ordering};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// What a request needs. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// To see an account's own.
    Read,
    /// To trade for it.
    Trade,
    /// To run the venue, for any account.
    Admin,
}

/// A secret's hash, and until when it is good: milliseconds since 1970, 0 for ever.
#[derive(Clone)]
pub struct SecretHash {
    /// SHA-256 of the secret's text.
    pub hash: [u8; 32],
    /// When it ends.
    pub expires_ms: u64,
}

/// A key as it is written down.
#[derive(Clone)]
pub struct KeySpec {
    /// Its name, which is no secret.
    pub id: Box<str>,
    /// What proves it: one, or two while one takes the other's place.
    pub secrets: Vec<SecretHash>,
    /// What it may do.
    pub role: Role,
    /// The account that it acts for.
    pub account: Option<Box<str>>,
    /// Orders, amends and cancels.
    pub orders: Limit,
    /// Everything else.
    pub requests: Limit,
}

/// Who is asking.
pub struct Key {
    spec: KeySpec,
    /// HMAC's state after the key went in: half the work of a short message.
    signers: Vec<Hmac<Sha256>>,
    pub(super) orders: Arc<Padded<Bucket>>,
    pub(super) requests: Arc<Padded<Bucket>>,
    is_revoked: AtomicBool,
}

impl Key {
    fn new(spec: KeySpec, before: Option<&Arc<Key>>) -> Key {
        let signers = spec.secrets.iter().map(|secret| signer(&secret.hash)).collect();
        let buckets = before.map(|key| (key.orders.clone(), key.requests.clone()));
        let (orders, requests) = buckets.unwrap_or_default();
        Key { spec, signers, orders, requests, is_revoked: AtomicBool::new(false) }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.spec.id
    }

    /// What it may do.
    pub fn role(&self) -> Role {
        self.spec.role
    }

    /// The account that it acts for; None: whichever is named, if it may.
    pub fn account(&self) -> Option<&str> {
        self.spec.account.as_deref()
    }

    /// Its limit for what needs that role.
    pub fn limit(&self, role: Role) -> Limit {
        if role == Role::Trade { self.spec.orders } else { self.spec.requests }
    }

    pub(super) fn bucket(&self, role: Role) -> &Bucket {
        if role == Role::Trade { &self.orders } else { &self.requests }
    }

    /// Whether it was taken out of the table, or changed there, since it was looked up.
    pub fn is_revoked(&self) -> bool {
        self.is_revoked.load(Ordering::Relaxed)
    }

    /// Is any of its secrets still good?
    pub fn is_alive(&self, now_ms: u64) -> bool {
        self.spec.secrets.iter().any(|secret| is_good(secret, now_ms))
    }

    /// Does this text prove it? In a time that does not depend on how much of it is right.
    pub fn is_secret(&self, text: &[u8], now_ms: u64) -> bool {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let good = self.spec.secrets.iter().filter(|secret| is_good(secret, now_ms));
        good.fold(false, |found, secret| found | bool::from(secret.hash.ct_eq(&hash)))
    }

    /// Was this signed with it? In a time that does not depend on how much of the signature is right.
    pub fn is_signed(&self, parts: &[&[u8]], signature: &[u8; 32], now_ms: u64) -> bool {
        let secrets = self.spec.secrets.iter().zip(&self.signers).filter(|(secret, _)| is_good(secret, now_ms));
        secrets.fold(false, |found, (_, signer)| {
            let mut mac = signer.clone();
            parts.iter().for_each(|part| mac.update(part));
            found | mac.verify(signature.into()).is_ok()
        })
    }
}

fn is_good(secret: &SecretHash, now_ms: u64) -> bool {
    secret.expires_ms == 0 || now_ms < secret.expires_ms
}

fn signer(hash: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(hash).expect("HMAC takes keys of any length")
}

/// Without what proves it.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeySpec { id, role, account, .. } = &self.spec;
        f.debug_struct("Key").field("id", id).field("role", role).field("account", account).finish_non_exhaustive()
    }
}

/// All keys by name; made anew as a whole.
#[derive(Debug, Default)]
pub struct KeyTable(HashMap<Box<str>, Arc<Key>>);

impl KeyTable {
    /// A table of these keys. What a key of the same name in `before` has used of its limits stays used.
    pub fn new(specs: Vec<KeySpec>, before: &KeyTable) -> KeyTable {
        let keys = specs.into_iter().map(|spec| {
            let same = before.0.get(&spec.id);
            (spec.id.clone(), Arc::new(Key::new(spec, same)))
        });
        KeyTable(keys.collect())
    }

    /// The key of that name.
    #[inline]
    pub fn get(&self, id: &str) -> Option<&Arc<Key>> {
        self.0.get(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whoever holds a key of this table is to look it up again.
    pub(super) fn revoke(&self) {
        self.0.values().for_each(|key| key.is_revoked.store(true, Ordering::Relaxed));
    }
}
