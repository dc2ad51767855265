"""Depth natively (`_core.DepthReader`, `_core.DepthDiffer`): copies of books, and what changed between two of them."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import Any

import pytest
from tests.feed.trading import Trader, levels_of

from aeromatch import AeroMatchError, Exchange, Instrument, Shards, UnknownNameError
from aeromatch._core import DepthDiffer, DepthReader

BTC = Instrument("BTC-USD", tick_size="0.01", lot_size="0.001")


def exchange(shards: int | None) -> Exchange:
    """One instrument on an exchange with so many shards, or none."""
    made = Exchange(shards=Shards(shards, stamp_time=True)) if shards else Exchange()
    made.create_instrument(BTC)
    return made


@pytest.mark.parametrize("shards", [None, 1, 2])
def test_levels_are_text_of_one_moment(shards: int | None) -> None:
    ex = exchange(shards)
    reader = DepthReader(ex, "BTC-USD")
    assert (reader.symbol, reader.sequence, reader.levels()) == ("BTC-USD", 0, (0, 0, [], []))
    for side, price, quantity in [("buy", "99.90", "1"), ("buy", "99.95", "0.250"), ("sell", "100.10", "3")]:
        ex.submit("BTC-USD", side, quantity=quantity, price=price, timestamp=7)
    assert reader.read()
    assert not reader.read()
    sequence, time, bids, asks = reader.levels()
    assert sequence == reader.sequence == ex.book("BTC-USD").sequence
    assert time == ex.book("BTC-USD").now
    assert bids == [("99.95", "0.250"), ("99.90", "1.000")]
    assert asks == [("100.10", "3.000")]
    assert reader.levels(1)[2:] == ([("99.95", "0.250")], [("100.10", "3.000")])
    assert reader.top() == (sequence, ("99.95", "0.250"), ("100.10", "3.000"))
    ex.close()


def test_an_iceberg_and_hidden_orders_are_seen_as_the_book_displays_them() -> None:
    ex = exchange(1)
    reader = DepthReader(ex, "BTC-USD")
    differ = DepthDiffer(reader)
    ex.submit("BTC-USD", "sell", quantity=10, price=100, display_quantity=2)
    ex.submit("BTC-USD", "sell", quantity=5, price=99, display_quantity=0)
    reader.read()
    change = differ.take()
    assert change is not None
    assert (change[0], change[1], change[3:]) == (1, reader.sequence, ([], [("100.00", "2.000")]))
    # The hidden order fills first, then a slice: the next one shows as much, and nothing is different.
    ex.submit("BTC-USD", "buy", quantity=7, price=100)
    assert not reader.read()
    assert differ.take() is None
    ex.submit("BTC-USD", "buy", quantity=7, price=100)
    reader.read()
    change = differ.take()
    assert change is not None
    assert change[3:] == ([], [("100.00", "1.000")])
    ex.close()


def test_the_second_outcome_has_its_own_terms() -> None:
    ex = Exchange(shards=Shards(1, stamp_time=True))
    ex.create_account("alice")
    ex.create_asset("USD", 2)
    ex.create_event("rain", outcomes=["yes", "no"], currency="USD", tick_size="0.01")
    ex.deposit("alice", "USD", 1000, id="1")
    first, second = (DepthReader(ex, symbol) for symbol in ("rain/yes", "rain/no"))
    assert first.book == second.book == first.instrument != second.instrument
    differ = DepthDiffer(second)
    ex.submit("rain/yes", "buy", quantity=10, price="0.30", account="alice")
    ex.submit("rain/no", "buy", quantity=4, price="0.45", account="alice")
    first.read(), second.read()
    assert first.levels()[2:] == ([("0.30", "10")], [("0.55", "4")])
    assert second.levels()[2:] == ([("0.45", "4")], [("0.70", "10")])
    assert second.top()[1:] == (("0.45", "4"), ("0.70", "10"))
    change = differ.take()
    assert change is not None
    assert change[3:] == ([("0.45", "4")], [("0.70", "10")])
    ex.close()


@pytest.mark.parametrize(("seed", "levels"), [(1, 0), (2, 3), (3, 1)])
def test_a_book_made_of_changes_is_the_book_at_each_id(seed: int, levels: int) -> None:
    ex = exchange(1)
    trader = Trader(ex, "BTC-USD", random.Random(seed))
    reader = DepthReader(ex, "BTC-USD")
    differ = DepthDiffer(reader, levels)
    book: tuple[dict[Decimal, str], dict[Decimal, str]] = ({}, {})
    last_id, changes = 0, 0
    for _ in range(200):
        trader.trade(trader.random.randrange(6))
        reader.read()
        if (change := differ.take()) is not None:
            assert change[0] == last_id + 1 <= change[1]
            last_id, changes = change[1], changes + 1
            for mine, theirs in zip(book, change[3:], strict=True):
                for price, quantity in theirs:
                    if quantity == "0":
                        del mine[Decimal(price)]
                    else:
                        mine[Decimal(price)] = quantity
        assert levels_of(book) == reader.levels(levels)[2:]
        assert differ.snapshot()[0] == last_id
    assert changes > 100
    ex.close()


def test_reading_goes_past_those_who_trade() -> None:
    ex = exchange(1)
    reader = DepthReader(ex, "BTC-USD")
    trader = Trader(ex, "BTC-USD", random.Random(5))
    thread = threading.Thread(target=trader.trade, args=(500,))
    thread.start()
    last = 0
    while thread.is_alive():
        reader.read()
        assert reader.sequence >= last
        last = reader.sequence
    thread.join()
    reader.read()
    assert reader.sequence == ex.sequence
    ex.close()


def test_misuse_is_named() -> None:
    ex = exchange(1)
    with pytest.raises(UnknownNameError, match="symbol"):
        DepthReader(ex, "ETH-USD")
    with pytest.raises(ValueError, match="levels"):
        DepthReader(ex, "BTC-USD", -1)
    number: Any = 7
    with pytest.raises(TypeError, match="symbol"):
        DepthReader(ex, number)
    reader = DepthReader(ex, "BTC-USD")
    ex.close()
    with pytest.raises(AeroMatchError, match="closed"):
        reader.read()
    with pytest.raises(AeroMatchError, match="closed"):
        reader.top()
