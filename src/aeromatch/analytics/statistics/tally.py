"""Counts events by period, for each instrument and for all: arrays in, columns out, no loop over events.

An event belongs to the time of its command, which the command's own first event brings (R2): what time has brought
about before it counts there too. A command that was answered on another shard (one that is for all) has the time of the
last answer before it on this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch import _core
from aeromatch.market.records import NO_SIDE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MILLISECOND_NS: Final = np.uint64(1_000_000)
ALL: Final = 0
"""Stands for all instruments together: the numbers of instruments begin at 1."""

KINDS: Final = _core.CODES["EventKind"]
ACCEPTED, REJECTED, TRADE = (KINDS[word] for word in ("accepted", "rejected", "trade"))
CANCELED, AMENDED = KINDS["canceled"], KINDS["amended"]
REJECT_REASONS: Final = _core.CODES["RejectReason"]
REASON_WORDS: Final = {
    "reject": {code: word for word, code in REJECT_REASONS.items()},
    "cancel": {code: word for word, code in _core.CODES["CancelReason"].items()},
}
OF_ORDERS: Final = np.isin(
    np.arange(256),
    [
        REJECT_REASONS[word]
        for word in (
            "invalid_time",
            "invalid_client_order_id",
            "not_allowed_in_phase",
            "unknown_order",
            "expired",
            "price_out_of_band",
            "duplicate_client_order_id",
            "post_only_would_take",
        )
    ],
)
"""Rejections, by code, that are about an instrument for certain. A command about funds has the number of its asset
where one about orders has its instrument's, and the event does not say which it was."""

# What an event counts as; SKIPPED ones change no count.
SKIPPED, COMMAND, ORDER, AMEND, CANCEL, REJECT, TRADED = range(7)
CLASSES: Final = np.zeros(256, dtype=np.uint8)
CLASSES[[ACCEPTED, REJECTED, TRADE, CANCELED, AMENDED]] = COMMAND, REJECT, TRADED, CANCEL, AMEND
REASON_SPAN: Final = 512
"""Codes of cancels, then codes of rejections."""
INSTRUMENT_BITS: Final = 24
KEY_BITS: Final = 62

