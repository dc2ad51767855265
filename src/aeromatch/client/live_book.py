"""A local book that the client keeps in step: `async with client.local_book("BTC-USD") as book`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

from aeromatch.client.errors import ClientError, ClosedError, OutOfSyncError, RejectedError
from aeromatch.client.followed_book import FollowedBook
from aeromatch.client.local_book import LocalBook
from aeromatch.client.socket import Key, Socket
from aeromatch.schema.market import Book, Ticker
from aeromatch.schema.messages import DepthSnapshot, DepthUpdate, SubscribeRequest

__all__ = ["LiveBook"]

VERIFIED_LEVELS: Final = 5000
"""What REST gives of each side, at most."""

RENEW_PAUSE_S: Final = 0.2
"""Between two snapshots that are asked for: a book that falls out of step again and again does not flood the server."""

AUCTION_PHASES: Final = ("pre_open", "auction", "halted", "closed")
"""Where the displayed book may be crossed (R26); halted and closed ones keep what they had."""


class LiveBook(FollowedBook):
    """A local book that follows the server over a WebSocket: it asks for a snapshot whenever it falls out of step."""

    def __init__(
        self,
        socket_for: Callable[[Key], Socket],
        symbol: str,
        *,
        timeout_s: float,
        book: Callable[[str, int], Awaitable[Book]],
        ticker: Callable[[str], Awaitable[Ticker]],
    ) -> None:
        super().__init__(symbol, timeout_s=timeout_s)
        self._socket_for = socket_for
        self._socket: Socket | None = None
        self._fetch_book = book
        self._fetch_ticker = ticker
        self._mending: asyncio.Task[None] | None = None
        self._shadow: LocalBook | None = None
        self.verified = 0
        """How often `verify_now` has found it to be the server's."""

    @property
    def key(self) -> Key:
        """One of an instrument."""
        return ("depth", self.symbol, None, None)

    def request(self) -> SubscribeRequest:
        """A snapshot of all levels, then updates."""
        return SubscribeRequest(channel="depth", symbol=self.symbol)

    def subscribed(self) -> None:
        """The snapshot comes next."""

    def refused(self, error: RejectedError) -> bool:
        """There is no other way to ask."""
        del error
        return False

    def receive(self, message: DepthSnapshot | DepthUpdate) -> None:
        """Takes it in; where the book is not in step then, a new snapshot is asked for."""
        if isinstance(message, DepthSnapshot):
            self.load(message)
        else:
            self.apply(message)
            if self._shadow is not None:
                self._shadow.apply(message)
        self._notify()
        if not self.is_live and self._mending is None:
            self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        """Ask for a snapshot; in an auction, let it be crossed."""
        try:
            if self.desync is not None and self.desync.reason == "crossed":
                self.may_cross = (await self._fetch_ticker(self.symbol)).phase in AUCTION_PHASES
            if not self.is_live and self._socket is not None:
                self._socket.renew(self)
            await asyncio.sleep(RENEW_PAUSE_S)
        except ClientError as error:
            self.lose("gap", str(error))
        finally:
            self._mending = None
        if not self.is_live and self._socket is not None and self._socket.is_connected:
            self._mending = asyncio.create_task(self._mend())

    async def verify_now(self, timeout_s: float = 1.0) -> bool:
        """Compares with a snapshot that comes another way: over REST.

        The snapshot is brought to the moment of the next update by that update itself. Where the market stands still,
        and none comes in `timeout_s`, the two are compared as they are.

        Returns:
            Whether they are the same. If not, the book falls out of step and asks for a snapshot, as after any fault.
        """
        await self.wait_live()
        shadow = LocalBook(self.symbol, is_whole=False, may_cross=self.may_cross)
        self._shadow = shadow
        try:
            shadow.load(await self._fetch_book(self.symbol, VERIFIED_LEVELS))
            try:
                async with asyncio.timeout(timeout_s):
                    while not (shadow.updates and self.is_live and self._is_at(shadow)):
                        await self.changed()
            except TimeoutError:
                pass
            if not shadow.is_live or not self.is_live:
                raise OutOfSyncError(f"the book of {self.symbol} cannot be compared: {shadow.desync or self.desync}")
            return self._compare(shadow)
        finally:
            self._shadow = None

    def _is_at(self, shadow: LocalBook) -> bool:
        return shadow.is_live and shadow.last_update_id == self.last_update_id

    def _compare(self, shadow: LocalBook) -> bool:
        # Below where the snapshot stops, nothing is known.
        bids, asks = shadow.bids(VERIFIED_LEVELS), shadow.asks(VERIFIED_LEVELS)
        if self.bids(len(bids)) == bids and self.asks(len(asks)) == asks:
            self.verified += 1
            return True
        self.lose("differs", f"REST has another book at {shadow.last_update_id}")
        self._notify()
        if self._mending is None:
            self._mending = asyncio.create_task(self._mend())
        return False

    async def _begin(self) -> None:
        self._socket = self._socket_for(self.key)
        await self._socket.subscribe(self)

    async def _end(self) -> None:
        if self._mending is not None:
            self._mending.cancel()
        if self._socket is not None:
            await self._socket.unsubscribe(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Self:
        try:
            return await self.changed()
        except ClosedError:
            raise StopAsyncIteration from None
