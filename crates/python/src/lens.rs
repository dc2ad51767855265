//! How a book is looked at: as it is, or, where an instrument is the second outcome of an event and traded in the first
//! one's book (R32), in the second one's own terms: buying it at p is selling the other at one unit less p.

use aeromatch_engine::auction::Indicative;
use aeromatch_engine::codes::{EventKind, Side};
use aeromatch_engine::engine::Book;
use aeromatch_engine::record::{ClientId, Event};
use aeromatch_engine::statistics::Statistics;
use aeromatch_engine::views::{LevelView, OrderView};

/// Translates between the terms of both outcomes; the same there and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Ticks in one unit of cash.
    pub unit_ticks: i64,
    /// The number of the outcome whose terms are wanted.
    pub instrument: u32,
}

impl Mirror {
    pub fn price(self, ticks: i64) -> i64 {
        self.unit_ticks - ticks
    }

    pub fn side(self, side: Side) -> Side {
        match side {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    fn level(self, view: LevelView) -> LevelView {
        LevelView { side: self.side(view.side), price_ticks: self.price(view.price_ticks), ..view }
    }

    fn order(self, view: OrderView) -> OrderView {
        let has_limit = view.order_type.has_limit();
        OrderView {
            side: self.side(view.side),
            price_ticks: if has_limit { self.price(view.price_ticks) } else { view.price_ticks },
            stop_price_ticks: view.stop_price_ticks.map(|ticks| self.price(ticks)),
            protection_price_ticks: view.protection_price_ticks.map(|ticks| self.price(ticks)),
            ..view
        }
    }

    /// An event of the book, in the second outcome's terms. A price of 0 is no price: an event's lie between 0 and a unit.
    pub fn event(self, event: Event) -> Event {
        let is_priced = match EventKind::from_code(event.kind) {
            Some(EventKind::Created | EventKind::Funds | EventKind::Settled) | None => return event,
            _ => event.price_ticks != 0,
        };
        Event {
            instrument: self.instrument,
            side: Side::from_code(event.side).map_or(event.side, |side| self.side(side).code()),
            price_ticks: if is_priced { self.price(event.price_ticks) } else { 0 },
            ..event
        }
    }
}

/// A book, seen directly or in a mirror.
pub struct Lens<'a> {
    pub book: &'a Book,
    pub mirror: Option<Mirror>,
}

impl<'a> Lens<'a> {
    /// The book as it is.
    pub fn direct(book: &'a Book) -> Lens<'a> {
        Lens { book, mirror: None }
    }

    fn side(&self, side: Side) -> Side {
        self.mirror.map_or(side, |mirror| mirror.side(side))
    }

    fn price(&self, ticks: i64) -> i64 {
        self.mirror.map_or(ticks, |mirror| mirror.price(ticks))
    }

    fn view(&self, view: OrderView) -> OrderView {
        self.mirror.map_or(view, |mirror| mirror.order(view))
    }

    pub fn best(&self, side: Side) -> Option<i64> {
        self.book.best(self.side(side)).map(|ticks| self.price(ticks))
    }

    pub fn depth(&self, side: Side, limit: usize) -> Vec<LevelView> {
        let mut levels = self.book.depth(self.side(side), limit);
        if let Some(mirror) = self.mirror {
            levels.iter_mut().for_each(|level| *level = mirror.level(*level));
        }
        levels
    }

    pub fn level(&self, side: Side, price_ticks: i64) -> Option<LevelView> {
        let Some(mirror) = self.mirror else { return self.book.level(side, price_ticks) };
        let price_ticks = mirror.unit_ticks.checked_sub(price_ticks)?;
        self.book.level(mirror.side(side), price_ticks).map(|view| mirror.level(view))
    }

    pub fn queue_at(&self, side: Side, price_ticks: i64) -> Vec<OrderView> {
        let Some(mirror) = self.mirror else { return self.book.queue_at(side, price_ticks) };
        let Some(price_ticks) = mirror.unit_ticks.checked_sub(price_ticks) else { return Vec::new() };
        self.book.queue_at(mirror.side(side), price_ticks).into_iter().map(|view| mirror.order(view)).collect()
    }

    pub fn level_count(&self, side: Side) -> usize {
        self.book.level_count(self.side(side))
    }

    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        self.book.order(order_id).map(|view| self.view(view))
    }

    pub fn order_by_client_id(&self, account: u32, client_id: &ClientId) -> Option<OrderView> {
        self.book.order_by_client_id(account, client_id).map(|view| self.view(view))
    }

    pub fn orders(&self, account: Option<u32>) -> Vec<OrderView> {
        self.book.orders(account).into_iter().map(|view| self.view(view)).collect()
    }

    /// Dormant stops: buys, then sells, in the order in which they would be triggered; those that wait for a first trade
    /// stand last.
    pub fn stops(&self) -> Vec<OrderView> {
        let mut views: Vec<_> = self.book.stops().into_iter().map(|view| self.view(view)).collect();
        if self.mirror.is_some() {
            views.sort_by_key(|view| (view.stop_price_ticks.is_none(), view.side));
        }
        views
    }

    pub fn indicative(&self) -> Indicative {
        let view = self.book.indicative();
        let Some(mirror) = self.mirror else { return view };
        Indicative {
            price_ticks: view.price_ticks.map(|ticks| mirror.price(ticks)),
            quantity_lots: view.quantity_lots,
            surplus_lots: -view.surplus_lots,
        }
    }

    pub fn last_trade_price(&self) -> Option<i64> {
        self.book.last_trade_price().map(|ticks| self.price(ticks))
    }

    pub fn statistics(&self) -> Statistics {
        let counts = self.book.statistics();
        let Some(mirror) = self.mirror else { return counts };
        let whole =
            i128::try_from(counts.traded_quantity).unwrap_or(i128::MAX).saturating_mul(i128::from(mirror.unit_ticks));
        Statistics {
            notional: whole.saturating_sub(counts.notional),
            high_ticks: counts.low_ticks.map(|ticks| mirror.price(ticks)),
            low_ticks: counts.high_ticks.map(|ticks| mirror.price(ticks)),
            ..counts
        }
    }
}
