//! The whole exchange as versioned, checksummed bytes, and back. Reading trusts nothing. docs/records.md has the layout.

use super::admin::MAX_FEE_BPS;
use super::partition::{MAX_SHARDS, Partition};
use super::registry::{EventInfo, InstrumentInfo, OutcomeInfo, is_legal_name};
use super::transfers::Transfers;
use super::{Clock, Exchange, Market};
use crate::codes::Phase;
use crate::engine::Book;
use crate::ledger::{Ledger, Mirror, SettlementTerms};
use crate::snapshot::{HEADER_BYTES, Reader, SnapshotError, sealed};
use std::collections::BTreeMap;
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"AEROEXCH";
/// The version of the layout.
const VERSION: u32 = 3;

const SETTLED: u8 = 1;
const MIRROR: u8 = 2;
/// Its book is on another shard.
const ELSEWHERE: u8 = 4;

impl Exchange {
    /// The whole exchange as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + 4096);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        put_u64(&mut out, 0);
        put_u64(&mut out, self.sequence);
        put_u64(&mut out, self.now_ns);
        put_partition(&mut out, &self.partition);
        let registry = &self.registry;
        for names in [&registry.assets, &registry.groups, &registry.accounts, &registry.events] {
            put_u32(&mut out, names.len());
            names.iter().for_each(|name| put_text(&mut out, name));
        }
        out.extend_from_slice(&registry.decimals);
        self.clocks.iter().for_each(|clock| put_u64(&mut out, clock.now_ns));
        for info in &registry.event_infos {
            [info.group, info.currency, info.unit_ticks].iter().for_each(|&number| put_u32(&mut out, number));
            put_u32(&mut out, info.outcomes.len() as u32);
            for outcome in &info.outcomes {
                put_text(&mut out, &outcome.name);
                put_u32(&mut out, outcome.asset);
                put_u32(&mut out, outcome.instrument);
            }
        }
        put_u32(&mut out, self.markets.len() as u32);
        self.markets.iter().for_each(|market| put_book(&mut out, &market.book));
        put_u32(&mut out, registry.instruments.len() as u32);
        registry.instruments().for_each(|(number, info)| put_instrument(&mut out, number, info));
        self.ledger.write(&mut out);
        self.transfers.tell(&mut |bytes| out.extend_from_slice(bytes));
        sealed(out)
    }

    /// The exchange of a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] says what is wrong with the bytes.
    pub fn restore(bytes: &[u8]) -> Result<Exchange, SnapshotError> {
        let input = &mut Reader::open_as(bytes, MAGIC, VERSION)?;
        let mut exchange = Exchange { sequence: input.u64()?, now_ns: input.u64()?, ..Exchange::new() };
        exchange.partition = read_partition(input)?;
        exchange.read_names(input)?;
        for number in 1..=exchange.registry.events.len() {
            let info = exchange.read_event(number, input)?;
            exchange.registry.event_infos.push(info);
        }
        for _ in 0..input.u32()? {
            let book = read_book(input)?;
            let number = book.rules().instrument;
            exchange.markets.push(Market { book, number, terms: None, listed_due_ns: None });
        }
        exchange.read_instruments(input)?;
        exchange.ledger = Ledger::read(input)?;
        exchange.transfers = Transfers::read(input)?;
        input.end()?;
        input.check(exchange.is_coherent(), "books, names and ledger contradict one another")?;
        (0..exchange.markets.len()).for_each(|place| exchange.note_due(place));
        Ok(exchange)
    }

    /// Does the ledger know just the orders that settled books have, and nobody who is not here? Are transfers between this shard
    /// and others?
    fn is_coherent(&self) -> bool {
        let registry = &self.registry;
        let orders = self.markets.iter().filter_map(|market| market.terms.as_ref().map(|terms| (market, terms)));
        let mut count = 0;
        for (market, terms) in orders {
            let is_over = terms.event != 0 && self.ledger.is_settled(terms.event);
            let live = market.book.orders(None);
            count += live.len();
            let is_closed = live.is_empty() && market.book.phase() == Phase::Closed;
            if !self.ledger.agrees_with(terms, &live) || (is_over && !is_closed) {
                return false;
            }
        }
        count == self.ledger.order_count()
            && self.ledger.balances().all(|(group, account, asset, _)| {
                registry.groups.contains(group)
                    && registry.accounts.contains(account)
                    && registry.assets.contains(asset)
            })
            && self.events_here().all(|(number, info)| {
                self.ledger.is_event_of(number, info.outcomes.iter().map(|outcome| outcome.asset))
            })
            && self.ledger.event_count() == self.events_here().count()
            && self.has_coherent_transfers()
    }

    fn read_names(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let registry = &mut self.registry;
        for names in [&mut registry.assets, &mut registry.groups, &mut registry.accounts, &mut registry.events] {
            for _ in 0..input.u32()? {
                let added = names.add(read_text(input)?);
                input.check(added.is_some(), "a name occurs twice")?;
            }
        }
        registry.decimals = input.slice(registry.assets.len() as usize)?.to_vec();
        let are_legal = registry.decimals.iter().all(|&decimals| decimals <= super::admin::MAX_DECIMALS);
        input.check(are_legal, "an asset with too many decimals")?;
        for _ in 0..registry.groups.len() {
            self.clocks.push(Clock { now_ns: input.u64()?, ..Clock::default() });
        }
        Ok(())
    }

    fn read_event(&self, number: u32, input: &mut Reader<'_>) -> Result<EventInfo, SnapshotError> {
        let (group, currency, unit_ticks) = (input.u32()?, input.u32()?, input.u32()?);
        let registry = &self.registry;
        let is_known = registry.groups.contains(group) && registry.assets.contains(currency) && unit_ticks >= 2;
        input.check(is_known, "an event without group, currency or unit")?;
        let count = input.u32()?;
        input.check((2..=super::records::MAX_OUTCOMES as u32).contains(&count), "an event's number of outcomes")?;
        let mut outcomes = Vec::new();
        for _ in 0..count {
            let name: Arc<str> = Arc::from(read_text(input)?);
            let (asset, instrument) = (input.u32()?, input.u32()?);
            let symbol = registry.events.get(number).map(|event| format!("{event}/{name}"));
            let is_its = registry.assets.get(asset).map(|name| name.to_string()) == symbol;
            input.check(is_its, "an outcome whose shares are called otherwise")?;
            outcomes.push(OutcomeInfo { name, asset, instrument });
        }
        Ok(EventInfo { group, currency, unit_ticks, outcomes })
    }

    fn read_instruments(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let mut books_named = 0;
        // Terms of the two-outcome books, by their second instrument.
        let mut shared = BTreeMap::new();
        for _ in 0..input.u32()? {
            let number = input.u32()?;
            let [symbol, tick_size, lot_size] =
                [read_text(input)?, read_text(input)?, read_text(input)?].map(Arc::from);
            let (flags, book) = (input.u8()?, input.u32()? as usize);
            let (is_settled, is_mirror) = (flags & SETTLED != 0, flags & MIRROR != 0);
            input.check(
                flags <= (SETTLED | MIRROR | ELSEWHERE) && (is_settled || !is_mirror),
                "unknown flags of an instrument",
            )?;
            let terms = match (is_settled, is_mirror) {
                (false, _) => None,
                (true, true) => shared.get(&number).cloned(),
                (true, false) => Some(Arc::new(self.read_terms(number, input)?)),
            };
            if let Some((terms, mirror)) = terms.as_ref().and_then(|terms| Some((terms, terms.mirror.as_ref()?))) {
                shared.insert(mirror.instrument, Arc::clone(terms));
            }
            let book = (flags & ELSEWHERE == 0).then_some(book);
            let is_its =
                is_settled == terms.is_some() && self.join_book(number, &symbol, (book, is_mirror), terms.as_ref());
            let is_new = self.registry.instrument(number).is_none() && self.registry.find_instrument(&symbol).is_none();
            input.check(
                is_its && is_new && number < 1 << 24,
                "an instrument that has not its book, or is there twice",
            )?;
            books_named += usize::from(!is_mirror && book.is_some());
            self.enlist(number, InstrumentInfo { symbol, tick_size, lot_size, book, is_mirror, terms });
        }
        input.check(books_named == self.markets.len(), "a book without an instrument")
    }

    /// Joins an instrument to its book, unless it lives on another shard. False where that is not its book, or not its shard.
    fn join_book(
        &mut self,
        number: u32,
        symbol: &str,
        (book, is_mirror): (Option<usize>, bool),
        terms: Option<&Arc<SettlementTerms>>,
    ) -> bool {
        let is_here = self.is_here(self.home_of(number, symbol, terms.map(|terms| &**terms)));
        let Some(book) = book else {
            return !is_here;
        };
        let Some(market) = self.markets.get_mut(book).filter(|_| is_here) else {
            return false;
        };
        if is_mirror {
            return market.terms.as_ref() == terms;
        }
        if let Some(terms) = terms {
            market.book.set_price_range(terms.price_range());
        }
        market.terms = terms.cloned();
        market.number == number
    }

    fn read_terms(&self, instrument: u32, input: &mut Reader<'_>) -> Result<SettlementTerms, SnapshotError> {
        let [group, base, quote, fee_account, event, unit_ticks] =
            [input.u32()?, input.u32()?, input.u32()?, input.u32()?, input.u32()?, input.u32()?];
        let (maker_fee_bps, taker_fee_bps) = (input.u32()? as i32 as i16, input.u32()? as i32 as i16);
        let (lot_base_units, tick_lot_units) = (input.u64()?, input.u64()?);
        let mirror = Mirror { instrument: input.u32()?, base: input.u32()? };
        let registry = &self.registry;
        let is_event = registry.event(event).is_some_and(|info| {
            let outcomes = &info.outcomes;
            let has = |asset: u32, instrument: u32| {
                outcomes.iter().any(|outcome| (outcome.asset, outcome.instrument) == (asset, instrument))
            };
            (info.group, info.currency, info.unit_ticks) == (group, quote, unit_ticks)
                && has(base, instrument)
                && (outcomes.len() > 2) == (mirror.instrument == 0)
                && (mirror.instrument == 0 || has(mirror.base, mirror.instrument))
        });
        let are_known = registry.groups.contains(group)
            && registry.assets.contains(base)
            && registry.assets.contains(quote)
            && registry.accounts.contains(fee_account)
            && lot_base_units > 0
            && tick_lot_units > 0
            && [maker_fee_bps, taker_fee_bps].iter().all(|bps| (-MAX_FEE_BPS..=MAX_FEE_BPS).contains(bps))
            && maker_fee_bps + taker_fee_bps >= 0
            && (is_event || (event == 0 && unit_ticks == 0 && mirror.instrument == 0));
        input.check(are_known, "an instrument settled in what is not there")?;
        let mirror = (mirror.instrument != 0).then_some(mirror);
        Ok(SettlementTerms {
            instrument,
            group,
            base,
            quote,
            fee_account,
            maker_fee_bps,
            taker_fee_bps,
            lot_base_units,
            tick_lot_units,
            unit_ticks,
            event,
            mirror,
        })
    }
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_partition(out: &mut Vec<u8>, partition: &Partition) {
    put_u16(out, partition.shard);
    put_u16(out, partition.shards);
    put_u64(out, partition.broadcasts);
    for placed in [&partition.groups, &partition.instruments] {
        put_u32(out, placed.len() as u32);
        for (name, &shard) in placed {
            put_text(out, name);
            put_u16(out, shard);
        }
    }
}

