"""The one table that lets requests in: the native one, and around it keys from a file, sessions, switches, the audit.

Nothing here waits on the way of a request but for the disk, once for a connection that trades: who it is, is written
down before its first order is sent.
"""

import asyncio
import itertools
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from aeromatch import AeroMatchError, UnknownNameError
from aeromatch._core import Admission as NativeTable
from aeromatch._core import AdmissionRefusal
from aeromatch.gateways.services import Credentials, Gate, Principal, RefusedError, Role
from aeromatch.schema.accounts import Account
from aeromatch.schema.admin import DeadManState
from aeromatch.server.admission.audit import AuditError, AuditLog
from aeromatch.server.admission.keys import KeyRecord, KeyStore, roles_of
from aeromatch.server.admission.options import AdmissionOptions
from aeromatch.server.admission.safety import Canceler, Safety, SafetyError

__all__ = ["AUDIT_FILE", "SAFETY_FILE", "AdmissionTable", "Venue"]

log = logging.getLogger("aeromatch.admission")

AUDIT_FILE: Final = "audit.jsonl"
SAFETY_FILE: Final = "safety.json"
EVERYTHING: Final = roles_of("admin")
STRANGERS: Final = 4096
"""Addresses without a connection of their own (a gateway that does not say which) that are remembered."""
UNAVAILABLE_RETRY_MS: Final = 1000


class Venue(Canceler, Protocol):
    """What is needed of the exchange."""

    @property
    def durability(self) -> str | None:
        """When a command is answered; None: it has no journal."""

    def account_number(self, name: str) -> int:
        """Raises UnknownNameError where there is no such account."""


@dataclass(slots=True)
class _Connection:
    """One that is open, and who has come over it."""

    number: int
    remote: str
    is_counted: bool
    principals: dict[str | None, Principal] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    noted: set[int] = field(default_factory=set)


