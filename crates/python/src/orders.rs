//! Python arguments as the engine's commands.

use crate::arguments::{Account, Argument, maybe_unsigned, number, order_id, text, unsigned, unsigned_or_zero};
use crate::decimal::Grid;
use crate::enums::{parse, type_name};
use crate::instrument::Context;
use aeromatch_engine::codes::{CommandKind, OffsetUnit, OrderType, SelfTradePrevention, Side, TimeInForce};
use aeromatch_engine::record::{ClientId, Command, Extensions, Terms, extension, flag, present};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

/// A command and what stands in its extension slots.
pub type Request = (Command, Extensions);

/// The arguments of `OrderBook.submit` and `Exchange.submit`, as they came.
pub struct NewOrder<'a, 'py> {
    pub side: &'a Bound<'py, PyAny>,
    pub quantity: &'a Bound<'py, PyAny>,
    pub price: Argument<'a, 'py>,
    pub order_type: Argument<'a, 'py>,
    pub time_in_force: Argument<'a, 'py>,
    pub account: Argument<'a, 'py>,
    pub client_order_id: Argument<'a, 'py>,
    pub timestamp: Argument<'a, 'py>,
    pub expire_at: Argument<'a, 'py>,
    pub post_only: Argument<'a, 'py>,
    pub protection_price: Argument<'a, 'py>,
    pub budget: Argument<'a, 'py>,
    pub stop_price: Argument<'a, 'py>,
    pub trail_offset: Argument<'a, 'py>,
    pub trail_offset_bps: Argument<'a, 'py>,
    pub display_quantity: Argument<'a, 'py>,
    pub min_quantity: Argument<'a, 'py>,
    pub self_trade_prevention: Argument<'a, 'py>,
    pub self_trade_group: Argument<'a, 'py>,
    pub tag: Argument<'a, 'py>,
}

/// A command of that kind for the context's instrument, with the fields that every kind has.
fn command(
    kind: CommandKind,
    context: &Context,
    timestamp: Argument<'_, '_>,
    tag: Argument<'_, '_>,
) -> PyResult<Command> {
    Ok(Command {
        instrument: context.facts.rules.instrument,
        timestamp_ns: unsigned_or_zero(timestamp, "timestamp")?,
        tag: unsigned_or_zero(tag, "tag")?,
        ..Command::of(kind)
    })
}

/// A price in ticks; what is on no grid raises the flag that says so (R1).
fn price(value: &Bound<'_, PyAny>, argument: &str, grid: Grid, flags: &mut u8) -> PyResult<Option<i64>> {
    let ticks = grid.ticks(number(value, argument)?);
    if ticks.is_none() {
        *flags |= flag::PRICE_OFF_GRID;
    }
    Ok(ticks)
}

/// Sets a command's price, if one was given.
fn set_price(value: Argument<'_, '_>, grid: Grid, command: &mut Command) -> PyResult<()> {
    let Some(value) = value else { return Ok(()) };
    command.price_ticks = price(value, "price", grid, &mut command.flags)?.unwrap_or(0);
    command.flags |= flag::PRICE;
    Ok(())
}

/// A quantity in lots; where it cannot be expressed, the `impossible` one that the book rejects in its place (R1).
fn quantity(value: &Bound<'_, PyAny>, argument: &str, grid: Grid, impossible: u64) -> PyResult<u64> {
    Ok(grid.lots(number(value, argument)?).unwrap_or(impossible))
}

fn set_client_id(value: Argument<'_, '_>, request: &mut Request) -> PyResult<()> {
    if let Some(value) = value {
        request.0.extensions |= extension::CLIENT_ID;
        request.1.client_id = Some(ClientId::new(text(value, "client_order_id")?.as_bytes()));
    }
    Ok(())
}

fn post_only_flags(value: &Bound<'_, PyAny>) -> PyResult<u8> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(if flag.is_true() { flag::POST_ONLY } else { 0 });
    }
    match value.cast::<PyString>() {
        Ok(word) if word.to_str()? == "slide" => Ok(flag::POST_ONLY | flag::SLIDE),
        Ok(word) => Err(PyValueError::new_err(format!(
            "post_only must be True, False or 'slide'; got {}",
            word.repr()?.to_string_lossy()
        ))),
        Err(_) => Err(PyTypeError::new_err(format!("post_only must be a bool or 'slide', not {}", type_name(value)))),
    }
}

