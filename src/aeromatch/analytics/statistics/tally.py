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
from aeromatch.analytics.trade_sums import Groups, sums_of_trades
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
            groups = Groups.of(starts, instruments)
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


def _counts(events: _Counted, groups: Groups) -> Columns:
    columns: Columns = {"start": groups.starts.tolist(), "instrument": groups.instruments.tolist()}
    is_command = (events.classes == COMMAND) | (events.classes == ORDER) | (events.classes == REJECT)
    columns["commands"] = groups.count(is_command).tolist()
    for name, number in COUNTED.items():
        columns[name] = groups.count(events.classes == number).tolist()
    return columns | _trades(events, groups)


def _trades(events: _Counted, groups: Groups) -> Columns:
    """Volume and prices; of all instruments together there are no prices."""
    group = groups.group[events.classes == TRADED]
    is_priced = bool(groups.instruments.any())
    return sums_of_trades(group, len(groups.starts), events.prices, events.lots, priced=is_priced)


def _reasons(events: _Counted, groups: Groups) -> Columns:
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
