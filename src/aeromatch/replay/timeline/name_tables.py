"""What stands behind the numbers in commands and events: names, and the sizes that go with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from aeromatch.replay.timeline.tables import Column, Table
    from aeromatch.replay.timeline.timeline import Timeline


def name_tables(timeline: Timeline) -> dict[str, Table]:
    """Give the tables of names at a timeline's moment, by name."""
    assets, markets = timeline.assets(), timeline.events()
    instruments = timeline.instruments()
    return {
        "instruments": {
            "number": np.array([instrument.number for instrument in instruments], dtype=np.uint32),
            "symbol": _texts(instrument.symbol for instrument in instruments),
            "tick_size": _texts(instrument.tick_size for instrument in instruments),
            "lot_size": _texts(instrument.lot_size for instrument in instruments),
        },
        "accounts": _numbered(timeline.accounts()),
        "assets": _numbered([asset.name for asset in assets])
        | {"decimals": np.array([asset.decimals for asset in assets], dtype=np.uint8)},
        "groups": _numbered(timeline.groups()),
        "event_markets": _numbered([market.name for market in markets])
        | {
            name: _texts(_value(getattr(market, name)) for market in markets)
            for name in ("outcomes", "symbols", "currency", "group", "fee_account", "tick_size", "lot_size")
        },
    }


def _numbered(names: Iterable[str]) -> dict[str, Column]:
    column = _texts(names)
    return {"number": np.arange(1, len(column) + 1, dtype=np.uint32), "name": column}


def _texts(values: Iterable[Any]) -> Column:
    return np.array([None if value is None else str(value) for value in values], dtype=object)


def _value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value
