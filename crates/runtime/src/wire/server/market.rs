//! Market data: trades from the stream, levels from the published books, which nobody waits for.

use super::connection::{Connection, Token};
use super::deliver::Delivery;
use super::io::Io;
use crate::admission::key::Role;
use crate::publication::{Depth, PublishedBook, PublishedLevel};
use crate::wire::answers::is_answer;
use crate::wire::code::Code;
use crate::wire::frame::{Channel, Kind, Subscribe};
use crate::wire::outbox::Refusal;
use aeromatch_engine::codes::{EventKind, Side};
use aeromatch_engine::record::Event;
use std::cmp::Ordering;
use std::sync::Arc;

/// Levels are told only while no more than this waits for a client: what changes meanwhile is told at once, later.
const ROOM_BYTES: usize = 64 << 10;

/// What a session follows.
pub struct Followed {
    pub channel: Channel,
    pub instrument: u32,
    /// Of depth.
    levels: Option<Levels>,
}

/// The levels of a book as a client has them.
struct Levels {
    book: Arc<PublishedBook>,
    limit: usize,
    /// Of the book, when it was last read.
    version: u64,
    told: Depth,
    /// It has nothing yet.
    is_new: bool,
}

impl Delivery {
    /// The session gets no more of this.
    pub fn unfollow(&mut self, followed: &Followed, token: Token) {
        if followed.channel == Channel::Trades
            && let Some(tokens) = self.by_trades.get_mut(&followed.instrument)
        {
            tokens.retain(|other| *other != token);
            if tokens.is_empty() {
                self.by_trades.remove(&followed.instrument);
            }
        }
    }
}

impl Io {
    pub fn subscribe(&mut self, connection: &mut Connection, wanted: Subscribe) {
        if let Err((code, retry_after_ns)) = self.try_subscribe(connection, wanted) {
            connection.session.outbox.refused(&[Refusal { tag: wanted.tag, code, retry_after_ns }]);
        }
        self.delivery.mark(connection);
    }

    fn try_subscribe(&mut self, connection: &mut Connection, wanted: Subscribe) -> Result<(), (Code, u64)> {
        let Subscribe { channel, instrument, .. } = wanted;
        let key = connection.key.as_deref();
        self.admission
            .admit_session(connection.address, key, Role::Read, 1, (self.options.clock)())
            .map_err(|refused| (refused.reason.into(), refused.empty.map_or(0, |empty| empty.retry_ns)))?;
        let is_same = |followed: &Followed| followed.channel == channel && followed.instrument == instrument;
        if connection.followed.iter().any(is_same) {
            return Err((Code::AlreadySubscribed, 0));
        }
        if connection.followed.len() >= self.options.max_subscriptions {
            return Err((Code::TooManySubscriptions, 0));
        }
        let book = self.venue.published(instrument).ok_or((Code::UnknownInstrument, 0))?;
        let levels = match channel {
            Channel::Trades => {
                self.delivery.by_trades.entry(instrument).or_default().push(connection.token);
                let shard = self.venue.home_of_instrument(instrument);
                connection.session.outbox.begin_events(Kind::Trades, shard);
                connection.session.outbox.finish();
                None
            }
            Channel::Depth => {
                let limit = if wanted.levels == 0 { usize::MAX } else { usize::from(wanted.levels) };
                Some(Levels { book, limit, version: 0, told: Depth::default(), is_new: true })
            }
        };
        let mut followed = Followed { channel, instrument, levels };
        self.tell_levels(connection, &mut followed);
        connection.followed.push(followed);
        Ok(())
    }

    pub fn unsubscribe(&mut self, connection: &mut Connection, unwanted: Subscribe) {
        let Subscribe { channel, instrument, tag, .. } = unwanted;
        let is_it = |followed: &Followed| followed.channel == channel && followed.instrument == instrument;
        match connection.followed.iter().position(is_it) {
            Some(place) => {
                let followed = connection.followed.swap_remove(place);
                self.delivery.unfollow(&followed, connection.token);
            }
            None => {
                let refusal = Refusal { tag, code: Code::NotSubscribed, retry_after_ns: 0 };
                connection.session.outbox.refused(&[refusal]);
                self.delivery.mark(connection);
            }
        }
    }

    /// Tells a client how the levels have changed that it follows.
    pub fn tell_depth(&mut self, connection: &mut Connection) {
        if connection.followed.is_empty() {
            return;
        }
        let mut followed = std::mem::take(&mut connection.followed);
        for each in &mut followed {
            self.tell_levels(connection, each);
        }
        connection.followed = followed;
    }

