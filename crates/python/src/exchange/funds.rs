//! Commands about funds: `Exchange.deposit` and its siblings (R30), sets of an event's shares and its settlement (R32).

use super::Exchange;
use super::answer::Answered;
use super::commands::{Stamp, units};
use super::directory::{Directory, Listing, number};
use super::receipt::Receipt;
use crate::arguments::{self, Argument, text};
use crate::decimal::Grid;
use crate::enums::type_name;
use crate::settlement::MAIN_GROUP;
use aeromatch_engine::codes::{AdminKind, SettlementMode};
use aeromatch_engine::exchange::records::{Admin, MAX_OUTCOMES, MAX_TEXT_BYTES};
use aeromatch_engine::exchange::registry::EventInfo;
use aeromatch_engine::record::UNKNOWN;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// The place of an outcome that the event does not have.
const NO_OUTCOME: u64 = u64::MAX;

/// Who gets or gives how much of what.
struct Funds<'a, 'py> {
    account: &'a Bound<'py, PyAny>,
    asset: &'a Bound<'py, PyAny>,
    amount: &'a Bound<'py, PyAny>,
    id: Argument<'a, 'py>,
}

/// An event that a command names, as far as it is there.
struct Target {
    number: u32,
    info: Option<Arc<EventInfo>>,
    /// Its first outcome's instrument.
    listing: Option<Arc<Listing>>,
}

impl Target {
    fn read(directory: &Directory, event: &Bound<'_, PyAny>) -> PyResult<Target> {
        let number = number(&directory.events, event, "event")?;
        let info = directory.event(number);
        let first = info.as_ref().and_then(|info| info.outcomes.first());
        let listing = first.and_then(|first| directory.find_number(first.instrument));
        Ok(Target { number, info, listing })
    }

    fn grids(&self) -> (Grid, Grid) {
        self.listing.as_ref().map_or((Grid::ONE, Grid::ONE), |listing| {
            let facts = &listing.context.facts;
            (facts.price_grid, facts.quantity_grid)
        })
    }

    fn outcome_count(&self) -> usize {
        self.info.as_ref().map_or(2, |info| info.outcomes.len())
    }

    /// The place of an outcome, from 0.
    fn place(&self, outcome: &str) -> Option<usize> {
        self.info.as_ref()?.outcomes.iter().position(|known| &*known.name == outcome)
    }

    /// Ticks of a payout; what is none is more than all outcomes together can pay, and so refused (R1).
    fn ticks(&self, value: &Bound<'_, PyAny>, argument: &str) -> PyResult<u32> {
        let ticks = self.grids().0.ticks(arguments::number(value, argument)?);
        Ok(ticks.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(u32::MAX))
    }

    /// What every outcome pays where the first one's share pays `value` and, of two, the second's the rest.
    fn split(&self, value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Vec<u32>> {
        let first = self.ticks(value, argument)?;
        let mut payouts = vec![0; self.outcome_count()];
        payouts[0] = first;
        if let (2, Some(info)) = (payouts.len(), &self.info) {
            payouts[1] = info.unit_ticks.saturating_sub(first);
        }
        Ok(payouts)
    }

    /// What every outcome pays, by name; those left out pay nothing. One that is not there makes one payout too many,
    /// which is refused.
    fn payouts(&self, payouts: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
        let Ok(payouts) = payouts.cast::<PyDict>() else {
            let problem = format!("payouts must be a dict of outcomes and amounts, not {}", type_name(payouts));
            return Err(PyTypeError::new_err(problem));
        };
        let mut ticks = vec![0; self.outcome_count()];
        let mut is_known = true;
        for (outcome, value) in payouts.iter() {
            let place = self.place(text(&outcome, "payouts")?);
            let pays = self.ticks(&value, "payouts")?;
            match place {
                Some(place) => ticks[place] = pays,
                None => is_known = false,
            }
        }
        if !is_known {
            let count = if ticks.len() < MAX_OUTCOMES { ticks.len() + 1 } else { 1 };
            ticks.resize(count, 0);
        }
        Ok(ticks)
    }
}

impl Exchange {
    fn move_funds(
        &self,
        kind: AdminKind,
        funds: &Funds<'_, '_>,
        groups: u64,
        stamp: Stamp,
    ) -> PyResult<Answered<Receipt>> {
        let directory = self.directory();
        let account = self.account(funds.account)?;
        let asset = number(&directory.assets, funds.asset, "asset")?;
        let amount = units(funds.amount, "amount", directory.asset_grid(asset))?;
        let id = funds.id.map(transfer_id).transpose()?;
        self.admin(funds.account.py(), Admin::funds(kind, account, asset, amount, groups, id), stamp)
    }

    /// The number of a clearing group for a command.
    fn group(&self, group: Argument<'_, '_>, argument: &str) -> PyResult<u64> {
        let groups = &self.directory().groups;
        Ok(u64::from(match group {
            Some(group) => number(groups, group, argument)?,
            None => groups.number(MAIN_GROUP).unwrap_or(UNKNOWN),
        }))
    }

