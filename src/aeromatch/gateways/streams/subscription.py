"""One channel that one client follows."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from aeromatch.gateways.problems import unknown_instrument
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.streams.channels import DepthChannel, Feeder, OrderChannel, Prints, Published, Topic
from aeromatch.gateways.streams.past import NOT_KEPT, PastOrders, PastTrades

if TYPE_CHECKING:
    from aeromatch.gateways.streams.hub import Hub

__all__ = ["Outlet", "Stale", "Subscription"]

HELD_BYTES: Final = 8 << 20
"""So much is held at most of what happens while the past is read."""
SOME: Final = 16
"""Messages of the past that are made at once."""


class Stale(Protocol):
    """A subscription whose client has missed something that a newer message makes up for."""

    def fresh(self) -> Published | None:
        """What the client needs now; None where there is nothing yet."""


class Outlet(Protocol):
    """The way to one client, as its gateway makes it. In the event loop; but for `room`, nothing waits."""

    @property
    def gateway(self) -> str:
        """The gateway's name, as metrics have it."""

    def size(self, message: Published) -> int:
        """How many bytes a message has in the gateway's form."""

    def publish(self, message: Published) -> None:
        """Sends what must not be left out: it is queued for a client that is slow, within limits."""

    def offer(self, message: Published, subscription: Stale, channel: str) -> None:
        """Sends what a newer message makes up for, or leaves it out: then `subscription.fresh` has what is sent later.

        Nothing that the subscription offers from then on may be sent before that.
        """

    def forget(self, subscription: Stale) -> None:
        """The subscription needs nothing any more."""

    async def room(self) -> None:
        """Waits until messages leave at once; returns at once where it is over."""

    def end_slow(self, detail: str) -> None:
        """Ends the client's connection, or stream, with a reason (`slow_consumer`)."""


