from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.replay.samples import ANA, recording

from aeromatch.replay import OrdersReplay, RecordingError

DAY = "2019-05-23 09:00"
FILE = f"""ordtype;uid;is_buy;qty;price;timestamp
new;1;False;10;95.80;{DAY}:01
new;2;False;10;95.80;{DAY}:02
new;3;True;12;95.85;{DAY}:03.5
modif;2;;3;;{DAY}:04
cancel;2;;5;;{DAY}:05
cancel;9;;5;;{DAY}:06
new;4;True;1;95.80001;{DAY}:07
new;5;True;6;95.70;{DAY}:08
"""


def test_orders_are_matched_and_cancels_compared(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(FILE)
    result = OrdersReplay(path).run()
    assert result.by_instruction == {"new": 5, "modif": 1, "cancel": 2}
    assert (result.trades, result.traded_quantity) == (2, 12)
    assert (result.canceled.judged, result.canceled.agreed) == (1, 1)
    assert result.rejected == {"unknown_order": 1, "invalid_price": 1}
    assert result.book is not None
    assert str(result.book.best_bid) in {"95.7", "95.70", "95.7000"}
    assert result.book.best_ask is None


def test_a_cancel_of_another_quantity_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(FILE.replace("cancel;2;;5;", "cancel;2;;6;"))
    result = OrdersReplay(path).run()
    assert result.canceled.agreed == 0
    assert result.canceled.differences == ["line 6: order 2, canceled 6; engine: 5 left"]


def test_malformed_lines(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(FILE + "what;is;this\n")
    result = OrdersReplay(path).run()
    assert result.malformed.count == 1
    assert result.malformed.first is not None
    assert result.malformed.first.line == 10
    with pytest.raises(RecordingError, match="malformed line 10"):
        OrdersReplay(path, strict=True).run()


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"ordtype;uid;is_buy;qty;price;timestamp\n"])
def test_a_file_without_an_order_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="no order in it"):
        OrdersReplay(path).run()


LINES = st.builds(
    lambda kind, uid, side, quantity, price: f"{kind};{uid};{side};{quantity};{price};{DAY}:01",
    st.sampled_from(["new", "new", "modif", "cancel"]),
    st.integers(0, 6),
    st.sampled_from(["True", "False"]),
    st.integers(1, 20),
    st.sampled_from(["95.8", "95.81", "95.8000001", "-3", "999999999999999999"]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=30))
def test_any_instructions_are_replayed_to_the_end(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines))
    assert OrdersReplay(path).run().lines == len(lines)


@pytest.mark.parametrize("index", ["ladder", "btree", "skiplist", "heap"])
def test_a_real_day(index: str) -> None:
    result = OrdersReplay(recording(ANA), index=index, strict=True).run()
    assert result.lines == 27_056
    assert not result.rejected
    assert (result.canceled.judged, result.canceled.agreed) == (11_433, 11_433)
    assert result.book is not None
    assert len(result.book) == 0