    fn convert(
        &self,
        kind: AdminKind,
        event: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        stamp: Stamp,
    ) -> PyResult<Answered<Receipt>> {
        let target = Target::read(self.directory(), event)?;
        let account = self.account(account)?;
        let lots = target.grids().1.lots(arguments::number(quantity, "quantity")?).unwrap_or(0);
        self.admin(event.py(), Admin::sets(kind, target.number, account, lots), stamp)
    }
}

/// The sender's own id. One that is too long for the exchange stays so where it is cut to what a slot takes, and is
/// refused there.
fn transfer_id<'a>(id: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    let id = text(id, "id")?;
    if id.is_empty() {
        return Err(PyValueError::new_err("id must have 1 to 36 bytes in UTF-8, not 0"));
    }
    let kept = (0..=id.len().min(MAX_TEXT_BYTES)).rfind(|&end| id.is_char_boundary(end));
    Ok(&id[..kept.unwrap_or(0)])
}

/// Exactly one of several arguments.
fn only_one(given: &[(Argument<'_, '_>, &str)], method: &str) -> PyResult<()> {
    if given.iter().filter(|(value, _)| value.is_some()).count() == 1 {
        return Ok(());
    }
    let names: Vec<&str> = given.iter().map(|&(_, name)| name).collect();
    Err(PyTypeError::new_err(format!("{method} needs exactly one of {}", names.join(", "))))
}

