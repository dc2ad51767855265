//! What few orders have: an account's list, a client order id, an expiry, a group; and, further aside, what makes an order
//! special: stop, trail, slices, minimum, protection. Plain orders carry none of it.

use crate::codes::{OrderType, Side};
use crate::offset::Offset;
use crate::pool::{NIL, Pool};
use crate::record::ClientId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The rarer terms of a live order.
#[derive(Clone, Copy)]
pub(crate) struct Extra {
    /// Neighbours in the account's list, which is in order of id because orders are appended as they are accepted.
    pub older: u32,
    pub newer: u32,
    pub self_trade_group: u32,
    /// Place of its [`Special`] terms; 0: those of a plain limit order.
    pub special: u32,
    pub has_client_id: bool,
    pub expire_at_ns: u64,
    pub client_id: ClientId,
}

/// What a live order is beyond a displayed limit order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Special {
    /// A stop that was triggered is the limit or market order that it became.
    pub order_type: OrderType,
    /// Of a dormant order; the limit of a resting one is its level's price.
    pub limit_ticks: i64,
    /// Of a dormant order; `None` before a trailing stop's first trade.
    pub stop_ticks: Option<i64>,
    pub trail: Option<Offset>,
    /// The stop price of a trailing order cannot move before the last price has passed this one; `None`: look every time.
    pub anchor_ticks: Option<i64>,
    /// An iceberg's slice; 0 is hidden.
    pub display: Option<u64>,
    /// What an iceberg does not show.
    pub reserve: u64,
    /// Of a dormant order: once resting it has no more effect (R21).
    pub minimum: u64,
    pub protection_ticks: Option<i64>,
    /// Among stops of one price, and among AONs of one price, the lower is the older.
    pub arrival: u64,
}

/// A slab of [`Extra`]s, one of [`Special`] terms, and the list of live orders of each account.
pub(crate) struct Extras {
    extras: Vec<Extra>,
    free: Vec<u32>,
    specials: Vec<Special>,
    free_specials: Vec<u32>,
    accounts: HashMap<u32, Ends, BuildHasherDefault<NumberHasher>>,
}

#[derive(Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
}

const EMPTY: Extra = Extra {
    older: NIL,
    newer: NIL,
    self_trade_group: 0,
    special: 0,
    has_client_id: false,
    expire_at_ns: 0,
    client_id: ClientId { length: 0, text: [0; 36], zero: [0; 27] },
};

/// Terms of a plain limit order.
pub(crate) const PLAIN: Special = Special {
    order_type: OrderType::Limit,
    limit_ticks: 0,
    stop_ticks: None,
    trail: None,
    anchor_ticks: None,
    display: None,
    reserve: 0,
    minimum: 0,
    protection_ticks: None,
    arrival: 0,
};

impl Default for Extra {
    fn default() -> Extra {
        EMPTY
    }
}

impl Extra {
    pub fn new(self_trade_group: u32, expire_at_ns: u64, client_id: Option<ClientId>) -> Extra {
        let has_client_id = client_id.is_some();
        let client_id = client_id.unwrap_or(EMPTY.client_id);
        Extra { self_trade_group, expire_at_ns, has_client_id, client_id, ..EMPTY }
    }
}

impl Extras {
    pub fn new() -> Extras {
        Extras {
            extras: vec![EMPTY],
            free: Vec::new(),
            specials: vec![PLAIN],
            free_specials: Vec::new(),
            accounts: HashMap::default(),
        }
    }

    /// The rarer terms in that place; for [`NIL`], those of an order that has none.
    #[inline(always)]
    pub fn get(&self, extra: u32) -> &Extra {
        &self.extras[extra as usize]
    }

    /// The special terms of the order with those rarer terms; a plain order's where it has none.
    #[inline(always)]
    pub fn special(&self, extra: u32) -> &Special {
        &self.specials[self.get(extra).special as usize]
    }

    /// The same, to be changed; `None` where it has none.
    pub fn special_mut(&mut self, extra: u32) -> Option<&mut Special> {
        let place = self.get(extra).special;
        (place != 0).then(|| &mut self.specials[place as usize])
    }

    /// Gives rarer terms special ones, takes them, or replaces them.
    pub fn set_special(&mut self, extra: u32, special: Option<Special>) {
        let place = self.get(extra).special;
        match special {
            Some(special) if place != 0 => self.specials[place as usize] = special,
            Some(special) => {
                let fresh = self.free_specials.pop().unwrap_or_else(|| {
                    self.specials.push(PLAIN);
                    u32::try_from(self.specials.len() - 1).expect("fewer than 2^32 orders")
                });
                self.specials[fresh as usize] = special;
                self.extras[extra as usize].special = fresh;
            }
            None if place != 0 => {
                self.free_specials.push(place);
                self.extras[extra as usize].special = 0;
            }
            None => {}
        }
    }

    pub fn insert(&mut self, extra: Extra) -> u32 {
        if let Some(place) = self.free.pop() {
            self.extras[place as usize] = extra;
            return place;
        }
        self.extras.push(extra);
        u32::try_from(self.extras.len() - 1).expect("fewer than 2^32 orders")
    }

    pub fn remove(&mut self, extra: u32) {
        self.set_special(extra, None);
        self.free.push(extra);
    }

    /// Appends an order that has an account to the account's list.
    pub fn link(&mut self, pool: &Pool, slot: u32) {
        let (account, extra) = (pool.order(slot).account, pool.record(slot).extra);
        let ends = self.accounts.entry(account).or_insert(Ends { oldest: slot, newest: NIL });
        let newest = std::mem::replace(&mut ends.newest, slot);
        self.extras[extra as usize].older = newest;
        if newest != NIL {
            self.extras[pool.record(newest).extra as usize].newer = slot;
        }
    }

    /// Takes an order out of its account's list.
    pub fn unlink(&mut self, pool: &Pool, slot: u32) {
        let account = pool.order(slot).account;
        let Extra { older, newer, .. } = *self.get(pool.record(slot).extra);
        if older == NIL && newer == NIL {
            self.accounts.remove(&account);
            return;
        }
        if older != NIL {
            self.extras[pool.record(older).extra as usize].newer = newer;
        } else if let Some(ends) = self.accounts.get_mut(&account) {
            ends.oldest = newer;
        }
        if newer != NIL {
            self.extras[pool.record(newer).extra as usize].older = older;
        } else if let Some(ends) = self.accounts.get_mut(&account) {
            ends.newest = older;
        }
    }

    /// Slots of an account's live orders in order of id.
    pub fn of_account<'a>(&'a self, pool: &'a Pool, account: u32) -> impl Iterator<Item = u32> + 'a {
        let first = self.accounts.get(&account).map(|ends| ends.oldest);
        std::iter::successors(first, move |&slot| {
            Some(self.get(pool.record(slot).extra).newer).filter(|&newer| newer != NIL)
        })
    }

    /// Bytes held, roughly.
    pub fn bytes(&self) -> usize {
        self.extras.capacity() * size_of::<Extra>()
            + self.specials.capacity() * size_of::<Special>()
            + self.accounts.capacity() * 16
            + (self.free.capacity() + self.free_specials.capacity()) * 4
    }
}

/// Does an order on `side` pass an optional filter?
pub(crate) fn is_on(side: Option<Side>, order_side: u8) -> bool {
    side.is_none_or(|side| side.code() == order_side)
}

/// Spreads small numbers over the table; account numbers come from the venue, not from its users.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }
    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }
    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
