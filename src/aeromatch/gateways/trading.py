"""From what a trader sends to commands of the exchange, and back: the one translation, for every gateway.

A refusal is raised as RefusedError with R8's slug, whichever door it came through.
"""

from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from aeromatch._core import AeroMatchError, Exchange, Receipt, Report
from aeromatch._core import Order as BookOrder
from aeromatch.gateways import context
from aeromatch.gateways.problems import problem_of, refusal, unknown_instrument, unknown_order
from aeromatch.gateways.reads import Reads
from aeromatch.gateways.services import Admission, Principal, RefusedError, Services
from aeromatch.gateways.turns import Turns
from aeromatch.schema.orders import (
    AmendOrder,
    BatchResult,
    CancelResult,
    Fill,
    NewOrder,
    Order,
    Side,
)
from aeromatch.schema.problems import FieldProblem

__all__ = ["Trading", "answered", "decimal_text", "instrument_of"]

T = TypeVar("T")
Answered = TypeVar("Answered", Report, Receipt)

REMEMBERED_ORDERS: Final = 100_000
"""Of so many orders with a client order id, the last ones, it is known how they were sent."""

COUNTER_BITS: Final = 40
"""An order id is the instrument's number, and so many bits of a counter (R5)."""

LISTED_CANCELS: Final = 1000
"""A mass cancel names so many of the orders that it ended."""

ENDED: Final = ("filled", "canceled")

FIELD_NAMES: Final = {"order_type": "type"}
"""Fields whose names are not those of the exchange's arguments."""


encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(Order).decode
decode_batch = msgspec.json.Decoder(BatchResult).decode


def decimal_text(value: Decimal) -> str:
    """An exact decimal in plain notation: never with an exponent."""
    return format(value, "f")


def _maybe_text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def instrument_of(order_id: int) -> int:
    """The number of the instrument in whose book an order is (R5)."""
    return order_id >> COUNTER_BITS


def _order_number(order_id: str) -> int:
    is_number = order_id.isascii() and order_id.isdigit() and len(order_id) <= 20
    if not is_number or (number := int(order_id)) >= 1 << 64:
        raise unknown_order(order_id)
    return number


def _malformed(detail: str) -> RefusedError:
    """An argument has not its form: the exchange's messages begin with its name."""
    name, _, rest = detail.partition(" ")
    name = FIELD_NAMES.get(name, name)
    return refusal("malformed", f"{name} {rest}", errors=(FieldProblem(pointer=f"/{name}", detail=rest),))


async def sent(command: Awaitable[T]) -> T:
    """A command's answer, which may be a rejection.

    Raises:
        RefusedError: An argument has not the form that it must have (400), or the exchange has stopped (503).
    """
    try:
        return await command
    except (ValueError, TypeError) as error:
        raise _malformed(str(error)) from error
    except AeroMatchError as error:
        raise refusal("unavailable", str(error)) from error


async def answered(command: Awaitable[Answered]) -> Answered:
    """What a command did, as `sent`; raises RefusedError too where the exchange refuses it."""
    answer = await sent(command)
    if answer.reject_reason is not None:
        raise refusal(answer.reject_reason.value)
    return answer


