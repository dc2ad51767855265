"""One process of a load: its connections, what it sends over them and when, and what it measures."""

from __future__ import annotations

import asyncio
import math
import os
import selectors
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import TYPE_CHECKING, Any, Final

from aeromatch._core import Histogram
from aeromatch.bench.gateways import OF_ONE_ACCOUNT, Answer, Connection, LostError, Proof, Target, open_connection
from aeromatch.bench.load_flow import BATCH_MIX, MIX, Command, Flow, Market

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Measured", "Plan", "work"]

NS_PER_S: Final = 1_000_000_000
REPORT_S: Final = 0.25
RETRY_S: Final = 0.1
END_S: Final = 5.0
"""How long the last answers are waited for."""
SELECT_CONNECTIONS: Final = 400
"""So many at most can be waited for to the microsecond; with more, times are kept to the millisecond."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, where to, and how fast."""

    url: str
    gateway: str
    markets: tuple[Market, ...]
    address: str | None = None
    """host:port of a gateway that does not share the URL's; None: its usual port there."""
    accounts: tuple[str, ...] = ()
    proof: Proof | None = None
    ca: str | None = None
    """A file with the certificates to trust over TLS; None: those that the machine trusts."""
    rate: float | None = None
    """Requests a second of all processes; None: each connection sends when its last answer is there."""
    connections: int = 16
    """Of all processes."""
    in_flight: int = 1
    """Requests that a connection has under way, at most; more than one where the gateway tells answers apart."""
    processes: int = 1
    batch: int = 1
    mix: dict[str, float] | None = None
    seconds: float = 10.0
    warmup_s: float = 1.0
    seed: int = 1

    @property
    def weights(self) -> dict[str, float]:
        """The mix, or the usual one."""
        return self.mix or (BATCH_MIX if self.batch > 1 else MIX)


@dataclass(slots=True)
class Measured:
    """What a process, or all of them, measured; times in ns."""

    response: dict[str, Histogram] = field(default_factory=dict)
    """By kind of request: from when it should have been sent to its answer."""
    service: dict[str, Histogram] = field(default_factory=dict)
    """The same from when it was sent."""
    statuses: Counter[int] = field(default_factory=Counter)
    slugs: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    """Orders that were entered, changed or canceled by the requests."""
    lost: int = 0
    """Requests whose connection ended before the answer."""
    reconnects: int = 0
    latest_ns: int = 0
    """By how much the latest request was sent after its time."""
    unsent: int = 0
    """Requests whose time had come, and which were not sent before the end."""

    def note(self, command: Command, answer: Answer, due_ns: int, sent_ns: int, now_ns: int) -> None:
        """Counts an answer."""
        for histograms, begin_ns in ((self.response, due_ns), (self.service, sent_ns)):
            histogram = histograms.get(command.kind)
            if histogram is None:
                histogram = histograms[command.kind] = Histogram()
            histogram.record(max(now_ns - begin_ns, 0))
        self.statuses[answer.status] += 1
        self.latest_ns = max(self.latest_ns, sent_ns - due_ns)
        if answer.status < 400:
            self.orders += command.orders
        if answer.status >= 400 or command.kind == "batch":
            self.slugs.update(answer.slugs())

    def merge(self, other: Measured) -> None:
        """Adds what another process measured."""
        for own, theirs in ((self.response, other.response), (self.service, other.service)):
            for kind, histogram in theirs.items():
                own.setdefault(kind, Histogram()).merge(histogram)
        self.statuses.update(other.statuses)
        self.slugs.update(other.slugs)
        self.orders += other.orders
        self.lost += other.lost
        self.reconnects += other.reconnects
        self.unsent += other.unsent
        self.latest_ns = max(self.latest_ns, other.latest_ns)

    def packed(self) -> dict[str, object]:
        """As plain values, to be sent to another process."""
        return {
            "response": {kind: histogram.to_bytes() for kind, histogram in self.response.items()},
            "service": {kind: histogram.to_bytes() for kind, histogram in self.service.items()},
            "statuses": self.statuses,
            "slugs": self.slugs,
            "orders": self.orders,
            "lost": self.lost,
            "reconnects": self.reconnects,
            "latest_ns": self.latest_ns,
            "unsent": self.unsent,
        }


