from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeromatch.analytics import Tape, draw

SECOND = 10**9


def test_columns() -> None:
    tape = Tape()
    assert len(tape) == len(tape.times_ns) == len(tape.trade_prices) == 0
    tape.book(5, [(101, 3), (102, 4)], [(99, 1)])
    tape.book(6, [], [(99, 1)])
    tape.trade(6, 101, 7, True)
    assert len(tape) == 2
    assert tape.times_ns.tolist() == [5, 6]
    assert tape.asks[0] == 101
    assert np.isnan(tape.asks[1])
    assert tape.bids.tolist() == [99, 99]
    assert tape.ask_depths.tolist() == [7, 0]
    assert tape.bid_depths.tolist() == [1, 1]
    assert (tape.trade_times_ns.tolist(), tape.trade_prices.tolist(), tape.trade_quantities.tolist()) == (
        [6],
        [101],
        [7],
    )
    assert tape.buyer_was_aggressor.tolist() == [True]


@pytest.mark.parametrize("span_ns", [1, 5 * SECOND, 600 * SECOND, 20_000 * SECOND, 400_000 * SECOND])
def test_pictures_of_any_span(tmp_path: Path, span_ns: int) -> None:
    pytest.importorskip("matplotlib")
    tape = Tape()
    for step in range(50):
        at = 34_200 * SECOND + step * span_ns // 50
        tape.book(at, [(101 + step % 3, 3)] if step % 7 else [], [(99, 1)])
        tape.trade(at, 101, 1 + step, step % 2 == 0)
    path = tmp_path / "market.png"
    draw(tape, path, title="TEST", tick_size=0.01, subtitle="fifty books")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_pictures_of_one_book_and_of_books_without_orders(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    tape = Tape()
    tape.book(0, [], [])
    draw(tape, tmp_path / "empty.png", title="EMPTY")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_a_tape_without_a_book_has_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="nothing recorded"):
        draw(Tape(), tmp_path / "none.png", title="NONE")
