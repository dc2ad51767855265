"""Commands and events as columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import TERMS_DTYPE, _core
from aeromatch.market.records import (
    CLIENT_ID_DTYPE,
    EXTENSION_CLIENT_ID,
    EXTENSION_TERMS,
    FLAG_POST_ONLY,
    FLAG_PRICE,
    FLAG_PRICE_OFF_GRID,
    FLAG_QUANTITY,
    FLAG_SLIDE,
    PRESENT_DISPLAY,
    PRESENT_EXPIRE_AT,
    PRESENT_GROUP,
    PRESENT_MINIMUM,
    PRESENT_PROTECTION,
    PRESENT_STOP_PRICE,
    PRESENT_TRAIL_OFFSET,
    TRAIL_BPS,
)
from aeromatch.replay.timeline.slots import PRESENT_BUDGET, payouts_of, rules_of, settlement_of, texts_of
from aeromatch.replay.timeline.words import FUNDS, SETS, WORDS

if TYPE_CHECKING:
    from aeromatch import Events

KINDS: Final = _core.CODES["CommandKind"]
ADMIN_KINDS: Final = _core.CODES["AdminKind"]
EVENT_KINDS: Final = _core.CODES["EventKind"]
MODES: Final = _core.CODES["SettlementMode"]
BEHIND: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "payouts_ticks": payouts_of,
    "texts": texts_of,
    "settlement": settlement_of,
    "rules": rules_of,
}
POST_ONLY: Final = np.array(["true", "", "slide"], dtype=object)
TERM_COLUMNS: Final = {
    "stop_price_ticks": ("stop_price_ticks", PRESENT_STOP_PRICE),
    "trail_offset": ("trail_offset", PRESENT_TRAIL_OFFSET),
    "display_lots": ("display_lots", PRESENT_DISPLAY),
    "min_lots": ("minimum_lots", PRESENT_MINIMUM),
    "expire_at_ns": ("expire_at_ns", PRESENT_EXPIRE_AT),
    "protection_price_ticks": ("protection_price_ticks", PRESENT_PROTECTION),
    "self_trade_group": ("self_trade_group", PRESENT_GROUP),
}

Column = NDArray[Any]
"""Numbers, masked where there is no value; or objects: texts and None."""
Table = Mapping[str, Column]


def commands_table(slots: NDArray[np.void], starts: NDArray[np.uint32]) -> Table:
    """Put commands into columns, by the names of docs/records.md; what a command does not have is missing.

    Args:
        slots: Of all commands, extension slots included.
        starts: The place of each command's own slot.
    """
    head = slots[starts]
    kind = head["kind"]
    orders = np.isin(kind, list(WORDS["CommandKind"]))
    new = kind == KINDS["new"]
    flags = head["flags"]
    funds, sets = (np.isin(kind, [ADMIN_KINDS[word] for word in words]) for words in (FUNDS, SETS))
    table: dict[str, Column] = {"sequence": head["sequence"], "kind": _words("CommandKind", "AdminKind")[kind]}
    for name, used in (
        ("timestamp_ns", True),
        ("instrument", ~(funds | sets)),
        ("account", True),
        ("order_id", orders),
        ("tag", True),
    ):
        table[name] = _where((head[name] != 0) & used, head[name])
    table["side"] = _text(orders, _words("Side")[head["side"]])
    table["order_type"] = _text(new, _words("OrderType")[head["order_type"]])
    table["phase"] = _text(kind == KINDS["phase"], _words("Phase")[head["order_type"]])
    table["time_in_force"] = _text(new, _words("TimeInForce")[head["time_in_force"]])
    table["self_trade_prevention"] = _text(new, _words("SelfTradePrevention")[head["self_trade_prevention"]])
    table["post_only"] = _text(flags & FLAG_POST_ONLY != 0, POST_ONLY[flags & FLAG_SLIDE])
    table["price_ticks"] = _where(flags & FLAG_PRICE != 0, head["price_ticks"])
    table["price_off_grid"] = _text(flags & FLAG_PRICE_OFF_GRID != 0, np.full(len(head), "true", dtype=object))
    quantity = new | (flags & FLAG_QUANTITY != 0) | (sets & (kind != ADMIN_KINDS["settle"]))
    table["quantity_lots"] = _where(quantity, head["quantity_lots"])
    return table | _terms(slots, starts, orders) | _of_exchange(head, funds, sets) | _behind(slots, starts, orders)


def _terms(slots: NDArray[np.void], starts: NDArray[np.uint32], orders: NDArray[np.bool_]) -> dict[str, Column]:
    """The extension slots of orders; of other commands the slots behind are something else."""
    extensions = slots["extensions"][starts]
    has_terms = orders & (extensions & EXTENSION_TERMS != 0)
    has_client_id = orders & (extensions & EXTENSION_CLIENT_ID != 0)
    terms = np.zeros(len(starts), dtype=TERMS_DTYPE)
    terms[has_terms] = slots[starts[has_terms] + 1].view(TERMS_DTYPE)
    columns: dict[str, Column] = {}
    for name, (field, bit) in TERM_COLUMNS.items():
        columns[name] = _where(terms["present"] & bit != 0, terms[field])
    columns["budget_units"] = _where(
        terms["present"] & PRESENT_BUDGET != 0, terms["protection_price_ticks"].view("<u8")
    )
    trail = np.where(terms["trail_unit"] == TRAIL_BPS, "basis_points", "ticks").astype(object)
    columns["trail_unit"] = _text(terms["present"] & PRESENT_TRAIL_OFFSET != 0, trail)
    ids = np.full(len(starts), None, dtype=object)
    places = starts[has_client_id] + 1 + has_terms[has_client_id]
    found = slots[places].view(CLIENT_ID_DTYPE)["text"]
    ids[has_client_id] = [text.decode("ascii", "replace") for text in found]
    columns["client_order_id"] = ids
    return columns


def _of_exchange(head: NDArray[np.void], funds: NDArray[np.bool_], sets: NDArray[np.bool_]) -> dict[str, Column]:
    """What commands to the exchange itself have in the fields of an order: amounts, groups, assets, events."""
    kind, code = head["kind"], head["order_type"]
    settle = kind == ADMIN_KINDS["settle"]
    full = settle & (code == MODES["full"])
    groups = head["price_ticks"].astype(np.uint64)
    return {
        "asset": _where(funds, head["instrument"]),
        "amount_units": _wide(funds, head["order_id"], head["quantity_lots"]),
        "group": _where(funds, (groups & np.uint64(2**32 - 1)).astype(np.uint32)),
        "target_group": _where(kind == ADMIN_KINDS["transfer"], (groups >> np.uint64(32)).astype(np.uint32)),
        "event": _where(sets, head["instrument"]),
        "mode": _text(settle, _words("SettlementMode")[code]),
        "outcome": _where(full, head["quantity_lots"]),
        "decimals": _where(kind == ADMIN_KINDS["create_asset"], code),
    }


def _behind(slots: NDArray[np.void], starts: NDArray[np.uint32], orders: NDArray[np.bool_]) -> dict[str, Column]:
    """The slots behind commands to the exchange itself, as JSON."""
    columns: dict[str, Column] = {name: np.full(len(starts), None, dtype=object) for name in BEHIND}
    ends = np.append(starts[1:], len(slots))
    for row in np.flatnonzero(~orders):
        command = slots[starts[row] : ends[row]].tobytes()
        for name, read in BEHIND.items():
            found = read(command)
            columns[name][row] = json.dumps(found, ensure_ascii=False) if found else None
    return columns


def events_table(events: Events) -> Table:
    """Put events into columns, as `Events.columns` does, and what accounts have into columns of its own."""
    records = events.to_numpy()
    table: dict[str, Column] = dict(events.columns())
    funds = records["kind"] == EVENT_KINDS["funds"]
    for name in ("instrument", "price_ticks", "quantity_lots", "order_id", "other", "detail"):
        table[name] = _where(~funds, table[name])
    table["asset"] = _where(funds, records["instrument"])
    table["available_units"] = _wide(funds, records["price_ticks"], records["quantity_lots"])
    table["held_units"] = _wide(funds, records["other"], records["order_id"])
    table["group"] = _where(funds, records["detail"])
    return table


def _wide(given: NDArray[np.bool_], high: NDArray[Any], low: NDArray[np.uint64]) -> Column:
    """Numbers of 128 bits, as text: no table's whole numbers hold all of them."""
    column = np.full(len(given), None, dtype=object)
    pairs = zip(high[given].tolist(), low[given].tolist(), strict=True)
    column[given] = [str(upper << 64 | lower) for upper, lower in pairs]
    return column


def _where(given: NDArray[np.bool_], values: NDArray[Any]) -> Column:
    return np.ma.MaskedArray(values, mask=~given)


def _text(given: NDArray[np.bool_], words: NDArray[Any]) -> Column:
    column = np.full(len(words), None, dtype=object)
    shown = given & np.not_equal(words, "").astype(np.bool_)
    column[shown] = words[shown]
    return column


def _words(*tables: str) -> NDArray[Any]:
    words = np.full(256, "", dtype=object)
    for table in tables:
        for code, word in WORDS[table].items():
            words[code] = word
    return words
