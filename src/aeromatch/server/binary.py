"""The binary gateway (docs/binary.md): a native server, and around it what the rest of the server needs of it.

The protocol, its threads and its checks are in crates/runtime/src/wire. Here a session gets its number from the audit,
the views learn client order ids, and /metrics what was counted.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import AeroMatchError, Events, _core
from aeromatch.gateways.services import Services, Views
from aeromatch.server.admission import AdmissionTable
from aeromatch.server.errors import ServerError

if TYPE_CHECKING:
    from aeromatch.server.observe.registry import Sample

__all__ = ["BinaryGateway", "BinaryOptions", "ClientNames", "open_binary"]

log = logging.getLogger("aeromatch.binary")

NOTED_S: Final = 10.0
"""So long a session's note may take; the event loop is never away for longer."""
MAX_PATH_BYTES: Final = 107
"""What fits a Unix socket's address."""


@dataclass(frozen=True, slots=True)
class BinaryOptions:
    """How the gateway is run: `gateways.binary` of the configuration.

    Attributes:
        tcp: Host and port; None: no TCP.
        unix_path: Where its Unix socket is; None: there is none.
        depth_interval_ms: Levels of a book are told at most this often.
        drain_timeout_s: How long its clients may take to go.
    """

    tcp: tuple[str, int] | None
    unix_path: Path | None
    max_frame_bytes: int = 1 << 20
    outbound_bytes: int = 1 << 24
    heartbeat_ms: int = 10_000
    login_timeout_ms: int = 10_000
    subscriptions: int = 256
    depth_interval_ms: int = 100
    drain_timeout_s: float = 10.0


class ClientNames:
    """Tells the views the client order ids that came over the binary gateway, before events of their orders are told.

    An `EventConsumer`: it is the first of those that the feed calls.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._lock = threading.Lock()
        self.server: _core.BinaryServer | None = None

    def apply(
        self,
        shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        orders: NDArray[np.void],
        fills: NDArray[np.void],
    ) -> None:
        """As `EventConsumer.apply`."""
        del shard, events, times_ns, orders, fills
        self.take()

    def tick(self, now_ns: int) -> None:
        """As `EventConsumer.tick`."""
        del now_ns
        self.take()

    def take(self) -> None:
        """Passes on what the gateway has."""
        with self._lock:
            if self.server is not None:
                for order_id, name in self.server.take_names():
                    self._views.named(order_id, name)

    def forget(self) -> None:
        """The gateway is about to be closed."""
        self.take()
        with self._lock:
            self.server = None


class BinaryGateway:
    """A `Listener`."""

    def __init__(self, server: _core.BinaryServer, names: ClientNames, options: BinaryOptions) -> None:
        self._server, self._names, self._options = server, names, options
        self._addresses = tuple(server.addresses.values())
        names.server = server

    @property
    def address(self) -> str:
        """host:port and the path of the socket, as far as there are such."""
        return ", ".join(self._addresses)

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._server.counters().get("connections", 0)

    async def drain(self) -> None:
        """As `Listener.drain`."""
        if not await asyncio.to_thread(self._server.drain, self._options.drain_timeout_s):
            log.warning("binary clients did not go in time", extra={"timeout_s": self._options.drain_timeout_s})

    async def close(self) -> None:
        """As `Listener.close`."""
        # In a thread: the server's own may be waiting for this loop, to note a session.
        await asyncio.to_thread(self._names.forget)
        await asyncio.to_thread(self._server.close)
        if self._options.unix_path is not None:
            self._options.unix_path.unlink(missing_ok=True)

    def samples(self) -> Iterator["Sample"]:
        """What /metrics shows of it."""
        counted = self._server.counters()
        if not counted:
            return  # It was closed: there is nothing more to come.
        yield "aeromatch_gateway_connections", ("binary",), counted["connections"]
        yield "aeromatch_binary_connections", (), counted["connections"]
        yield "aeromatch_binary_sessions", (), counted["sessions"]
        yield "aeromatch_binary_logins_total", ("good",), counted["logins"]
        yield "aeromatch_binary_logins_total", ("refused",), counted["refused_logins"]
        yield "aeromatch_binary_commands_total", ("sent",), counted["commands"]
        yield "aeromatch_binary_commands_total", ("refused",), counted["refused"]
        yield "aeromatch_binary_reports_total", (), counted["reports"]
        yield "aeromatch_binary_bytes_total", ("received",), counted["received_bytes"]
        yield "aeromatch_binary_bytes_total", ("sent",), counted["sent_bytes"]
        yield "aeromatch_binary_ended_total", ("slow_consumer",), counted["slow_consumers"]
        yield "aeromatch_binary_ended_total", ("fault",), counted["faults"]


async def open_binary(
    services: Services, admission: AdmissionTable, names: ClientNames, options: BinaryOptions
) -> BinaryGateway:
    """Opens the gateway.

    Raises:
        ServerError: An address cannot be had.
        AeroMatchError: The exchange has stopped.
    """
    path = options.unix_path
    if path is not None and len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ServerError(
            f"gateways.binary.socket: {path} is longer than the {MAX_PATH_BYTES} bytes of a socket's address; "
            "name a shorter one, or null"
        )
    loop = asyncio.get_running_loop()

    def open_session(key: str | None, account: str | None, remote: str, cancels_at_end: bool = False) -> int:
        async def note() -> int:
            return admission.note_session(key, account, remote, cancels_at_end=cancels_at_end)

        return asyncio.run_coroutine_threadsafe(note(), loop).result(NOTED_S)

    def close_session(number: int) -> None:
        loop.call_soon_threadsafe(admission.end_session, number)

    def begin() -> _core.BinaryServer:
        return _core.BinaryServer(
            services.exchange._exchange,
            admission.native,
            tcp=options.tcp,
            unix_path=None if path is None else str(path),
            open_session=open_session,
            close_session=close_session,
            max_frame_bytes=options.max_frame_bytes,
            outbound_bytes=options.outbound_bytes,
            heartbeat_ms=options.heartbeat_ms,
            login_timeout_ms=options.login_timeout_ms,
            max_subscriptions=options.subscriptions,
            depth_interval_ms=options.depth_interval_ms,
        )

    try:
        server = await asyncio.to_thread(begin)
    except AeroMatchError:
        raise
    except OSError as error:
        raise ServerError(f"the binary gateway cannot listen: {error}") from error
    return BinaryGateway(server, names, options)