class Trading:
    """Orders in, orders out.

    Every method raises RefusedError, with R8's slug where the exchange refuses, and 503 where it has stopped.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._exchange = services.exchange
        self._symbols: dict[int, str] = {}
        # Numbers of the instruments in whose books the orders of another one stand too.
        self._shared: set[int] = set()
        # How orders with a client order id were sent, by order id: in order of arrival, the oldest is forgotten first.
        self._sent: dict[int, NewOrder] = {}
        self._turns = Turns(services.exchange, services.stages.record)
        self.reads = Reads(services.exchange)

    async def close(self) -> None:
        """Gives up what it has of the exchange: when no request is under way any more, and before that closes."""
        await self.reads.close()

    async def new_order(self, principal: Principal, order: NewOrder) -> tuple[Order, bool]:
        """Enters an order.

        Returns:
            The order as it is after the command, and whether it is new: what the account sent before under the same
            client order id is answered as it is now, and nothing happens.

        Raises:
            RefusedError: The exchange refuses it, or the client order id was used for another order (409).
        """
        data, is_new = await self.new_order_json(principal, order)
        return decode_order(data), is_new

    async def new_order_json(self, principal: Principal, order: NewOrder) -> tuple[bytes, bool]:
        """The same with the order as JSON."""
        admission = self._services.admission
        account = admission.account_for(principal, order.account)
        admission.may_trade(account)
        try:
            if order.client_order_id is None:
                result = await self._turns.enter(order, account, principal.session)
            else:
                with self._naming({account: 1}):
                    result = await self._turns.enter(order, account, principal.session)
                    if len(result) == 2:
                        self._remember(result[0], order)
        except AeroMatchError as error:
            raise refusal("unavailable", str(error)) from error
        if len(result) == 2:
            return result[1], True
        return encode(await self._not_entered(result, order)), False

    async def new_orders(self, principal: Principal, orders: Sequence[NewOrder]) -> BatchResult:
        """Enters several orders, in the order in which they stand; each is answered for itself."""
        return decode_batch(await self.new_orders_json(principal, orders))

    async def new_orders_json(self, principal: Principal, orders: Sequence[NewOrder]) -> bytes:
        """The same with the result as JSON."""
        accounts = _Accounts(self._services.admission, principal)
        items: list[bytes] = [b""] * len(orders)
        places: list[int] = []
        entered: list[NewOrder] = []
        owners: list[str | None] = []
        for place, order in enumerate(orders):
            try:
                owners.append(accounts.of(order.account))
            except RefusedError as error:
                items[place] = _problem_item(error)
            else:
                places.append(place)
                entered.append(order)
        accepted = 0
        self._turns.send()
        named = (owner for owner, order in zip(owners, entered, strict=True) if order.client_order_id is not None)
        with self._naming(Counter(named)):
            results = await sent(self._exchange.submit_many(entered, owners, tag=principal.session))
            for order, result in zip(entered, results, strict=True):
                if len(result) == 2:
                    self._remember(result[0], order)
        for place, order, result in zip(places, entered, results, strict=True):
            if len(result) == 2:
                items[place] = b'{"order":%b,"problem":null}' % result[1]
                accepted += 1
                continue
            try:
                data = encode(await self._not_entered(result, order))
            except RefusedError as error:
                items[place] = _problem_item(error)
            else:
                items[place] = b'{"order":%b,"problem":null}' % data
                accepted += 1
        return b'{"accepted":%d,"rejected":%d,"results":[%b]}' % (accepted, len(orders) - accepted, b",".join(items))

    async def amend(self, principal: Principal, order_id: str, change: AmendOrder) -> Order:
        """Changes an order's quantity, its price, or both (R22)."""
        report = await self.send_amend(principal, order_id, change)
        return await self._amended(report, _order_number(order_id))

    async def amend_named(
        self, principal: Principal, client_order_id: str, symbol: str, account: str | None, change: AmendOrder
    ) -> Order:
        """The same by symbol, account and client order id (R23)."""
        account = self._services.admission.account_for(principal, account)
        if account is None:
            raise refusal("account_needed", "a client order id is an account's own: name the account")
        self._services.admission.may_trade(account)
        self._turns.send()
        report = await answered(
            self._exchange.amend(
                symbol,
                client_order_id=client_order_id,
                quantity=change.quantity,
                price=change.price,
                account=account,
                tag=principal.session,
            )
        )
        return await self._amended(report, report.order_id or 0)

    async def _amended(self, report: Report, number: int) -> Order:
        return msgspec.structs.replace(await self._order(number), fills=_fills(report, number))

    async def send_amend(self, principal: Principal, order_id: str, change: AmendOrder) -> Report:
        """The same without the order as it is then: what the command itself did."""
        number, symbol = await self._place(order_id)
        admission = self._services.admission
        account = admission.account_for(principal, None)
        # Who acts for any account does so for the order's own, whose kill switch counts.
        owner = account
        if account is None and admission.any_killed():
            live = await self.reads.read(lambda exchange: exchange.book(symbol).order(number))
            owner = None if live is None else live.account
        admission.may_trade(owner)
        self._turns.send()
        return await answered(
            self._exchange.amend(
                symbol, number, quantity=change.quantity, price=change.price, account=account, tag=principal.session
            )
        )

    async def cancel(
        self,
        principal: Principal,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        symbol: str | None = None,
        account: str | None = None,
    ) -> Order:
        """Cancels an order by its id, or by symbol, account and client order id (R23)."""
        if order_id is not None:
            await self.send_cancel(principal, order_id, account=account)
            return await self._order(_order_number(order_id))
        account = self._services.admission.account_for(principal, account)
        self._turns.send()
        if client_order_id is None or symbol is None or account is None:
            missing = "order_id, or client_order_id with symbol and account"
            raise refusal("malformed", f"a cancel needs {missing}")
        report = await answered(
            self._exchange.cancel(symbol, client_order_id=client_order_id, account=account, tag=principal.session)
        )
        return await self._order(report.order_id or 0)

    async def send_cancel(self, principal: Principal, order_id: str, *, account: str | None = None) -> Report:
        """Cancels an order by its id: what the command itself did."""
        account = self._services.admission.account_for(principal, account)
        self._turns.send()
        number, symbol = await self._place(order_id)
        return await answered(self._exchange.cancel(symbol, number, account=account, tag=principal.session))

    async def cancel_all(
        self, principal: Principal, *, symbol: str | None, side: Side | None, account: str | None
    ) -> CancelResult:
        """Cancels every live order of an account, of an instrument and a side where they are named (R24)."""
        account = self._services.admission.account_for(principal, account)
        self._turns.send()
        report = await answered(
            self._exchange.mass_cancel(symbol=symbol, side=side, account=account, tag=principal.session)
        )
        ended = [str(event.order_id) for event in report.events if event.reason == "mass_cancel"]
        return CancelResult(canceled=len(ended), order_ids=ended[:LISTED_CANCELS])

    async def order(self, principal: Principal, order_id: str) -> Order:
        """An order as it is now, or as it ended: with everything that was answered before this was asked."""
        account = self._services.admission.account_for(principal, None)
        order = await self._order(_order_number(order_id))
        if account is not None and order.account != account:
            raise unknown_order(order_id)
        return order

    async def order_named(self, principal: Principal, client_order_id: str, symbol: str, account: str | None) -> Order:
        """The same by account, instrument and client order id; without an account, of the orders that are nobody's."""
        account = self._services.admission.account_for(principal, account)
        self.check_symbol(symbol)
        await self.reached()
        order = await self._services.views.order_named(account, symbol, client_order_id)
        if order is None:
            raise unknown_order(client_order_id)
        await self.complete([order])
        return order

    async def reached(self) -> None:
        """Waits until the views have everything that was answered up to now."""
        await self._services.market.reached([counters.sequence for counters in self._exchange.counters()])

    def symbol_of(self, instrument: int) -> str | None:
        """The symbol of an instrument's number."""
        symbol = self._symbols.get(instrument)
        if symbol is None:
            self._learn()
            symbol = self._symbols.get(instrument)
        return symbol

    def _learn(self) -> None:
        numbers = {each.symbol: each.number for each in self._exchange.instruments()}
        pairs = [event.symbols for event in self._exchange.events() if len(event.symbols) == 2]
        # An event that has come to be since the line before the last is learned with its instruments, the next time.
        self._shared = {numbers[symbols[0]] for symbols in pairs if symbols[0] in numbers}
        self._symbols = {number: symbol for symbol, number in numbers.items()}

    def check_symbol(self, symbol: str) -> str:
        """The symbol, if there is such an instrument; RefusedError (404) else."""
        try:
            self._exchange.instrument_number(symbol)
        except LookupError:
            raise unknown_instrument(symbol) from None
        return symbol

    async def _not_entered(self, refused: tuple[str, str, int], order: NewOrder) -> Order:
        """The order that was sent before, where that is why this one was not entered; RefusedError else."""
        slug, detail, other = refused
        if slug == "duplicate_client_order_id":
            return await self._repeated(other, order)
        if slug == "malformed":
            raise _malformed(detail)
        raise refusal(slug, detail)

    async def _place(self, order_id: str) -> tuple[int, str]:
        """An order's number, and the symbol of the instrument that it was entered for."""
        number = _order_number(order_id)
        symbol = self.symbol_of(instrument_of(number))
        if symbol is None:
            raise unknown_order(order_id)
        if instrument_of(number) in self._shared:
            # Its price is one of that outcome's, and the id says only in whose book it stands (R32).
            await self.reached()
            order = await self._services.views.order(number)
            if order is None:
                raise unknown_order(order_id)
            symbol = order.symbol
        return number, symbol

    async def _order(self, number: int) -> Order:
        """The views know what became of an order, its book how it was entered."""
        await self.reached()
        order = await self._services.views.order(number)
        if order is None:
            raise unknown_order(number)
        await self.complete([order])
        return order

    async def complete(self, orders: Sequence[Order]) -> None:
        """Adds to the live ones of the views' orders what only their books know."""
        live = [order for order in orders if order.status not in ENDED]

        def look(exchange: Exchange) -> None:
            # The book of the order's own instrument has it in that one's terms.
            books = {symbol: exchange.book(symbol) for symbol in {order.symbol for order in live}}
            for order in live:
                found = books[order.symbol].order(int(order.order_id))
                if found is not None:
                    _complete(order, found)

        if live:
            await self.reads.read(look)

    @contextmanager
    def _naming(self, accounts: Mapping[str | None, int]) -> Iterator[None]:
        """While so many orders of these accounts are sent, and named as soon as they are answered."""
        views = self._services.views
        counts = [(account, count) for account, count in accounts.items() if count]
        for account, count in counts:
            views.naming(account, count)
        try:
            yield
        finally:
            for account, count in counts:
                views.naming(account, -count)

    def _remember(self, number: int, order: NewOrder) -> None:
        """Keeps how an order with a client order id was sent."""
        if order.client_order_id is None:
            return
        self._services.views.named(number, order.client_order_id)
        self._sent[number] = order
        if len(self._sent) > REMEMBERED_ORDERS:
            del self._sent[next(iter(self._sent))]

    async def _repeated(self, number: int, order: NewOrder) -> Order:
        """The order that has the client order id, if it is the one that is sent again."""
        try:
            first = await self._order(number)
        except RefusedError:
            first = None
        sent = self._sent.get(number)
        if first is not None and (_is_same(sent, order) if sent is not None else _may_be(first, order)):
            return first
        raise refusal(
            "duplicate_client_order_id",
            f"client_order_id {order.client_order_id!r} was used for order {number}, which is another one",
        )