class _Line:
    """One connection, which is made again when it is lost."""

    def __init__(self, worker: Worker, number: int) -> None:
        self.worker = worker
        self.number = number
        plan = worker.plan
        # By turns, where a session is one account's; else each order may be another's.
        self.account = plan.accounts[number % len(plan.accounts)] if plan.accounts else None
        accounts = plan.accounts if plan.gateway not in OF_ONE_ACCOUNT or self.account is None else (self.account,)
        self.flow = Flow(plan.markets, accounts, plan.weights, plan.batch, plan.seed * 1_000_003 + number)
        self.connection: Connection | None = None
        self._making = asyncio.Lock()

    async def connect(self) -> None:
        plan = self.worker.plan
        self.connection = await open_connection(
            Target(
                plan.gateway,
                plan.url,
                plan.address,
                plan.proof,
                plan.ca,
                session=f"LOAD-{os.getpid()}-{self.number}",
                account=self.account,
                in_flight=plan.in_flight,
            )
        )

    async def send(self, due_ns: int) -> None:
        """Send the next request and count its answer."""
        connection = self.connection
        if connection is None:
            await self._again()
            return
        command, measured = self.flow.next(), self.worker.measured
        sent_ns = time.monotonic_ns()
        try:
            answer = await connection.ask(command)
        except LostError:
            measured.lost += 1
            if self.connection is connection:
                self.connection = None
            return
        now_ns = time.monotonic_ns()
        self.worker.answers += 1
        if due_ns >= self.worker.measured_from_ns:
            measured.note(command, answer, due_ns, sent_ns, now_ns)
        if answer.status < 300:
            self._learn(command, answer)

    def _learn(self, command: Command, answer: Answer) -> None:
        """What an answer says about orders to come."""
        if command.kind == "new":
            if answer.is_resting():
                self.flow.rests(answer.order_id(), command)
        elif command.kind in ("crossing", "market") and (price := answer.price()):
            self.flow.traded(price, command)

    async def _again(self) -> None:
        async with self._making:
            if self.connection is not None:
                return
            await asyncio.sleep(RETRY_S)
            try:
                await self.connect()
                self.worker.measured.reconnects += 1
            except LostError:
                return

    async def closed_loop(self) -> None:
        """Send when the answer is there, and so again."""
        while (now_ns := time.monotonic_ns()) < self.worker.end_ns:
            await self.send(now_ns)

    async def open_loop(self, begin_ns: int, interval_ns: float) -> None:
        """Send when it is time, or as soon as the connection is free after that: the clock does not wait."""
        sent = 0
        try:
            while (due_ns := begin_ns + round(sent * interval_ns)) < self.worker.end_ns:
                now_ns = time.monotonic_ns()
                if now_ns < due_ns:
                    await asyncio.sleep((due_ns - now_ns) / NS_PER_S)
                elif now_ns >= self.worker.end_ns:
                    return
                elif self.connection is None:
                    await self._again()
                else:
                    sent += 1
                    await self.send(due_ns)
        finally:
            # What nobody had time for counts too: otherwise a slow server would look better than it is.
            warmed_up, ended = (
                _requests_due(begin_ns, interval_ns, moment_ns)
                for moment_ns in (self.worker.measured_from_ns, self.worker.end_ns)
            )
            self.worker.measured.unsent += ended - max(sent, warmed_up)


def _requests_due(begin_ns: int, interval_ns: float, until_ns: int) -> int:
    """How many of a lane's requests are due before a moment."""
    return max(math.ceil(round((until_ns - begin_ns) / interval_ns, 6)), 0)


class Worker:
    """A process's part of a plan."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.plan = plan
        self.measured = Measured()
        self.answers = 0
        self.measured_from_ns = self.end_ns = 0
        self.lines = [_Line(self, number) for number in range(index, plan.connections, plan.processes)]

    async def run(self, pipe: Pipe[Any, Any]) -> None:
        """Connect, wait for the start, send, report."""
        try:
            for line in self.lines:
                await line.connect()
        except LostError as error:
            pipe.send(("failed", str(error)))
            return
        pipe.send(("ready", None))
        start_ns = await asyncio.to_thread(pipe.recv)
        await asyncio.sleep(max(start_ns - time.monotonic_ns(), 0) / NS_PER_S)
        self.measured_from_ns = start_ns + round(self.plan.warmup_s * NS_PER_S)
        self.end_ns = self.measured_from_ns + round(self.plan.seconds * NS_PER_S)
        tasks = [asyncio.create_task(work) for line in self.lines for work in self._loops(line, start_ns)]
        reporting = asyncio.create_task(self._report(pipe))
        _, unfinished = await asyncio.wait(tasks, timeout=(self.end_ns - time.monotonic_ns()) / NS_PER_S + END_S)
        for task in (*unfinished, reporting):
            task.cancel()
        await asyncio.gather(*tasks, reporting, return_exceptions=True)
        self.measured.lost += len(unfinished)
        for task in tasks:
            if not task.cancelled() and (failure := task.exception()) is not None:
                pipe.send(("failed", f"{type(failure).__name__}: {failure}"))
                return
        for line in self.lines:
            if line.connection is not None:
                line.connection.close()
        pipe.send(("done", self.measured.packed()))

    def _loops(self, line: _Line, start_ns: int) -> list[Coroutine[Any, Any, None]]:
        in_flight = self.plan.in_flight
        if self.plan.rate is None:
            return [line.closed_loop() for _ in range(in_flight)]
        lanes = self.plan.connections * in_flight
        interval_ns = lanes * NS_PER_S / self.plan.rate
        # Evenly spaced over all connections, not all at once.
        return [
            line.open_loop(start_ns + round(interval_ns * (line.number * in_flight + lane) / lanes), interval_ns)
            for lane in range(in_flight)
        ]

    async def _report(self, pipe: Pipe[Any, Any]) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            pipe.send(("answers", self.answers))


def work(descriptor: int) -> None:
    """What a process of a load does: it gets its plan through a pipe, and answers there."""
    with Pipe(descriptor) as pipe:
        plan, index = pipe.recv()
        is_exact = plan.rate is not None and plan.connections // plan.processes < SELECT_CONNECTIONS
        try:
            with asyncio.Runner(loop_factory=_exact_loop if is_exact else _fast_loop) as runner:
                runner.run(_run(plan, index, pipe))
        except (KeyboardInterrupt, BrokenPipeError, EOFError):
            return


async def _run(plan: Plan, index: int, pipe: Pipe[Any, Any]) -> None:
    await Worker(plan, index).run(pipe)


def _exact_loop() -> asyncio.AbstractEventLoop:
    """One that wakes up to the microsecond: the others wait whole milliseconds, and requests would be sent late."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def _fast_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
