//! The whole exchange as versioned, checksummed bytes, and back. Reading trusts nothing. docs/records.md has the layout.

use super::admin::MAX_FEE_BPS;
use super::registry::{EventInfo, InstrumentInfo, OutcomeInfo, is_legal_name};
use super::{Clock, Exchange, Market};
use crate::codes::Phase;
use crate::engine::Book;
use crate::ledger::{Ledger, Mirror, SettlementTerms};
use crate::snapshot::{HEADER_BYTES, Reader, SnapshotError, sealed};
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"AEROEXCH";
/// The version of the layout.
const VERSION: u32 = 1;

const SETTLED: u8 = 1;
const MIRROR: u8 = 2;

impl Exchange {
    /// The whole exchange as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + 4096);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        put_u64(&mut out, 0);
        put_u64(&mut out, self.sequence);
        put_u64(&mut out, self.now_ns);
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
        sealed(out)
    }

    /// The exchange of a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] says what is wrong with the bytes.
    pub fn restore(bytes: &[u8]) -> Result<Exchange, SnapshotError> {
        let input = &mut Reader::open_as(bytes, MAGIC, VERSION)?;
        let mut exchange = Exchange { sequence: input.u64()?, now_ns: input.u64()?, ..Exchange::new() };
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
        input.end()?;
        input.check(exchange.is_coherent(), "books, names and ledger contradict one another")?;
        (0..exchange.markets.len()).for_each(|place| exchange.note_due(place));
        Ok(exchange)
    }

    /// Does the ledger know just the orders that settled books have, and nobody who is not here?
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
            && (1..=registry.events.len()).all(|number| {
                let outcomes = registry.event(number).map(|info| info.outcomes.iter().map(|outcome| outcome.asset));
                outcomes.is_some_and(|shares| self.ledger.is_event_of(number, shares))
            })
            && self.ledger.event_count() == registry.events.len() as usize
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
        for _ in 0..input.u32()? {
            let number = input.u32()?;
            let [symbol, tick_size, lot_size] =
                [read_text(input)?, read_text(input)?, read_text(input)?].map(Arc::from);
            let (flags, book) = (input.u8()?, input.u32()? as usize);
            input.check(flags <= (SETTLED | MIRROR) && flags != MIRROR, "unknown flags of an instrument")?;
            let is_mirror = flags & MIRROR != 0;
            if flags == SETTLED {
                let terms = self.read_terms(number, input)?;
                input.check(book < self.markets.len(), "an instrument without a book")?;
                let market = &mut self.markets[book];
                market.book.set_price_range(terms.price_range());
                market.terms = Some(Arc::new(terms));
            }
            let market = self.markets.get(book);
            let terms = market.and_then(|market| market.terms.clone());
            let is_its = market.is_some_and(|market| match &terms {
                Some(terms) if is_mirror => terms.mirror.as_ref().is_some_and(|mirror| mirror.instrument == number),
                Some(_) => flags == SETTLED && market.number == number,
                None => flags == 0 && market.number == number,
            });
            let is_new = self.registry.instrument(number).is_none() && self.registry.find_instrument(&symbol).is_none();
            input.check(
                is_its && is_new && number < 1 << 24,
                "an instrument that has not its book, or is there twice",
            )?;
            books_named += usize::from(!is_mirror);
            self.enlist(number, InstrumentInfo { symbol, tick_size, lot_size, book, is_mirror, terms });
        }
        input.check(books_named == self.markets.len(), "a book without an instrument")
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
    out.push(settled | if info.is_mirror { MIRROR } else { 0 });
    put_u32(out, info.book as u32);
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
