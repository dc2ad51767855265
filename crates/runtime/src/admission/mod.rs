//! Who may come in: keys, signatures, limits, kill switches. One table for every gateway (docs/security.md).
//!
//! # Contract
//! - [`Admission::admit`] lets a request in or says why not. It takes no lock and waits for nobody: keys, limits and
//!   switches are replaced as a whole behind a pointer ([`arc_swap`]), buckets and counts are single atomic words, and
//!   what they are in has a fixed size, whoever knocks however often.
//! - A request is refused as cheaply as can be: the address's limit comes before everything, a signature before the
//!   nonce it covers (nobody uses up somebody else's nonces), who it is before the limits of a key (nor its tokens).
//! - A key that is good is let in however many bad ones come from the same address: secrets are not to be guessed, so
//!   shutting an address out would only help whoever wants somebody else shut out. Failures beyond their own limit are
//!   answered with `rate_limited` instead of a reason.
//!
//! Time comes from outside ([`Now`]).

pub mod address;
pub mod bucket;
pub mod key;
pub mod replay;
pub mod switches;

mod credentials;

use crate::padding::Padded;
use crate::sync::atomic::{AtomicU32, Ordering};
use address::{Address, AddressBuckets, AddressCounts, Cells, Places};
use arc_swap::{ArcSwap, Guard};
use bucket::{Allowance, Bucket, Empty, Limit};
pub use credentials::Credentials;
use key::{Key, KeySpec, KeyTable, Role};
use replay::Nonces;
use std::hash::RandomState;
use std::sync::Arc;
use switches::Switches;

/// What time it is, by two clocks: limits need one that does not jump, timestamps one that others have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    /// Nanoseconds on a clock that only goes forward.
    pub monotonic_ns: u64,
}

/// How it is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether every request needs a key.
    pub required: bool,
    /// How old a signature may be.
    pub window_ms: u64,
    /// How far a signer's clock may be ahead.
    pub ahead_ms: u64,
    /// Signatures that are not later are refused: their nonces may have been used before this table was made.
    pub not_before_ms: u64,
    /// How many nonces can be remembered.
    pub nonces: usize,
}

/// What may be used at most; a limit of a key is its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Orders, amends and cancels from one address.
    pub address_orders: Limit,
    /// Everything else from one address.
    pub address_requests: Limit,
    /// Orders, amends and cancels of all.
    pub venue_orders: Limit,
    /// Credentials that are wrong, from one address, that are told why.
    pub failures: Limit,
    /// Connections of all.
    pub connections: u32,
    /// Connections from one address.
    pub connections_per_address: u32,
}

/// A request at the door.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it comes from.
    pub address: Address,
    /// What proves who it is.
    pub credentials: Credentials<'a>,
    /// What it needs.
    pub role: Role,
    /// How many tokens it takes: a batch takes one for each order.
    pub cost: u32,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no key.
    MissingCredentials,
    /// Nobody has this key, its secret is another one, or it is no longer good.
    InvalidKey,
    /// The signature is not of this request and this key.
    InvalidSignature,
    /// It was signed too long ago, or in the future.
    ExpiredTimestamp,
    /// It was here before.
    ReplayedNonce,
    /// The key is good, and not for this.
    NotPermitted,
    /// Too much in too short a time.
    RateLimited,
    /// The address has too many connections.
    TooManyConnections,
    /// All together have too many connections.
    Full,
}

impl Reason {
    /// Its name, and the HTTP status that goes with it.
    pub fn slug(self) -> (&'static str, u16) {
        match self {
            Reason::MissingCredentials => ("missing_credentials", 401),
            Reason::InvalidKey => ("invalid_key", 401),
            Reason::InvalidSignature => ("invalid_signature", 401),
            Reason::ExpiredTimestamp => ("expired_timestamp", 401),
            Reason::ReplayedNonce => ("replayed_nonce", 401),
            Reason::NotPermitted => ("not_permitted", 403),
            Reason::RateLimited => ("rate_limited", 429),
            Reason::TooManyConnections => ("too_many_connections", 429),
            Reason::Full => ("too_many_connections", 503),
        }
    }
}

/// A request that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// In a sentence.
    pub detail: &'static str,
    /// What is left of the limit that refused it, and when to try again, in nanoseconds from now.
    pub empty: Option<Empty>,
}

impl Refused {
    const fn new(reason: Reason, detail: &'static str) -> Refused {
        Refused { reason, detail, empty: None }
    }

    fn limited(detail: &'static str) -> impl FnOnce(Empty) -> Refused {
        move |empty| Refused { reason: Reason::RateLimited, detail, empty: Some(empty) }
    }
}

