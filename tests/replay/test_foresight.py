"""Who stands at a level that comes into view, and how the engine's book is kept in step with it."""

from __future__ import annotations

from aeromatch import Instrument
from aeromatch.replay.foresight import Foresight
from aeromatch.replay.lobster import Message, MessageType
from aeromatch.replay.named_book import NAMELESS, Hit, NamedBook

NEW, REDUCED, DELETED, EXECUTED = MessageType.NEW, MessageType.REDUCED, MessageType.DELETED, MessageType.EXECUTED


def message(kind: MessageType, order_id: int, size: int = 1, price: int = 105) -> Message:
    return Message(1, 0, kind, order_id, size, price, False)


def standing(messages: list[Message], size: int, index: int = 0) -> list[tuple[int, int]]:
    return Foresight(messages).standing(False, 105, size, index)


def test_old_orders_stand_in_order_of_their_ids_with_all_that_is_taken_from_them() -> None:
    messages = [
        message(NEW, 100),
        message(EXECUTED, 7, 3),
        message(REDUCED, 5, 1),
        message(DELETED, 5, 4),
        message(EXECUTED, 7, 2),
    ]
    assert standing(messages, 20) == [(5, 5), (7, 5)]
    assert standing(messages, 20, index=2) == [(5, 4), (7, 2)]
    assert standing(messages, 20, index=4) == []


def test_other_prices_and_sides_do_not_count() -> None:
    messages = [message(NEW, 100), message(DELETED, 5, 4, price=106)]
    assert standing(messages, 20) == []
    assert Foresight(messages).standing(True, 106, 20, 0) == []
    assert Foresight(messages).standing(False, 106, 20, 0) == [(5, 4)]


def test_an_order_submitted_later_is_not_there_yet() -> None:
    messages = [message(NEW, 100), message(NEW, 101, 4), message(DELETED, 101, 4)]
    assert standing(messages, 20, index=0) == []
    assert standing(messages, 20, index=1) == [(101, 4)]


def test_where_the_shown_size_is_not_enough_for_all_the_certain_ones_come_first() -> None:
    """Order 5 is older than the first submission; order 150 may have come out of sight at any time before its end."""
    messages = [message(NEW, 100), message(NEW, 200), message(DELETED, 150, 4), message(DELETED, 5, 4)]
    assert standing(messages, 6) == [(5, 4), (150, 2)]


def test_nothing_is_heard_of_unknown_levels() -> None:
    assert standing([], 5) == []


def named_book() -> NamedBook:
    return NamedBook(Instrument("X"))


def test_a_new_order_stands_before_nameless_quantity_and_younger_orders() -> None:
    book = named_book()
    book.fill_level(False, 105, 10, [(5, 3), (9, 4)], 0)
    assert book.levels() == ([(105, 10)], [])
    book.place(False, 105, 2, 7, 0)
    assert book.take(True, 105, 12, 0) == [Hit(5, 105, 3), Hit(7, 105, 2), Hit(9, 105, 4), Hit(NAMELESS, 105, 3)]
    assert book.levels() == ([], [])


def test_reduced_orders_keep_their_place() -> None:
    book = named_book()
    book.fill_level(False, 105, 7, [(5, 3), (9, 4)], 0)
    assert book.reduce(False, 105, 5, 2, 0)
    assert not book.reduce(False, 105, 6, 2, 0)
    assert book.take(True, 105, 2, 0) == [Hit(5, 105, 1), Hit(9, 105, 1)]
    assert book.reduce(False, 105, 9, 99, 0)
    assert book.levels() == ([], [])


def test_levels_are_cleared_and_orders_deleted() -> None:
    book = named_book()
    book.fill_level(True, 100, 5, [(1, 2)], 0)
    assert book.delete(True, 100, 1)
    assert not book.delete(True, 100, 1)
    assert book.levels() == ([], [(100, 3)])
    book.clear_level(True, 100)
    assert len(book.book) == 0
