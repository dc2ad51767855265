//! The ledger as bytes: what a snapshot holds of it and what a digest hashes, one layout for both.
//!
//! Integers are little-endian; each list is a count u64, then its items.
//!
//! 1. What came into clearing groups and went, where one of both is not 0, by asset, group: asset u32, group u32, deposits less
//!    withdrawals i128, what transfers brought less what they took i128.
//! 2. Events, by number: number u32, group u32, cash asset u32, units of a share in a lot u64, units of cash in one tick times one lot
//!    u64, ticks in one unit of cash u32, settled u8 (0, 1), sets issued u128, cash in the pot u128; a list of its shares: asset u32.
//! 3. Balances that are not empty, by account, asset, group: account u32, asset u32, group u32, available i128, held u128.
//! 4. Live orders, by id: order id u64, account u32, group u32, asset held u32, flags u8 (1 buy, 2 of the second outcome, 4 has a
//!    limit), credit u16 (charged ahead of its fees, 10,000ths of a unit), price u64 (own terms: a buy's limit or protection; 0 for a
//!    sell), remaining u64, filled u64, held u128.
//! 5. Positions, by account, instrument: account u32, instrument u32, lots bought u128, their units u128, lots sold u128, their units
//!    u128, fees i128.
//! 6. Ids used up, by account, group that the funds came to or left, id: account u32, group u32, length u8, its bytes.
//!
//! Reading trusts nothing: whatever the bytes, the result is a ledger that adds up, or an error that says where it does not.

use super::balances::{Balances, Key};
use super::events::Market;
use super::orders::LiveOrder;
use super::{Balance, EventTerms, Flow, LIMIT_UNITS, LONGEST_ID, Ledger, Position, TOTAL_UNITS};
use crate::record::MAX_QUANTITY_LOTS;
use crate::snapshot::{Reader, SnapshotError};

const BUY: u8 = 1;
const MIRROR: u8 = 2;
const LIMIT: u8 = 4;
/// Shares for all the cash there is stay within this.
const LIMIT_SHARES: u128 = 1 << 126;
/// A credit is below one unit.
const CREDITS: u16 = 10_000;

/// Takes the fields one after the other.
struct Fields<F>(F);