impl NewOrder<'_, '_> {
    /// The command, once every argument has been read; Python code that they run finds the book free.
    #[inline]
    pub fn request(&self, context: &Context) -> PyResult<Request> {
        let facts = &context.facts;
        let account = Account::parse(self.account)?;
        let mut command = command(CommandKind::New, context, self.timestamp, self.tag)?;
        command.side = parse::<Side>(self.side, "side")?.code();
        if let Some(value) = self.order_type {
            command.order_type = parse::<OrderType>(value, "order_type")?.code();
        }
        if let Some(value) = self.time_in_force {
            command.time_in_force = parse::<TimeInForce>(value, "time_in_force")?.code();
        }
        if let Some(value) = self.self_trade_prevention {
            command.self_trade_prevention = parse::<SelfTradePrevention>(value, "self_trade_prevention")?.code();
        }
        if let Some(value) = self.post_only {
            command.flags |= post_only_flags(value)?;
        }
        command.quantity_lots = quantity(self.quantity, "quantity", facts.quantity_grid, 0)?;
        set_price(self.price, facts.price_grid, &mut command)?;
        let mut request = (command, Extensions::NONE);
        self.set_terms(context, &mut request)?;
        set_client_id(self.client_order_id, &mut request)?;
        request.0.account = account.number(&context.names)?;
        Ok(request)
    }

    fn set_terms(&self, context: &Context, (command, extensions): &mut Request) -> PyResult<()> {
        let mut terms = Terms::default();
        if let Some(value) = self.expire_at {
            // 0 is as impossible as what does not fit: the book answers `invalid_time`.
            terms.present |= present::EXPIRE_AT;
            terms.expire_at_ns = maybe_unsigned(value, "expire_at")?.unwrap_or(0);
        }
        if let Some(value) = self.protection_price {
            let ticks = price(value, "protection_price", context.facts.price_grid, &mut command.flags)?;
            terms.present |= present::PROTECTION;
            terms.protection_price_ticks = ticks.unwrap_or(0);
        }
        self.set_budget(context, &mut command.flags, &mut terms)?;
        if let Some(value) = self.self_trade_group {
            terms.present |= present::GROUP;
            terms.self_trade_group = unsigned(value, "self_trade_group", 1, u64::from(u32::MAX))? as u32;
        }
        self.set_stop(context.facts.price_grid, &mut command.flags, &mut terms)?;
        self.set_shown(context.facts.quantity_grid, &mut terms)?;
        if terms.present != 0 {
            command.extensions |= extension::TERMS;
            extensions.terms = Some(terms);
        }
        Ok(())
    }

    /// The most that a market buy may cost (R30), in units of the quote asset. Where there is no such asset the exchange
    /// refuses any.
    fn set_budget(&self, context: &Context, flags: &mut u8, terms: &mut Terms) -> PyResult<()> {
        let Some(value) = self.budget else { return Ok(()) };
        if self.protection_price.is_some() {
            return Err(PyValueError::new_err("budget and protection_price exclude one another"));
        }
        let amount = number(value, "budget")?;
        terms.present |= present::BUDGET;
        if let Some(grid) = context.quote_grid {
            let units = grid.lots(amount);
            *flags |= if units.is_none() { flag::PRICE_OFF_GRID } else { 0 };
            terms.protection_price_ticks = units.unwrap_or(0) as i64;
        }
        Ok(())
    }

