"""What a client does: orders, money, and what operators do."""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec

import msgspec

from aeromatch.client.entry import OrderEntry
from aeromatch.client.errors import RejectedError
from aeromatch.client.forms import AmountLike, amount_text, check_named, maybe_text, new_id, new_order
from aeromatch.client.reading import Reading
from aeromatch.client.rest import path_of
from aeromatch.schema.accounts import Account, Deposit, MoveResult, NewAccount, SetMove, Transfer
from aeromatch.schema.admin import (
    AdminResult,
    DeadMan,
    DeadManState,
    KillSwitch,
    NewEvent,
    NewInstrument,
    SetPhase,
    Settle,
    Void,
)
from aeromatch.schema.messages import AmendOrderRequest, CancelOrderRequest, CancelOrdersRequest
from aeromatch.schema.orders import (
    MAX_BATCH,
    AmendOrder,
    BatchItem,
    BatchResult,
    CancelResult,
    NewOrder,
    Order,
    OrderBatch,
    Side,
)

__all__ = ["Acting"]

P = ParamSpec("P")

Phase = Literal["continuous", "pre_open", "auction", "halted", "closed"]


def _submitting(
    form: Callable[P, NewOrder],
) -> Callable[Concatenate["Acting", P], Coroutine[Any, Any, Order]]:
    """What makes an order as a method that sends it."""

    @wraps(form)
    async def submit(self: "Acting", /, *args: P.args, **kwargs: P.kwargs) -> Order:
        return await self._entry.new(self._named(form(*args, **kwargs)))

    # What `help` shows: the form's arguments, and another answer.
    shown = inspect.signature(form)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    submit.__dict__["__signature__"] = shown.replace(
        parameters=[own, *shown.parameters.values()], return_annotation=Order
    )
    submit.__doc__ = (form.__doc__ or "").replace(
        "An order to send:", "Enters an order, and answers what became of it:"
    )
    return submit