class Subscription:
    """Joins a topic, brings its messages to the client, and leaves it. In the event loop.

    One that begins in the past sends what is read of it first. What comes live meanwhile is held: the hub says from
    which command on it counts, so nothing is missing between the two, and nothing comes twice.
    """

    def __init__(self, hub: "Hub", topic: Topic, outlet: Outlet, held_messages: int) -> None:
        self.topic = topic
        self._hub = hub
        self._outlet = outlet
        self._most_held = held_messages
        self._channel: Feeder | None = None
        self._held: deque[Published] | None = None
        self._held_bytes = 0
        self._past: Iterator[Published] = iter(())
        self._last = -1
        self._has_joined = self._is_over = False
        self._joining: asyncio.Future[tuple[int, ...]] | None = None
        self._begun: Callable[[tuple[int, ...]], None] = lambda _position: None

    async def begin(self, answer: Callable[[tuple[int, ...]], None]) -> None:
        """Follow from now on.

        Arguments:
            answer: Called when it has begun, before anything is sent, with the first commands that it is about.

        Raises:
            RefusedError: There is no such topic, or the feed has ended.
        """
        await self._join(answer)

    async def trades_behind(self, sequence: int, answer: Callable[[tuple[int, ...]], None]) -> None:
        """Send the trades of the commands behind a number, then follow.

        Arguments:
            sequence: The last command that the client knows.
            answer: Called when there is such a past, before anything is sent.

        Raises:
            RefusedError: There is no such topic, or the past is not kept.
        """
        symbol, hub = self.topic.symbol or "", self._hub
        try:
            prints = await asyncio.to_thread(Prints, hub.exchange, symbol)
        except LookupError:
            raise unknown_instrument(symbol) from None
        past = PastTrades(hub.exchange, prints, sequence + 1)
        await past.open(hub.position())
        try:
            answer(hub.position())
            # The long way first, so that little is held in the end.
            await self._send_until(past, hub.position()[prints.shard])
            self._held = deque()
            begins = await self._join(lambda _position: None)
            await self._send_until(past, begins[prints.shard])
        finally:
            await asyncio.to_thread(past.close)
        await self._release()

    async def orders_behind(self, since: tuple[int, ...], answer: Callable[[tuple[int, ...]], None]) -> None:
        """Send what followed commands did to the account's orders, then follow.

        Arguments:
            since: By shard, the last command that the client knows.
            answer: Called when there is such a past, before anything is sent.

        Raises:
            RefusedError: There is no such account, or the past is not kept.
        """
        try:
            await self._join_behind(answer, since)
            return
        except RefusedError as refused:
            if refused.status != NOT_KEPT:
                raise
        # The orders that live now may be as old as the log: it is read from its first command on.
        hub = self._hub
        past = PastOrders(hub.exchange, OrderChannel(self.topic, hub.account_number(self.topic.account), hub.orders))
        await past.open()
        try:
            answer(hub.position())
            known = hub.position()
            async for message in past.between(since, known):
                await self._outlet.room()
                if self._is_over:
                    return
                self._outlet.publish(message)
        finally:
            await asyncio.to_thread(past.close)
        await self._join_behind(lambda _position: None, tuple(place - 1 for place in known))

    async def _join_behind(self, answer: Callable[[tuple[int, ...]], None], since: tuple[int, ...]) -> None:
        """Join, and send what followed commands before what happens now."""
        self._held = deque()
        try:
            await self._join(answer, since)
        except RefusedError:
            self._held = None
            raise
        past = self._past
        while some := await asyncio.to_thread(lambda: list(islice(past, SOME))):
            for message in some:
                await self._outlet.room()
                if self._is_over:
                    return
                self._outlet.publish(message)
        await self._release()

    async def _release(self) -> None:
        """Send what was held, then what comes."""
        while self._held:
            await self._outlet.room()
            if self._held:
                message = self._held.popleft()
                self._held_bytes -= self._outlet.size(message)
                self._outlet.publish(message)
        self._held = None

    async def _send_until(self, past: PastTrades, end: int) -> None:
        async for message in past.until(end):
            await self._outlet.room()
            if self._is_over:
                return
            self._outlet.publish(message)

    async def _join(
        self, answer: Callable[[tuple[int, ...]], None], since: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        self._joining = asyncio.get_running_loop().create_future()
        self._begun = answer
        self._hub.subscribe(self.topic, self, since)
        # Whoever stops waiting leaves it to `joined` to undo it.
        return await asyncio.shield(self._joining)

    @property
    def gateway(self) -> str:
        """As `channels.Member`."""
        return self._outlet.gateway

    def size(self, message: Published) -> int:
        """As `channels.Member`."""
        return self._outlet.size(message)

    def joined(self, channel: Feeder, messages: Iterable[Published], position: tuple[int, ...]) -> None:
        """As `channels.Member`."""
        self._has_joined = True
        self._channel = channel
        if self._is_over:
            self._hub.unsubscribe(self.topic, self)
            return
        if self._joining is not None and not self._joining.done():
            self._joining.set_result(position)
            self._begun(position)
        if self._held is not None:
            self._past = iter(messages)
            return
        for message in messages:
            self._last = message.last
            self._outlet.publish(message)

    def failed(self, error: Exception) -> None:
        """As `channels.Member`."""
        if self._joining is not None and not self._joining.done():
            self._joining.set_exception(error)

    def deliver(self, message: Published) -> None:
        """As `channels.Member`."""
        if self._is_over or self._channel is None:
            return
        if self._held is not None:
            self._held.append(message)
            self._held_bytes += self._outlet.size(message)
            if len(self._held) > self._most_held or self._held_bytes > HELD_BYTES:
                self._outlet.end_slow("too much happens for what is read of the past")
            return
        if isinstance(self._channel, DepthChannel):
            if message.last <= self._last:
                return  # A snapshot was sent meanwhile that has it.
            self._last = message.last
        if self._channel.conflates:
            self._outlet.offer(message, self, self.topic.channel)
        else:
            self._outlet.publish(message)

    def fresh(self) -> Published | None:
        """As `Stale`."""
        fresh = None if self._channel is None or self._is_over else self._channel.fresh()
        if fresh is None:
            return None
        self._last = fresh.last
        return fresh

    def end(self) -> None:
        """Leaves the topic. A second time does nothing."""
        if self._is_over:
            return
        self._is_over = True
        self._held, self._past = None, iter(())
        self._outlet.forget(self)
        if self._has_joined:
            self._hub.unsubscribe(self.topic, self)