impl<F: FnMut(&[u8])> Fields<F> {
    fn u8(&mut self, value: u8) {
        (self.0)(&[value]);
    }
    fn u16(&mut self, value: u16) {
        (self.0)(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        (self.0)(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        (self.0)(&value.to_le_bytes());
    }
    fn u128(&mut self, value: u128) {
        (self.0)(&value.to_le_bytes());
    }
    fn i128(&mut self, value: i128) {
        (self.0)(&value.to_le_bytes());
    }
    fn u32s<const N: usize>(&mut self, values: [u32; N]) {
        values.into_iter().for_each(|value| self.u32(value));
    }
    fn u64s<const N: usize>(&mut self, values: [u64; N]) {
        values.into_iter().for_each(|value| self.u64(value));
    }
    fn u128s<const N: usize>(&mut self, values: [u128; N]) {
        values.into_iter().for_each(|value| self.u128(value));
    }
    fn count(&mut self, count: usize) {
        self.u64(count as u64);
    }

    fn market(&mut self, number: u32, market: &Market) {
        let EventTerms { group, cash, ref shares, lot_base_units, tick_lot_units, unit_ticks } = market.terms;
        self.u32s([number, group, cash]);
        self.u64s([lot_base_units, tick_lot_units]);
        self.u32(unit_ticks);
        self.u8(u8::from(market.is_settled));
        self.u128(market.sets);
        self.u128(market.pot);
        self.count(shares.len());
        shares.iter().for_each(|&share| self.u32(share));
    }

    fn order(&mut self, order_id: u64, order: &LiveOrder, key: Key) {
        let bit = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        self.u64(order_id);
        self.u32s([order.account, key.group, key.asset]);
        self.u8(bit(BUY, order.is_buy) | bit(MIRROR, order.is_mirror) | bit(LIMIT, order.has_limit));
        self.u16(order.credit);
        self.u64s([order.price, order.remaining, order.filled]);
        self.u128(order.held);
    }

    fn position(&mut self, account: u32, instrument: u32, position: &Position) {
        let &Position { bought_lots, bought_units, sold_lots, sold_units, fee_units } = position;
        self.u32s([account, instrument]);
        self.u128s([bought_lots, bought_units, sold_lots, sold_units]);
        self.i128(fee_units);
    }
}

impl Ledger {
    /// Hashes everything that is not said by something else here, in the order that this module's page gives.
    pub fn digest(&self, hash: &mut impl FnMut(&[u8])) {
        self.tell(&mut Fields(hash));
    }

    /// Appends the whole ledger.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.tell(&mut Fields(|bytes: &[u8]| out.extend_from_slice(bytes)));
    }

    fn tell<F: FnMut(&[u8])>(&self, out: &mut Fields<F>) {
        let flows = || self.flows.iter().filter(|&(_, &flow)| flow != Flow::default());
        out.count(flows().count());
        for (&(asset, group), flow) in flows() {
            out.u32s([asset, group]);
            out.i128(flow.deposited);
            out.i128(flow.moved);
        }
        out.count(self.events.len());
        self.events.iter().for_each(|(&number, market)| out.market(number, market));
        out.count(self.balances.iter().count());
        for (Key { group, account, asset }, Balance { available, held }) in self.balances.iter() {
            out.u32s([account, asset, group]);
            out.i128(available);
            out.u128(held);
        }
        let mut orders: Vec<(u64, &LiveOrder)> = self.orders.iter().map(|(&id, order)| (id, order)).collect();
        orders.sort_unstable_by_key(|&(order_id, _)| order_id);
        out.count(orders.len());
        orders.iter().for_each(|&(order_id, order)| out.order(order_id, order, self.balances.key(order.place)));
        out.count(self.positions.len());
        for (&(account, instrument), position) in &self.positions {
            out.position(account, instrument, position);
        }
        out.count(self.used_ids.values().map(std::collections::BTreeSet::len).sum());
        for ((account, group), id) in self.used_ids.iter().flat_map(|(&key, ids)| ids.iter().map(move |id| (key, id))) {
            out.u32s([account, group]);
            out.u8(id.len() as u8);
            (out.0)(id);
        }
    }

    /// The ledger that [`Ledger::write`] wrote, and nothing behind it.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] where the bytes are none, or do not add up.
    pub fn restore(bytes: &[u8]) -> Result<Ledger, SnapshotError> {
        let mut input = Reader::part(bytes);
        let ledger = Ledger::read(&mut input)?;
        input.end()?;
        Ok(ledger)
    }

    /// The same, of a part of a snapshot.
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Ledger, SnapshotError> {
        let mut ledger = Ledger::new();
        ledger.read_flows(input)?;
        ledger.read_events(input)?;
        ledger.balances = read_balances(input)?;
        ledger.read_orders(input)?;
        ledger.read_positions(input)?;
        ledger.read_used_ids(input)?;
        ledger.balances.begin();
        input.check(ledger.check_conservation().is_ok(), "balances, orders and pots do not add up")?;
        Ok(ledger)
    }

    fn read_flows(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        for _ in 0..input.u64()? {
            let (key, flow) = ((input.u32()?, input.u32()?), read_flow(input)?);
            let is_next = self.flows.last_key_value().is_none_or(|(&last, _)| last < key);
            input.check(is_next, "assets out of order")?;
            let is_possible = flow != Flow::default()
                && flow.deposited <= LIMIT_UNITS as i128
                && flow.deposited.unsigned_abs().max(flow.moved.unsigned_abs()) <= TOTAL_UNITS;
            input.check(is_possible, "a total that was never reached")?;
            self.flows.insert(key, flow);
        }
        Ok(())
    }

    fn read_events(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        for _ in 0..input.u64()? {
            let (number, group, cash) = (input.u32()?, input.u32()?, input.u32()?);
            let is_next = self.events.last_key_value().is_none_or(|(&last, _)| last < number);
            input.check(is_next, "events out of order")?;
            let (lot_base_units, tick_lot_units, unit_ticks) = (input.u64()?, input.u64()?, input.u32()?);
            let flag = input.u8()?;
            input.check(flag <= 1, "a flag that is neither 0 nor 1")?;
            let (sets, pot) = (input.u128()?, input.u128()?);
            input.check(sets <= LIMIT_SHARES && pot <= LIMIT_SHARES, "a pot that was never reached")?;
            let mut shares = Vec::new();
            for _ in 0..input.u64()? {
                let share = input.u32()?;
                let is_deposited = self.flows.range((share, 0)..=(share, u32::MAX)).next().is_some();
                let is_new = self.shares.insert(share, number).is_none() && !is_deposited;
                input.check(is_new, "a share that is something else, too")?;
                shares.push(share);
            }
            let terms = EventTerms { group, cash, shares, lot_base_units, tick_lot_units, unit_ticks };
            input.check(terms.problem().is_none(), terms.problem().unwrap_or_default())?;
            self.events.insert(number, Market { terms, sets, pot, is_settled: flag == 1 });
        }
        Ok(())
    }

    fn read_orders(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let mut last = 0;
        for _ in 0..input.u64()? {
            let order_id = input.u64()?;
            input.check(order_id > last, "orders out of order")?;
            last = order_id;
            let (account, group, asset) = (input.u32()?, input.u32()?, input.u32()?);
            let flags = input.u8()?;
            input.check(flags & !(BUY | MIRROR | LIMIT) == 0, "unknown flags of an order")?;
            let credit = u16::from_le_bytes([input.u8()?, input.u8()?]);
            let (price, remaining, filled, held) = (input.u64()?, input.u64()?, input.u64()?, input.u128()?);
            let is_quantity = remaining > 0 && remaining.saturating_add(filled) <= MAX_QUANTITY_LOTS;
            input.check(is_quantity, "a quantity outside 1 to 2^48 lots")?;
            let is_buy = flags & BUY != 0;
            let is_price = price <= i64::MAX as u64 && (is_buy || price == 0);
            input.check(is_price && credit < CREDITS, "a price or a credit that no order has")?;
            let place = self.balances.place(Key { group, account, asset });
            let (is_mirror, has_limit) = (flags & MIRROR != 0, flags & LIMIT != 0);
            let order =
                LiveOrder { account, place, is_buy, is_mirror, has_limit, credit, price, remaining, filled, held };
            self.orders.insert(order_id, order);
        }
        Ok(())
    }

    fn read_positions(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        for _ in 0..input.u64()? {
            let key = (input.u32()?, input.u32()?);
            let is_next = self.positions.last_key_value().is_none_or(|(&last, _)| last < key);
            input.check(is_next, "positions out of order")?;
            let position = Position {
                bought_lots: input.u128()?,
                bought_units: input.u128()?,
                sold_lots: input.u128()?,
                sold_units: input.u128()?,
                fee_units: read_i128(input)?,
            };
            input
                .check(position.bought_lots > 0 || position.sold_lots > 0, "a position that nothing was traded for")?;
            self.positions.insert(key, position);
        }
        Ok(())
    }

    fn read_used_ids(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        for _ in 0..input.u64()? {
            let (key, length) = ((input.u32()?, input.u32()?), usize::from(input.u8()?));
            input.check((1..=LONGEST_ID).contains(&length), "an id that is not 1 to 36 bytes")?;
            let id: Box<[u8]> = (0..length).map(|_| input.u8()).collect::<Result<_, _>>()?;
            let is_next = self
                .used_ids
                .last_key_value()
                .is_none_or(|(&last, ids)| last < key || (last == key && ids.last().is_none_or(|before| *before < id)));
            input.check(is_next, "used ids out of order")?;
            self.used_ids.entry(key).or_default().insert(id);
        }
        Ok(())
    }
}

fn read_balances(input: &mut Reader<'_>) -> Result<Balances, SnapshotError> {
    let mut balances = Balances::new();
    let mut last = None;
    for _ in 0..input.u64()? {
        let (account, asset, group) = (input.u32()?, input.u32()?, input.u32()?);
        let key = Key { group, account, asset };
        input.check(last < Some(key.rank()), "balances out of order")?;
        last = Some(key.rank());
        let balance = Balance { available: read_i128(input)?, held: input.u128()? };
        let is_possible = !balance.is_empty()
            && balance.held <= LIMIT_SHARES
            && balance.available <= LIMIT_SHARES as i128
            && balance.available > -(LIMIT_UNITS as i128);
        input.check(is_possible, "a balance that was never reached")?;
        let place = balances.place(key);
        *balances.change(place) = balance;
    }
    Ok(balances)
}

fn read_flow(input: &mut Reader<'_>) -> Result<Flow, SnapshotError> {
    Ok(Flow { deposited: read_i128(input)?, moved: read_i128(input)? })
}

fn read_i128(input: &mut Reader<'_>) -> Result<i128, SnapshotError> {
    Ok(input.u128()? as i128)
}