class _Accounts:
    """Whom a batch's orders are for; each account is asked about once."""

    def __init__(self, admission: Admission, principal: Principal) -> None:
        self._admission = admission
        self._principal = principal
        self._known: dict[str | None, str | None] = {}

    def of(self, named: str | None) -> str | None:
        try:
            return self._known[named]
        except KeyError:
            account = self._admission.account_for(self._principal, named)
            self._admission.may_trade(account)
            self._known[named] = account
            return account


def _problem_item(error: RefusedError) -> bytes:
    return b'{"order":null,"problem":%b}' % encode(problem_of(error, context.request_id.get() or ""))


def _is_same(sent: NewOrder, again: NewOrder) -> bool:
    """Whether both ask for the same; "1.0" and "1" do.

    A client order id is an account's own: two that meet are of one account, whether it was named or is the key's.
    """
    for name in NewOrder.__struct_fields__:
        if name == "account":
            continue
        one, other = getattr(sent, name), getattr(again, name)
        if one != other and not _is_same_amount(one, other):
            return False
    return True


def _is_same_amount(one: object, other: object) -> bool:
    if not isinstance(one, (str, int)) or not isinstance(other, (str, int)):
        return False
    try:
        return Decimal(one) == Decimal(other)
    except ArithmeticError:
        return False