    /// Stop price and trail offset (R15).
    fn set_stop(&self, grid: Grid, flags: &mut u8, terms: &mut Terms) -> PyResult<()> {
        if let Some(value) = self.stop_price {
            terms.present |= present::STOP;
            terms.stop_price_ticks = price(value, "stop_price", grid, flags)?.unwrap_or(0);
        }
        if let Some(value) = self.trail_offset {
            // A negative one is as impossible as 0, which the book rejects.
            let ticks = price(value, "trail_offset", grid, flags)?.unwrap_or(0);
            terms.present |= present::TRAIL;
            (terms.trail_unit, terms.trail_offset) = (OffsetUnit::Ticks.code(), u64::try_from(ticks).unwrap_or(0));
        }
        if let Some(value) = self.trail_offset_bps {
            let bps = maybe_unsigned(value, "trail_offset_bps")?.unwrap_or(0);
            if terms.present & present::TRAIL != 0 {
                return Err(PyValueError::new_err("trail_offset_bps and trail_offset exclude one another"));
            }
            terms.present |= present::TRAIL;
            (terms.trail_unit, terms.trail_offset) = (OffsetUnit::Bps.code(), bps);
        }
        Ok(())
    }

    /// Display quantity (R14) and minimum quantity (R21).
    fn set_shown(&self, grid: Grid, terms: &mut Terms) -> PyResult<()> {
        if let Some(value) = self.display_quantity {
            terms.present |= present::DISPLAY;
            terms.display_lots = quantity(value, "display_quantity", grid, u64::MAX)?;
        }
        if let Some(value) = self.min_quantity {
            terms.present |= present::MINIMUM;
            terms.minimum_lots = quantity(value, "min_quantity", grid, 0)?;
        }
        Ok(())
    }
}

/// Which order a cancel or an amend names, and who asks.
pub struct Target<'a, 'py> {
    pub order_id: Argument<'a, 'py>,
    pub client_order_id: Argument<'a, 'py>,
    pub account: Argument<'a, 'py>,
    pub timestamp: Argument<'a, 'py>,
    pub tag: Argument<'a, 'py>,
}

impl Target<'_, '_> {
    /// The cancel, or the amend before its changes.
    pub fn request(&self, kind: CommandKind, context: &Context) -> PyResult<Request> {
        if self.order_id.is_none() && self.client_order_id.is_none() {
            return Err(PyTypeError::new_err(format!("{} needs order_id or client_order_id", kind.slug())));
        }
        if self.client_order_id.is_some() && self.account.is_none() {
            return Err(PyTypeError::new_err(format!("{} by client_order_id needs account", kind.slug())));
        }
        let account = Account::parse(self.account)?;
        let mut request = (command(kind, context, self.timestamp, self.tag)?, Extensions::NONE);
        request.0.order_id = order_id(self.order_id)?;
        set_client_id(self.client_order_id, &mut request)?;
        request.0.account = account.number(&context.names)?;
        Ok(request)
    }

    /// The amend.
    pub fn amend(
        &self,
        new_quantity: Argument<'_, '_>,
        new_price: Argument<'_, '_>,
        context: &Context,
    ) -> PyResult<Request> {
        let mut request = self.request(CommandKind::Amend, context)?;
        let command = &mut request.0;
        if let Some(value) = new_quantity {
            command.flags |= flag::QUANTITY;
            command.quantity_lots = quantity(value, "quantity", context.facts.quantity_grid, 0)?;
        }
        set_price(new_price, context.facts.price_grid, command)?;
        Ok(request)
    }
}

/// A mass cancel.
pub fn mass_cancel(
    account: Argument<'_, '_>,
    side: Argument<'_, '_>,
    timestamp: Argument<'_, '_>,
    tag: Argument<'_, '_>,
    context: &Context,
) -> PyResult<Request> {
    let account = Account::parse(account)?;
    let mut command = command(CommandKind::MassCancel, context, timestamp, tag)?;
    if let Some(side) = side {
        command.side = parse::<Side>(side, "side")?.code();
    }
    command.account = account.number(&context.names)?;
    Ok((command, Extensions::NONE))
}

/// A phase change (byte 4 is the phase) or a step of time.
pub fn plain(
    kind: CommandKind,
    phase: u8,
    timestamp: Argument<'_, '_>,
    tag: Argument<'_, '_>,
    context: &Context,
) -> PyResult<Request> {
    Ok((Command { order_type: phase, ..command(kind, context, timestamp, tag)? }, Extensions::NONE))
}
