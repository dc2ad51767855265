//! Reading a snapshot: every field is looked at before the book is believed.

use super::{Reader, SnapshotError};
use crate::arrive::NO_LEVEL;
use crate::book::{COUNTER_BITS, COUNTER_MASK, OrderBook};
use crate::check::is_legal_display;
use crate::client_ids::Finished;
use crate::codes::{OrderType, Phase, Side, TimeInForce};
use crate::extras::{Extra, PLAIN, Special};
use crate::half::flip;
use crate::ids::OrderIds;
use crate::index::PriceIndex;
use crate::level::Traded;
use crate::offset::Offset;
use crate::pool::{NIL, Order, Place, Record, Traits};
use crate::record::{ClientId, MAX_QUANTITY_LOTS, flag};
use crate::views::OrderView;

impl<I: PriceIndex> OrderBook<I> {
    /// Reads the body behind the index's byte.
    pub(crate) fn read_body(input: &mut Reader<'_>) -> Result<OrderBook<I>, SnapshotError> {
        let mut book = OrderBook::<I>::new(input.rules()?);
        book.phase = input.code(Phase::from_code, "unknown phase")?;
        book.halt_end_ns = Some(input.u64()?).filter(|&end_ns| end_ns > 0);
        book.now_ns = input.u64()?;
        let is_whole = book
            .halt_end_ns
            .is_none_or(|end_ns| book.phase == Phase::Halted && book.rules.halt_ns > 0 && end_ns > book.now_ns);
        input.check(is_whole || book.now_ns == u64::MAX, "a halt's end without a halt")?;
        book.sequence = input.u64()?;
        let next = input.u64()?;
        input.check((1..=1 << COUNTER_BITS).contains(&next), "the order counter is out of range")?;
        book.ids = OrderIds::new(next);
        book.last_trade_id = input.count()?;
        book.last_trade_price = input.optional()?;
        book.statistics = input.statistics()?;
        let mut slots = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            book.read_half(side, input, &mut slots)?;
        }
        for _ in 0..input.u64()? {
            slots.push(book.read_order(Place::Dormant, None, input)?);
        }
        book.check_quiet(input)?;
        book.enlist(slots, input)?;
        book.read_finished(input)?;
        book.find_next_due();
        book.look_around();
        input.end()?;
        Ok(book)
    }

    /// What would have happened by now has happened: in continuous trading the displayed book is not crossed, no market order
    /// waits, and no stop is reached.
    fn check_quiet(&self, input: &Reader<'_>) -> Result<(), SnapshotError> {
        if self.phase != Phase::Continuous {
            return Ok(());
        }
        let is_crossed = match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid >= ask,
            _ => false,
        };
        input.check(!is_crossed, "the book is crossed")?;
        let waits = |slot: u32| self.pool.order(slot).traits().place() == Place::Waiting;
        input.check(!self.all_slots().any(waits), "a market order waits in continuous trading")?;
        input.check(!self.has_reached_stop(), "a stop is reached and did not act")
    }

    fn read_half(&mut self, side: Side, input: &mut Reader<'_>, slots: &mut Vec<u32>) -> Result<(), SnapshotError> {
        let code = side.code();
        for _ in 0..input.u64()? {
            slots.push(self.read_order(Place::Waiting, Some((side, NO_LEVEL)), input)?);
        }
        let mut above = None;
        for _ in 0..input.u64()? {
            let key = flip(code, input.u64()? as i64);
            input.check(above.is_none_or(|above| key < above), "levels are out of order")?;
            above = Some(key);
            let number = self.halves[usize::from(code)].level_at(&mut self.levels, code, key);
            let (added, filled) = (input.count()?, input.count()?);
            let (trade_count, traded_quantity) = (input.count()?, input.sum()?);
            let count = input.u64()?;
            input.check(count > 0, "a level without orders")?;
            let is_whole = filled.checked_add(count).is_some_and(|sum| sum <= added)
                && filled <= trade_count
                && (trade_count > 0) == (traded_quantity > 0);
            input.check(is_whole, "a level's counts contradict one another")?;
            let mut behind = Place::Displayed;
            for _ in 0..count {
                let slot = self.read_order(behind, Some((side, number)), input)?;
                if self.pool.order(slot).traits().place() == Place::Undisplayed {
                    behind = Place::Undisplayed;
                }
                slots.push(slot);
            }
            self.levels.get_mut(number).orders_added = added;
            if trade_count > 0 {
                *self.levels.traded_mut(number) =
                    Traded { orders_filled: filled, trade_count, quantity: traded_quantity };
            }
        }
        Ok(())
    }

    /// Reads an order for that place (`Displayed`: a level's queue, in which any place of a level may follow) and puts it there.
    fn read_order(
        &mut self,
        expected: Place,
        level: Option<(Side, u32)>,
        input: &mut Reader<'_>,
    ) -> Result<u32, SnapshotError> {
        let view = input.order()?;
        let side = level.map_or(view.side, |(side, _)| side);
        let level = level.map_or(NO_LEVEL, |(_, level)| level);
        input.check(view.side == side, "an order on the wrong side")?;
        self.check_order(&view, input)?;
        let place = place_of(&view);
        let belongs =
            place == expected || (expected == Place::Displayed && level != NO_LEVEL && place != Place::Dormant);
        input.check(belongs, "an order in the wrong place")?;
        if level != NO_LEVEL {
            let price = if place == Place::Waiting { view.protection_price_ticks } else { Some(view.price_ticks) };
            let is_there = price == Some(flip(side.code(), self.levels.get(level).key));
            input.check(is_there, "an order's price is not its level's")?;
        } else {
            input.check(view.protection_price_ticks.is_none(), "a protected market order outside its level")?;
        }
        if let Some(client_id) = view.client_id {
            input.check(client_id.is_legal(), "an illegal client order id")?;
            let is_free = self.client_ids.owner(&(view.account, client_id)).is_none();
            input.check(is_free, "two orders with one client order id")?;
            self.client_ids.insert((view.account, client_id), view.order_id);
        }
        Ok(self.insert(&view, place, level))
    }

    /// Ids, amounts and times that could have been.
    fn check_order(&self, view: &OrderView, input: &Reader<'_>) -> Result<(), SnapshotError> {
        let id = view.order_id;
        let is_given = id >> COUNTER_BITS == u64::from(self.rules.instrument)
            && (1..self.ids.next()).contains(&(id & COUNTER_MASK));
        input.check(is_given, "an order id that was never given")?;
        let is_legal = (1..=MAX_QUANTITY_LOTS).contains(&view.remaining_lots)
            && (view.remaining_lots..=MAX_QUANTITY_LOTS).contains(&view.quantity_lots);
        input.check(is_legal, "an order's quantities are out of range")?;
        let is_gtd = view.time_in_force == TimeInForce::Gtd;
        let is_live = if is_gtd { view.expire_at_ns > self.now_ns } else { view.expire_at_ns == 0 };
        input.check(is_live, "an order's expiry contradicts its time in force")?;
        input.check(view.order_type.has_limit() || view.price_ticks == 0, "a price on an order that has none")?;
        // A limit beyond the far edge was rejected; one that slid can stand a tick beyond the near edge, where nobody meets it.
        let (low, high) = self.static_range;
        let is_in_band = if view.side == Side::Buy { view.price_ticks <= high } else { view.price_ticks >= low };
        input.check(is_in_band || !view.order_type.has_limit(), "a limit outside the static band")?;
        let is_whole = if view.is_dormant { self.is_legal_stop(view) } else { is_legal_resting(view) };
        input.check(is_whole, "an order's terms contradict its type")
    }

    fn is_legal_stop(&self, view: &OrderView) -> bool {
        let is_trailing = view.order_type.is_trailing();
        let has_stop = view.stop_price_ticks.is_some() || (is_trailing && self.last_trade_price.is_none());
        let at_once = matches!(view.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let is_aon = view.time_in_force == TimeInForce::Aon;
        let has_display = view.display_lots.is_some();
        has_stop
            && view.trail.is_some() == is_trailing
            && view.trail.is_none_or(Offset::is_legal)
            && view.remaining_lots == view.quantity_lots
            && view.minimum_lots <= view.quantity_lots
            && view.shown_lots == 0
            && view.protection_price_ticks.is_none()
            && !view.post_only
            && !(is_aon && (view.minimum_lots > 0 || !view.order_type.has_limit()))
            && !(has_display && (at_once || is_aon || !view.order_type.has_limit()))
            && view.display_lots.is_none_or(|display| is_legal_display(display, view.quantity_lots))
    }

    /// Puts an order that was looked at into the pool and last in its queue.
    fn insert(&mut self, view: &OrderView, place: Place, level: u32) -> u32 {
        let mode = view.self_trade_prevention.map_or(0, |mode| mode.code());
        let post_flags = if view.post_only { flag::POST_ONLY } else { 0 } | if view.slide { flag::SLIDE } else { 0 };
        let traits = Traits::new(view.side.code(), view.time_in_force.code(), mode, post_flags).at(place);
        let has_slices = place == Place::Displayed && view.display_lots.is_some();
        let special = Special {
            order_type: view.order_type,
            limit_ticks: view.price_ticks,
            stop_ticks: view.stop_price_ticks,
            trail: view.trail,
            display: view.display_lots,
            reserve: if has_slices { view.remaining_lots - view.shown_lots } else { 0 },
            minimum: view.minimum_lots,
            protection_ticks: view.protection_price_ticks,
            ..PLAIN
        };
        let is_special = place != Place::Displayed || has_slices;
        let is_bare = view.account == 0
            && view.self_trade_group == 0
            && view.expire_at_ns == 0
            && view.client_id.is_none()
            && !is_special;
        let extra = if is_bare {
            NIL
        } else {
            self.extras.insert(Extra::new(view.self_trade_group, view.expire_at_ns, view.client_id))
        };
        let traits = if is_bare { traits } else { traits.with_extra() };
        let traits = if has_slices { traits.with_slices() } else { traits };
        if is_special {
            self.extras.set_special(extra, Some(special));
        }
        let record = Record { total: view.quantity_lots, entered_ns: view.entered_ns, extra, zero: 0 };
        let here = view.remaining_lots - special.reserve;
        let slot = self.pool.insert(Order::new(view.order_id, level, view.account, traits, here), record);
        self.join(slot);
        slot
    }

    /// Enters the orders into what is kept in order of id.
    fn enlist(&mut self, mut slots: Vec<u32>, input: &Reader<'_>) -> Result<(), SnapshotError> {
        slots.sort_unstable_by_key(|&slot| self.pool.order(slot).id);
        let mut before = 0;
        for slot in slots {
            let id = self.pool.order(slot).id;
            input.check(id > before, "two orders with one id")?;
            before = id;
            self.ids.restore(id & COUNTER_MASK, slot);
            self.note_extras(slot, id);
        }
        Ok(())
    }

    fn read_finished(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let mut before = 0;
        for _ in 0..input.u64()? {
            let at_ns = input.u64()?;
            let account = input.u32()?;
            let order_id = input.u64()?;
            let is_ordered = at_ns >= before && at_ns <= self.now_ns;
            input.check(is_ordered, "finished client ids are out of order")?;
            before = at_ns;
            let Some(id) = input.client_id()?.filter(ClientId::is_legal) else {
                return input.check(false, "an illegal client order id");
            };
            let is_free = self.client_ids.restore(Finished { at_ns, name: (account, id), order_id });
            input.check(is_free, "one client order id twice")?;
        }
        Ok(())
    }
}

