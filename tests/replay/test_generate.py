from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from aeromatch import Instrument, OrderBook
from aeromatch.replay import LobsterReplay, OrdersReplay
from aeromatch.replay.generate import TEMPERS, ActionKind, LobsterWriter, Mood, Session, flow, write_orders

GOLDEN = "98750c17b8256f7f755f6a7cf25413f07a188a3feacd9e1dbc8b4246d23d1360"
STEPS = {Mood.CALM: 3_000, Mood.DEEP: 300, Mood.SWING: 3_000, Mood.CRASH: 3_000, Mood.SPARSE: 1_000, Mood.SINGLE: 1_000}


def lobster_bytes(mood: Mood, steps: int, seed: int, levels: int, index: str = "ladder") -> tuple[bytes, bytes]:
    messages, rows = io.BytesIO(), io.BytesIO()
    LobsterWriter(Session(mood, steps, seed, index=index), levels, messages, rows).run()
    return messages.getvalue(), rows.getvalue()


def levels(book: OrderBook) -> list[tuple[int, int, int]]:
    depth = book.depth()
    return [(level.price_ticks, level.quantity_lots, level.order_count) for level in (*depth.bids, *depth.asks)]


@pytest.mark.parametrize("levels", [1, 5])
@pytest.mark.parametrize("mood", list(Mood))
def test_a_generated_lobster_session_replays_without_a_difference(tmp_path: Path, mood: Mood, levels: int) -> None:
    messages, rows = tmp_path / "message.csv", tmp_path / "orderbook.csv"
    for path, content in zip((messages, rows), lobster_bytes(mood, STEPS[mood], 11, levels), strict=True):
        path.write_bytes(content)
    result = LobsterReplay(messages, rows, strict=True).run()
    assert result.state.differences == []
    assert result.executions.differences == []
    assert result.state.at_least(1)
    assert result.executions.at_least(1)
    assert {"new", "deleted", "executed", "hidden_execution"} <= set(result.by_type)


@pytest.mark.parametrize("mood", [Mood.CALM, Mood.CRASH])
def test_a_generated_order_file_replays_to_the_same_book(tmp_path: Path, mood: Mood) -> None:
    path = tmp_path / "orders.csv"
    session = Session(mood, STEPS[mood], 3)
    with path.open("wb") as stream:
        written = write_orders(session, stream)
    result = OrdersReplay(path, tick_size="0.01", strict=True).run()
    assert result.lines == written
    assert not result.rejected
    assert result.canceled.at_least(1)
    assert result.book is not None
    assert levels(result.book) == levels(session.book)


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert lobster_bytes(Mood.SWING, 800, 5, 3) == lobster_bytes(Mood.SWING, 800, 5, 3, index="btree")
    assert lobster_bytes(Mood.SWING, 800, 5, 3) != lobster_bytes(Mood.SWING, 800, 6, 3)


def test_the_bytes_of_a_seed_never_change() -> None:
    """A session named by its seed is the same on every machine and in every version, or this is a breaking change."""
    messages, rows = lobster_bytes(Mood.CRASH, 2_000, 1, 2)
    assert hashlib.sha256(messages + rows).hexdigest() == GOLDEN


@pytest.mark.parametrize("mood", list(Mood))
def test_a_flow_names_orders_that_exist(mood: Mood) -> None:
    commands = STEPS[mood]
    opening, session = flow(mood, commands, 2)
    assert (len(opening), len(session)) == (TEMPERS[mood].resting, commands)
    book = OrderBook(Instrument("FLOW"))
    for batch in (opening, session):
        events = book.process(batch).to_numpy()
        assert np.count_nonzero(events["kind"] == 2) == 0
    assert book.statistics.trade_count > 0


def test_deep_has_forty_thousand_resting_orders() -> None:
    opening, _ = flow(Mood.DEEP, 1, 1)
    book = OrderBook(Instrument("DEEP"))
    book.process(opening)
    assert len(book) == 40_000


def test_sparse_has_thousands_of_levels_far_apart_and_single_one_a_side() -> None:
    levels = {}
    for mood in (Mood.SPARSE, Mood.SINGLE):
        opening, session = flow(mood, 1_000, 1)
        book = OrderBook(Instrument("LEVELS"))
        book.process(opening)
        book.process(session)
        depth = book.depth(10_000)
        levels[mood] = [len(depth.bids), len(depth.asks)]
    assert min(levels[Mood.SPARSE]) > 2_000
    assert levels[Mood.SINGLE] == [1, 1]


def test_a_crash_moves_the_price_by_tens_of_thousands_of_ticks() -> None:
    session = Session(Mood.CRASH, 6_000, 4)
    bids = []
    for _ in session.actions():
        bid = session.best(True)
        if bid is not None:
            bids.append(bid)
    assert max(bids) - min(bids) > 20_000


def test_actions_describe_what_the_engine_did() -> None:
    session = Session(Mood.CALM, 400, 9)
    for action in session.actions():
        order = session.book.order(action.order_id)
        if action.kind is ActionKind.CANCEL:
            assert order is None
        elif action.kind is ActionKind.REDUCE:
            assert order is not None
            assert order.quantity_lots == action.total
        if order is not None:
            assert order.price_ticks == action.price
