//! What an exchange's views know without asking it: names and numbers, units of assets, and what instruments are. Grows as
//! commands make things; nothing in it ever changes.

use super::machine::Machine;
use crate::arguments::text;
use crate::decimal::{Grid, Number};
use crate::errors::Failure;
use crate::instrument::{Context, Facts};
use crate::lens::Mirror;
use crate::names::{Name, Names};
use crate::settlement::{Fees, Settlement, asset_grid};
use aeromatch_engine::codes::CreatedKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::registry::{self, EventInfo, InstrumentInfo};
use aeromatch_engine::record::UNKNOWN;
use aeromatch_engine::rules::Rules;
use pyo3::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The number that commands carry for a symbol that is not there: no instrument has one of 25 bits.
const NOWHERE: u32 = 1 << 24;

/// An instrument as views and commands need it.
pub struct Listing {
    pub number: u32,
    pub context: Arc<Context>,
    /// Set for the second outcome of a two-outcome event, whose orders stand in the first one's book (R32).
    pub mirror: Option<Mirror>,
    /// The number of the book: the first outcome's.
    pub book: u32,
    /// Place of the asset that is traded, and of its clearing group; 0 without settlement.
    pub base: u32,
    pub group: u32,
}

/// Everything that an exchange knows by name.
pub struct Directory {
    pub accounts: Names,
    pub assets: Names,
    pub groups: Names,
    pub events: Names,
    tables: RwLock<Tables>,
    nowhere: Arc<Listing>,
}

#[derive(Default)]
struct Tables {
    /// Of asset `i + 1`.
    grids: Vec<Grid>,
    /// Event `i + 1`.
    events: Vec<Arc<EventInfo>>,
    by_number: BTreeMap<u32, Arc<Listing>>,
    by_symbol: HashMap<String, Arc<Listing>>,
}

impl Directory {
    /// Of an exchange that has nothing.
    fn empty() -> Directory {
        let accounts = Names::registered();
        let facts = Facts {
            symbol: String::new(),
            price_grid: Grid::ONE,
            quantity_grid: Grid::ONE,
            rules: Rules { instrument: NOWHERE, ..Rules::default() },
            settlement: None,
        };
        let context = Arc::new(Context { facts: Arc::new(facts), names: accounts.clone(), quote_grid: None });
        let nowhere = Listing { number: NOWHERE, context, mirror: None, book: NOWHERE, base: 0, group: 0 };
        Directory {
            accounts,
            assets: Names::registered(),
            groups: Names::registered(),
            events: Names::registered(),
            tables: RwLock::default(),
            nowhere: Arc::new(nowhere),
        }
    }

