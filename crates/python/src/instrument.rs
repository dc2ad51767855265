//! What is traded: the units of its prices and quantities, and the settings of its book.

use crate::arguments::{Argument, number, product, shown, signed, text, to_decimal, unsigned};
use crate::decimal::Grid;
use crate::enums;
use crate::names::Names;
use crate::rules::{Settings, fifo_share, settings, width};
use crate::settlement::{FeeSettings, Fees, Settlement, SettlementSettings};
use aeromatch_engine::codes::OffsetUnit;
use aeromatch_engine::record::MAX_QUANTITY_LOTS;
use aeromatch_engine::rules::Rules;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An instrument's unchanging facts.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    pub symbol: String,
    pub price_grid: Grid,
    pub quantity_grid: Grid,
    pub rules: Rules,
    pub settlement: Option<Settlement>,
}

impl Hash for Facts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.symbol, self.price_grid, self.quantity_grid, self.rules.instrument).hash(state);
    }
}

/// What reports and views need in order to print numbers as amounts and names.
pub struct Context {
    pub facts: Arc<Facts>,
    pub names: Names,
    /// The units of the asset that trades are paid in; `None` without settlement.
    pub quote_grid: Option<Grid>,
}

impl Context {
    /// A price as Decimal.
    pub fn price<'py>(&self, py: Python<'py>, ticks: i64) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.facts.price_grid, i128::from(ticks))
    }

    /// A quantity as Decimal.
    pub fn quantity<'py>(&self, py: Python<'py>, lots: u64) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.facts.quantity_grid, i128::from(lots))
    }

    /// A sum of quantities as Decimal; 2^127 lots would take 2^79 of the largest orders.
    pub fn total<'py>(&self, py: Python<'py>, lots: u128) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.facts.quantity_grid, i128::try_from(lots).unwrap_or(i128::MAX))
    }

    /// Money: a sum of ticks times lots, as Decimal.
    pub fn money<'py>(&self, py: Python<'py>, notional: i128) -> PyResult<Bound<'py, PyAny>> {
        product(py, notional, &[self.facts.price_grid, self.facts.quantity_grid])
    }

    /// The name of an account, `None` for 0 and for numbers without a name.
    pub fn account<'py>(&self, py: Python<'py>, number: u32) -> Option<Bound<'py, PyString>> {
        self.names.name(number).map(|name| PyString::new(py, &name))
    }
}

/// What is traded, in which units, under which settings. Immutable; equal to another one with the same facts.
///
/// Amounts are exact: a price is a whole number of ticks, a quantity a whole number of lots, and what is not is
/// refused (R1).
///
/// Arguments:
///     symbol: Its name, for people.
///     tick_size: Size of one tick, in money: Decimal, str, int or float, above 0, e.g. "0.01", "0.25", "5",
///         "1e-8".
///     lot_size: Size of one lot, in units of the thing traded, likewise.
///     number: Its number in records and order ids (24 bits); 0 in a library book unless it says otherwise (R5).
///     self_trade_prevention: What happens where two orders of one owner would trade, unless the order says
///         otherwise (R25).
///     dedup_window_ns: How long, in nanoseconds of log time, a finished order's client order id stays taken
///         (R5).
///     matching: How the orders of a level share what an aggressor takes: "fifo", "pro_rata" or "fifo_pro_rata"
///         (R29).
///     fifo_share_bps: With "fifo_pro_rata" the share, in basis points, that goes oldest first: 0 .. 10,000.
///     reference_price: In money: the middle of the static band, and what an uncross falls back on before the first
///         trade (R27, R28).
///     static_band_ticks: Limits further than this from the reference price are rejected (R28); or
///     static_band_bps: the same in basis points of the reference price.
///     circuit_breaker_ticks: A trade further than this from the last one before the command halts the book (R28); or
///     circuit_breaker_bps: the same in basis points of that price.
///     halt_ns: How long such a halt lasts, in nanoseconds, before an auction; None: until a command ends it.
///     base: With settlement, the asset that is traded.
///     quote: With settlement, the asset that it is paid in.
///     settlement: Whether an Exchange settles its trades between accounts, and takes orders against their available
///         funds only (R30); an OrderBook has no accounts and takes no such instrument.
///     group: With settlement, the clearing group: balances are kept per group.
///     fee_account: With settlement, the account that fees go to and rebates come from (R31).
///     maker_fee_bps: What a resting order pays, in basis points of what it trades; below 0 a rebate.
///     taker_fee_bps: What an aggressor pays; both together are at least 0.
///     base_decimals: Decimal places of the base asset: its balances are whole numbers of 10^-decimals. None: what the
///         asset has, or, where the instrument makes it, what a lot needs, at least 8.
///     quote_decimals: The same of the quote asset, and of a tick times a lot.
///
/// Raises:
///     TypeError: An argument has the wrong type.
///     ValueError: An argument is out of range or no number, or two of them contradict one another.
#[pyclass(frozen, eq, hash, module = "aeromatch")]
#[derive(PartialEq, Eq, Hash)]
pub struct Instrument {
    pub facts: Arc<Facts>,
}

