//! The exchange's digest: a hash of all that can influence a later event, over every book (docs/records.md).

use super::Exchange;
use super::partition::Partition;
use super::registry::{EventInfo, InstrumentInfo, Names};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

impl Exchange {
    /// BLAKE2b-256 over the logical state: names, books, ledger.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Blake2b::<U32>::new();
        let mut bytes = |bytes: &[u8]| hash.update(bytes);
        bytes(b"AMEXCHG3");
        bytes(&self.now_ns.to_le_bytes());
        self.partition.hash(&mut bytes);
        let registry = &self.registry;
        for names in [&registry.assets, &registry.groups, &registry.accounts, &registry.events] {
            hash_names(names, &mut bytes);
        }
        bytes(&registry.decimals);
        for clock in &self.clocks {
            bytes(&clock.now_ns.to_le_bytes());
        }
        registry.event_infos.iter().for_each(|info| hash_event(info, &mut bytes));
        bytes(&(registry.instruments.len() as u32).to_le_bytes());
        for (number, info) in registry.instruments() {
            hash_instrument(number, info, &mut bytes);
            if let Some(book) = info.book.filter(|_| !info.is_mirror) {
                let market = &self.markets[book];
                let now_ns = info.terms.as_ref().map(|terms| self.clocks[terms.group as usize - 1].now_ns);
                bytes(&market.book.digest_at(now_ns.unwrap_or_else(|| market.book.now_ns())));
            }
        }
        self.ledger.digest(&mut bytes);
        self.transfers.tell(&mut bytes);
        hash.finalize().into()
    }

    /// BLAKE2b-256 over what commands to all shards have made, and when: the same on every shard that has had as many of them.
    pub fn common_digest(&self) -> [u8; 32] {
        let mut hash = Blake2b::<U32>::new();
        let mut bytes = |bytes: &[u8]| hash.update(bytes);
        bytes(&self.now_ns.to_le_bytes());
        self.partition.hash_common(&mut bytes);
        let registry = &self.registry;
        for names in [&registry.assets, &registry.groups, &registry.accounts, &registry.events] {
            hash_names(names, &mut bytes);
        }
        bytes(&registry.decimals);
        registry.event_infos.iter().for_each(|info| hash_event(info, &mut bytes));
        registry.instruments().for_each(|(number, info)| hash_instrument(number, info, &mut bytes));
        hash.finalize().into()
    }
}

impl Partition {
    fn hash(&self, bytes: &mut impl FnMut(&[u8])) {
        [self.shard, self.shards].iter().for_each(|number| bytes(&number.to_le_bytes()));
        self.hash_common(bytes);
    }

    fn hash_common(&self, bytes: &mut impl FnMut(&[u8])) {
        bytes(&self.broadcasts.to_le_bytes());
        for placed in [&self.groups, &self.instruments] {
            bytes(&(placed.len() as u32).to_le_bytes());
            for (name, shard) in placed {
                hash_text(name, bytes);
                bytes(&shard.to_le_bytes());
            }
        }
    }
}

fn hash_instrument(number: u32, info: &InstrumentInfo, bytes: &mut impl FnMut(&[u8])) {
    bytes(&number.to_le_bytes());
    [&info.symbol, &info.tick_size, &info.lot_size].into_iter().for_each(|text| hash_text(text, bytes));
    bytes(&[u8::from(info.terms.is_some()) | u8::from(info.is_mirror) << 1]);
    if let Some(terms) = info.terms.as_ref().filter(|_| !info.is_mirror) {
        let numbers = [terms.group, terms.base, terms.quote, terms.fee_account, terms.unit_ticks, terms.event];
        numbers.iter().for_each(|number| bytes(&number.to_le_bytes()));
        [terms.maker_fee_bps, terms.taker_fee_bps].iter().for_each(|bps| bytes(&bps.to_le_bytes()));
        [terms.lot_base_units, terms.tick_lot_units].iter().for_each(|units| bytes(&units.to_le_bytes()));
    }
}

fn hash_event(info: &EventInfo, bytes: &mut impl FnMut(&[u8])) {
    for number in [info.group, info.currency, info.unit_ticks, info.outcomes.len() as u32] {
        bytes(&number.to_le_bytes());
    }
    for outcome in &info.outcomes {
        bytes(&outcome.asset.to_le_bytes());
        bytes(&outcome.instrument.to_le_bytes());
    }
}

fn hash_text(text: &str, bytes: &mut impl FnMut(&[u8])) {
    bytes(&[text.len() as u8]);
    bytes(text.as_bytes());
}

fn hash_names(names: &Names, bytes: &mut impl FnMut(&[u8])) {
    bytes(&names.len().to_le_bytes());
    names.iter().for_each(|name| hash_text(name, bytes));
}
