"""The local book by itself: it follows, and it notices when it no longer can."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aeromatch.client.errors import OutOfSyncError
from aeromatch.client.local_book import Level, LocalBook
from aeromatch.schema.market import Book, PriceLevel
from aeromatch.schema.messages import DepthUpdate


def snapshot(last: int, bids: list[PriceLevel], asks: list[PriceLevel]) -> Book:
    return Book(symbol="X", last_update_id=last, timestamp=last, bids=bids, asks=asks)


def update(
    first: int, last: int, bids: list[PriceLevel] | None = None, asks: list[PriceLevel] | None = None
) -> DepthUpdate:
    return DepthUpdate(
        channel="depth",
        symbol="X",
        first_update_id=first,
        last_update_id=last,
        timestamp=last,
        bids=bids or [],
        asks=asks or [],
    )


def level(price: str, quantity: str) -> Level:
    return Level(Decimal(price), Decimal(quantity))


@pytest.fixture
def book() -> LocalBook:
    book = LocalBook("X")
    assert book.load(snapshot(10, [("99", "5"), ("98", "1")], [("101", "2"), ("102.50", "3")]))
    return book


def reason(book: LocalBook) -> str | None:
    return book.desync.reason if book.desync else None


def test_shows_nothing_before_a_snapshot() -> None:
    book = LocalBook("X")
    assert reason(book) == "no_snapshot"
    with pytest.raises(OutOfSyncError, match="X is out of step: no_snapshot"):
        _ = book.best_bid
    for read in (book.bids, book.asks):
        with pytest.raises(OutOfSyncError):
            read()
    with pytest.raises(OutOfSyncError):
        book.quantity_at("buy", 1)


def test_shows_the_snapshot(book: LocalBook) -> None:
    assert book.best_bid == level("99", "5")
    assert book.best_ask == level("101", "2")
    assert book.bids() == [level("99", "5"), level("98", "1")]
    assert book.asks() == [level("101", "2"), level("102.5", "3")]
    assert book.bids(1) == [level("99", "5")]
    assert book.bids(7) == book.bids()
    assert book.asks(0) == book.bids(0) == []
    assert book.quantity_at("sell", "102.5") == 3
    assert book.quantity_at("buy", 97) == 0
    assert (book.last_update_id, book.timestamp) == (10, 10)


def test_updates_set_add_and_end_levels(book: LocalBook) -> None:
    assert book.apply(update(11, 14, [("99", "0"), ("98.5", "4")], [("101", "7"), ("100", "1")]))
    assert book.bids() == [level("98.5", "4"), level("98", "1")]
    assert book.asks() == [level("100", "1"), level("101", "7"), level("102.5", "3")]
    assert book.last_update_id == 14
    assert book.apply(update(15, 15, [], [("100", "0")]))
    assert book.best_ask == level("101", "7")


def test_sides_that_empty(book: LocalBook) -> None:
    assert book.apply(update(11, 11, [("99", "0"), ("98", "0")]))
    assert book.best_bid is None
    assert book.bids() == []


def test_what_the_book_has_already_does_nothing(book: LocalBook) -> None:
    assert not book.apply(update(5, 10, [("99", "77")]))
    assert book.is_live
    assert book.best_bid == level("99", "5")


def test_updates_that_came_first_wait_for_the_snapshot() -> None:
    book = LocalBook("X")
    for waiting in (update(7, 9, [("50", "1")]), update(10, 12, [("99", "6")]), update(13, 13, [("97", "1")])):
        assert not book.apply(waiting)
    assert book.load(snapshot(11, [("99", "5")], []))
    assert book.bids() == [level("99", "6"), level("97", "1")]
    assert (book.last_update_id, book.updates) == (13, 2)


def test_a_snapshot_that_is_too_old_is_not_enough() -> None:
    book = LocalBook("X")
    book.apply(update(20, 25, [("99", "6")]))
    assert not book.load(snapshot(11, [("99", "5")], []))
    assert reason(book) == "gap"
    assert book.load(snapshot(22, [("99", "5")], []))
    assert book.bids() == [level("99", "6")]


def test_a_gap_is_noticed_and_mended(book: LocalBook) -> None:
    assert not book.apply(update(12, 15, [("99", "1")]))
    assert book.desync is not None
    assert (book.desync.reason, book.desync.expected_update_id, book.desync.found_update_id) == ("gap", 11, 12)
    with pytest.raises(OutOfSyncError, match="gap: expected update 11, got 12"):
        _ = book.best_ask
    book.apply(update(16, 17, [("98", "2")]))
    assert book.load(snapshot(13, [("99", "5"), ("98", "1")], [("101", "2")]))
    assert book.bids() == [level("99", "1"), level("98", "2")]
    assert book.resyncs == 1


def test_an_update_that_begins_too_early_is_noticed(book: LocalBook) -> None:
    assert book.apply(update(8, 12, [("99", "4")])), "the first may reach back behind the snapshot"
    assert not book.apply(update(12, 14, [("99", "3")]))
    assert reason(book) == "overlap"


@pytest.mark.parametrize("wrong", [("98", "-1"), ("98", "many"), ("NaN", "1"), ("98", "Infinity"), ("", "1")])
def test_levels_that_are_none_are_noticed(book: LocalBook, wrong: PriceLevel) -> None:
    assert not book.apply(update(11, 11, [wrong]))
    assert reason(book) == "invalid_level"
    assert not book.load(snapshot(12, [], [wrong]))
    assert reason(book) == "invalid_level"


def test_prices_may_be_negative(book: LocalBook) -> None:
    assert book.apply(update(11, 11, [("-3.5", "1")]))
    assert book.bids()[-1] == level("-3.5", "1")


def test_the_end_of_a_level_that_was_not_there_is_noticed(book: LocalBook) -> None:
    assert not book.apply(update(11, 11, [("42", "0")]))
    assert reason(book) == "unknown_level"


def test_it_is_no_news_where_the_update_reaches_back_or_the_snapshot_is_cut() -> None:
    book = LocalBook("X")
    book.load(snapshot(10, [("99", "5")], []))
    assert book.apply(update(9, 12, [("42", "0")]))
    cut = LocalBook("X", is_whole=False)
    cut.load(snapshot(10, [("99", "5")], []))
    assert cut.apply(update(11, 12, [("42", "0")]))
    assert (book.unknown_levels, cut.unknown_levels) == (1, 1)


@pytest.mark.parametrize("price", ["101", "103"])
def test_a_locked_or_crossed_book_is_noticed(book: LocalBook, price: str) -> None:
    assert not book.apply(update(11, 11, [(price, "1")]))
    assert reason(book) == "crossed"
    assert not book.load(snapshot(12, [("9", "1")], [("8", "1")]))
    assert reason(book) == "crossed"


def test_in_an_auction_books_cross_until_they_uncross(book: LocalBook) -> None:
    book.may_cross = True
    assert book.load(snapshot(12, [("9", "1")], [("8", "1")]))
    assert book.apply(update(13, 13, [("10", "1")]))
    assert book.best_bid == level("10", "1")
    assert book.apply(update(14, 14, [("9", "0"), ("10", "0")]))
    assert not book.apply(update(15, 15, [("8", "1")])), "from here on it is continuous trading"
    assert reason(book) == "crossed"


def test_verify_compares_levels_of_the_same_moment(book: LocalBook) -> None:
    assert book.verify(snapshot(10, [("99.0", "5.00"), ("98", "1")], [("101", "2"), ("102.5", "3")]))
    assert book.verify(snapshot(10, [("99", "5")], [("101", "2")]), levels=1)
    assert book.verify(snapshot(11, [], [])), "another moment says nothing"
    assert book.is_live
    assert not book.verify(snapshot(10, [("99", "5")], [("101", "2"), ("102.5", "3")]))
    assert reason(book) == "differs"
    assert book.verify(snapshot(10, [], [])), "out of step there is nothing to compare"


def test_verify_of_a_cut_book_compares_as_deep_as_both_go() -> None:
    book = LocalBook("X", is_whole=False)
    book.load(snapshot(10, [("99", "5"), ("98", "1")], []))
    assert book.verify(snapshot(10, [("99", "5")], []))
    assert not book.verify(snapshot(10, [("99", "4")], []))


def test_the_owner_may_put_it_out_of_step(book: LocalBook) -> None:
    book.lose("gap", "the connection broke")
    assert not book.is_live
    assert repr(book) == "LocalBook('X', out of step: gap: the connection broke)"


def test_repr_shows_the_top(book: LocalBook) -> None:
    assert repr(book) == "LocalBook('X', 5 @ 99 / 2 @ 101, last_update_id=10)"


SIDES = st.dictionaries(st.integers(-20, 20), st.integers(1, 9), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SIDES, SIDES), min_size=2, max_size=8), st.data())
def test_differences_of_any_books_lead_from_one_to_the_next(
    states: list[tuple[dict[int, int], dict[int, int]]], data: st.DataObject
) -> None:
    """Any path of books is followed exactly; with one update left out, it is noticed at the next."""
    # Asks stand above all bids.
    books = [(bids, {price + 41: quantity for price, quantity in asks.items()}) for bids, asks in states]

    def texts(levels: dict[int, int]) -> list[PriceLevel]:
        return [(str(price), str(quantity)) for price, quantity in levels.items()]

    def changes(old: dict[int, int], new: dict[int, int]) -> list[PriceLevel]:
        gone = {price: 0 for price in old if price not in new}
        return texts(gone | {price: quantity for price, quantity in new.items() if old.get(price) != quantity})

    updates = [
        update(10 * i + 1, 10 * i + 10, changes(old[0], new[0]), changes(old[1], new[1]))
        for i, (old, new) in enumerate(pairwise(books))
    ]
    book = LocalBook("X")
    assert book.load(snapshot(0, texts(books[0][0]), texts(books[0][1])))
    for one, (bids, asks) in zip(updates, books[1:], strict=True):
        assert book.apply(one)
        assert [(int(level.price), int(level.quantity)) for level in book.bids()] == sorted(bids.items(), reverse=True)
        assert [(int(level.price), int(level.quantity)) for level in book.asks()] == sorted(asks.items())

    if len(updates) > 1:
        lost = data.draw(st.integers(0, len(updates) - 2))
        assert book.load(snapshot(0, texts(books[0][0]), texts(books[0][1])))
        for i, one in enumerate(updates):
            if i != lost:
                assert book.apply(one) == (i < lost)
        assert reason(book) == "gap"
