//! How an exchange settles an instrument's trades between accounts (R30, R31): what it trades against what, for which
//! fees, and how many of each asset's whole units a lot and a tick are.

use crate::arguments::{Argument, signed, text, unsigned};
use crate::decimal::{Grid, Number};
use crate::enums::type_name;
use crate::rules::Setting;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

/// Where nothing else is said: the clearing group, the account that fees go to, and the decimal places of an asset.
pub const MAIN_GROUP: &str = "main";
pub const FEE_ACCOUNT: &str = "fees";
pub const DEFAULT_DECIMALS: u8 = 8;
/// Most decimal places of an asset.
pub const MAX_DECIMALS: u8 = 18;
/// Largest fee or rebate: the whole notional, in basis points.
const MAX_FEE_BPS: i64 = 10_000;

/// An instrument's settlement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settlement {
    pub base: String,
    pub quote: String,
    pub fees: Fees,
    /// As asked for; `None` leaves it to the asset.
    pub base_decimals: Option<u8>,
    pub quote_decimals: Option<u8>,
}

/// Where fees go and how much they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fees {
    pub group: String,
    pub account: String,
    pub maker_bps: i16,
    pub taker_bps: i16,
}

/// The arguments that say where fees go and how much they are, as they came.
pub struct FeeSettings<'a, 'py> {
    pub group: Argument<'a, 'py>,
    pub fee_account: Argument<'a, 'py>,
    pub maker_fee_bps: Argument<'a, 'py>,
    pub taker_fee_bps: Argument<'a, 'py>,
}

impl FeeSettings<'_, '_> {
    pub fn read(&self) -> PyResult<Fees> {
        let bps = |value: Argument<'_, '_>, name: &str| -> PyResult<i16> {
            let bps = value.map_or(Ok(0), |value| signed(value, name))?;
            i16::try_from(bps).ok().filter(|_| (-MAX_FEE_BPS..=MAX_FEE_BPS).contains(&bps)).ok_or_else(|| {
                PyValueError::new_err(format!("{name} must be in -{MAX_FEE_BPS} .. {MAX_FEE_BPS}, not {bps}"))
            })
        };
        let word = |value: Argument<'_, '_>, name: &str, default: &str| -> PyResult<String> {
            value.map_or(Ok(default), |value| text(value, name)).map(str::to_string)
        };
        let fees = Fees {
            group: word(self.group, "group", MAIN_GROUP)?,
            account: word(self.fee_account, "fee_account", FEE_ACCOUNT)?,
            maker_bps: bps(self.maker_fee_bps, "maker_fee_bps")?,
            taker_bps: bps(self.taker_fee_bps, "taker_fee_bps")?,
        };
        let sum = i32::from(fees.maker_bps) + i32::from(fees.taker_bps);
        if sum < 0 {
            let problem =
                format!("maker_fee_bps and taker_fee_bps must not sum to less than 0: a trade would cost {sum}");
            return Err(PyValueError::new_err(problem));
        }
        Ok(fees)
    }
}

/// The arguments that make an instrument's settlement, as they came.
pub struct SettlementSettings<'a, 'py> {
    pub settlement: Argument<'a, 'py>,
    pub base: Argument<'a, 'py>,
    pub quote: Argument<'a, 'py>,
    pub base_decimals: Argument<'a, 'py>,
    pub quote_decimals: Argument<'a, 'py>,
    pub fees: FeeSettings<'a, 'py>,
}

impl SettlementSettings<'_, '_> {
    /// The settlement, `None` where it is off.
    pub fn read(&self, price_grid: Grid, quantity_grid: Grid) -> PyResult<Option<Settlement>> {
        if !self.is_on()? {
            return self
                .first_given()
                .map_or(Ok(None), |name| Err(PyValueError::new_err(format!("{name} needs settlement=True"))));
        }
        let asset = |value: Argument<'_, '_>, name: &str| match value {
            Some(value) => text(value, name).map(str::to_string),
            None => Err(PyValueError::new_err(format!("settlement=True needs {name}"))),
        };
        let settlement = Settlement {
            base: asset(self.base, "base")?,
            quote: asset(self.quote, "quote")?,
            fees: self.fees.read()?,
            base_decimals: decimals(self.base_decimals, "base_decimals")?,
            quote_decimals: decimals(self.quote_decimals, "quote_decimals")?,
        };
        if settlement.base == settlement.quote {
            return Err(PyValueError::new_err("base and quote must be two assets"));
        }
        expressible(Some(quantity_grid), settlement.base_decimals, ("lot_size", "base_decimals"))?;
        expressible(
            quantity_grid.times(price_grid),
            settlement.quote_decimals,
            ("tick_size times lot_size", "quote_decimals"),
        )?;
        Ok(Some(settlement))
    }

