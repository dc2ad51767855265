"""aeromatchd: one process, one event loop, from the first signal handler to the last byte of the journal."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import uvloop

from aeromatch import AeroMatchError, __version__
from aeromatch.gateways.websocket import server_options
from aeromatch.server.admission.tls import make_context, uvicorn_options
from aeromatch.server.app import App, Status
from aeromatch.server.certificates import reload_certificate, tls_options
from aeromatch.server.compose import Venue, websocket_options
from aeromatch.server.config import ConfigError, Loaded
from aeromatch.server.config.reload import merge
from aeromatch.server.config.sections import ServerConfig
from aeromatch.server.errors import ServerError
from aeromatch.server.listen import HttpConfig, HttpServer
from aeromatch.server.logs import Logs
from aeromatch.server.notify import tell_manager

__all__ = ["Daemon", "run"]

log = logging.getLogger("aeromatch.server")

FORCED: Final = 1
FAILED: Final = 3
RECEIVE_BYTES: Final = 1 << 17
YOUNG_OBJECTS: Final = 20_000
"""So many more objects than before let the collector look at the young ones. A turn with many requests makes and frees
thousands: where few were enough, it would look at them in nearly every turn, and find nothing."""
FORCED_CLOSE_S: Final = 5.0
STOPPING: Final = (signal.SIGTERM, signal.SIGINT)

OnReady: TypeAlias = Callable[[str, Mapping[str, str]], None]


def run(loaded: Loaded, logs: Logs, on_ready: OnReady) -> int:
    """Runs the server until a signal ends it.

    Arguments:
        loaded: The configuration.
        logs: What is told of a new level.
        on_ready: Called when the server may be used: with its address, and by gateway those of the others.

    Returns:
        The exit code: 0 after a graceful stop, 1 after a forced one, 3 where a part failed that it needs.

    Raises:
        ServerError: It cannot start.
        JournalError: The data directory cannot be used.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Daemon(loaded, logs, on_ready).run())