    fn tell_levels(&mut self, connection: &mut Connection, followed: &mut Followed) {
        let Some(levels) = &mut followed.levels else { return };
        let version = levels.book.version();
        if (version == levels.version && !levels.is_new) || connection.session.outbox.len() > ROOM_BYTES {
            return;
        }
        levels.version = version;
        let mut depth = Depth::default();
        levels.book.depth(&mut depth);
        depth.bids.truncate(levels.limit);
        depth.asks.truncate(levels.limit);
        let bids = changed(Side::Buy, &levels.told.bids, &depth.bids);
        let asks = changed(Side::Sell, &levels.told.asks, &depth.asks);
        if levels.is_new || !bids.is_empty() || !asks.is_empty() {
            let shard = self.venue.home_of_instrument(followed.instrument);
            let (is_update, before) = (u8::from(!levels.is_new), if levels.is_new { 0 } else { levels.told.sequence });
            connection.session.outbox.frame(Kind::Depth, bids.len() + asks.len(), |out| {
                out.extend_from_slice(&followed.instrument.to_le_bytes());
                out.extend_from_slice(&shard.to_le_bytes());
                out.extend_from_slice(&[is_update, 0]);
                out.extend_from_slice(&depth.sequence.to_le_bytes());
                out.extend_from_slice(&before.to_le_bytes());
                out.extend_from_slice(&(bids.len() as u16).to_le_bytes());
                out.extend_from_slice(&(asks.len() as u16).to_le_bytes());
                out.extend_from_slice(&[0; 4]);
                bids.iter().chain(&asks).for_each(|level| write_level(level, out));
            });
            (levels.told, levels.is_new) = (depth, false);
            self.delivery.mark(connection);
        }
    }

    /// Tells of trades those who follow their instruments: not whose they are.
    pub fn trades(&mut self, shard: u16, events: &[Event]) {
        let mut time_ns = 0;
        for (place, event) in events.iter().enumerate() {
            if event.index == 0 {
                // Effects of time stand before the answer, and happen at its time (R6).
                let command = events[place..].iter().take_while(|other| other.sequence == event.sequence);
                let answer = command.clone().find(|other| is_answer(other));
                time_ns = answer.map_or(time_ns, |answer| answer.other);
            }
            if event.kind != EventKind::Trade.code() {
                continue;
            }
            let Some(tokens) = self.delivery.by_trades.get(&event.instrument) else { continue };
            let told = Event { account: 0, order_id: 0, other: time_ns, ..*event };
            for &token in tokens {
                let connection = self.connections.get_mut(token.place as usize).and_then(Option::as_mut);
                let Some(connection) = connection else { continue };
                connection.session.outbox.event(Kind::Trades, shard, true, &told);
                if !connection.is_dirty {
                    connection.is_dirty = true;
                    self.delivery.dirty.push(token);
                }
            }
        }
    }
}

fn write_level(level: &PublishedLevel, out: &mut Vec<u8>) {
    out.extend_from_slice(&level.price_ticks.to_le_bytes());
    out.extend_from_slice(&level.quantity_lots.to_le_bytes());
    out.extend_from_slice(&level.orders.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
}

/// The levels that are others than before, best first; one that is gone has no lots.
fn changed(side: Side, before: &[PublishedLevel], now: &[PublishedLevel]) -> Vec<PublishedLevel> {
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    let mut changed = Vec::new();
    loop {
        let order = match (before.peek(), now.peek()) {
            (None, None) => return changed,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => match side {
                Side::Buy => new.price_ticks.cmp(&old.price_ticks),
                Side::Sell => old.price_ticks.cmp(&new.price_ticks),
            },
        };
        match order {
            Ordering::Less => {
                let gone = before.next().map(|old| PublishedLevel { quantity_lots: 0, orders: 0, ..*old });
                changed.extend(gone);
            }
            Ordering::Greater => changed.extend(now.next().copied()),
            Ordering::Equal => {
                let (old, new) = (before.next(), now.next());
                changed.extend(new.filter(|_| old != new).copied());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PublishedLevel, Side, changed};

    fn level(price_ticks: i64, quantity_lots: u64) -> PublishedLevel {
        PublishedLevel { price_ticks, quantity_lots, orders: quantity_lots.min(1) as u32 }
    }

    #[test]
    fn what_changed_leads_from_one_to_the_other() {
        let bids = [level(9, 1), level(8, 2), level(5, 5)];
        let later = [level(10, 7), level(8, 3), level(5, 5), level(4, 1)];
        let change = [level(10, 7), level(9, 0), level(8, 3), level(4, 1)];
        assert_eq!(changed(Side::Buy, &bids, &later), change);
        let asks: Vec<_> = bids.iter().rev().copied().collect();
        let later: Vec<_> = later.iter().rev().copied().collect();
        let change: Vec<_> = change.iter().rev().copied().collect();
        assert_eq!(changed(Side::Sell, &asks, &later), change);
        assert_eq!(changed(Side::Sell, &[], &asks), asks);
        assert!(changed(Side::Sell, &asks, &asks).is_empty());
    }
}
