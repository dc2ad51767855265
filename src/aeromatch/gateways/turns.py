"""New orders that come in one turn of the event loop go to the exchange together.

Requests of many connections are there at once when the loop comes round. One submission for all of their orders wakes
the shard once, and is answered once: under load an order costs less, and alone it waits for nobody.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from aeromatch.aio import AsyncExchange, Entered
from aeromatch.schema.orders import MAX_BATCH, NewOrder

__all__ = ["Turns"]

MOST: Final = MAX_BATCH
"""So many go at once, whatever else is to come in this turn."""

Waiting = list["asyncio.Future[Entered]"]


class Turns:
    """The orders of this turn. For the thread of the event loop."""

    def __init__(self, exchange: AsyncExchange, record: Callable[[str, int, int], None]) -> None:
        self._exchange = exchange
        self._record = record
        # Looked for once: the answer is a system call's business, and there is one loop.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self._orders: list[NewOrder] = []
        self._accounts: list[str | None] = []
        self._tags: list[int] = []
        self._waiting: Waiting = []

    def enter(self, order: NewOrder, account: str | None, tag: int) -> "asyncio.Future[Entered]":
        """What comes of an order, as `AsyncExchange.submit_many` tells it. Raises what that does when it is awaited."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        if not self._orders:
            loop.call_soon(self.send)
        self._orders.append(order)
        self._accounts.append(account)
        self._tags.append(tag)
        answer: asyncio.Future[Entered] = loop.create_future()
        self._waiting.append(answer)
        if len(self._orders) >= MOST:
            self.send()
        return answer

    def send(self) -> None:
        """Sends what has come up to now: what is sent after that is done after that."""
        orders, accounts, tags, waiting = self._orders, self._accounts, self._tags, self._waiting
        if not orders:
            return
        self._begin()
        done = partial(_hand_out, waiting)
        try:
            self._exchange.send_many(orders, accounts, tags, done, self._record)
        except Exception as error:
            done(error)


def _hand_out(waiting: Waiting, results: list[Entered] | BaseException) -> None:
    if isinstance(results, BaseException):
        for answer in waiting:
            if not answer.done():
                answer.set_exception(results)
        return
    for answer, result in zip(waiting, results, strict=True):
        # Whoever has gone meanwhile hears nothing; the order stands.
        if not answer.done():
            answer.set_result(result)