    fn is_on(&self) -> PyResult<bool> {
        let Some(value) = self.settlement else { return Ok(false) };
        let flag = value.cast::<PyBool>();
        flag.map(|flag| flag.is_true())
            .map_err(|_| PyTypeError::new_err(format!("settlement must be a bool, not {}", type_name(value))))
    }

    fn first_given(&self) -> Option<&'static str> {
        let all = [
            ("base", self.base),
            ("quote", self.quote),
            ("group", self.fees.group),
            ("fee_account", self.fees.fee_account),
            ("maker_fee_bps", self.fees.maker_fee_bps),
            ("taker_fee_bps", self.fees.taker_fee_bps),
            ("base_decimals", self.base_decimals),
            ("quote_decimals", self.quote_decimals),
        ];
        all.iter().find(|(_, value)| value.is_some()).map(|&(name, _)| name)
    }
}

/// Decimal places of an asset, where they were given.
pub fn decimals(value: Argument<'_, '_>, name: &str) -> PyResult<Option<u8>> {
    let places = value.map(|value| unsigned(value, name, 0, u64::from(MAX_DECIMALS))).transpose()?;
    Ok(places.map(|places| places as u8))
}

/// Refuses a step that an asset of so many decimal places, or of its default, has no whole number of units for.
pub fn expressible(step: Option<Grid>, decimals: Option<u8>, names: (&str, &str)) -> PyResult<()> {
    let is_expressible = step.is_some_and(|step| {
        let decimals = decimals.unwrap_or_else(|| default_decimals(step));
        decimals <= MAX_DECIMALS && step.units(decimals).is_some()
    });
    if is_expressible {
        return Ok(());
    }
    let shown = step.map_or_else(String::new, |step| format!(" {}", step.step().as_str()));
    Err(PyValueError::new_err(match decimals {
        Some(decimals) => {
            format!("{}={decimals} cannot express {}{shown} as 1 .. 2^64 - 1 whole units", names.1, names.0)
        }
        None => format!("{}{shown} is no 1 .. 2^64 - 1 whole units of an asset with at most 18 decimals", names.0),
    }))
}

/// The decimal places of a new asset that nobody has asked any for: what the step needs, at least eight.
pub fn default_decimals(step: Grid) -> u8 {
    u8::try_from(step.scale()).unwrap_or(u8::MAX).max(DEFAULT_DECIMALS)
}

/// The grid of an asset's units.
pub fn asset_grid(decimals: u8) -> Grid {
    Grid::new(Number::Finite { digits: 1, exponent: -i64::from(decimals) }).unwrap_or(Grid::ONE)
}

/// The settings of a settlement that are not the default, by the name of their argument.
pub fn settings(settlement: &Settlement) -> Vec<(&'static str, Setting)> {
    let word = |word: &str| Setting::Word(word.to_string());
    let fees = &settlement.fees;
    let unlike = |value: &str, default: &str| (value != default).then(|| word(value));
    let bps = |bps: i16| (bps != 0).then_some(Setting::Signed(i64::from(bps)));
    let places = |places: Option<u8>| places.map(|places| Setting::Number(u64::from(places)));
    let all = [
        ("base", Some(word(&settlement.base))),
        ("quote", Some(word(&settlement.quote))),
        ("settlement", Some(Setting::Flag(true))),
        ("group", unlike(&fees.group, MAIN_GROUP)),
        ("fee_account", unlike(&fees.account, FEE_ACCOUNT)),
        ("maker_fee_bps", bps(fees.maker_bps)),
        ("taker_fee_bps", bps(fees.taker_bps)),
        ("base_decimals", places(settlement.base_decimals)),
        ("quote_decimals", places(settlement.quote_decimals)),
    ];
    all.into_iter().filter_map(|(name, setting)| setting.map(|setting| (name, setting))).collect()
}
