"""The binary protocol, by `aeromatch.client.AsyncBinaryClient`: a session is for one account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from aeromatch.bench.gateways.base import LostError, Target, key_of
from aeromatch.client import AsyncBinaryClient, ClientError, RejectedError, SigningKey
from aeromatch.schema.orders import AmendOrder, BatchResult, NewOrder, Order, OrderBatch

if TYPE_CHECKING:
    from aeromatch.bench.load_flow import Command

__all__ = ["BinaryAnswer", "connect"]

REFUSED = 422


class BinaryAnswer:
    """As `Answer`: an order, what became of a batch, or why it was refused."""

    __slots__ = ("_result", "status")

    def __init__(self, result: Order | BatchResult | RejectedError) -> None:
        self._result = result
        self.status = REFUSED if isinstance(result, RejectedError) else 200

    def slugs(self) -> list[str]:
        """Every one there is, in its order."""
        if isinstance(self._result, RejectedError):
            return [self._result.slug]
        if isinstance(self._result, BatchResult):
            return [item.problem.slug for item in self._result.results if item.problem is not None]
        return []

    def order_id(self) -> str:
        """Of the order."""
        return self._result.order_id if isinstance(self._result, Order) else ""

    def is_resting(self) -> bool:
        """Whether it is open."""
        return isinstance(self._result, Order) and self._result.status == "open"

    def is_live(self) -> bool:
        """Whether it is open, or partially filled."""
        return isinstance(self._result, Order) and self._result.status in ("open", "partially_filled")

    def price(self) -> str:
        """Its average price."""
        return (self._result.average_price or "") if isinstance(self._result, Order) else ""

    def trades(self) -> int:
        """How many fills it has."""
        return len(self._result.fills) if isinstance(self._result, Order) else 0


async def connect(target: Target, host: str, port: int) -> BinaryConnection:
    """Connects and logs in. Raises LostError."""
    signing = target.proof if isinstance(target.proof, SigningKey) else None
    if signing is None and (key := key_of(target.proof)) is not None:
        signing = SigningKey(*key)
    client = AsyncBinaryClient(f"{host}:{port}", credentials=signing, account=target.account)
    try:
        await client.connect()
    except ClientError as error:
        raise LostError(str(error)) from error
    return BinaryConnection(client)


class BinaryConnection:
    """As many requests at a time as one likes."""

    def __init__(self, client: AsyncBinaryClient) -> None:
        self._client = client
        self._closing: asyncio.Task[None] | None = None

    async def ask(self, command: Command) -> BinaryAnswer:
        """As `Connection.ask`."""
        try:
            return BinaryAnswer(await self._ask(command))
        except RejectedError as error:
            return BinaryAnswer(error)
        except ClientError as error:
            raise LostError(str(error)) from error

    async def _ask(self, command: Command) -> Order | BatchResult:
        if command.kind == "cancel":
            return await self._client.cancel(command.order_id)
        if command.kind == "amend":
            amend = msgspec.json.decode(command.body, type=AmendOrder)
            return await self._client.amend(command.order_id, quantity=amend.quantity, price=amend.price)
        if command.kind == "batch":
            return await self._client.submit_many(msgspec.json.decode(command.body, type=OrderBatch).orders)
        order = msgspec.json.decode(command.body, type=NewOrder)
        given: dict[str, Any] = {name: getattr(order, name) for name in GIVEN if getattr(order, name) is not None}
        return await self._client.submit(
            order.symbol,
            order.side,
            quantity=order.quantity,
            order_type=order.type,
            time_in_force=order.time_in_force,
            **given,
        )

    def close(self) -> None:
        """Ends it."""
        self._closing = asyncio.ensure_future(self._client.close())


GIVEN = ("price", "account", "client_order_id", "protection_price")
