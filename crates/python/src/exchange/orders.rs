//! Commands about orders, phases and time: `Exchange.submit` and its siblings.

use super::Exchange;
use super::answer::Answered;
use crate::arguments::Argument;
use crate::batch;
use crate::enums::parse;
use crate::errors::Failure;
use crate::orders::{self, NewOrder, Target};
use crate::report::Report;
use aeromatch_engine::codes::{CommandKind, Phase};
use aeromatch_engine::record::ALL_INSTRUMENTS;
use pyo3::prelude::*;

#[pymethods]
impl Exchange {
    /// Enters a new order.
    ///
    /// Where the instrument has settlement, the order is accepted against available funds only (R30): a buy holds its
    /// price times quantity and the worst fee, a sale what it sells.
    ///
    /// Arguments:
    ///     symbol: The instrument.
    ///     side: Side.BUY or Side.SELL, or "buy", "sell".
    ///     quantity: In units, a whole number of lots, 1 .. 2^48 of them.
    ///     price: Limit price in money, a whole number of ticks; for order types with a limit only.
    ///     order_type: "limit" (R11), "market" (R12), or "stop", "stop_limit", "trailing_stop", "trailing_stop_limit".
    ///     time_in_force: "gtc", "day", "gtd" (R17), "ioc" (R18), "fok" (R19) or "aon" (R20).
    ///     account: Whose order it is, by name or number; None for nobody's, which settlement does not take.
    ///     client_order_id: The sender's own id, 1 to 36 printable ASCII characters, unique per account (R5).
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     expire_at: When a "gtd" order ends, in nanoseconds (R17).
    ///     post_only: True: rejected rather than taking; "slide": repriced one tick behind what it would take (R13).
    ///     protection_price: A market order's worst price, in money (R12); or
    ///     budget: the most that a market buy may cost, fees included, in money: with settlement it needs either (R30).
    ///         It becomes the protection price that it affords for the whole quantity: the order does not buy until the
    ///         money is used up. Below 0, off the asset's units or above 2^64 - 1 of them it is "invalid_price".
    ///     stop_price: Last trade price that wakes a "stop" or "stop_limit" order, in money (R15).
    ///     trail_offset: How far a trailing stop's price follows the last trade, in money; or
    ///     trail_offset_bps: the same in basis points of that price.
    ///     display_quantity: What an iceberg shows at a time, in units; 0: hidden; None: all of it (R14).
    ///     min_quantity: What it finds on arrival is nothing or at least this, in units; else it is canceled (R21).
    ///     self_trade_prevention: The order's own mode; None: the instrument's (R25).
    ///     self_trade_group: Orders of one group count as one owner (R25).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; `status` is "rejected" where the rules refuse the order (R8). Orders on the second outcome of
    ///     a two-outcome event are told in that outcome's own terms (R32).
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A word is unknown, a text is no number, a number does not fit, or two arguments exclude one
    ///         another.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (symbol, side, *, quantity, price=None, order_type=None, time_in_force=None, account=None,
            client_order_id=None, timestamp=None, expire_at=None, post_only=None, protection_price=None, budget=None,
            stop_price=None, trail_offset=None, trail_offset_bps=None, display_quantity=None, min_quantity=None,
            self_trade_prevention=None, self_trade_group=None, tag=None),
        text_signature = "($self, symbol, side, *, quantity, price=None, order_type='limit', time_in_force='gtc', account=None, client_order_id=None, timestamp=None, expire_at=None, post_only=False, protection_price=None, budget=None, stop_price=None, trail_offset=None, trail_offset_bps=None, display_quantity=None, min_quantity=None, self_trade_prevention=None, self_trade_group=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an order has that many fields")]
    fn submit(
        &self,
        py: Python<'_>,
        symbol: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        price: Argument<'_, '_>,
        order_type: Argument<'_, '_>,
        time_in_force: Argument<'_, '_>,
        account: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        expire_at: Argument<'_, '_>,
        post_only: Argument<'_, '_>,
        protection_price: Argument<'_, '_>,
        budget: Argument<'_, '_>,
        stop_price: Argument<'_, '_>,
        trail_offset: Argument<'_, '_>,
        trail_offset_bps: Argument<'_, '_>,
        display_quantity: Argument<'_, '_>,
        min_quantity: Argument<'_, '_>,
        self_trade_prevention: Argument<'_, '_>,
        self_trade_group: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let order = NewOrder {
            side,
            quantity,
            price,
            order_type,
            time_in_force,
            account,
            client_order_id,
            timestamp,
            expire_at,
            post_only,
            protection_price,
            budget,
            stop_price,
            trail_offset,
            trail_offset_bps,
            display_quantity,
            min_quantity,
            self_trade_prevention,
            self_trade_group,
            tag,
        };
        let listing = self.directory().target(symbol)?;
        self.order(py, &listing, CommandKind::New, order.request(&listing.context)?)
    }

    /// Cancels a live order (R23) and frees what was held for it.
    ///
    /// Arguments:
    ///     symbol: The instrument.
    ///     order_id: Its id; or
    ///     client_order_id: its client order id, which needs the account.
    ///     account: Whose order it must be; None asks as the operator, who finds any order by its id.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     Status "canceled", or "rejected" with "unknown_order" where there is no such live order.
    ///
    /// Raises:
    ///     TypeError: No id was given, or a client_order_id without account, or a wrong type.
    ///     ValueError: A number does not fit its field.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (symbol, order_id=None, *, client_order_id=None, account=None, timestamp=None, tag=None),
        text_signature = "($self, symbol, order_id=None, *, client_order_id=None, account=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a cancel has that many fields")]
    fn cancel(
        &self,
        py: Python<'_>,
        symbol: &Bound<'_, PyAny>,
        order_id: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let target = Target { order_id, client_order_id, account, timestamp, tag };
        let listing = self.directory().target(symbol)?;
        self.order(py, &listing, CommandKind::Cancel, target.request(CommandKind::Cancel, &listing.context)?)
    }

    /// Changes a live order's total quantity, its price, or both (R22), and what is held for it.
    ///
    /// Less at the same price keeps its priority. More, or another price, loses it: the order trades if it crosses,
    /// and rests with what is left. A total of no more than what is filled cancels the order.
    ///
    /// Arguments:
    ///     symbol: The instrument.
    ///     order_id: Its id; or
    ///     quantity: The new total in units, filled part included; None: as it is.
    ///     price: The new limit price in money; None: as it is.
    ///     client_order_id: its client order id, which needs the account.
    ///     account: Whose order it must be; None asks as the operator, who finds any order by its id.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     The order's status after it; "rejected" leaves the order as it was.
    ///
    /// Raises:
    ///     TypeError: No id was given, or a client_order_id without account, or a wrong type.
    ///     ValueError: A text is no number, or a number does not fit its field.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (symbol, order_id=None, *, quantity=None, price=None, client_order_id=None, account=None, timestamp=None, tag=None),
        text_signature = "($self, symbol, order_id=None, *, quantity=None, price=None, client_order_id=None, account=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an amend has that many fields")]
    fn amend(
        &self,
        py: Python<'_>,
        symbol: &Bound<'_, PyAny>,
        order_id: Argument<'_, '_>,
        quantity: Argument<'_, '_>,
        price: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let target = Target { order_id, client_order_id, account, timestamp, tag };
        let listing = self.directory().target(symbol)?;
        self.order(py, &listing, CommandKind::Amend, target.amend(quantity, price, &listing.context)?)
    }

    /// Cancels every live order of an account, in order of instrument, then id (R24). Finding none is accepted.
    ///
    /// Arguments:
    ///     symbol: Only that instrument's orders; None: all.
    ///     account: Whose orders; None: everybody's, as the operator.
    ///     side: Only that side; None: both.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report whose events name the canceled orders; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: A word is unknown, or a number does not fit its field.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (*, symbol=None, account=None, side=None, timestamp=None, tag=None),
        text_signature = "($self, *, symbol=None, account=None, side=None, timestamp=None, tag=0)"
    )]
    fn mass_cancel(
        &self,
        py: Python<'_>,
        symbol: Argument<'_, '_>,
        account: Argument<'_, '_>,
        side: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let kind = CommandKind::MassCancel;
        if let Some(symbol) = symbol {
            let listing = self.directory().target(symbol)?;
            return self.order(
                py,
                &listing,
                kind,
                orders::mass_cancel(account, side, timestamp, tag, &listing.context)?,
            );
        }
        let mut request = orders::mass_cancel(account, side, timestamp, tag, self.directory().nowhere())?;
        request.0.instrument = ALL_INSTRUMENTS;
        self.order_all(py, kind, request)
    }

    /// Changes an instrument's trading phase (R26); the same phase again has no effect.
    ///
    /// "pre_open" and "auction" collect orders without trading. A change to "continuous", and one from "auction" to
    /// "closed", trades them at one price (R27). "halted" and "closed" take cancels only. Closing ends DAY orders
    /// (R17).
    ///
    /// Arguments:
    ///     symbol: The instrument; of a two-outcome event both have one book, and so one phase.
    ///     phase: "continuous", "pre_open", "auction", "halted" or "closed".
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report with the events; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The phase is unknown, or a number does not fit its field.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (symbol, phase, *, timestamp=None, tag=None),
        text_signature = "($self, symbol, phase, *, timestamp=None, tag=0)"
    )]
    fn set_phase(
        &self,
        py: Python<'_>,
        symbol: &Bound<'_, PyAny>,
        phase: &Bound<'_, PyAny>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let phase = parse::<Phase>(phase, "phase")?;
        let listing = self.directory().target(symbol)?;
        let request = orders::plain(CommandKind::Phase, phase.code(), timestamp, tag, &listing.context)?;
        self.order(py, &listing, CommandKind::Phase, request)
    }

    /// Lets time pass (R2): what expires by then ends (R17), a halt that ends by then becomes an auction (R28).
    ///
    /// Arguments:
    ///     timestamp: The time it is now, in nanoseconds; earlier than the last one seen counts as that.
    ///     symbol: Only for that instrument, with settlement for its clearing group; None: everywhere.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report with the events; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: A number does not fit its field.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (timestamp, symbol=None, *, tag=None),
        text_signature = "($self, timestamp, symbol=None, *, tag=0)"
    )]
    fn advance_time(
        &self,
        py: Python<'_>,
        timestamp: &Bound<'_, PyAny>,
        symbol: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Report>> {
        let kind = CommandKind::AdvanceTime;
        if let Some(symbol) = symbol {
            let listing = self.directory().target(symbol)?;
            return self.order(py, &listing, kind, orders::plain(kind, 0, Some(timestamp), tag, &listing.context)?);
        }
        let mut request = orders::plain(kind, 0, Some(timestamp), tag, self.directory().nowhere())?;
        request.0.instrument = ALL_INSTRUMENTS;
        self.order_all(py, kind, request)
    }

    /// Applies a batch of commands of any kind, with the interpreter lock released.
    ///
    /// The whole batch is checked before its first command is applied. Ctrl-C is seen between groups of commands: those
    /// before it stay applied, `sequence` tells how many, and their events are lost.
    ///
    /// Arguments:
    ///     batch: What `aeromatch.commands` made, or 64-byte slots (docs/records.md) as a contiguous array of
    ///         COMMAND_DTYPE or of bytes, or as bytes. Read-only memory is read in place, writable memory is copied
    ///         first.
    ///
    /// Returns:
    ///     The events, each in the terms of its book, in memory that the exchange uses again once nothing refers to it
    ///     any more.
    ///
    /// Raises:
    ///     TypeError: The batch is nothing of this kind.
    ///     ValueError: The array's memory is not contiguous.
    ///     RecordError: A slot is no command; it says which, and why. Nothing was applied.
    ///     JournalError: The journal has stopped.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    fn process(&self, py: Python<'_>, batch: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let input = batch::input(batch, &self.pool)?;
        let proceed = || Python::attach(|py| py.check_signals()).map_err(Failure::Interrupted);
        let done = self.detached(py, |machine| {
            let done = machine.process(input.as_slice(), &self.pool, proceed);
            machine.catch_up(self.directory())?;
            done
        })?;
        batch::output(py, self.scope(), &self.pool, done)
    }
}