/// Where an order of that kind stands.
fn place_of(view: &OrderView) -> Place {
    if view.is_dormant {
        Place::Dormant
    } else if view.order_type == OrderType::Market {
        Place::Waiting
    } else if view.time_in_force == TimeInForce::Aon || view.display_lots == Some(0) {
        Place::Undisplayed
    } else {
        Place::Displayed
    }
}

fn is_legal_resting(view: &OrderView) -> bool {
    let rests = matches!(view.time_in_force, TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Gtd);
    let is_plain = view.stop_price_ticks.is_none() && view.trail.is_none() && view.minimum_lots == 0;
    if view.order_type == OrderType::Market {
        let is_bare = view.display_lots.is_none() && !view.post_only && view.shown_lots == 0;
        return is_plain && is_bare && rests && view.time_in_force != TimeInForce::Gtd;
    }
    let is_shown = match view.display_lots {
        None => view.shown_lots == 0,
        Some(0) => view.shown_lots == 0,
        Some(display) => {
            let most = display.min(view.remaining_lots);
            (1..=most).contains(&view.shown_lots) && is_legal_display(display, view.quantity_lots)
        }
    };
    let is_aon = view.time_in_force == TimeInForce::Aon && view.display_lots.is_none() && !view.post_only;
    is_plain && is_shown && view.protection_price_ticks.is_none() && (rests || is_aon)
}
