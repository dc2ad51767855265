"""Orders that are canceled because somebody is gone or is to stop: kill switches, disconnects, dead man's switches.

Every cancel is a mass cancel command of the exchange with the number of a note as its tag: journal and audit have it.

What must survive the process is in a file beside the journal, which is changed before anything follows from the
change: kill switches that are on, whether their cancels are done, and the accounts whose orders hang on a connection or
on a dead man's switch. Connections end with the process and nobody can have renewed a switch while it was down, so
`restore` cancels the orders of all those accounts, before the server says that it is ready.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from aeromatch import AeroMatchError, Report
from aeromatch.schema.admin import DeadManState
from aeromatch.server.admission.files import replace

__all__ = ["Canceler", "Safety", "SafetyError", "Switch"]

log = logging.getLogger("aeromatch.safety")

VENUE: Final = "*"
"""Stands for everybody where the file needs a name."""


class SafetyError(AeroMatchError):
    """The file of switches cannot be read or written; the message names it and says why."""


class Canceler(Protocol):
    """What is needed of an exchange."""

    async def mass_cancel(self, *, account: str | None = None, tag: int = 0) -> Report:
        """Cancels all orders of an account, or everybody's."""


class Notes(Protocol):
    """What is needed of the audit."""

    def action(self, action: str, *, key: str | None, remote: str, session: int, facts: dict[str, Any]) -> int:
        """Notes what is about to be done; the answer is the tag of the command that does it."""


class Switch(msgspec.Struct, kw_only=True):
    """A kill switch that is on."""

    since_ns: int
    reason: str = ""
    cancels: bool = False
    """Whether live orders are still to be canceled."""


class State(msgspec.Struct, kw_only=True):
    """What the file has."""

    version: int = 1
    kill_switches: dict[str, Switch] = msgspec.field(default_factory=dict)
    on_disconnect: list[str] = msgspec.field(default_factory=list)
    dead_man: list[str] = msgspec.field(default_factory=list)


class Safety:
    """The switches of all accounts. Belongs to one event loop."""

    def __init__(self, path: Path, exchange: Canceler, notes: Notes) -> None:
        """Reads the file.

        Raises:
            SafetyError: It cannot be read. A server that does not know who is to be stopped does not start.
        """
        self._path, self._exchange, self._notes = path, exchange, notes
        try:
            self._state = msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State()
        except OSError as error:
            raise SafetyError(f"{path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise SafetyError(f"{path}: {error}") from error
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._connected: dict[int, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def kill_switches(self) -> dict[str | None, Switch]:
        """Those that are on, by account; None: the venue's."""
        return {None if name == VENUE else name: switch for name, switch in self._state.kill_switches.items()}

    async def restore(self) -> None:
        """Cancels what was to be canceled when the process ended. Raises what the exchange raises."""
        for name, switch in list(self._state.kill_switches.items()):
            if switch.cancels:
                await self._killed(name, None if name == VENUE else name)
        for field, action in (("dead_man", "dead_man_fired"), ("on_disconnect", "cancel_on_disconnect")):
            for account in list(getattr(self._state, field)):
                await self._cancel(action, account, session=0, why="the server was down")
                self._drop(field, account)

    async def set_kill_switch(self, account: str | None, tag: int, *, engaged: bool, cancels: bool, why: str) -> None:
        """Writes down that a kill switch is on or off; on, it then cancels the live orders, if it is to.

        Raises:
            SafetyError: It cannot be written down.
        """
        name = VENUE if account is None else account
        if not engaged:
            self._state.kill_switches.pop(name, None)
            self._save()
            return
        self._state.kill_switches[name] = Switch(since_ns=time.time_ns(), reason=why, cancels=cancels)
        self._save()
        if cancels:
            await self._exchange.mass_cancel(account=account, tag=tag)
            self._canceled(name)

    async def _killed(self, name: str, account: str | None) -> None:
        """Completes what a crash has interrupted."""
        await self._cancel("kill_switch_cancel", account, session=0, why="the server was down")
        self._canceled(name)

    def _canceled(self, name: str) -> None:
        if switch := self._state.kill_switches.get(name):
            switch.cancels = False
            self._save()

    def cancel_on_disconnect(self, connection: int, account: str, *, enabled: bool) -> None:
        """Whether an account's orders end with a connection. Raises SafetyError if that cannot be written down."""
        accounts = self._connected.setdefault(connection, set())
        if enabled:
            accounts.add(account)
            self._add("on_disconnect", account)
            return
        accounts.discard(account)
        self._forget_connected(account)

    def disconnect(self, connection: int) -> None:
        """A connection has ended."""
        for account in self._connected.pop(connection, ()):
            self._start(self._disconnected(connection, account))

    def canceled(self, connection: int) -> None:
        """A connection has ended, and its gateway has canceled the orders. Raises SafetyError as everything here."""
        for account in self._connected.pop(connection, ()):
            self._forget_connected(account)

    async def _disconnected(self, connection: int, account: str) -> None:
        await self._cancel("cancel_on_disconnect", account, session=connection, why="the connection ended")
        self._forget_connected(account)

    def _forget_connected(self, account: str) -> None:
        if not any(account in accounts for accounts in self._connected.values()):
            self._drop("on_disconnect", account)

    def set_dead_man(self, account: str, timeout_ms: int) -> DeadManState:
        """Sets the account's dead man's switch anew; 0 turns it off. Raises SafetyError as everything here."""
        if timer := self._timers.pop(account, None):
            timer.cancel()
        if not timeout_ms:
            self._drop("dead_man", account)
            return DeadManState(timeout_ms=0, fires_at=None)
        self._add("dead_man", account)
        loop = asyncio.get_running_loop()
        self._timers[account] = loop.call_later(timeout_ms / 1000, self._fire, account, timeout_ms)
        return DeadManState(timeout_ms=timeout_ms, fires_at=time.time_ns() + timeout_ms * 1_000_000)

    def is_armed(self, account: str) -> bool:
        """Whether the account's dead man's switch is on."""
        return account in self._timers

    def _fire(self, account: str, timeout_ms: int) -> None:
        del self._timers[account]
        self._start(self._fired(account, timeout_ms))

    async def _fired(self, account: str, timeout_ms: int) -> None:
        await self._cancel("dead_man_fired", account, session=0, why=f"nothing came for {timeout_ms} ms")
        # Set again in the meantime, it stays.
        if account not in self._timers:
            self._drop("dead_man", account)

    async def _cancel(self, action: str, account: str | None, *, session: int, why: str) -> None:
        facts = {"account": account, "why": why}
        tag = self._notes.action(action, key=None, remote="", session=session, facts=facts)
        report = await self._exchange.mass_cancel(account=account, tag=tag)
        canceled = sum(event.kind == "canceled" for event in report.events)
        log.warning(action, extra={"account": account, "canceled": canceled, "why": why, "audit": tag})

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # The file still has it: the next start cancels.
            log.error("orders could not be canceled", exc_info=error)

    async def close(self) -> None:
        """Waits for the cancels that are under way. Switches that are armed stay so in the file."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _add(self, field: str, account: str) -> None:
        names: list[str] = getattr(self._state, field)
        if account not in names:
            names.append(account)
            self._save()

    def _drop(self, field: str, account: str) -> None:
        names: list[str] = getattr(self._state, field)
        if account in names:
            names.remove(account)
            self._save()

    def _save(self) -> None:
        text = msgspec.json.format(msgspec.json.encode(self._state)).decode()
        try:
            replace(self._path, text + "\n")
        except OSError as error:
            raise SafetyError(f"{self._path}: {error.strerror}") from error
