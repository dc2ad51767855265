//! What each address uses, in memory that does not grow with the number of addresses.
//!
//! An address has a cell in each of two rows, by two hashes that are keyed at random. It is let in if either of its
//! cells lets it in, and takes from the one that does. Who shares a cell with a flood still has the other one; who would
//! have somebody else refused would have to find two collisions at once without knowing the keys. No address gets more
//! than its limit: a cell has given at least what any of its addresses got from it, and one that refuses is used up.
//!
//! Counts of connections work alike: both cells count, the lower one is believed. It is never below the true number.
//!
//! Of IPv6 the first 64 bits count: whoever has a network has all of its addresses.

use super::bucket::{Allowance, Bucket, Empty, Limit};
use crate::sync::atomic::{AtomicU32, Ordering};
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};

const ROWS: usize = 2;
/// Cells of a row: with a thousand addresses at work, one in four thousand shares both cells.
const CELLS: usize = 1 << 14;

/// An address, reduced to what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IPv4 address.
    V4([u8; 4]),
    /// The network of an IPv6 address.
    V6([u8; 8]),
    /// What is no address of the internet: a hash of its text.
    Other(u64),
}

impl Address {
    /// Reads an address, with or without a port: `127.0.0.1`, `127.0.0.1:8080`, `::1`, `[::1]:8080`. An IPv4 address
    /// in IPv6's form is the IPv4 address.
    pub fn parse(text: &str) -> Address {
        let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
        match address.map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => Address::V4(address.octets()),
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Address::V6([a, b, c, d, e, f, g, h])
            }
            Err(_) => {
                let seed = 0xcbf2_9ce4_8422_2325;
                Address::Other(
                    text.bytes().fold(seed, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
                )
            }
        }
    }
}

/// Where an address's cells are.
#[derive(Clone, Copy, Debug)]
pub struct Cells([usize; ROWS]);

/// Hashes addresses to cells.
#[derive(Debug, Default)]
pub struct Places(RandomState);

impl Places {
    /// Where the cells of `address` are.
    #[inline]
    pub fn of(&self, address: Address) -> Cells {
        let hash = self.0.hash_one(address) as usize;
        Cells([hash % CELLS, CELLS + (hash >> 32) % CELLS])
    }
}

/// A bucket for each address.
#[derive(Debug)]
pub struct AddressBuckets(Box<[Bucket]>);

impl Default for AddressBuckets {
    fn default() -> AddressBuckets {
        AddressBuckets((0..ROWS * CELLS).map(|_| Bucket::default()).collect())
    }
}

impl AddressBuckets {
    /// As [`Bucket::take`].
    ///
    /// # Errors
    /// [`Empty`] if both cells are, of the one that has tokens sooner.
    #[inline]
    pub fn take(&self, cells: Cells, limit: Limit, tokens: u32, now_ns: u64) -> Result<Option<Allowance>, Empty> {
        if limit.is_none() {
            return Ok(None);
        }
        let [first, second] = cells.0.map(|cell| self.0[cell].take(limit, tokens, now_ns));
        match (first, second) {
            (Ok(one), Ok(other)) => Ok(one.into_iter().chain(other).max_by_key(|given| given.remaining)),
            (Ok(given), Err(_)) | (Err(_), Ok(given)) => Ok(given),
            (Err(one), Err(other)) => Err(sooner(one, other)),
        }
    }

    /// As [`Bucket::look`].
    ///
    /// # Errors
    /// As [`AddressBuckets::take`].
    #[inline]
    pub fn look(&self, cells: Cells, limit: Limit, tokens: u32, now_ns: u64) -> Result<(), Empty> {
        match cells.0.map(|cell| self.0[cell].look(limit, tokens, now_ns)) {
            [Err(one), Err(other)] => Err(sooner(one, other)),
            _ => Ok(()),
        }
    }
}

fn sooner(one: Empty, other: Empty) -> Empty {
    if one.retry_ns <= other.retry_ns { one } else { other }
}

/// Counts something for each address.
#[derive(Debug)]
pub struct AddressCounts(Box<[AtomicU32]>);

impl Default for AddressCounts {
    fn default() -> AddressCounts {
        AddressCounts((0..ROWS * CELLS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl AddressCounts {
    /// One more, unless there are `most` already: then false, and nothing is counted. Two who come at the same time for
    /// the last place may both be refused.
    pub fn enter(&self, cells: Cells, most: u32) -> bool {
        let before = cells.0.map(|cell| self.0[cell].fetch_add(1, Ordering::Relaxed));
        let is_free = before.iter().any(|&count| count < most);
        if !is_free {
            self.leave(cells);
        }
        is_free
    }

    /// One fewer.
    pub fn leave(&self, cells: Cells) {
        for cell in cells.0 {
            self.0[cell].fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many there are, or more.
    pub fn count(&self, cells: Cells) -> u32 {
        cells.0.iter().map(|&cell| self.0[cell].load(Ordering::Relaxed)).min().unwrap_or_default()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Address, AddressBuckets, AddressCounts, Cells, Limit, Places};

    const NOW: u64 = 1 << 40;

    #[test]
    fn addresses_are_read_in_every_form() {
        let loopback = Address::V4([127, 0, 0, 1]);
        for text in ["127.0.0.1", "127.0.0.1:8080", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(Address::parse(text), loopback, "{text}");
        }
        let network = Address::parse("2001:db8:1:2:3:4:5:6");
        assert_eq!(network, Address::parse("[2001:db8:1:2::1]:443"));
        assert_ne!(network, Address::parse("2001:db8:1:3::1"));
        assert!(matches!(Address::parse("unix"), Address::Other(_)));
        assert_ne!(Address::parse("unix"), Address::parse(""));
    }

    #[test]
    fn each_address_has_its_own_limit() {
        let (places, buckets, limit) = (Places::default(), AddressBuckets::default(), Limit::new(1, 3));
        let (one, other) = (places.of(Address::parse("10.0.0.1")), places.of(Address::parse("10.0.0.2")));
        for left in [2, 1, 0] {
            assert_eq!(buckets.take(one, limit, 1, NOW).unwrap().unwrap().remaining, left);
        }
        assert!(buckets.take(one, limit, 1, NOW).is_err());
        assert!(buckets.take(other, limit, 1, NOW).is_ok());
    }

    #[test]
    fn who_shares_one_cell_with_a_flood_has_the_other() {
        let (buckets, limit) = (AddressBuckets::default(), Limit::new(1, 2));
        let (flood, neighbour) = (Cells([5, 20_000]), Cells([5, 20_001]));
        while buckets.take(flood, limit, 1, NOW).is_ok() {}
        assert!(buckets.take(neighbour, limit, 1, NOW).is_ok());
        assert!(buckets.take(neighbour, limit, 1, NOW).is_ok());
        assert!(buckets.take(neighbour, limit, 1, NOW).is_err());
    }

    #[test]
    fn connections_are_counted_up_and_down() {
        let (places, counts) = (Places::default(), AddressCounts::default());
        let cells = places.of(Address::parse("::1"));
        assert!(counts.enter(cells, 2) && counts.enter(cells, 2));
        assert!(!counts.enter(cells, 2));
        assert_eq!(counts.count(cells), 2);
        counts.leave(cells);
        assert!(counts.enter(cells, 2));
    }
}