class Daemon:
    """The server as a process: what listens, what is behind it, and how both end.

    The first SIGTERM or SIGINT lets what is under way end; the second one ends it, and only the journal is closed.
    """

    def __init__(self, loaded: Loaded, logs: Logs, on_ready: OnReady) -> None:
        self._config = loaded.config
        self._loaded = loaded
        self._logs = logs
        self._on_ready = on_ready
        self._reloading: asyncio.Task[None] | None = None
        self._is_reload_due = False
        self._status = Status(__version__)
        self._app = App(self._status)
        self._tls: ssl.SSLContext | None = None
        self._venue: Venue | None = None
        self._stopping = asyncio.Event()
        self._forced = asyncio.Event()

    async def run(self) -> int:
        """As `run` of the module, in the loop that is running."""
        self._make_data_directory()
        options = tls_options(self._loaded)
        self._tls = None if options is None else make_context(options)
        http = HttpServer(config := self._http_config())
        listener = listen(self._config.server)
        address = address_of(listener, is_secure=self._tls is not None)
        with self._handling_signals():
            serving = asyncio.create_task(http.serve(sockets=[listener]))
            life = asyncio.create_task(self._live(http, config, serving, address))
            forced = asyncio.create_task(self._forced.wait())
            try:
                await asyncio.wait({life, forced}, return_when=asyncio.FIRST_COMPLETED)
                return life.result() if life.done() else await self._end_at_once(life)
            finally:
                forced.cancel()
                http.should_exit = http.force_exit = True
                await asyncio.wait({serving})

    async def _live(self, http: HttpServer, config: HttpConfig, serving: asyncio.Task[None], address: str) -> int:
        log.info(
            "recovering", extra={"address": address, "data_dir": str(self._loaded.data_dir), "version": __version__}
        )
        self._venue = venue = await Venue.open(self._loaded, self._app, self._status)
        config.admission = venue.services.admission
        # What has been made so far stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
        if not self._stopping.is_set():
            self._status.set("ready")
            if self._status.state == "ready":
                others = {name: listener.address for name, listener in venue.listeners.items()}
                log.info("ready", extra={"address": address, **others})
                self._on_ready(address, others)
                tell_manager("READY=1")
            self._reload_if_due()
            if self._config.demo.seconds is not None:
                asyncio.get_running_loop().call_later(self._config.demo.seconds, self._stopping.set)
            ends = [asyncio.create_task(event.wait()) for event in (self._stopping, self._status.failed)]
            await asyncio.wait({serving, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            if serving.done():
                log.error("the listener has ended", exc_info=serving.exception())
        if self._status.failed.is_set():
            return await self._end_failed(http, serving, venue)
        self._status.set("draining")
        log.info("draining", extra={"timeout_s": self._config.server.drain_timeout_s})
        await venue.drain()
        http.should_exit = True
        await asyncio.wait({serving})
        await venue.close()
        log.info("stopped")
        return 0 if self._stopping.is_set() else FORCED

    async def _end_failed(self, http: HttpServer, serving: asyncio.Task[None], venue: Venue) -> int:
        """Tells clients, and ends: whoever starts it again gets a whole server, from what the journal has.

        A server that stays, and does nothing, would look alive to everybody but those who ask /ready.
        """
        log.error("failed", extra={"reason": self._status.detail})
        patience_s = self._config.server.drain_timeout_s + FORCED_CLOSE_S
        watchdog = threading.Timer(patience_s, os._exit, (FAILED,))
        watchdog.daemon = True
        watchdog.start()
        try:
            await venue.drain()
            http.should_exit = True
            await asyncio.wait({serving})
            await venue.close()
        except AeroMatchError as error:
            log.error("not all was closed", extra={"reason": str(error)})
        watchdog.cancel()
        return FAILED

    async def _end_at_once(self, life: asyncio.Task[int]) -> int:
        """Waits for nobody but the journal, and for that not long: whatever ends, it can be recovered."""
        log.warning("forced to stop")
        watchdog = threading.Timer(FORCED_CLOSE_S, os._exit, (FORCED,))
        watchdog.daemon = True
        watchdog.start()
        life.cancel()
        if self._venue is None:
            os._exit(FORCED)
        with contextlib.suppress(AeroMatchError):
            await self._venue.exchange.close()
        watchdog.cancel()
        return FORCED

    def _make_data_directory(self) -> None:
        directory = self._loaded.data_dir
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServerError(f"the data directory {directory} cannot be made: {error.strerror}") from error

    def _http_config(self) -> HttpConfig:
        server = self._config.server
        config = HttpConfig(
            self._app,
            max_header_bytes=server.max_header_bytes,
            request_timeout_s=server.request_timeout_s,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            # Whether requests are logged is the logger's business: it can change.
            access_log=True,
            proxy_headers=False,
            server_header=False,
            backlog=server.backlog,
            timeout_keep_alive=server.keep_alive_s,
            timeout_graceful_shutdown=server.drain_timeout_s,
            **server_options(websocket_options(self._config)),
            **({} if self._tls is None else uvicorn_options(self._tls)),
        )
        config.load()
        return config

    @contextlib.contextmanager
    def _handling_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        try:
            yield
        finally:
            for number in (*STOPPING, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._forced.is_set():
            os._exit(FORCED)
        if self._stopping.is_set():
            self._forced.set()
            return
        log.info("told to stop", extra={"signal": number.name, "state": self._status.state})
        tell_manager("STOPPING=1")
        self._stopping.set()

    def _on_hangup(self) -> None:
        self._is_reload_due = True
        self._reload_if_due()

    def _reload_if_due(self) -> None:
        """Reloads, unless the server is starting or does so already: then it follows."""
        if self._venue is not None and (self._reloading is None or self._reloading.done()):
            self._reloading = asyncio.create_task(self._reload_while_due(self._venue))

    async def _reload_while_due(self, venue: Venue) -> None:
        while self._is_reload_due:
            self._is_reload_due = False
            await self._reload(venue)

    async def _reload(self, venue: Venue) -> None:
        try:
            loaded = await asyncio.to_thread(self._loaded.again)
        except ConfigError as error:
            for problem in error.problems:
                log.error("not reloaded", extra={"problem": str(problem)})
            return
        except OSError as error:
            log.error("not reloaded", extra={"problem": str(error)})
            return
        self._config, changed = merge(self._config, loaded.config)
        self._loaded = replace(self._loaded, config=self._config)
        for value in changed:
            if value.is_applied:
                log.info("applied", extra={"key": value.path})
            else:
                log.warning("needs a restart", extra={"key": value.path})
        self._logs.apply(self._config.logging)
        reload_certificate(self._tls, self._loaded, log)
        try:
            await venue.reload(self._loaded)
        except AeroMatchError as error:
            log.error("not all was reloaded", extra={"problem": str(error)})
            return
        log.info("reloaded", extra={"changed": len(changed)})


def listen(server: ServerConfig) -> socket.socket:
    """Takes the address: connections may come from here on.

    Raises:
        ServerError: It is taken, not this machine's, or not for everybody.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        listener = socket.create_server((server.host, server.port), family=family, backlog=server.backlog)
    except OSError as error:
        advice = {
            errno.EADDRINUSE: ": another process listens there; --port chooses another one",
            errno.EACCES: ": this user may not use it; ports above 1023 are for everybody",
        }.get(error.errno or 0, f": {error.strerror or error}")
        raise ServerError(f"cannot listen on {server.host} port {server.port}{advice}") from error
    # What connections inherit. The system would let each send megabytes before anybody has looked at the first.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    return listener


def address_of(listener: socket.socket, *, is_secure: bool) -> str:
    """The URL that a socket is reached by."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if is_secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