#[pymethods]
impl Exchange {
    /// Brings funds in.
    ///
    /// Arguments:
    ///     account: Whose they are, by name or number.
    ///     asset: The asset.
    ///     amount: A whole number of the asset's units, above 0.
    ///     group: The clearing group that they are kept in (R30). There is none at first, not even "main": an
    ///         instrument with settlement, an event or `create_group` makes it.
    ///     id: The sender's own id, 1 to 36 bytes: a second deposit, withdrawal or transfer of the account with it,
    ///         in the same group, is rejected, so that one whose answer was lost can be sent again.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "unknown_account", "unknown_asset", "unknown_group", "invalid_name" (the id is
    ///     longer than 36 bytes), "invalid_quantity" (also off the asset's units), "invalid_combination" (shares of an
    ///     event are minted) or "duplicate_transfer".
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A text is no number, or the account or the id is empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (account, asset, amount, *, group=None, id=None, timestamp=None, tag=None),
        text_signature = "($self, account, asset, amount, *, group='main', id=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a deposit has that many fields")]
    fn deposit(
        &self,
        account: &Bound<'_, PyAny>,
        asset: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        group: Argument<'_, '_>,
        id: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let funds = Funds { account, asset, amount, id };
        self.move_funds(AdminKind::Deposit, &funds, self.group(group, "group")?, Stamp::read(timestamp, tag)?)
    }

    /// Takes available funds out; what is held for live orders stays.
    ///
    /// Arguments:
    ///     account: Whose they are, by name or number.
    ///     asset: The asset.
    ///     amount: A whole number of the asset's units, above 0.
    ///     group: The clearing group that they are kept in (R30).
    ///     id: The sender's own id, 1 to 36 bytes: a second deposit, withdrawal or transfer of the account with it,
    ///         in the same group, is rejected.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected as a deposit can be, or with "insufficient_funds".
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A text is no number, or the account or the id is empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (account, asset, amount, *, group=None, id=None, timestamp=None, tag=None),
        text_signature = "($self, account, asset, amount, *, group='main', id=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a withdrawal has that many fields")]
    fn withdraw(
        &self,
        account: &Bound<'_, PyAny>,
        asset: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        group: Argument<'_, '_>,
        id: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let funds = Funds { account, asset, amount, id };
        self.move_funds(AdminKind::Withdraw, &funds, self.group(group, "group")?, Stamp::read(timestamp, tag)?)
    }

    /// Moves an account's available funds from one clearing group to another, once for each id (R30).
    ///
    /// Arguments:
    ///     account: Whose they are, by name or number.
    ///     asset: The asset.
    ///     amount: A whole number of the asset's units, above 0.
    ///     source: The clearing group that they leave.
    ///     target: The clearing group that they go to.
    ///     id: The sender's own id, 1 to 36 bytes.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected as a withdrawal can be, or with "invalid_combination" where both groups are one.
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A text is no number, or the account or the id is empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (account, asset, amount, *, source, target, id, timestamp=None, tag=None),
        text_signature = "($self, account, asset, amount, *, source, target, id, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a transfer has that many fields")]
    fn transfer(
        &self,
        account: &Bound<'_, PyAny>,
        asset: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        source: &Bound<'_, PyAny>,
        target: &Bound<'_, PyAny>,
        id: &Bound<'_, PyAny>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let groups = self.group(Some(source), "source")? | self.group(Some(target), "target")? << 32;
        let funds = Funds { account, asset, amount, id: Some(id) };
        self.move_funds(AdminKind::Transfer, &funds, groups, Stamp::read(timestamp, tag)?)
    }

    /// Turns cash into full sets of an event's shares: one of each outcome for one unit of cash (R32).
    ///
    /// Arguments:
    ///     event: The event.
    ///     account: Who pays and gets them, by name or number.
    ///     quantity: How many sets: a whole number of lots, above 0.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "unknown_account", "unknown_event", "already_settled", "invalid_quantity" or
    ///     "insufficient_funds".
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A text is no number.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (event, account, quantity, *, timestamp=None, tag=None),
        text_signature = "($self, event, account, quantity, *, timestamp=None, tag=0)"
    )]
    fn mint(
        &self,
        event: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        self.convert(AdminKind::Mint, event, account, quantity, Stamp::read(timestamp, tag)?)
    }

    /// Turns full sets of an event's shares, available ones, back into cash (R32).
    ///
    /// Arguments:
    ///     event: The event.
    ///     account: Who gives them and is paid, by name or number.
    ///     quantity: How many sets: a whole number of lots, above 0.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected as `mint` can be.
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A text is no number.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (event, account, quantity, *, timestamp=None, tag=None),
        text_signature = "($self, event, account, quantity, *, timestamp=None, tag=0)"
    )]
    fn redeem(
        &self,
        event: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        self.convert(AdminKind::Redeem, event, account, quantity, Stamp::read(timestamp, tag)?)
    }

    /// Ends an event market: cancels its orders, closes its books and pays its shares, once (R32).
    ///
    /// Exactly one of outcome, value and payouts says what they are worth; the parts of a set are worth one unit of
    /// cash together.
    ///
    /// Arguments:
    ///     event: The event.
    ///     outcome: The one that came true: its shares are worth one unit each, the others nothing.
    ///     value: What a share of the first outcome is worth, in money; with two outcomes the second is worth the rest.
    ///     payouts: A dict of what a share of each outcome is worth, in money; those left out are worth nothing.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "unknown_event", "already_settled", "unknown_outcome", or "invalid_price" where
    ///     the parts are no whole numbers of ticks or not worth one unit together.
    ///
    /// Raises:
    ///     TypeError: Not exactly one of outcome, value and payouts was given, or an argument has the wrong type.
    ///     ValueError: A text is no number.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (event, *, outcome=None, value=None, payouts=None, timestamp=None, tag=None),
        text_signature = "($self, event, *, outcome=None, value=None, payouts=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a settlement has that many fields")]
    fn settle(
        &self,
        py: Python<'_>,
        event: &Bound<'_, PyAny>,
        outcome: Argument<'_, '_>,
        value: Argument<'_, '_>,
        payouts: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        only_one(&[(outcome, "outcome"), (value, "value"), (payouts, "payouts")], "settle")?;
        let target = Target::read(self.directory(), event)?;
        let (mode, place, payouts) = match (outcome, value, payouts) {
            (Some(outcome), ..) => {
                let place = target.place(text(outcome, "outcome")?).map_or(NO_OUTCOME, |place| place as u64);
                (SettlementMode::Full, place, None)
            }
            (_, Some(value), _) => (SettlementMode::Scalar, 0, Some(target.split(value, "value")?)),
            (.., payouts) => {
                let payouts = payouts.map(|payouts| target.payouts(payouts)).transpose()?;
                (SettlementMode::Scalar, 0, payouts)
            }
        };
        self.admin(py, Admin::settle(target.number, mode, place, payouts), Stamp::read(timestamp, tag)?)
    }

    /// Ends an event market that nothing was decided in: its shares are refunded at stated prices (R32).
    ///
    /// Arguments:
    ///     event: The event.
    ///     price: What a share of the first outcome is refunded at, in money; with two outcomes the second gets the
    ///         rest; or
    ///     payouts: a dict of what a share of each outcome is refunded at; those left out get nothing.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected as `settle` can be.
    ///
    /// Raises:
    ///     TypeError: Not exactly one of price and payouts was given, or an argument has the wrong type.
    ///     ValueError: A text is no number.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (event, *, price=None, payouts=None, timestamp=None, tag=None),
        text_signature = "($self, event, *, price=None, payouts=None, timestamp=None, tag=0)"
    )]
    fn void(
        &self,
        py: Python<'_>,
        event: &Bound<'_, PyAny>,
        price: Argument<'_, '_>,
        payouts: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        only_one(&[(price, "price"), (payouts, "payouts")], "void")?;
        let target = Target::read(self.directory(), event)?;
        let payouts = match price {
            Some(price) => Some(target.split(price, "price")?),
            None => payouts.map(|payouts| target.payouts(payouts)).transpose()?,
        };
        let admin = Admin::settle(target.number, SettlementMode::Void, 0, payouts);
        self.admin(py, admin, Stamp::read(timestamp, tag)?)
    }
}