    /// The directory of an exchange as it is.
    pub fn of(machine: &Machine) -> Result<Directory, Failure> {
        let directory = Directory::empty();
        machine.catch_up(&directory)?;
        Ok(directory)
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what commands have made since the last time. `rules` are those of an instrument's book, wherever that is; an
    /// instrument whose book is not there yet is noted the next time.
    pub fn catch_up(&self, exchange: &Exchange, rules: impl Fn(u32) -> Option<Rules>) {
        let registry = exchange.registry();
        let (first_asset, first_event) = (self.assets.len(), self.events.len());
        for (mine, theirs) in [
            (&self.accounts, &registry.accounts),
            (&self.assets, &registry.assets),
            (&self.groups, &registry.groups),
            (&self.events, &registry.events),
        ] {
            catch_up(mine, theirs);
        }
        let listed = self.tables().by_number.len();
        if (first_asset, first_event, listed) == (self.assets.len(), self.events.len(), registry.instrument_count()) {
            return;
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for asset in first_asset + 1..=self.assets.len() {
            tables.grids.push(asset_grid(registry.decimals(asset as u32).unwrap_or(0)));
        }
        for event in first_event + 1..=self.events.len() {
            tables.events.extend(registry.event(event as u32).cloned().map(Arc::new));
        }
        for (number, info) in registry.instruments() {
            if !tables.by_number.contains_key(&number)
                && let Some(rules) = rules(number)
            {
                let listing = Arc::new(self.listing_of(exchange, &tables, (number, rules), info));
                tables.by_symbol.insert(info.symbol.to_string(), Arc::clone(&listing));
                tables.by_number.insert(number, listing);
            }
        }
    }

    fn listing_of(
        &self,
        exchange: &Exchange,
        tables: &Tables,
        (number, rules): (u32, Rules),
        info: &InstrumentInfo,
    ) -> Listing {
        let terms = info.terms.as_deref();
        let mirrored = terms.and_then(|terms| terms.mirror).filter(|_| info.is_mirror);
        let base = terms.map_or(0, |terms| mirrored.map_or(terms.base, |mirror| mirror.base));
        let decimals = |asset: u32| exchange.registry().decimals(asset);
        let name = |names: &Names, number: u32| names.name(number).map_or_else(String::new, |name| name.to_string());
        let settlement = terms.map(|terms| Settlement {
            base: name(&self.assets, base),
            quote: name(&self.assets, terms.quote),
            fees: Fees {
                group: name(&self.groups, terms.group),
                account: name(&self.accounts, terms.fee_account),
                maker_bps: terms.maker_fee_bps,
                taker_bps: terms.taker_fee_bps,
            },
            base_decimals: decimals(base),
            quote_decimals: decimals(terms.quote),
        });
        let facts = Facts {
            symbol: info.symbol.to_string(),
            price_grid: grid_of(&info.tick_size),
            quantity_grid: grid_of(&info.lot_size),
            rules: Rules { instrument: number, ..rules },
            settlement,
        };
        let quote_grid = terms.and_then(|terms| tables.grids.get(terms.quote as usize - 1).copied());
        let mirror = terms.filter(|_| info.is_mirror);
        Listing {
            number,
            context: Arc::new(Context { facts: Arc::new(facts), names: self.accounts.clone(), quote_grid }),
            mirror: mirror.map(|terms| Mirror { unit_ticks: i64::from(terms.unit_ticks), instrument: number }),
            book: rules.instrument,
            base,
            group: terms.map_or(0, |terms| terms.group),
        }
    }

    /// The instrument of a symbol.
    pub fn find(&self, symbol: &str) -> Option<Arc<Listing>> {
        self.tables().by_symbol.get(symbol).map(Arc::clone)
    }

    /// The instrument of a number.
    pub fn find_number(&self, instrument: u32) -> Option<Arc<Listing>> {
        self.tables().by_number.get(&instrument).map(Arc::clone)
    }

    /// How the second of two outcomes sees the book of that number; None where the book is not one of two outcomes, or not known
    /// yet (R32).
    pub fn second_of(&self, book: u32) -> Option<Mirror> {
        let tables = self.tables();
        tables.by_number.values().filter(|listing| listing.book == book).find_map(|listing| listing.mirror)
    }

    /// The instrument that a command's symbol names; one that is not there is refused by the exchange.
    pub fn target(&self, symbol: &Bound<'_, PyAny>) -> PyResult<Arc<Listing>> {
        Ok(self.find(text(symbol, "symbol")?).unwrap_or_else(|| Arc::clone(&self.nowhere)))
    }

    /// The instrument that a read's symbol names.
    pub fn listing(&self, symbol: &Bound<'_, PyAny>) -> PyResult<Arc<Listing>> {
        let name = text(symbol, "symbol")?;
        self.find(name).ok_or_else(|| Failure::UnknownName("symbol", name.to_string()).into_py(symbol.py()))
    }

    /// Instruments by number.
    pub fn listings(&self) -> Vec<Arc<Listing>> {
        self.tables().by_number.values().map(Arc::clone).collect()
    }

    /// What prints the amounts of an instrument; of what is none, as whole numbers.
    pub fn context(&self, instrument: u32) -> Arc<Context> {
        Arc::clone(&self.tables().by_number.get(&instrument).unwrap_or(&self.nowhere).context)
    }

    /// For a command that is about no single instrument, with that number.
    pub fn nowhere(&self) -> &Arc<Context> {
        &self.nowhere.context
    }

    /// The units of an asset.
    pub fn asset_grid(&self, asset: u32) -> Grid {
        let place = (asset as usize).wrapping_sub(1);
        self.tables().grids.get(place).copied().unwrap_or(Grid::ONE)
    }

    /// What an event market is.
    pub fn event(&self, event: u32) -> Option<Arc<EventInfo>> {
        self.tables().events.get((event as usize).wrapping_sub(1)).map(Arc::clone)
    }

    /// The name of an event's outcome, by its place from 0.
    pub fn outcome(&self, event: u32, place: u64) -> Option<Name> {
        let info = self.event(event)?;
        info.outcomes.get(usize::try_from(place).ok()?).map(|outcome| Name::from(&*outcome.name))
    }

    /// What has that number, by name.
    pub fn name(&self, what: CreatedKind, number: u32) -> Option<Name> {
        match what {
            CreatedKind::Asset => self.assets.name(number),
            CreatedKind::Group => self.groups.name(number),
            CreatedKind::Account => self.accounts.name(number),
            CreatedKind::Event => self.events.name(number),
            CreatedKind::Instrument => {
                self.find_number(number).map(|listing| Name::from(listing.context.facts.symbol.as_str()))
            }
        }
    }
}

/// Adds the names that the registry has more.
fn catch_up(mine: &Names, theirs: &registry::Names) {
    for name in theirs.iter().skip(mine.len()) {
        mine.intern(name);
    }
}

/// The grid that a size's text says; whoever fills slots by hand can write anything there.
fn grid_of(size: &str) -> Grid {
    Number::parse(size).ok().and_then(Grid::new).unwrap_or(Grid::ONE)
}

/// The number that a command carries for a name.
pub fn number(names: &Names, value: &Bound<'_, PyAny>, argument: &str) -> PyResult<u32> {
    Ok(names.number(text(value, argument)?).unwrap_or(UNKNOWN))
}

/// The number of a name that a read asks for.
pub fn known(names: &Names, value: &Bound<'_, PyAny>, argument: &'static str) -> PyResult<u32> {
    let name = text(value, argument)?;
    names.find(name).ok_or_else(|| Failure::UnknownName(argument, name.to_string()).into_py(value.py()))
}
