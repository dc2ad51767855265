"""A local book that the client keeps in step: `async with client.local_book("BTC-USD") as book`."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from aeromatch.client.errors import AnswerTimeoutError, ClientError, ClosedError, OutOfSyncError, RejectedError
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


class LiveBook(LocalBook):
    """A local book that follows the server.

    It is in step once its block is entered. Where an update is lost, or the connection, it falls out of step, asks for
    a new snapshot, and goes on: reading it meanwhile raises OutOfSyncError, `wait_live` waits.
    """

    def __init__(
        self,
        socket_for: Callable[[Key], Socket],
        symbol: str,
        *,
        timeout_s: float,
        book: Callable[[str, int], Awaitable[Book]],
        ticker: Callable[[str], Awaitable[Ticker]],
    ) -> None:
        super().__init__(symbol)
        self._socket_for = socket_for
        self._socket: Socket | None = None
        self._timeout_s = timeout_s
        self._fetch_book = book
        self._fetch_ticker = ticker
        self._changed = asyncio.Event()
        self._error: ClientError | None = None
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

    def _notify(self) -> None:
        """Wake whoever waits; those that wait next wait for the next time."""
        self._changed.set()
        self._changed = asyncio.Event()

    def interrupted(self) -> None:
        """The connection was lost: the next one begins with a snapshot."""
        self.lose("gap", "the connection was lost")
        self._notify()

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""
        self._error = error
        self.lose("gap", str(error))
        self._notify()

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

    async def changed(self) -> Self:
        """Waits for the next change of the book, or of whether it is in step.

        Raises:
            ClientError: Nothing comes any more.
        """
        self._check_error()
        await self._changed.wait()
        self._check_error()
        return self

    async def wait_live(self, timeout_s: float | None = None) -> Self:
        """Waits until the book is in step: `until` without a condition."""
        return await self.until(lambda _book: True, timeout_s)

    async def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """Waits until the book is in step and a condition holds.

        Arguments:
            condition: Asked behind every change, with the book: it reads it, and does not wait.
            timeout_s: None: the client's.

        Raises:
            AnswerTimeoutError: It does not hold in time.
            ClientError: Nothing comes any more.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                while not (self.is_live and condition(self)):
                    await self.changed()
        except TimeoutError as error:
            state = "what is waited for has not happened" if self.is_live else f"out of step, {self.desync}"
            raise AnswerTimeoutError(f"the book of {self.symbol} after {limit_s:g} s: {state}") from error
        self._check_error()
        return self

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

    def _check_error(self) -> None:
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Ends the subscription."""
        if self._socket is None or isinstance(self._error, ClosedError):
            return
        self.fail(ClosedError(f"the book of {self.symbol} was closed"))
        if self._mending is not None:
            self._mending.cancel()
        await self._socket.unsubscribe(self)

    async def __aenter__(self) -> Self:
        self._socket = self._socket_for(self.key)
        await self._socket.subscribe(self)
        return await self.wait_live()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Self:
        try:
            return await self.changed()
        except ClosedError:
            raise StopAsyncIteration from None
