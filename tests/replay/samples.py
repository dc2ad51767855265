"""Recordings for tests: real ones from the folder beside the repository, and small ones written out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("AEROMATCH_SHARED", ROOT.parent / "shared"))

AMZN = (
    "lobster/AMZN_L1/AMZN_2012-06-21_34200000_57600000_message_1.csv",
    "lobster/AMZN_L1/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv",
)
AAPL = (
    "lobster/AAPL_L10_head/AAPL_2012-06-21_34200000_57600000_message_10.csv",
    "lobster/AAPL_L10_head/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv",
)
MSFT = ("lobster/MSFT_L50/MSFT_msgs.csv", "lobster/MSFT_L50/MSFT_book.csv")
ANA = "bme/orders-ana-2019-5-23.csv"


def recording(name: str) -> Path:
    """The path of a real recording; the test is skipped where there is none."""
    path = SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"no recording {name}")
    return path


def write_lobster(folder: Path, lines: list[tuple[str, str]]) -> tuple[Path, Path]:
    """Write message lines and orderbook lines, given in pairs."""
    messages, rows = folder / "X_message_1.csv", folder / "X_orderbook_1.csv"
    messages.write_text("".join(f"{message}\n" for message, _ in lines))
    rows.write_text("".join(f"{row}\n" for _, row in lines))
    return messages, rows
