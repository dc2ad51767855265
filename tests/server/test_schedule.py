"""Phases by time of day: what a schedule says, across weekends and changed clocks, and who acts on it."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from aeromatch import AsyncExchange, Instrument
from aeromatch.server.config.sections import Config, InstrumentConfig, Phase, ScheduleConfig
from aeromatch.server.schedule import Change, Scheduler, last_change, next_change

NEW_YORK = ZoneInfo("America/New_York")
DAYS = ScheduleConfig(
    timezone="America/New_York",
    days=["mon", "tue", "wed", "thu", "fri"],
    phases={"09:00": "pre_open", "09:30": "continuous", "16:00": "closed"},
)


def at(text: str, zone: ZoneInfo = NEW_YORK) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000_000


def around(text: str, schedule: ScheduleConfig = DAYS) -> tuple[Change | None, Change | None]:
    return last_change(schedule, at(text)), next_change(schedule, at(text))


def test_within_a_day() -> None:
    assert around("2026-03-04 09:15") == (
        Change(at("2026-03-04 09:00"), "pre_open"),
        Change(at("2026-03-04 09:30"), "continuous"),
    )
    # A change's own time is its beginning.
    assert around("2026-03-04 16:00")[0] == Change(at("2026-03-04 16:00"), "closed")


def test_over_a_weekend() -> None:
    # Saturday.
    assert around("2026-03-07 12:00") == (
        Change(at("2026-03-06 16:00"), "closed"),
        Change(at("2026-03-09 09:00"), "pre_open"),
    )


def test_over_a_changed_clock() -> None:
    # In the night of 8 March 2026 clocks in New York go forward: 09:00 there is 13:00 UTC from then on, not 14:00.
    utc = ZoneInfo("UTC")
    friday, monday = around("2026-03-06 17:00")
    assert friday == Change(at("2026-03-06 21:00", utc), "closed")
    assert monday == Change(at("2026-03-09 13:00", utc), "pre_open")
    # A time that the clock leaps over is just after; one that it passes twice is the first.
    night = ScheduleConfig(timezone="America/New_York", phases={"02:30": "halted"})
    assert next_change(night, at("2026-03-08 00:00")) == Change(at("2026-03-08 07:30", utc), "halted")
    late = ScheduleConfig(timezone="America/New_York", phases={"01:30": "halted"})
    assert next_change(late, at("2026-11-01 00:00")) == Change(at("2026-11-01 05:30", utc), "halted")


def test_one_day_a_week() -> None:
    weekly = ScheduleConfig(days=["sun"], phases={"12:00": "auction"})
    utc = ZoneInfo("UTC")
    assert last_change(weekly, at("2026-03-07 11:59", utc)) == Change(at("2026-03-01 12:00", utc), "auction")
    assert next_change(weekly, at("2026-03-01 12:00", utc)) == Change(at("2026-03-08 12:00", utc), "auction")


def configured(phases: dict[str, Phase]) -> Config:
    return Config(
        instruments=[InstrumentConfig(symbol="A", schedule="day")], schedules={"day": ScheduleConfig(phases=phases)}
    )


def clock_in(seconds: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))


def test_a_missed_change_is_made_up_for_and_an_operators_holds() -> None:
    async def run() -> None:
        exchange = AsyncExchange()
        await exchange.create_instrument(Instrument("A"))
        config = configured({"00:00": "halted"})
        scheduler = Scheduler(exchange, config)
        await scheduler.start()
        assert exchange.book("A").phase == "halted"
        await scheduler.stop()
        # An operator's own, later than what the schedule says: another start leaves it.
        await exchange.set_phase("A", "continuous", timestamp=time.time_ns())
        scheduler = Scheduler(exchange, config)
        await scheduler.start()
        assert exchange.book("A").phase == "continuous"
        await scheduler.stop()
        await exchange.close()

    asyncio.run(run())


def test_a_change_happens_at_its_time_and_another_schedule_is_gone_by() -> None:
    async def run() -> None:
        exchange = AsyncExchange()
        await exchange.create_instrument(Instrument("A"))
        await exchange.set_phase("A", "closed", timestamp=time.time_ns())
        scheduler = Scheduler(exchange, Config())
        await scheduler.start()
        stream = exchange.stream(exchange.sequences[0] + 1)
        scheduler.apply(configured({clock_in(2): "auction"}))
        async for events in stream:
            assert [event.phase for event in events if event.phase is not None] == ["auction"]
            break
        stream.close()
        await scheduler.stop()
        await exchange.close()

    asyncio.run(asyncio.wait_for(run(), 60))