/// A request that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// The key that was used; None where none is needed.
    pub key: Option<Arc<Key>>,
    /// What is left of the limit that it counts against, if there is one.
    pub allowance: Option<Allowance>,
}

/// The table.
#[derive(Debug)]
pub struct Admission {
    options: Options,
    keys: ArcSwap<KeyTable>,
    limits: ArcSwap<Limits>,
    switches: Switches,
    nonces: Nonces,
    nonce_keys: RandomState,
    places: Places,
    address_orders: AddressBuckets,
    address_requests: AddressBuckets,
    failures: AddressBuckets,
    by_address: AddressCounts,
    connections: Padded<AtomicU32>,
    venue_orders: Padded<Bucket>,
}

impl Admission {
    /// A table without keys.
    pub fn new(options: Options, limits: Limits) -> Admission {
        let lifetime_ns = (options.window_ms + options.ahead_ms) * 1_000_000;
        Admission {
            options,
            keys: ArcSwap::default(),
            limits: ArcSwap::from_pointee(limits),
            switches: Switches::default(),
            nonces: Nonces::new(options.nonces, lifetime_ns),
            nonce_keys: RandomState::new(),
            places: Places::default(),
            address_orders: AddressBuckets::default(),
            address_requests: AddressBuckets::default(),
            failures: AddressBuckets::default(),
            by_address: AddressCounts::default(),
            connections: Padded::new(AtomicU32::new(0)),
            venue_orders: Padded::default(),
        }
    }

    /// Replaces all keys. What a key has used of its limits stays used if one of its name is there again.
    pub fn set_keys(&self, specs: Vec<KeySpec>) {
        let before = self.keys.load();
        let before = self.keys.swap(Arc::new(KeyTable::new(specs, &before)));
        before.revoke();
    }

    /// Replaces the limits.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    /// The keys, as they are now.
    pub fn keys(&self) -> Guard<Arc<KeyTable>> {
        self.keys.load()
    }

