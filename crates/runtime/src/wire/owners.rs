//! Whose an order is: what the stream of events leaves out of a trade is the account of the order that is named second.
//!
//! An order that takes is nearly always named by an event of its own before: accepted, triggered or amended in the same command. The
//! others, such as the second one of an uncross, are in the table of live orders. Who reads a part of the past needs no table
//! but a list of these: [`Owners::strangers`].

use crate::feed::orders::OrderMap;
use aeromatch_engine::codes::EventKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Event, NO_SIDE};

/// Accounts of live orders.
#[derive(Default)]
pub struct Owners {
    orders: OrderMap<Live>,
    /// The order that its command's events have named last with its account.
    introduced: (u64, u32),
    /// Orders that were named second without having been introduced, with their accounts, since this was emptied.
    pub strangers: Vec<(u64, u32)>,
}

#[derive(Clone, Copy)]
struct Live {
    account: u32,
    remaining_lots: u64,
}

impl Owners {
    /// Goes on with an order that is live.
    pub fn load(&mut self, order_id: u64, account: u32, remaining_lots: u64) {
        self.orders.insert(order_id, Live { account, remaining_lots });
    }

    /// Goes on where an exchange stands.
    pub fn load_all(&mut self, exchange: &Exchange) {
        for (number, info) in exchange.registry().instruments() {
            // The second of two outcomes has no book of its own.
            for order in
                exchange.book(number).filter(|_| !info.is_mirror).map(|book| book.orders(None)).unwrap_or_default()
            {
                self.load(order.order_id, order.account, order.remaining_lots);
            }
        }
    }

    /// How many orders are live.
    pub fn live(&self) -> usize {
        self.orders.len()
    }

    /// Takes the next event of a shard. Returns the account of the order in `other`, where that is another one than the event's
    /// own; 0 else.
    #[inline]
    pub fn follow(&mut self, event: &Event) -> u32 {
        match EventKind::from_code(event.kind) {
            Some(EventKind::Accepted) if event.side != NO_SIDE => {
                self.introduced = (event.order_id, event.account);
                self.load(event.order_id, event.account, event.quantity_lots);
            }
            Some(EventKind::Trade | EventKind::Decremented) => {
                self.reduce(event.order_id, event.quantity_lots);
                let account = self.reduce(event.other, event.quantity_lots);
                if self.introduced.0 != event.other {
                    self.strangers.push((event.other, account));
                }
                return if account == event.account { 0 } else { account };
            }
            Some(EventKind::Canceled) => self.orders.remove(event.order_id),
            Some(EventKind::Amended) => {
                self.introduced = (event.order_id, event.account);
                if let Some(live) = self.orders.get_mut(event.order_id) {
                    live.remaining_lots = event.quantity_lots;
                }
            }
            Some(EventKind::Triggered) => self.introduced = (event.order_id, event.account),
            _ => {}
        }
        0
    }

    /// So many lots of an order are gone; returns its account.
    #[inline]
    fn reduce(&mut self, order_id: u64, lots: u64) -> u32 {
        let Some(live) = self.orders.get_mut(order_id) else { return 0 };
        let account = live.account;
        live.remaining_lots = live.remaining_lots.saturating_sub(lots);
        if live.remaining_lots == 0 {
            self.orders.remove(order_id);
        }
        account
    }
}

/// What [`Owners`] says, of a part of the past that begins where nothing is known of the orders that are live there.
#[derive(Default)]
pub struct PastOwners {
    introduced: (u64, u32),
}

impl PastOwners {
    /// As [`Owners::follow`]; `stranger` knows the accounts of orders that were not introduced.
    pub fn follow(&mut self, event: &Event, stranger: impl FnOnce(u64) -> u32) -> u32 {
        match EventKind::from_code(event.kind) {
            Some(EventKind::Accepted) if event.side != NO_SIDE => self.introduced = (event.order_id, event.account),
            Some(EventKind::Amended | EventKind::Triggered) => self.introduced = (event.order_id, event.account),
            Some(EventKind::Trade | EventKind::Decremented) => {
                let (order_id, account) = self.introduced;
                let account = if order_id == event.other { account } else { stranger(event.other) };
                return if account == event.account { 0 } else { account };
            }
            _ => {}
        }
        0
    }
}