class Acting(Reading):
    """Calls that change something.

    Each raises a ClientError: RejectedError with the server's reason where it says no; NoAnswerError where nobody knows
    what became of the request. docs/client.md says which calls are repeated when an answer is lost.
    """

    _entry: OrderEntry

    def _named(self, order: NewOrder) -> NewOrder:
        """The order with all that makes it one that can be sent again."""
        return msgspec.structs.replace(
            order,
            account=order.account if order.account is not None else self.account,
            client_order_id=order.client_order_id if order.client_order_id is not None else new_id(),
        )

    submit = _submitting(new_order)

    async def submit_many(self, orders: Iterable[NewOrder]) -> BatchResult:
        """Enters orders, up to a thousand in each request; each is answered for itself.

        Arguments:
            orders: As `new_order` makes them. They have client order ids when they are sent, given or made, so that a
                request whose answer was lost is sent again, and nothing happens twice.

        Returns:
            What became of each, in the order in which they were given: an order or a problem.
        """
        named = [self._named(order) for order in orders]
        results: list[BatchItem] = []
        for begin in range(0, len(named), MAX_BATCH):
            batch = OrderBatch(orders=named[begin : begin + MAX_BATCH])
            answer = await self._rest.call(BatchResult, "POST", "/orders", body=batch, may_repeat=True)
            results += answer.results
        accepted = sum(item.order is not None for item in results)
        return BatchResult(accepted=accepted, rejected=len(results) - accepted, results=results)

    async def amend(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        symbol: str | None = None,
        account: str | None = None,
        quantity: AmountLike | None = None,
        price: AmountLike | None = None,
    ) -> Order:
        """Changes an order's quantity (its total), its price, or both (R22).

        It is named as in `cancel`. Never repeated.
        """
        check_named(order_id, client_order_id, symbol)
        change = AmendOrder(quantity=maybe_text(quantity, "quantity"), price=maybe_text(price, "price"))
        request = AmendOrderRequest(order_id=order_id, amend=change)
        if client_order_id is not None:
            whose = account if account is not None else self.account
            request = AmendOrderRequest(client_order_id=client_order_id, symbol=symbol, account=whose, amend=change)
        return await self._entry.amend(request)

    async def cancel(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        symbol: str | None = None,
        account: str | None = None,
    ) -> Order:
        """Cancels an order: by its id, or by its client order id and instrument.

        Returns:
            The order as it ended.
        """
        check_named(order_id, client_order_id, symbol)
        whose = account if account is not None else self.account
        request = CancelOrderRequest(order_id=order_id)
        if client_order_id is not None:
            request = CancelOrderRequest(client_order_id=client_order_id, symbol=symbol, account=whose)
        return await self._entry.cancel(request)

    async def mass_cancel(
        self, *, symbol: str | None = None, side: Side | None = None, account: str | None = None
    ) -> CancelResult:
        """Cancels all live orders of the account: of one instrument or side, where they are named. Never repeated."""
        whose = account if account is not None else self.account
        return await self._entry.cancel_all(CancelOrdersRequest(symbol=symbol, side=side, account=whose))

    async def deposit(
        self, account: str, asset: str, amount: AmountLike, *, group: str = "main", id: str | None = None
    ) -> MoveResult:
        """Brings money in. Without an `id` one is made: nothing moves twice, however often it is sent.

        Where an answer was lost and the repeat finds that the first one did it, the result has the balances as they are
        now, and sequence 0.
        """
        form = _deposit(account, asset, amount, group, id)
        return await self._move("/deposits", form, account)

    async def withdraw(
        self, account: str, asset: str, amount: AmountLike, *, group: str = "main", id: str | None = None
    ) -> MoveResult:
        """Takes money out; as `deposit`."""
        form = _deposit(account, asset, amount, group, id)
        return await self._move("/withdrawals", form, account)

    async def transfer(
        self, account: str, asset: str, amount: AmountLike, *, source: str, target: str, id: str | None = None
    ) -> MoveResult:
        """Moves money from one clearing group to another; as `deposit`."""
        form = Transfer(
            account=account,
            asset=asset,
            amount=amount_text(amount, "amount"),
            source=source,
            target=target,
            id=new_id() if id is None else id,
        )
        return await self._move("/transfers", form, account)

    async def _move(self, path: str, form: Deposit | Transfer, account: str) -> MoveResult:
        try:
            return await self._rest.call(MoveResult, "POST", path, body=form, may_repeat=True)
        except RejectedError as error:
            if error.slug != "duplicate_transfer" or not error.lost_answers:
                raise
        return MoveResult(sequence=0, timestamp=0, balances=(await self.balances(account)).balances)

    async def _admin(self, method: str, path: str, body: msgspec.Struct | None, may_repeat: bool) -> AdminResult:
        return await self._rest.call(AdminResult, method, path, body=body, may_repeat=may_repeat)

    async def create_account(self, account: str) -> Account:
        """Makes an account."""
        return await self._rest.call(Account, "POST", "/accounts", body=NewAccount(account=account), may_repeat=False)

    async def create_instrument(self, instrument: NewInstrument) -> AdminResult:
        """Makes an instrument."""
        return await self._admin("POST", "/instruments", instrument, False)

    async def create_event(self, event: NewEvent) -> AdminResult:
        """Makes an event market: an instrument for each outcome."""
        return await self._admin("POST", "/events", event, False)

    async def set_phase(self, symbol: str, phase: Phase) -> AdminResult:
        """Takes an instrument to a phase (R26)."""
        return await self._admin("PUT", path_of("instruments", symbol, "phase"), SetPhase(phase=phase), True)

    async def mint(self, event: str, account: str, quantity: AmountLike) -> MoveResult:
        """Makes sets of an event's outcomes from money. Never repeated."""
        return await self._set_move(event, "mint", account, quantity)

    async def redeem(self, event: str, account: str, quantity: AmountLike) -> MoveResult:
        """Makes money from sets of an event's outcomes. Never repeated."""
        return await self._set_move(event, "redeem", account, quantity)

    async def _set_move(self, event: str, verb: str, account: str, quantity: AmountLike) -> MoveResult:
        form = SetMove(account=account, quantity=amount_text(quantity, "quantity"))
        return await self._rest.call(MoveResult, "POST", path_of("events", event, verb), body=form, may_repeat=False)

    async def settle(
        self,
        event: str,
        *,
        outcome: str | None = None,
        value: AmountLike | None = None,
        payouts: Mapping[str, AmountLike] | None = None,
    ) -> AdminResult:
        """Ends an event: by the outcome that pays 1, or by what each pays, as `Exchange.settle`. Never repeated."""
        form = Settle(outcome=outcome, value=maybe_text(value, "value"), payouts=_payouts(payouts))
        return await self._admin("POST", path_of("events", event, "settle"), form, False)

    async def void(
        self, event: str, *, price: AmountLike | None = None, payouts: Mapping[str, AmountLike] | None = None
    ) -> AdminResult:
        """Ends an event that nothing decided, at refunds, as `Exchange.void` (R32). Never repeated."""
        form = Void(price=maybe_text(price, "price"), payouts=_payouts(payouts))
        return await self._admin("POST", path_of("events", event, "void"), form, False)

    async def set_kill_switch(
        self, *, engaged: bool, account: str | None = None, cancel_orders: bool = True, reason: str = ""
    ) -> Account:
        """Turns a kill switch on or off: an account's or, where none is named, the venue's.

        While it is on, new orders are refused (`kill_switch`); turning it on cancels the live ones, unless
        `cancel_orders` is False.
        """
        path = "/kill-switch" if account is None else path_of("accounts", account, "kill-switch")
        form = KillSwitch(engaged=engaged, cancel_orders=cancel_orders, reason=reason)
        return await self._rest.call(Account, "PUT", path, body=form, may_repeat=True)

    async def set_dead_man(self, timeout_ms: int, account: str | None = None) -> DeadManState:
        """Cancels all orders of the account unless this is called again in time; 0 turns it off."""
        path = path_of("accounts", self._whose(account), "dead-man")
        return await self._rest.call(DeadManState, "PUT", path, body=DeadMan(timeout_ms=timeout_ms), may_repeat=True)


def _deposit(account: str, asset: str, amount: AmountLike, group: str, id: str | None) -> Deposit:
    return Deposit(
        account=account,
        asset=asset,
        amount=amount_text(amount, "amount"),
        group=group,
        id=new_id() if id is None else id,
    )


def _payouts(payouts: Mapping[str, AmountLike] | None) -> dict[str, str | int] | None:
    if payouts is None:
        return None
    return {outcome: amount_text(amount, f"payouts[{outcome!r}]") for outcome, amount in payouts.items()}
