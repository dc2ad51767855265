"""The local book follows a real venue's recorded feed: every book ticker that can be laid beside it is.

What the recording has, and what is compared, is counted below, so that it cannot shrink unseen: 28,040 tickers, of
which 28,030 lie between the snapshot and the end of the last depth update. 2,894 are in force where an update ends: all
four figures are compared. 25,136 were overtaken before the update that covers them ended: they are compared with the
levels which that update leaves as they are (`TickerCheck` says how). The one before the snapshot is compared with the
snapshot's top; the nine behind the last update cannot be compared with anything.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.replay.samples import recording

from aeromatch.client.local_book import LocalBook
from aeromatch.client.recording import Recorded, TickerCheck, read_recording
from aeromatch.schema.market import Book, Ticker
from aeromatch.schema.messages import DepthUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RECORDING = "binance/btcusdt_20240808.gz"
FIRST = 3_000
"""Messages of the recording that are enough to show that the check finds faults."""


@pytest.fixture(scope="module")
def messages() -> list[Recorded]:
    return list(read_recording(recording(RECORDING), "BTCUSDT"))


def check(messages: Iterable[Recorded]) -> TickerCheck:
    # The venue's snapshot has the best 1,000 levels of each side: updates of those behind are everyday things.
    checked = TickerCheck(LocalBook("BTCUSDT", is_whole=False))
    checked.feed(messages)
    return checked


def test_every_book_ticker_is_reproduced(messages: list[Recorded]) -> None:
    checked = check(messages)
    assert checked.mismatches == []
    assert checked.book.desync is None
    assert (checked.tickers, checked.trades, checked.book.updates) == (28_040, 9_757, 3_449)
    assert (checked.before, checked.exact, checked.inside, checked.behind) == (1, 2_894, 25_136, 9)
    assert (checked.confirmed, checked.still_sides, checked.late) == (555, 1_424, 0)


def test_the_book_is_what_plain_dictionaries_make_of_it(messages: list[Recorded]) -> None:
    book = LocalBook("BTCUSDT", is_whole=False)
    updates = [message for message in messages if isinstance(message, DepthUpdate)]
    snapshot = next(message for message in messages if isinstance(message, Book))
    for message in messages:
        if isinstance(message, DepthUpdate):
            book.apply(message)
        elif isinstance(message, Book):
            book.load(message)
    sides = (dict(snapshot.bids), dict(snapshot.asks))
    for update in updates:
        if update.last_update_id > snapshot.last_update_id:
            for side, levels in zip(sides, (update.bids, update.asks), strict=True):
                side.update(levels)
    for own, side, is_bid in ((book.bids(), sides[0], True), (book.asks(), sides[1], False)):
        expected = sorted(
            ((price, quantity) for price, quantity in side.items() if float(quantity)),
            key=lambda level: float(level[0]),
            reverse=is_bid,
        )
        assert [(str(level.price), str(level.quantity)) for level in own] == expected
        assert len(expected) > 1_000


def test_a_lost_update_is_noticed(messages: list[Recorded]) -> None:
    updates = [i for i, message in enumerate(messages) if isinstance(message, DepthUpdate)]
    lost = updates[100]
    checked = check(messages[:lost] + messages[lost + 1 :])
    desync = checked.book.desync
    assert desync is not None
    assert desync.reason == "gap"
    update = messages[lost]
    assert isinstance(update, DepthUpdate)
    assert (desync.expected_update_id, desync.found_update_id) == (update.first_update_id, update.last_update_id + 1)


def in_force_at(messages: list[Recorded], number: int) -> Ticker:
    """The ticker in force where the numbered update ends."""
    update = [message for message in messages if isinstance(message, DepthUpdate)][number]
    covered = [m for m in messages if isinstance(m, Ticker) and m.sequence <= update.last_update_id]
    return covered[-1]


@pytest.mark.parametrize("field", ["best_bid", "best_bid_quantity", "best_ask", "best_ask_quantity"])
def test_a_ticker_that_is_other_in_one_figure_is_noticed(messages: list[Recorded], field: str) -> None:
    messages = messages[:FIRST]
    assert check(messages).mismatched == 0
    ticker = in_force_at(messages, 150)
    wrong = msgspec.structs.replace(ticker, **{field: getattr(ticker, field) + "1"})
    checked = check(wrong if message is ticker else message for message in messages)
    assert checked.mismatched >= 1
    assert f"ticker {ticker.sequence} has" in checked.mismatches[0]


def test_a_level_that_is_forgotten_is_noticed(messages: list[Recorded]) -> None:
    """An update that loses its changes of the top, while its ids still chain: tickers inside and behind show it."""
    messages = messages[:FIRST]
    updates = [m for m in messages if isinstance(m, DepthUpdate) and m.first_update_id > 50_093_245_000]
    victim = next(m for m in updates if len(m.bids) > 10 and len(m.asks) > 10)
    lame = msgspec.structs.replace(victim, bids=[], asks=[])
    checked = check(lame if message is victim else message for message in messages)
    assert checked.mismatched > 1


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'1 {"lastUpdateId":1,"bids":[],"asks":[]}\n2 {"stream":"x@depth","data":{"e":"depthUpdate"}}\n')
    with pytest.raises(ValueError, match=r"broken\.gz, line 2: .*missing required field"):
        list(read_recording(path, "X"))
