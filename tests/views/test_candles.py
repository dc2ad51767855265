"""Candles: what trades add up to, however they come, and what stands where there are none."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from aeromatch.analytics.candles import CandleBuilder, DayWindow, mirrored, with_gaps
from aeromatch.market.view_rows import TRADE_DTYPE, CandleRow

PERIODS_MS = (1_000, 60_000, 3_600_000)


def trades(rng: random.Random, count: int, largest: int) -> NDArray[np.void]:
    rows = np.zeros(count, TRADE_DTYPE)
    at_ns, ids = 10**18, {1: 0, 7: 0}
    for row in rows:
        at_ns += rng.choice((0, 1, 10**8, 3 * 10**9, 10**12))
        instrument = rng.choice((1, 7))
        ids[instrument] += 1
        row["timestamp_ns"], row["instrument"], row["trade_id"] = at_ns, instrument, ids[instrument]
        row["price_ticks"], row["quantity_lots"] = rng.randint(-largest, largest), rng.randint(1, 2**48)
    return rows


def by_hand(rows: NDArray[np.void]) -> dict[tuple[int, int, int], CandleRow]:
    """One trade after the other."""
    found: dict[tuple[int, int, int], CandleRow] = {}
    for row in rows:
        price, lots, instrument = int(row["price_ticks"]), int(row["quantity_lots"]), int(row["instrument"])
        for period_ms in PERIODS_MS:
            at_ms = int(row["timestamp_ns"]) // 1_000_000
            start_ms = at_ms - at_ms % period_ms
            key = (period_ms, instrument, start_ms)
            old = found.get(key, CandleRow(period_ms, start_ms, instrument, price, price, price, price, 0, 0, 0))
            found[key] = old._replace(
                high_ticks=max(old.high_ticks, price),
                low_ticks=min(old.low_ticks, price),
                close_ticks=price,
                volume_lots=old.volume_lots + lots,
                notional=old.notional + lots * price,
                trades=old.trades + 1,
            )
    return found


@pytest.mark.parametrize("largest", [5, 2**62])
@pytest.mark.parametrize("seed", range(5))
def test_candles_are_what_trades_add_up_to(seed: int, largest: int) -> None:
    rng = random.Random(seed)
    rows = trades(rng, 300, largest)
    builder = CandleBuilder(PERIODS_MS)
    found: dict[tuple[int, int, int], CandleRow] = {}
    at = 0
    while at < len(rows):
        size = rng.choice((0, 1, 3, 50))
        builder.add(rows[at : at + size])
        at += size
        if rng.random() < 0.3:
            taken = builder.take()
            found.update(((it.period_ms, it.instrument, it.start_ms), it) for it in taken)
        if rng.random() < 0.1:
            found.update(((it.period_ms, it.instrument, it.start_ms), it) for it in builder.take())
            last: dict[tuple[int, int], CandleRow] = {}
            for candle in sorted(found.values(), key=lambda it: it.start_ms):
                last[candle.period_ms, candle.instrument] = candle
            builder = CandleBuilder(PERIODS_MS, last.values())
    found.update(((it.period_ms, it.instrument, it.start_ms), it) for it in builder.take())
    assert found == by_hand(rows)


def test_who_follows_candles_is_told_each_as_it_is_when_somebody_asks() -> None:
    rows = trades(random.Random(3), 200, 5)
    told: dict[tuple[int, int, int], CandleRow] = {}

    def changed(row: CandleRow) -> None:
        told[row.period_ms, row.instrument, row.start_ms] = row

    builder = CandleBuilder(PERIODS_MS, changed=changed)
    for at in range(0, len(rows), 7):
        builder.add(rows[at : at + 7])
        assert told == by_hand(rows[: at - at % 70])
        if at % 70 == 63:
            builder.settle()
    builder.settle()
    assert told == by_hand(rows)
    assert {(it.period_ms, it.instrument, it.start_ms): it for it in builder.changed()} == told


def candle(start_ms: int, close: int = 5) -> CandleRow:
    return CandleRow(10, start_ms, 1, 4, 9, 1, close, 3, 12, 2)


def flat(start_ms: int, close: int = 5) -> CandleRow:
    return CandleRow(10, start_ms, 1, close, close, close, close, 0, 0, 0)


def test_a_period_without_trades_has_the_last_close_and_no_volume() -> None:
    rows = [candle(20, 5), candle(50, 7)]
    every = [candle(20, 5), flat(30), flat(40), candle(50, 7), flat(60, 7)]
    assert with_gaps(rows, None, start_ms=0, end_ms=70, period_ms=10, limit=99) == every
    assert with_gaps(rows, None, start_ms=0, end_ms=70, period_ms=10, limit=3) == every[-3:]
    assert with_gaps(rows, None, start_ms=0, end_ms=61, period_ms=10, limit=99) == every
    assert with_gaps(rows, None, start_ms=0, end_ms=60, period_ms=10, limit=99) == every[:-1]


def test_before_the_first_trade_there_is_nothing() -> None:
    assert with_gaps([candle(50)], candle(20), start_ms=0, end_ms=60, period_ms=10, limit=99)[0] == candle(20)
    assert with_gaps([], None, start_ms=0, end_ms=100, period_ms=10, limit=99) == []
    assert with_gaps([], candle(20, 5), start_ms=33, end_ms=60, period_ms=10, limit=99) == [flat(40), flat(50)]


def test_R32_the_second_outcome_has_one_unit_less_each_price() -> None:
    row = CandleRow(10, 0, 1, 60, 70, 50, 65, 4, 4 * 62, 3)
    assert mirrored(row, 0) == row
    assert mirrored(row, 100) == CandleRow(10, 0, 1, 40, 50, 30, 35, 4, 4 * 38, 3)
    assert mirrored(mirrored(row, 100), 100) == row


@pytest.mark.parametrize("seed", range(5))
def test_a_day_is_what_its_minutes_add_up_to(seed: int) -> None:
    rng = random.Random(seed)
    window, rows = DayWindow(), {}
    start_ms = 0
    for _ in range(400):
        start_ms += 60_000 * rng.choice((0, 0, 1, 1, 7, 700))
        low = rng.randint(1, 50)
        row = CandleRow(60_000, start_ms, 1, low, low + rng.randint(0, 9), low, low, rng.randint(1, 9), 1, 1)
        rows[start_ms] = row
        window.put(row)
        sums = window.sums(start_ms)
        live = [it for it in rows.values() if it.start_ms > start_ms - 86_400_000]
        assert sums is not None
        assert sums.open_ticks == live[0].open_ticks
        assert sums.high_ticks == max(it.high_ticks for it in live)
        assert sums.low_ticks == min(it.low_ticks for it in live)
        assert sums.volume_lots == sum(it.volume_lots for it in live)
        assert sums.trades == len(live)
    assert window.sums(start_ms + 86_400_000) is None