fn read_partition(input: &mut Reader<'_>) -> Result<Partition, SnapshotError> {
    let read_u16 = |input: &mut Reader<'_>| Ok(u16::from_le_bytes([input.u8()?, input.u8()?]));
    let (shard, shards, broadcasts) = (read_u16(input)?, read_u16(input)?, input.u64()?);
    input.check((1..=MAX_SHARDS).contains(&shards) && shard < shards, "a shard that there is not")?;
    let mut partition = Partition { shard, shards, broadcasts, ..Partition::default() };
    for placed in [&mut partition.groups, &mut partition.instruments] {
        for _ in 0..input.u32()? {
            let (name, shard): (Arc<str>, u16) = (Arc::from(read_text(input)?), read_u16(input)?);
            let is_next = placed.last_key_value().is_none_or(|(last, _)| *last < name);
            input.check(is_next && shard < shards, "a place that there is not, or out of order")?;
            placed.insert(name, shard);
        }
    }
    Ok(partition)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

fn put_book(out: &mut Vec<u8>, book: &Book) {
    let bytes = book.snapshot();
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

fn put_instrument(out: &mut Vec<u8>, number: u32, info: &InstrumentInfo) {
    put_u32(out, number);
    [&info.symbol, &info.tick_size, &info.lot_size].into_iter().for_each(|text| put_text(out, text));
    let settled = if info.terms.is_some() { SETTLED } else { 0 };
    let elsewhere = if info.book.is_none() { ELSEWHERE } else { 0 };
    out.push(settled | elsewhere | if info.is_mirror { MIRROR } else { 0 });
    put_u32(out, info.book.unwrap_or(0) as u32);
    let Some(terms) = info.terms.as_ref().filter(|_| !info.is_mirror) else {
        return;
    };
    let numbers = [terms.group, terms.base, terms.quote, terms.fee_account, terms.event, terms.unit_ticks];
    numbers.iter().for_each(|&number| put_u32(out, number));
    [terms.maker_fee_bps, terms.taker_fee_bps].iter().for_each(|&bps| put_u32(out, i32::from(bps) as u32));
    put_u64(out, terms.lot_base_units);
    put_u64(out, terms.tick_lot_units);
    put_u32(out, terms.mirror.as_ref().map_or(0, |mirror| mirror.instrument));
    put_u32(out, terms.mirror.as_ref().map_or(0, |mirror| mirror.base));
}

fn read_text<'a>(input: &mut Reader<'a>) -> Result<&'a str, SnapshotError> {
    let length = usize::from(input.u8()?);
    let text = std::str::from_utf8(input.slice(length)?).ok().filter(|text| is_legal_name(text) && length < 64);
    input.check(text.is_some(), "a text that is no name")?;
    Ok(text.unwrap_or_default())
}

fn read_book(input: &mut Reader<'_>) -> Result<Book, SnapshotError> {
    let (length, offset) = (input.u64()?, input.offset);
    let bytes = input.slice(usize::try_from(length).unwrap_or(usize::MAX))?;
    // The book's own offsets count from its first byte: the exchange's say where that is.
    Book::restore(bytes, None).map_err(|error| match error {
        SnapshotError::Damaged { offset: at, problem } => SnapshotError::Damaged { offset: offset + at, problem },
        error => error,
    })
}