class AdmissionTable:
    """Implements `services.Admission`. Belongs to one event loop; only the native table below is for all threads.

    `start` before the server says that it is ready, `close` before the exchange closes.
    """

    def __init__(
        self,
        exchange: Venue,
        directory: Path,
        options: AdmissionOptions,
        *,
        clock_ns: Callable[[], int] | None = None,
    ) -> None:
        """Reads keys and switches, and begins to keep notes.

        Arguments:
            exchange: Whose orders are canceled where somebody is to stop.
            directory: Where notes and switches are kept: the exchange's own.
            options: Keys and limits.
            clock_ns: Nanoseconds since 1970 instead of the machine's clocks, for tests.

        Raises:
            KeyFileError: The keys cannot be used.
            AuditError: The notes cannot be kept.
            SafetyError: It cannot be known which switches are on.
        """
        self._exchange, self._options, self._clock_ns = exchange, options, clock_ns
        self._keys = _load(options)
        self._audit = AuditLog(directory / AUDIT_FILE, is_synced=exchange.durability == "disk")
        self._not_before_ms = self._find_not_before_ms()
        try:
            self._safety = Safety(directory / SAFETY_FILE, exchange, self._audit)
            self._native = NativeTable(
                required=options.keys_file is not None,
                window_ms=options.window_ms,
                ahead_ms=options.ahead_ms,
                not_before_ms=self._not_before_ms,
                nonces=options.nonces,
            )
            self._apply()
        except BaseException:
            self._audit.close()
            raise
        self._killed: set[str | None] = set()
        for account in self._safety.kill_switches:
            self._switch(account, engaged=True)
        self._connections: dict[int, _Connection] = {}
        self._strangers: OrderedDict[str, _Connection] = OrderedDict()

    def _find_not_before_ms(self) -> int:
        """Which signatures may have been used in the run before: this one does not know their nonces."""
        ended_ns = self._audit.last_run_end_ns
        if ended_ns == 0 or self._options.keys_file is None:
            return 0
        now_ns = time.time_ns() if self._clock_ns is None else self._clock_ns()
        # A clock that was set back since is no reason to refuse for longer.
        ended_ns = now_ns if ended_ns is None else min(ended_ns, now_ns)
        return ended_ns // 1_000_000 + self._options.ahead_ms

    def _apply(self) -> None:
        options = self._options
        self._native.set_limits(
            address_orders=options.address_orders,
            address_requests=options.address_requests,
            venue_orders=options.venue_orders,
            failures=options.failures,
            connections=options.connections,
            connections_per_address=options.connections_per_address,
        )
        keys = self._keys.values()
        self._native.set_keys([key.native(options.key_orders, options.key_requests) for key in keys])

    def reload(self, options: AdmissionOptions | None = None) -> None:
        """Reads the keys again, for SIGHUP. What they have used of their limits stays used; connections stay open.

        Arguments:
            options: Other limits; None: those that are. Whether keys are needed, the window and the number of nonces
                cannot change.

        Raises:
            KeyFileError: The keys cannot be used; those that were there go on, with the other limits.
        """
        options = self._options if options is None else options
        if (options.keys_file is None) != (self._options.keys_file is None):
            options = replace(options, keys_file=self._options.keys_file)
        self._options = options
        try:
            self._keys = _load(options)
        finally:
            self._apply()
        for connection in itertools.chain(self._connections.values(), self._strangers.values()):
            # A key may act for another account now: its next request gets another number, noted anew.
            connection.principals.clear()
        log.info("keys were read", extra={"keys": len(self._keys)})

    async def start(self) -> None:
        """Cancels what was to be canceled when the process before this one ended.

        After a crash it also waits until signatures are good again that are made now, a second at most: who asks
        sooner is told to wait, not that his signature is wrong.

        Raises:
            SafetyError: It cannot be written down that it is done.
            JournalError: As the exchange.
        """
        await self._safety.restore()
        if self._clock_ns is None:
            ahead_ms = self._not_before_ms - time.time_ns() // 1_000_000
            if ahead_ms >= 0:
                await asyncio.sleep((ahead_ms + 1) / 1000)

    async def close(self) -> None:
        """Waits for cancels that are under way, and ends the notes. A second time does nothing."""
        await self._safety.close()
        self._audit.close()

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return self._native.connections

    def connect(self, remote: str) -> int:
        """As `services.Admission.connect`."""
        refused = self._native.connect(remote)
        if refused is not None:
            raise _error(refused)
        try:
            number = self._audit.number()
        except AuditError as error:
            self._native.disconnect(remote)
            raise _unavailable(error) from error
        self._connections[number] = _Connection(number, remote, is_counted=True)
        return number

    @property
    def native(self) -> NativeTable:
        """The native table, for gateways that ask it themselves."""
        return self._native

    def note_session(self, key: str | None, account: str | None, remote: str, *, cancels_at_end: bool = False) -> int:
        """Notes a session of a gateway that counts its connections itself: its number, written down on return.

        With `cancels_at_end` the gateway cancels the account's orders when the session ends, and then calls
        `end_session`; should the process end before that, the next one cancels them.

        Raises:
            RefusedError: It cannot be written down (503).
        """
        number = self._number()
        try:
            self._audit.session(number, key=key, account=account, remote=remote)
            if cancels_at_end and account is not None:
                self._safety.cancel_on_disconnect(number, account, enabled=True)
        except (AuditError, SafetyError) as error:
            raise _unavailable(error) from error
        return number

    def end_session(self, number: int) -> None:
        """A session of `note_session` has ended, and orders that were to end with it are canceled."""
        try:
            self._safety.canceled(number)
        except SafetyError:
            # The file still has it: the next start cancels once more.
            log.exception("the end of a session could not be written down", extra={"session": number})

    def disconnect(self, session: int) -> None:
        """As `services.Admission.disconnect`. A session that is unknown, or has ended, is none."""
        connection = self._connections.get(session)
        if connection is None:
            return
        for number in connection.numbers | {connection.number}:
            self._connections.pop(number, None)
            self._safety.disconnect(number)
        self._native.disconnect(connection.remote)

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        """As `services.Admission.admit`."""
        passed = self._native.admit(
            remote,
            role,
            cost,
            credentials.authorization,
            credentials.key,
            credentials.timestamp,
            credentials.nonce,
            credentials.signature,
            credentials.method,
            credentials.target,
            credentials.body,
            None if self._clock_ns is None else self._clock_ns(),
        )
        if isinstance(passed, AdmissionRefusal):
            raise _error(passed)
        key_id, headers = passed
        if cost > 1 and role == "trade":
            self._check_batch(key_id, cost, headers)
        connection = self._connections.get(session) or self._stranger(remote)
        principal = connection.principals.get(key_id) or self._principal(connection, key_id)
        if role != "read" and principal.session not in connection.noted:
            self._note(connection, principal)
        return Gate(principal, headers)

    def screen(self, remote: str, credentials: Credentials, role: Role) -> None:
        """As `services.Admission.screen`."""
        refused = self._native.screen(
            remote,
            role,
            credentials.authorization,
            credentials.key,
            credentials.timestamp,
            credentials.nonce,
            credentials.signature,
            credentials.method,
            credentials.target,
            None if self._clock_ns is None else self._clock_ns(),
        )
        if refused is not None:
            raise _error(refused)

    def admit_again(self, principal: Principal, role: Role, cost: int = 1) -> Gate:
        """As `services.Admission.admit_again`."""
        if principal.key_id is None:
            return self.admit(principal.session, principal.remote, Credentials(), role, cost)
        now_ns = None if self._clock_ns is None else self._clock_ns()
        passed = self._native.admit_again(principal.remote, principal.key_id, role, cost, now_ns)
        if isinstance(passed, AdmissionRefusal):
            raise _error(passed)
        connection = self._connections.get(principal.session) or self._stranger(principal.remote)
        # After a reload the key may act for another account.
        current = connection.principals.get(principal.key_id) or self._principal(connection, principal.key_id)
        if role != "read" and current.session not in connection.noted:
            self._note(connection, current)
        return Gate(current, passed)

    def _check_batch(self, key_id: str | None, cost: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        """Refuses a batch that is larger than a bucket: in whatever pieces orders come, no more come than may."""
        options = self._options
        limits: list[tuple[int, int]] = [options.address_orders, options.venue_orders]
        if key_id is not None:
            limits.append(self._keys[key_id].orders or options.key_orders)
        most = min((max(burst, 1) for per_second, burst in limits if per_second), default=cost)
        if cost > most:
            detail = f"the limits let in {most} orders at once: send smaller batches"
            raise RefusedError("body_too_large", 413, detail, headers=headers)

    def _stranger(self, remote: str) -> _Connection:
        """What stands for requests over connections that nobody has numbered: one for each address."""
        is_with_port = remote.startswith("[") or remote.count(":") == 1
        host = remote.rpartition(":")[0] if is_with_port else remote
        connection = self._strangers.get(host)
        if connection is None:
            connection = _Connection(self._number(), remote, is_counted=False)
            self._strangers[host] = connection
            if len(self._strangers) > STRANGERS:
                self._strangers.popitem(last=False)
        return connection

    def _number(self) -> int:
        try:
            return self._audit.number()
        except AuditError as error:
            raise _unavailable(error) from error

    def _principal(self, connection: _Connection, key_id: str | None) -> Principal:
        """Who comes over a connection with a key; a second key over it is a session of its own."""
        if key_id is None:
            roles, account = EVERYTHING, None
        else:
            key = self._keys[key_id]
            roles, account = roles_of(key.role), key.account
        number = self._number() if connection.numbers else connection.number
        connection.numbers.add(number)
        principal = Principal(key_id, roles, account, number, connection.remote)
        connection.principals[key_id] = principal
        if connection.is_counted:
            self._connections[number] = connection
        return principal

    def _note(self, connection: _Connection, principal: Principal) -> None:
        try:
            self._audit.session(
                principal.session, key=principal.key_id, account=principal.account, remote=principal.remote
            )
        except AuditError as error:
            # Who cannot be written down does nothing that would have to be.
            raise _unavailable(error) from error
        connection.noted.add(principal.session)

    def account_for(self, principal: Principal, account: str | None) -> str | None:
        """As `services.Admission.account_for`."""
        if "admin" in principal.roles:
            return principal.account if account is None else account
        if principal.account is None:
            raise RefusedError("not_permitted", 403, "the key acts for no account")
        if account is not None and account != principal.account:
            raise RefusedError("not_permitted", 403, f"the key acts for account {principal.account!r} only")
        return principal.account

    def may_trade(self, account: str | None) -> None:
        """As `services.Admission.may_trade`."""
        if self._native.is_killed(account):
            which = "the venue's" if self._native.is_killed(None) else "the account's"
            raise RefusedError("kill_switch", 403, f"{which} kill switch is on: orders can be canceled only")

    def any_killed(self) -> bool:
        """As `services.Admission.any_killed`."""
        return bool(self._killed)

    def is_killed(self, account: str | None) -> bool:
        """As `services.Admission.is_killed`."""
        return self._native.is_killed(account)

    def cancel_on_disconnect(self, session: int, account: str, *, enabled: bool) -> None:
        """As `services.Admission.cancel_on_disconnect`."""
        if session not in self._connections:
            raise RefusedError("no_connection", 409, "this request came over no connection that could end")
        try:
            self._safety.cancel_on_disconnect(session, account, enabled=enabled)
        except SafetyError as error:
            raise _unavailable(error) from error

    async def set_dead_man(self, principal: Principal, account: str, timeout_ms: int) -> DeadManState:
        """As `services.Admission.set_dead_man`."""
        account = self._known(self.account_for(principal, account))
        if self._safety.is_armed(account) != (timeout_ms > 0):
            # Only what changes is noted, not every sign of life.
            self.audit(principal, "set_dead_man", account=account, timeout_ms=timeout_ms)
        try:
            return self._safety.set_dead_man(account, timeout_ms)
        except SafetyError as error:
            raise _unavailable(error) from error

    async def set_kill_switch(
        self, principal: Principal, account: str | None, *, engaged: bool, cancel_orders: bool, reason: str
    ) -> Account:
        """As `services.Admission.set_kill_switch`: at once, before anything is awaited. The venue is "*"."""
        if account is not None:
            self._known(account)
        if engaged:
            # First of all: no order is let in behind the cancel.
            self._switch(account, engaged=True)
            # Orders that were let in before it wait for the end of this turn of the loop (gateways.turns): the cancel
            # is to come behind them.
            await asyncio.sleep(0)
        tag = self.audit(
            principal, "set_kill_switch", account=account, engaged=engaged, cancel_orders=cancel_orders, reason=reason
        )
        try:
            await self._safety.set_kill_switch(account, tag, engaged=engaged, cancels=cancel_orders, why=reason)
        except SafetyError as error:
            raise _unavailable(error) from error
        if not engaged:
            self._switch(account, engaged=False)
        named = {"account": account or "*", "engaged": engaged, "reason": reason, "audit": tag}
        log.warning("kill switch", extra=named)
        return Account(account=account or "*", killed=self._native.is_killed(account))

    def _switch(self, account: str | None, *, engaged: bool) -> None:
        self._native.set_switch(account, engaged)
        (self._killed.add if engaged else self._killed.discard)(account)

    def _known(self, account: str | None) -> str:
        try:
            if account is not None:
                self._exchange.account_number(account)
                return account
        except UnknownNameError as error:
            raise RefusedError("unknown_account", 404, f"there is no account {account!r}") from error
        raise RefusedError("account_needed", 400, "name the account")

    def audit(self, principal: Principal, action: str, **facts: str | int | None) -> int:
        """As `services.Admission.audit`. Written when it returns; raises RefusedError (503) where it cannot be."""
        given = {name: value for name, value in facts.items() if value is not None}
        try:
            return self._audit.action(
                action, key=principal.key_id, remote=principal.remote, session=principal.session, facts=given
            )
        except AuditError as error:
            raise _unavailable(error) from error


def _load(options: AdmissionOptions) -> dict[str, KeyRecord]:
    if options.keys_file is None:
        return {}
    return {key.id: key for key in KeyStore(options.keys_file).load()}


def _error(refused: AdmissionRefusal) -> RefusedError:
    return RefusedError(
        refused.slug, refused.status, refused.detail, retry_after_ms=refused.retry_after_ms, headers=refused.headers
    )


def _unavailable(error: AeroMatchError) -> RefusedError:
    log.error("cannot be written down", extra={"why": str(error)})
    return RefusedError(
        "unavailable", 503, "what is done could not be written down", retry_after_ms=UNAVAILABLE_RETRY_MS
    )