def _may_be(first: Order, again: NewOrder) -> bool:
    """Whether an order, of which it is not known how it was sent, is what is sent again."""
    same = (first.symbol, first.side, first.type) == (again.symbol, again.side, again.type)
    if first.time_in_force is not None:
        # It lives: its book knows more of how it was entered.
        same = same and (first.time_in_force, first.post_only) == (again.time_in_force, again.post_only)
    if first.status == "dormant" and first.type in ("stop", "stop_limit"):
        same = same and _is_same_amount(first.stop_price, again.stop_price)
    return (
        same
        and _is_same_amount(first.quantity, again.quantity)
        and (first.price == again.price or _is_same_amount(first.price, again.price))
    )


def _fills(report: Report, number: int) -> list[Fill]:
    """What an order traded in a command."""
    return [
        Fill(
            trade_id=trade.trade_id,
            price=decimal_text(trade.price),
            quantity=decimal_text(trade.quantity),
            liquidity="taker" if trade.taker_order_id == number else "maker",
            sequence=trade.sequence,
            timestamp=report.timestamp,
        )
        for trade in report.trades
        if number in (trade.taker_order_id, trade.maker_order_id)
    ]


def _complete(order: Order, live: BookOrder) -> None:
    """Adds what only the book of its own instrument knows of an order, none of which changes while it lives."""
    order.stop_price = _maybe_text(live.stop_price)
    order.display_quantity = _maybe_text(live.display_quantity)
    order.time_in_force = live.time_in_force.value
    order.post_only = live.post_only
    order.account = live.account
    order.client_order_id = live.client_order_id
    order.expire_at = live.expire_at
