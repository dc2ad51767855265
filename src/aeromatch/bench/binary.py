"""What an order costs over the binary gateway: prepared frames over one connection, pipelined, and one order at a time.

This is the side that sends, in a process of its own. Frames are made before; of what comes back it looks at the tags of
the answers, so that each order's time is known.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import commands
from aeromatch.bench.binary_pace import Pace
from aeromatch.client.wire import (
    HEADER,
    Ended,
    FrameReader,
    Kind,
    Listing,
    Refusals,
    Reports,
    Welcome,
    encode_frame,
    encode_login,
)
from aeromatch.market.records import SLOT_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aeromatch.bench.server_rest import Server
    from aeromatch.client.wire import ServerFrame

__all__ = ["Connection", "closed_loop", "pipelined"]

STALLED_S: Final = 30.0
READ_BYTES: Final = 1 << 20
PRICES: Final = 4
"""So many prices take turns."""
QUANTITY_LOTS: Final = 1000
ACCEPTED, REJECTED = 1, 2
"""Kinds of events that are answers."""
HEARTBEAT_MS: Final = 60_000


class Connection:
    """A session over one socket, for one thread.

    Raises:
        ConnectionError: The server does not take the login, or has not the instrument.
    """

    def __init__(self, address: str, account: str, symbol: str) -> None:
        if "/" in address:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(address)
        else:
            host, _, port = address.rpartition(":")
            self._socket = socket.create_connection((host, int(port)))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(STALLED_S)
        self._frames = FrameReader()
        self._number = 0
        self.session = self.instrument = 0
        try:
            self.send(Kind.LOGIN, encode_login(account=account, heartbeat_ms=HEARTBEAT_MS))
            self.send(Kind.LIST)
            self._begin(symbol)
        except BaseException:
            self.close()
            raise

    def _begin(self, symbol: str) -> None:
        total = 1
        found: dict[str, int] = {}
        while len(found) < total:
            for frame in self.read():
                if isinstance(frame, Welcome):
                    self.session = frame.session
                elif isinstance(frame, Listing):
                    total = frame.total
                    found.update({each.symbol: each.number for each in frame.instruments})
        if symbol not in found:
            raise ConnectionError(f"the server has no instrument {symbol}")
        self.instrument = found[symbol]

    def send(self, kind: Kind, body: bytes = b"", count: int = 0) -> None:
        """Sends a frame."""
        self._number += 1
        self._socket.sendall(encode_frame(kind, self._number, body, count))

    def frames_of(self, slots: NDArray[np.void], batch: int) -> list[memoryview]:
        """Slots as frames of so many each, numbered for being sent next."""
        frames = []
        for begin in range(0, len(slots), batch):
            piece = slots[begin : begin + batch]
            self._number += 1
            header = HEADER.pack(len(piece) * SLOT_BYTES, Kind.COMMANDS, 1, len(piece), self._number)
            frames.append(memoryview(header + piece.tobytes()))
        return frames

    def read(self) -> Iterator[ServerFrame]:
        """What comes next.

        Raises:
            ConnectionError: The session has ended, or a command was refused.
        """
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("the server ended the connection")
        for frame in self._frames.feed(data):
            if isinstance(frame, Ended):
                raise ConnectionError(f"{frame.slug}: {frame.detail}")
            if isinstance(frame, Refusals):
                raise ConnectionError(f"a command was refused: code {int(frame.entries['code'][0])}")
            yield frame

    @property
    def raw(self) -> socket.socket:
        """The socket, for whoever waits for it."""
        return self._socket

    def close(self) -> None:
        """Ends it."""
        self._socket.close()


def _orders(instrument: int, count: int) -> NDArray[np.void]:
    """Buys that rest and sells that take them, in turns: the book stays as it is."""
    places = np.arange(count)
    return commands(
        instrument=instrument,
        side=np.where(places % 2, 1, 0),
        price_ticks=10_000 + places // 2 % PRICES,
        quantity_lots=QUANTITY_LOTS,
        tag=places + 1,
    ).slots


def _answered(frame: ServerFrame, session: int) -> NDArray[np.int64] | None:
    """Places of the orders that a frame answers."""
    if not isinstance(frame, Reports):
        return None
    events = frame.events
    kinds = events["kind"]
    if (kinds == REJECTED).any():
        raise ConnectionError(f"an order was rejected: reason {events['reason'][kinds == REJECTED][0]}")
    tags: NDArray[np.uint64] = events["detail"][kinds == ACCEPTED]
    return (tags - np.uint64((session << 32) + 1)).astype(np.int64)


def pipelined(server: Server, connection: Connection, *, orders: int, batch: int, window: int) -> Pace:
    """Sends orders in frames of `batch` as fast as the socket takes them, at most `window` of them unanswered.

    Raises:
        ConnectionError: The server ended the session, refused something, or did not answer.
    """
    frames = connection.frames_of(_orders(connection.instrument, orders), batch)
    sent_ns = np.zeros(orders, dtype=np.int64)
    times_ns = np.zeros(orders, dtype=np.int64)
    raw = connection.raw
    raw.setblocking(False)
    sent = answered = 0
    place, rest = 0, frames[0]
    cpu_s, began = server.cpu_s(), perf_counter_ns()
    try:
        while answered < orders:
            may_send = place < len(frames) and sent - answered < window
            readable, writable, _ = select.select([raw], [raw] if may_send else [], [], STALLED_S)
            if not readable and not writable:
                raise ConnectionError(f"nothing came for {STALLED_S:g} s: {answered} of {orders} are answered")
            if writable:
                if len(rest) == len(frames[place]):
                    sent_ns[place * batch : (place + 1) * batch] = perf_counter_ns()
                rest = rest[raw.send(rest) :]
                if not rest:
                    sent, place = min(sent + batch, orders), place + 1
                    rest = frames[place] if place < len(frames) else rest
            if readable:
                for frame in connection.read():
                    places = _answered(frame, connection.session)
                    if places is not None:
                        times_ns[places] = perf_counter_ns() - sent_ns[places]
                        answered += len(places)
        wall_ns, used_s = perf_counter_ns() - began, server.cpu_s() - cpu_s
    finally:
        raw.settimeout(STALLED_S)
    times_ns.sort()
    return Pace(orders, wall_ns, times_ns, used_s)


def closed_loop(server: Server, connection: Connection, *, orders: int) -> Pace:
    """Sends one order after the other, each when the one before it was answered. Raises as `pipelined`."""
    frames = connection.frames_of(_orders(connection.instrument, orders), 1)
    times_ns = np.zeros(orders, dtype=np.int64)
    raw = connection.raw
    cpu_s, began = server.cpu_s(), perf_counter_ns()
    for place, frame in enumerate(frames):
        sent_ns = perf_counter_ns()
        raw.sendall(frame)
        is_answered = False
        while not is_answered:
            for found in connection.read():
                places = _answered(found, connection.session)
                is_answered = is_answered or (places is not None and place in places)
        times_ns[place] = perf_counter_ns() - sent_ns
    wall_ns, used_s = perf_counter_ns() - began, server.cpu_s() - cpu_s
    times_ns.sort()
    return Pace(orders, wall_ns, times_ns, used_s)