Columns = dict[str, list[Any]]
"""Rows as columns of one length, by name."""
COUNTED: Final = {"orders": ORDER, "amends": AMEND, "cancels": CANCEL, "rejects": REJECT, "trades": TRADED}


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted, as rows of a table: one for each period, its start and instrument."""

    counts: Columns
    """`period_ms`, `start_ms`, `instrument`, then the numbers; see docs/statistics.md."""
    reasons: Columns
    """`period_ms`, `start_ms`, `instrument`, `kind` ("cancel", "reject"), `reason` (its word), `count`."""
    time_ns: int
    """Of the last answer."""


def tally(records: NDArray[np.void], periods_ms: Iterable[int], time_ns: int = 0) -> Tally:
    """Count events.

    Args:
        records: Of EVENT_DTYPE: whole commands of one shard, in order.
        periods_ms: What to count by.
        time_ns: Of the last answer before them.
    """
    counts: Columns = {}
    reasons: Columns = {}
    events, time_ns = _Counted.of(records, time_ns)
    for period_ms in periods_ms:
        starts = events.times_ms // np.uint64(period_ms)
        for instruments in (events.instruments, np.zeros_like(events.instruments)):
            groups = _Groups.of(starts, instruments)
            if instruments is events.instruments:
                # Of those that belong to no instrument there is the count of all.
                groups = groups.without(ALL)
            _extend(counts, period_ms, _counts(events, groups))
            _extend(reasons, period_ms, _reasons(events, groups))
    return Tally(counts, reasons, time_ns)


@dataclass(frozen=True, slots=True)
class _Counted:
    """The events that count, column by column."""

    classes: NDArray[np.uint8]
    times_ms: NDArray[np.uint64]
    instruments: NDArray[np.int64]
    reasons: NDArray[np.int64]
    prices: NDArray[np.int64]
    """Of the trades."""
    lots: NDArray[np.int64]
    """Of the trades."""

    @staticmethod
    def of(records: NDArray[np.void], time_ns: int) -> tuple[_Counted, int]:
        """Choose what counts, and find its time."""
        kinds = records["kind"]
        times, time_ns = _times(records, kinds, time_ns)
        classes = CLASSES[kinds]
        places = np.flatnonzero(classes != SKIPPED)
        classes = classes[places]
        has_side = records["side"][places] != NO_SIDE
        reasons = records["reason"][places]
        is_answer = (classes == COMMAND) | (classes == REJECT)
        names_one = np.where(
            classes == REJECT,
            (has_side & (reasons != REJECT_REASONS["unknown_instrument"])) | OF_ORDERS[reasons],
            has_side | (records["order_id"][places] != 0),
        )
        instruments = np.where(is_answer & ~names_one, ALL, records["instrument"][places]).astype(np.int64)
        classes[(classes == COMMAND) & has_side] = ORDER
        trades = records[places[classes == TRADED]]
        counted = _Counted(
            classes,
            times[places],
            instruments,
            reasons.astype(np.int64),
            trades["price_ticks"].astype(np.int64),
            trades["quantity_lots"].astype(np.int64),
        )
        return counted, time_ns


def _times(records: NDArray[np.void], kinds: NDArray[np.uint8], time_ns: int) -> tuple[NDArray[np.uint64], int]:
    """The time of each event's command in milliseconds, and that of the last answer in nanoseconds."""
    # The envelope's index begins anew with each command, whatever became of the numbers between them.
    command = np.cumsum(records["index"] == 0) - 1
    answers = np.flatnonzero(kinds <= REJECTED)
    if not len(answers):
        return np.full(len(records), time_ns // int(MILLISECOND_NS), dtype=np.uint64), time_ns
    of_answers = np.concatenate((np.array([time_ns], dtype=np.uint64), records["other"][answers]))
    # Place of the command's answer, from 1; where there is none, of the one before it.
    places = np.zeros(int(command[-1]) + 1, dtype=np.int64)
    places[command[answers]] = np.arange(1, len(answers) + 1)
    times = of_answers[np.maximum.accumulate(places)] // MILLISECOND_NS
    return times[command], int(of_answers[-1])


@dataclass(frozen=True, slots=True)
class _Groups:
    """Events put together by period and instrument."""

    starts: NDArray[np.uint64]
    """Number of the period, of each group."""
    instruments: NDArray[np.int64]
    """Of each group."""
    group: NDArray[np.int64]
    """Of each event; one past the last for those that are in none."""

    @staticmethod
    def of(starts: NDArray[np.uint64], instruments: NDArray[np.int64]) -> _Groups:
        if not len(starts):
            return _Groups(starts, instruments, np.zeros(0, dtype=np.int64))
        first = starts.min()
        ahead = starts - first
        numbers = None
        if int(ahead.max()) >> (KEY_BITS - INSTRUMENT_BITS):
            # Periods so far apart that number and instrument do not fit one key: their places do.
            numbers, ahead = np.unique(ahead, return_inverse=True)
        keys = (ahead.astype(np.int64) << INSTRUMENT_BITS) | instruments
        found, group = np.unique(keys, return_inverse=True)
        period = (found >> INSTRUMENT_BITS).astype(np.uint64)
        period = period if numbers is None else numbers[period]
        return _Groups(period + first, found & ((1 << INSTRUMENT_BITS) - 1), group)

    def without(self, instrument: int) -> _Groups:
        """Leave an instrument's groups out."""
        stay = self.instruments != instrument
        place = np.where(stay, np.cumsum(stay) - 1, int(stay.sum()))
        return _Groups(self.starts[stay], self.instruments[stay], place[self.group])

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many of the chosen events are in each group."""
        return np.bincount(self.group[chosen], minlength=len(self.starts) + 1)[: len(self.starts)]


def _counts(events: _Counted, groups: _Groups) -> Columns:
    columns: Columns = {"start": groups.starts.tolist(), "instrument": groups.instruments.tolist()}
    is_command = (events.classes == COMMAND) | (events.classes == ORDER) | (events.classes == REJECT)
    columns["commands"] = groups.count(is_command).tolist()
    for name, number in COUNTED.items():
        columns[name] = groups.count(events.classes == number).tolist()
    return columns | _trades(events, groups)


def _trades(events: _Counted, groups: _Groups) -> Columns:
    """Volume and prices: sums are exact whatever their size, and of all instruments together there are no prices."""
    size = len(groups.starts)
    group = groups.group[events.classes == TRADED]
    order = np.argsort(group, kind="stable")
    order = order[: int(np.count_nonzero(group < size))]
    group, prices, lots = group[order], events.prices[order], events.lots[order]
    columns: Columns = {"volume_lots": [0] * size}
    columns |= {name: [None] * size for name in ("notional", "open_ticks", "high_ticks", "low_ticks", "last_ticks")}
    if not len(group):
        return columns
    begins = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    found = {"volume_lots": np.add.reduceat(_exact(lots, int(lots.max())), begins)}
    if groups.instruments.any():
        largest = max(int(prices.max()), -int(prices.min())) * int(lots.max())
        found["notional"] = np.add.reduceat(_exact(prices, largest) * _exact(lots, largest), begins)
        found["open_ticks"] = prices[begins]
        found["high_ticks"] = np.maximum.reduceat(prices, begins)
        found["low_ticks"] = np.minimum.reduceat(prices, begins)
        found["last_ticks"] = prices[np.append(begins[1:], len(prices)) - 1]
    rows = group[begins].tolist()
    for name, values in found.items():
        for row, value in zip(rows, values.tolist(), strict=True):
            columns[name][row] = value
    return columns


def _exact(values: NDArray[np.int64], largest: int) -> NDArray[Any]:
    """The values, as whole numbers of any size where sums of numbers up to `largest` could leave 64 bits."""
    return values if largest * len(values) < 2**63 else values.astype(object)


def _reasons(events: _Counted, groups: _Groups) -> Columns:
    chosen = np.isin(events.classes, (CANCEL, REJECT)) & (groups.group < len(groups.starts))
    is_reject = events.classes[chosen] == REJECT
    codes = events.reasons[chosen] + np.where(is_reject, REASON_SPAN // 2, 0)
    found, count = np.unique(groups.group[chosen] * REASON_SPAN + codes, return_counts=True)
    group, codes = found // REASON_SPAN, found % REASON_SPAN
    kinds = np.where(codes >= REASON_SPAN // 2, "reject", "cancel").tolist()
    words = [
        REASON_WORDS[kind].get(code, str(code))
        for kind, code in zip(kinds, (codes % (REASON_SPAN // 2)).tolist(), strict=True)
    ]
    columns: Columns = {"start": groups.starts[group].tolist(), "instrument": groups.instruments[group].tolist()}
    return columns | {"kind": kinds, "reason": words, "count": count.tolist()}


def _extend(table: Columns, period_ms: int, columns: Columns) -> None:
    starts = columns.pop("start")
    table.setdefault("period_ms", []).extend([period_ms] * len(starts))
    table.setdefault("start_ms", []).extend(start * period_ms for start in starts)
    for name, values in columns.items():
        table.setdefault(name, []).extend(values)