/// The size of a tick or a lot.
pub fn grid(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Grid> {
    if let Some(grid) = Grid::new(number(value, argument)?) {
        return Ok(grid);
    }
    let shown = shown(value)?;
    Err(PyValueError::new_err(format!(
        "{argument} must be above 0, at most 10^18 and have at most 30 decimal places, not {shown}"
    )))
}

/// The error for an amount that is no whole number of steps.
pub fn off_grid(value: &Bound<'_, PyAny>, argument: &str, grid: Grid, name: &str) -> PyErr {
    let shown = match shown(value) {
        Ok(shown) => shown,
        Err(error) => return error,
    };
    PyValueError::new_err(format!(
        "{argument} {shown} is no whole number of {name}s of {}, or out of range",
        grid.step().as_str()
    ))
}

impl Instrument {
    fn fees(&self) -> Option<&Fees> {
        self.facts.settlement.as_ref().map(|settlement| &settlement.fees)
    }
}

#[pymethods]
impl Instrument {
    #[new]
    #[pyo3(
        signature = (symbol, *, tick_size=None, lot_size=None, number=None, self_trade_prevention=None, dedup_window_ns=None,
            matching=None, fifo_share_bps=None, reference_price=None, static_band_ticks=None, static_band_bps=None,
            circuit_breaker_ticks=None, circuit_breaker_bps=None, halt_ns=None, base=None, quote=None, settlement=None,
            group=None, fee_account=None, maker_fee_bps=None, taker_fee_bps=None, base_decimals=None, quote_decimals=None),
        text_signature = "(symbol, *, tick_size='1', lot_size='1', number=0, self_trade_prevention='none', dedup_window_ns=0, matching='fifo', fifo_share_bps=None, reference_price=None, static_band_ticks=None, static_band_bps=None, circuit_breaker_ticks=None, circuit_breaker_bps=None, halt_ns=None, base=None, quote=None, settlement=False, group='main', fee_account='fees', maker_fee_bps=0, taker_fee_bps=0, base_decimals=None, quote_decimals=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an instrument has that many settings")]
    fn new(
        symbol: &Bound<'_, PyAny>,
        tick_size: Argument<'_, '_>,
        lot_size: Argument<'_, '_>,
        number: Argument<'_, '_>,
        self_trade_prevention: Argument<'_, '_>,
        dedup_window_ns: Argument<'_, '_>,
        matching: Argument<'_, '_>,
        fifo_share_bps: Argument<'_, '_>,
        reference_price: Argument<'_, '_>,
        static_band_ticks: Argument<'_, '_>,
        static_band_bps: Argument<'_, '_>,
        circuit_breaker_ticks: Argument<'_, '_>,
        circuit_breaker_bps: Argument<'_, '_>,
        halt_ns: Argument<'_, '_>,
        base: Argument<'_, '_>,
        quote: Argument<'_, '_>,
        settlement: Argument<'_, '_>,
        group: Argument<'_, '_>,
        fee_account: Argument<'_, '_>,
        maker_fee_bps: Argument<'_, '_>,
        taker_fee_bps: Argument<'_, '_>,
        base_decimals: Argument<'_, '_>,
        quote_decimals: Argument<'_, '_>,
    ) -> PyResult<Instrument> {
        let settings = Settings {
            number,
            self_trade_prevention,
            dedup_window_ns,
            matching,
            fifo_share_bps,
            reference_price,
            static_band_ticks,
            static_band_bps,
            circuit_breaker_ticks,
            circuit_breaker_bps,
            halt_ns,
        };
        let mut facts = Facts {
            symbol: text(symbol, "symbol")?.to_string(),
            price_grid: tick_size.map_or(Ok(Grid::ONE), |size| grid(size, "tick_size"))?,
            quantity_grid: lot_size.map_or(Ok(Grid::ONE), |size| grid(size, "lot_size"))?,
            rules: Rules::default(),
            settlement: None,
        };
        facts.rules = settings.rules(&facts)?;
        let fees = FeeSettings { group, fee_account, maker_fee_bps, taker_fee_bps };
        let settings = SettlementSettings { settlement, base, quote, base_decimals, quote_decimals, fees };
        facts.settlement = settings.read(facts.price_grid, facts.quantity_grid)?;
        Ok(Instrument { facts: Arc::new(facts) })
    }

    /// Its name.
    #[getter]
    fn symbol(&self) -> &str {
        &self.facts.symbol
    }

    /// Size of one tick, in money.
    #[getter]
    fn tick_size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.facts.price_grid, 1)
    }

    /// Size of one lot, in units of the thing traded.
    #[getter]
    fn lot_size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.facts.quantity_grid, 1)
    }

    /// Its number in records and order ids.
    #[getter]
    fn number(&self) -> u32 {
        self.facts.rules.instrument
    }

    /// What happens where two orders of one owner would trade (R25).
    #[getter]
    fn self_trade_prevention(&self, py: Python<'_>) -> Py<PyAny> {
        enums::member(py, self.facts.rules.self_trade_prevention)
    }

    /// How long a finished order's client order id stays taken, in nanoseconds (R5).
    #[getter]
    fn dedup_window_ns(&self) -> u64 {
        self.facts.rules.dedup_window_ns
    }

    /// How the orders of a level share what an aggressor takes (R29).
    #[getter]
    fn matching(&self, py: Python<'_>) -> Py<PyAny> {
        enums::member(py, self.facts.rules.matching)
    }

    /// The share that goes oldest first, in basis points; None unless matching is "fifo_pro_rata" (R29).
    #[getter]
    fn fifo_share_bps(&self) -> Option<u16> {
        fifo_share(&self.facts.rules)
    }

    /// Reference price in money; None if there is none (R27, R28).
    #[getter]
    fn reference_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let ticks = self.facts.rules.reference_price_ticks;
        ticks.map(|ticks| to_decimal(py, self.facts.price_grid, i128::from(ticks))).transpose()
    }

    /// Width of the static band to either side, in ticks; None if it has none or is in basis points (R28).
    #[getter]
    fn static_band_ticks(&self) -> Option<u64> {
        width(self.facts.rules.static_band, OffsetUnit::Ticks)
    }

    /// The same in basis points of the reference price.
    #[getter]
    fn static_band_bps(&self) -> Option<u64> {
        width(self.facts.rules.static_band, OffsetUnit::Bps)
    }

    /// How far from the last price a trade halts the book, in ticks; None if nothing does, or basis points (R28).
    #[getter]
    fn circuit_breaker_ticks(&self) -> Option<u64> {
        width(self.facts.rules.circuit_breaker, OffsetUnit::Ticks)
    }

    /// The same in basis points of the last price.
    #[getter]
    fn circuit_breaker_bps(&self) -> Option<u64> {
        width(self.facts.rules.circuit_breaker, OffsetUnit::Bps)
    }

    /// How long the circuit breaker halts, in nanoseconds; None: until a command ends it (R28).
    #[getter]
    fn halt_ns(&self) -> Option<u64> {
        (self.facts.rules.halt_ns != 0).then_some(self.facts.rules.halt_ns)
    }

    /// Whether an Exchange settles its trades between accounts (R30).
    #[getter]
    fn settlement(&self) -> bool {
        self.facts.settlement.is_some()
    }

    /// The asset that is traded; None without settlement.
    #[getter]
    fn base(&self) -> Option<&str> {
        self.facts.settlement.as_ref().map(|settlement| settlement.base.as_str())
    }

    /// The asset that it is paid in; None without settlement.
    #[getter]
    fn quote(&self) -> Option<&str> {
        self.facts.settlement.as_ref().map(|settlement| settlement.quote.as_str())
    }

    /// The clearing group; None without settlement (R30).
    #[getter]
    fn group(&self) -> Option<&str> {
        self.fees().map(|fees| fees.group.as_str())
    }

    /// The account that fees go to; None without settlement (R31).
    #[getter]
    fn fee_account(&self) -> Option<&str> {
        self.fees().map(|fees| fees.account.as_str())
    }

    /// What a resting order pays, in basis points, below 0 a rebate; None without settlement (R31).
    #[getter]
    fn maker_fee_bps(&self) -> Option<i16> {
        self.fees().map(|fees| fees.maker_bps)
    }

    /// What an aggressor pays, in basis points; None without settlement (R31).
    #[getter]
    fn taker_fee_bps(&self) -> Option<i16> {
        self.fees().map(|fees| fees.taker_bps)
    }

    /// Decimal places of the base asset; None where nothing was said about them.
    #[getter]
    fn base_decimals(&self) -> Option<u8> {
        self.facts.settlement.as_ref().and_then(|settlement| settlement.base_decimals)
    }

    /// Decimal places of the quote asset; None where nothing was said about them.
    #[getter]
    fn quote_decimals(&self) -> Option<u8> {
        self.facts.settlement.as_ref().and_then(|settlement| settlement.quote_decimals)
    }

    /// The whole number of ticks that a price is (R1).
    ///
    /// Arguments:
    ///     price: Decimal, str, int or float; a float counts by its shortest repr.
    ///
    /// Returns:
    ///     Signed 64-bit count of ticks.
    ///
    /// Raises:
    ///     ValueError: The price is no number, off the grid, or outside 64 bits of ticks.
    ///     TypeError: The price is of another type.
    fn price_to_ticks(&self, price: &Bound<'_, PyAny>) -> PyResult<i64> {
        let grid = self.facts.price_grid;
        grid.ticks(number(price, "price")?).ok_or_else(|| off_grid(price, "price", grid, "tick"))
    }

    /// The exact price of so many ticks.
    ///
    /// Arguments:
    ///     ticks: Signed 64-bit count of ticks.
    ///
    /// Returns:
    ///     The price, with as many decimal places as the tick size has.
    ///
    /// Raises:
    ///     ValueError: The count is outside 64 bits.
    ///     TypeError: The count is no int.
    fn ticks_to_price<'py>(&self, ticks: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(ticks.py(), self.facts.price_grid, i128::from(signed(ticks, "ticks")?))
    }

    /// The whole number of lots that a quantity is (R1).
    ///
    /// Arguments:
    ///     quantity: Decimal, str, int or float; a float counts by its shortest repr.
    ///
    /// Returns:
    ///     Count of lots, 1 .. 2^48.
    ///
    /// Raises:
    ///     ValueError: The quantity is no number, no whole number of lots, or outside 1 .. 2^48 lots.
    ///     TypeError: The quantity is of another type.
    fn quantity_to_lots(&self, quantity: &Bound<'_, PyAny>) -> PyResult<u64> {
        let grid = self.facts.quantity_grid;
        let lots = grid.lots(number(quantity, "quantity")?).filter(|lots| (1..=MAX_QUANTITY_LOTS).contains(lots));
        lots.ok_or_else(|| off_grid(quantity, "quantity", grid, "lot"))
    }

    /// The exact quantity of so many lots.
    ///
    /// Arguments:
    ///     lots: Count of lots, 0 .. 2^64 - 1.
    ///
    /// Returns:
    ///     The quantity, with as many decimal places as the lot size has.
    ///
    /// Raises:
    ///     ValueError: The count is outside 64 bits.
    ///     TypeError: The count is no int.
    fn lots_to_quantity<'py>(&self, lots: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let count = unsigned(lots, "lots", 0, u64::MAX)?;
        to_decimal(lots.py(), self.facts.quantity_grid, i128::from(count))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let facts = &self.facts;
        let mut text = format!(
            "Instrument({}, tick_size='{}', lot_size='{}'",
            PyString::new(py, &facts.symbol).repr()?.to_string_lossy(),
            facts.price_grid.step().as_str(),
            facts.quantity_grid.step().as_str()
        );
        for (name, setting) in settings(facts) {
            text += &format!(", {name}={}", setting.repr(py)?);
        }
        Ok(text + ")")
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let facts = &self.facts;
        let options = PyDict::new(py);
        options.set_item("tick_size", facts.price_grid.step().as_str())?;
        options.set_item("lot_size", facts.quantity_grid.step().as_str())?;
        for (name, setting) in settings(facts) {
            options.set_item(name, setting.value(py)?)?;
        }
        Ok((PyTuple::new(py, [facts.symbol.as_str()])?, options))
    }
}
