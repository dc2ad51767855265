"""Phases by time of day: what is to happen next, and somebody who does it.

A change that was missed while the server was down is made up for; one that an operator made since holds until the
next time of the schedule.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day_type
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from aeromatch import AsyncExchange, JournalError
from aeromatch.server.config.check import time_of_day
from aeromatch.server.config.sections import WEEK, Config, Phase, ScheduleConfig

__all__ = ["Change", "Scheduler", "last_change", "next_change"]

log = logging.getLogger("aeromatch.server")

NS_PER_S: Final = 1_000_000_000
LONGEST_SLEEP_S: Final = 30.0
"""So often it looks at the clock, which somebody may have set."""
DAYS_AROUND: Final = 8
"""A weekly schedule has something within so many days before and after any moment."""


class Change(NamedTuple):
    """When a phase begins, in nanoseconds since 1970, and which."""

    at_ns: int
    phase: Phase


def changes_around(schedule: ScheduleConfig, now_ns: int) -> Iterator[Change]:
    """What a schedule says of the days around a moment, in order of time."""
    zone = ZoneInfo(schedule.timezone)
    today = datetime.fromtimestamp(now_ns / NS_PER_S, zone).date()
    found = [
        Change(_moment_ns(day, second, zone), phase)
        for offset in range(-DAYS_AROUND, DAYS_AROUND + 1)
        if WEEK[(day := today + timedelta(days=offset)).weekday()] in schedule.days
        for second, phase in ((time_of_day(text), phase) for text, phase in schedule.phases.items())
    ]
    yield from sorted(found)


def _moment_ns(day: date, second: int, zone: ZoneInfo) -> int:
    """A time of day as a moment. One that a clock passes twice is the first, one that it leaps over is just after."""
    clock = time_of_day_type(second // 3600, second // 60 % 60, second % 60)
    return int(datetime.combine(day, clock, zone).timestamp()) * NS_PER_S


def last_change(schedule: ScheduleConfig, now_ns: int) -> Change | None:
    """The change that a moment is at or behind; None: there has been none for a week."""
    return max((change for change in changes_around(schedule, now_ns) if change.at_ns <= now_ns), default=None)


def next_change(schedule: ScheduleConfig, now_ns: int) -> Change | None:
    """The change that comes after a moment."""
    return min((change for change in changes_around(schedule, now_ns) if change.at_ns > now_ns), default=None)


class Scheduler:
    """Changes phases when their time has come, from `start` to `stop`."""

    def __init__(self, exchange: AsyncExchange, config: Config) -> None:
        self._exchange = exchange
        self._schedules = _by_symbol(exchange, config)
        # What is at or before this has been seen to.
        self._done_ns = {symbol: exchange.book(symbol).now for symbol in self._schedules}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Makes up for what was missed, and goes on."""
        await self._catch_up(time.time_ns())
        self._task = asyncio.create_task(self._run())

    def apply(self, config: Config) -> None:
        """Goes by another configuration: from its next change on."""
        now_ns = time.time_ns()
        self._schedules = _by_symbol(self._exchange, config)
        for symbol in self._schedules:
            self._done_ns.setdefault(symbol, now_ns)
        self._changed.set()

    async def stop(self) -> None:
        """Changes no more phases."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            now_ns = time.time_ns()
            coming = (next_change(schedule, now_ns) for schedule in self._schedules.values())
            due_ns = min((change.at_ns for change in coming if change is not None), default=None)
            wait_s = LONGEST_SLEEP_S if due_ns is None else (due_ns - now_ns) / NS_PER_S
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(max(wait_s, 0.001), LONGEST_SLEEP_S))
            try:
                await self._catch_up(time.time_ns())
            except JournalError:
                return  # The exchange has stopped, as whoever trades is told.

    async def _catch_up(self, now_ns: int) -> None:
        for symbol, schedule in list(self._schedules.items()):
            change = last_change(schedule, now_ns)
            if change is None or change.at_ns <= self._done_ns[symbol]:
                continue
            self._done_ns[symbol] = now_ns
            if self._exchange.book(symbol).phase.value == change.phase:
                continue
            report = await self._exchange.set_phase(symbol, change.phase)
            reason = report.reject_reason
            facts = {"symbol": symbol, "phase": change.phase}
            if reason is None:
                log.info("phase changed by schedule", extra=facts)
            else:
                log.warning("phase not changed", extra={**facts, "reason": reason.value})


def _by_symbol(exchange: AsyncExchange, config: Config) -> dict[str, ScheduleConfig]:
    """The schedule of each book: where outcomes share one, under the first one's symbol."""
    listed = {instrument.symbol for instrument in exchange.instruments()}
    events = {event.name: event for event in exchange.events()}
    found = {
        instrument.symbol: config.schedules[instrument.schedule]
        for instrument in config.instruments
        if instrument.schedule is not None and instrument.symbol in listed
    }
    for item in config.events:
        event = events.get(item.name)
        if item.schedule is not None and event is not None and not event.settled:
            books = event.symbols[:1] if len(event.symbols) == 2 else event.symbols
            found |= dict.fromkeys(books, config.schedules[item.schedule])
    return found