    /// The kill switches.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// How many connections there are.
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    /// A connection begins; [`Admission::disconnect`] is called when it ends.
    ///
    /// # Errors
    /// [`Reason::Full`], [`Reason::TooManyConnections`]: there are too many, it does not count.
    pub fn connect(&self, address: Address) -> Result<(), Refused> {
        let limits = self.limits.load();
        if self.connections.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::new(Reason::Full, "the server has as many connections as it may"));
        }
        if !self.by_address.enter(self.places.of(address), limits.connections_per_address) {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::new(Reason::TooManyConnections, "this address has as many connections as it may"));
        }
        Ok(())
    }

    /// A connection that was let in has ended.
    pub fn disconnect(&self, address: Address) {
        self.by_address.leave(self.places.of(address));
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// [`Refused`] says why not.
    pub fn admit(&self, request: &Request<'_>, now: Now) -> Result<Admitted, Refused> {
        let limits = self.limits.load();
        let cells = self.places.of(request.address);
        let allowance = self.take_address(&limits, cells, request.role, request.cost, now)?;
        if !self.options.required {
            self.take_venue(&limits, request.role, request.cost, now)?;
            return Ok(Admitted { key: None, allowance });
        }
        let key = self.identify(&request.credentials, now).map_err(|why| self.failed(&limits, cells, why, now))?;
        let own = self.take_key(&limits, &key, request.role, request.cost, now)?;
        Ok(Admitted { key: Some(key), allowance: own.or(allowance) })
    }

    /// Whether a request could be let in, before its body has come: who has no key, or nothing left of a limit, is not
    /// listened to any longer. Takes nothing but from the limit of wrong credentials; what a signature is worth shows
    /// when the body is there. `request.credentials.body` is not looked at.
    ///
    /// # Errors
    /// As [`Admission::admit`] would give.
    pub fn screen(&self, request: &Request<'_>, now: Now) -> Result<(), Refused> {
        let limits = self.limits.load();
        let (cells, role, cost) = (self.places.of(request.address), request.role, request.cost);
        let (buckets, limit) = self.of_address(&limits, role);
        buckets.look(cells, limit, cost, now.monotonic_ns).map_err(Refused::limited(ADDRESS_USED))?;
        if self.options.required {
            let found = self.look_up(&request.credentials, now);
            let (key, _) = found.map_err(|why| self.failed(&limits, cells, why, now))?;
            check_role(&key, role)?;
            let looked = key.bucket(role).look(key.limit(role), cost, now.monotonic_ns);
            looked.map_err(Refused::limited(KEY_USED))?;
        }
        if role == Role::Trade {
            let looked = self.venue_orders.look(limits.venue_orders, cost, now.monotonic_ns);
            looked.map_err(Refused::limited(VENUE_USED))?;
        }
        Ok(())
    }

    /// Lets another request in of somebody who was let in before and whose connection says that it is still the same.
    ///
    /// # Errors
    /// [`Reason::InvalidKey`]: the keys were replaced; look this one up again. Otherwise as [`Admission::admit`].
    pub fn admit_again(&self, key: &Key, role: Role, cost: u32, now: Now) -> Result<Option<Allowance>, Refused> {
        if key.is_revoked() || !key.is_alive(now.unix_ms) {
            return Err(Refused::new(Reason::InvalidKey, "the key is no longer good"));
        }
        self.take_key(&self.limits.load(), key, role, cost, now)
    }

    /// The same for who remembers no more than the key's id; its address's limit counts as in [`Admission::admit`].
    ///
    /// # Errors
    /// [`Reason::InvalidKey`]: there is no such key any more. Otherwise as [`Admission::admit`].
    pub fn admit_by_id(
        &self,
        address: Address,
        id: &str,
        role: Role,
        cost: u32,
        now: Now,
    ) -> Result<Option<Allowance>, Refused> {
        let allowance = self.take_address(&self.limits.load(), self.places.of(address), role, cost, now)?;
        let keys = self.keys.load();
        let gone = Refused::new(Reason::InvalidKey, "the key is no longer good");
        Ok(self.admit_again(keys.get(id).ok_or(gone)?, role, cost, now)?.or(allowance))
    }

    /// How many orders can be let in at once, by all limits that count for this key. [`Admission::admit`] takes a whole bucket for
    /// more: who has more asks several times.
    pub fn most_at_once(&self, key: Option<&Key>) -> u32 {
        let limits = self.limits.load();
        let own = key.and_then(|key| key.limit(Role::Trade).most());
        [limits.address_orders.most(), limits.venue_orders.most(), own].into_iter().flatten().min().unwrap_or(u32::MAX)
    }

    /// As [`Admission::admit_by_id`] for who has the key at hand, or needs none; the table's keys may have been replaced.
    ///
    /// # Errors
    /// As there.
    pub fn admit_session(
        &self,
        address: Address,
        key: Option<&Key>,
        role: Role,
        cost: u32,
        now: Now,
    ) -> Result<Option<Allowance>, Refused> {
        match key {
            Some(key) => self.admit_by_id(address, key.id(), role, cost, now),
            None => {
                let limits = self.limits.load();
                let allowance = self.take_address(&limits, self.places.of(address), role, cost, now)?;
                self.take_venue(&limits, role, cost, now)?;
                Ok(allowance)
            }
        }
    }

    fn take_address(
        &self,
        limits: &Limits,
        cells: Cells,
        role: Role,
        cost: u32,
        now: Now,
    ) -> Result<Option<Allowance>, Refused> {
        let (buckets, limit) = self.of_address(limits, role);
        buckets.take(cells, limit, cost, now.monotonic_ns).map_err(Refused::limited(ADDRESS_USED))
    }

    fn of_address(&self, limits: &Limits, role: Role) -> (&AddressBuckets, Limit) {
        match role {
            Role::Trade => (&self.address_orders, limits.address_orders),
            Role::Read | Role::Admin => (&self.address_requests, limits.address_requests),
        }
    }

    fn take_key(
        &self,
        limits: &Limits,
        key: &Key,
        role: Role,
        cost: u32,
        now: Now,
    ) -> Result<Option<Allowance>, Refused> {
        check_role(key, role)?;
        let own = key.bucket(role).take(key.limit(role), cost, now.monotonic_ns).map_err(Refused::limited(KEY_USED))?;
        self.take_venue(limits, role, cost, now)?;
        Ok(own)
    }

    fn take_venue(&self, limits: &Limits, role: Role, cost: u32, now: Now) -> Result<(), Refused> {
        if role == Role::Trade {
            self.venue_orders
                .take(limits.venue_orders, cost, now.monotonic_ns)
                .map_err(Refused::limited(VENUE_USED))?;
        }
        Ok(())
    }

    #[cold]
    fn failed(&self, limits: &Limits, cells: Cells, why: Refused, now: Now) -> Refused {
        if why.reason == Reason::MissingCredentials {
            return why;
        }
        match self.failures.take(cells, limits.failures, 1, now.monotonic_ns) {
            Ok(_) => why,
            Err(empty) => Refused::limited("too many wrong credentials came from this address")(empty),
        }
    }
}

const ADDRESS_USED: &str = "this address has used up its limit";
const KEY_USED: &str = "the key has used up its limit";
const VENUE_USED: &str = "the venue has used up its limit";

fn check_role(key: &Key, role: Role) -> Result<(), Refused> {
    if key.role() < role {
        return Err(Refused::new(Reason::NotPermitted, "the key does not have the role that this needs"));
    }
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests;
