"""LOBSTER recordings through the engine: small ones by hand, the real ones where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.replay.samples import AAPL, AMZN, MSFT, recording, write_lobster

from aeromatch.replay import LobsterReplay, LobsterResult, RecordingError, orderbook_beside

NO_LEVEL = "9999999999,0,-9999999999,0"


def replay(folder: Path, *lines: tuple[str, str], strict: bool = False) -> LobsterResult:
    return LobsterReplay(*write_lobster(folder, list(lines)), strict=strict).run()


def test_every_kind_of_message_agrees(tmp_path: Path) -> None:
    result = replay(
        tmp_path,
        ("1.0,1,10,5,105,-1", "105,5,100,7"),
        ("1.1,1,11,4,105,-1", "105,9,100,7"),
        ("1.2,2,11,1,105,-1", "105,8,100,7"),
        ("1.3,4,10,5,105,-1", "105,3,100,7"),
        ("1.4,5,0,50,102,1", "105,3,100,7"),
        ("1.5,7,0,0,-1,-1", "105,3,100,7"),
        ("1.6,3,11,3,105,-1", "9999999999,0,100,7"),
        ("1.7,6,0,9,102,1", "9999999999,0,100,7"),
    )
    assert result.state.differences == []
    assert (result.state.judged, result.state.agreed) == (7, 7)
    assert (result.executions.judged, result.executions.agreed) == (1, 1)
    assert result.levels_excepted == 0
    assert (result.first_time_ns, result.last_time_ns) == (10**9, 1_700_000_000)


def test_a_wrong_row_is_one_difference_and_says_where(tmp_path: Path) -> None:
    result = replay(
        tmp_path,
        ("1.0,1,10,5,105,-1", "105,5,100,7"),
        ("1.1,1,11,4,105,-1", "105,8,100,7"),
        ("1.2,1,12,4,105,-1", "105,12,100,7"),
    )
    assert (result.state.judged, result.state.agreed) == (2, 1)
    assert result.state.differences == ["line 2: asks level 1: recorded 8 at 105, engine 9 at 105"]


def test_a_level_scrolling_in_is_excepted_and_the_rest_of_its_row_is_not(tmp_path: Path) -> None:
    deleted = ("1.1,3,10,5,105,-1", "108,2,100,7")
    result = replay(tmp_path, ("1.0,1,10,5,105,-1", "105,5,100,7"), deleted)
    assert (result.state.agreed, result.levels_excepted, result.levels_compared) == (1, 1, 1)
    wrong_bid = ("1.1,3,10,5,105,-1", "108,2,100,6")
    result = replay(tmp_path, ("1.0,1,10,5,105,-1", "105,5,100,7"), wrong_bid)
    assert (result.state.agreed, result.levels_excepted) == (0, 1)


def test_a_level_that_appears_above_the_last_visible_one_is_no_exception(tmp_path: Path) -> None:
    result = replay(tmp_path, ("1.0,1,10,5,105,-1", "105,5,100,7"), ("1.1,3,10,5,105,-1", "104,2,100,7"))
    assert (result.state.agreed, result.levels_excepted) == (0, 0)


def test_a_side_with_free_places_has_no_exception(tmp_path: Path) -> None:
    first = ("1.0,1,10,5,105,-1", f"105,5,100,7,{NO_LEVEL}")
    result = replay(tmp_path, first, ("1.1,3,10,5,105,-1", f"108,2,100,7,{NO_LEVEL}"))
    assert (result.state.agreed, result.levels_excepted) == (0, 0)


def test_orders_older_than_the_file_stand_in_order_of_their_ids(tmp_path: Path) -> None:
    """Both orders are in the first row without a name; what happens to them later says who they are."""
    result = replay(
        tmp_path,
        ("1.0,1,90,1,100,1", "105,9,100,7"),
        ("1.1,4,5,4,105,-1", "105,5,100,7"),
        ("1.2,4,6,5,105,-1", "107,9,100,7"),
    )
    assert (result.executions.judged, result.executions.agreed) == (2, 2)


def test_quantity_that_nobody_claims_stands_behind_a_new_order(tmp_path: Path) -> None:
    result = replay(
        tmp_path,
        ("1.0,1,90,1,100,1", "105,9,100,7"),
        ("1.1,1,91,2,105,-1", "105,11,100,7"),
        ("1.2,4,91,2,105,-1", "105,9,100,7"),
    )
    assert result.executions.agreed == 1


def test_an_execution_out_of_turn_is_a_difference_but_its_state_agrees(tmp_path: Path) -> None:
    result = replay(
        tmp_path,
        ("1.0,1,90,1,100,1", "110,9,100,1"),
        ("1.1,1,91,2,105,-1", "105,2,100,1"),
        ("1.2,1,92,3,105,-1", "105,5,100,1"),
        ("1.3,4,92,3,105,-1", "105,2,100,1"),
        ("1.4,4,91,2,105,-1", "110,9,100,1"),
    )
    assert (result.executions.judged, result.executions.agreed) == (2, 1)
    assert result.executions.differences == ["line 4: order 92, 3 at 105; engine: order 91 2 at 105, order 92 1 at 105"]
    assert result.state.agreed == result.state.judged == 4


def test_malformed_lines_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = [
        ("1.0,1,10,5,105,-1", "105,5,100,7"),
        ("rubbish", "105,5,100,7"),
        ("1.2,1,11,1,105,-1", "105,x,100,7"),
        ("1.3,1,12,1,105,-1", "105,7,100,7"),
        ("1.4,1,13,1,105,-1", "105,8,100,7"),
    ]
    result = replay(tmp_path, *lines)
    assert result.malformed.count == 2
    assert result.malformed.first is not None
    assert (result.malformed.first.line, result.malformed.file) == (2, "X_message_1.csv")
    assert (result.state.judged, result.state.agreed) == (1, 1)
    with pytest.raises(RecordingError, match=r"X_message_1.csv: malformed line 2: .*rubbish"):
        replay(tmp_path, *lines, strict=True)


def test_files_of_different_length(tmp_path: Path) -> None:
    messages, rows = write_lobster(tmp_path, [("1.0,1,10,5,105,-1", "105,5,100,7")] * 3)
    rows.write_text("105,5,100,7\n")
    assert LobsterReplay(messages, rows).run().unpaired == 2
    rows.write_text("105,5,100,7\n" * 5)
    assert LobsterReplay(messages, rows).run().unpaired == 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff" * 500, b"a,b,c\n"])
def test_a_file_without_a_message_is_an_error(tmp_path: Path, content: bytes) -> None:
    messages, rows = write_lobster(tmp_path, [("", "105,5,100,7")])
    messages.write_bytes(content)
    with pytest.raises(RecordingError, match="no LOBSTER message"):
        LobsterReplay(messages, rows)
    messages.write_text("1.0,1,10,5,105,-1\n")
    rows.write_bytes(content)
    with pytest.raises(RecordingError, match="no usable row"):
        LobsterReplay(messages, rows).run()


def test_the_orderbook_file_is_found_by_its_name(tmp_path: Path) -> None:
    messages, rows = write_lobster(tmp_path, [("", "")])
    assert orderbook_beside(messages) == rows
    rows.unlink()
    assert orderbook_beside(messages) is None


NUMBERS = st.integers(1, 9)
MESSAGES = st.builds(
    lambda kind, order, size, price, side: f"1.0,{kind},{order},{size},{100 + price},{side}",
    st.integers(1, 7),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([1, -1]),
)
ROWS = st.builds(lambda ask, size, bid, depth: f"{ask},{size},{bid},{depth}", *[st.integers(0, 110)] * 4)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(MESSAGES | st.text(max_size=9), ROWS), min_size=1, max_size=25))
def test_files_that_contradict_themselves_are_replayed_to_the_end(tmp_path: Path, lines: list[tuple[str, str]]) -> None:
    messages, rows = tmp_path / "message.csv", tmp_path / "orderbook.csv"
    messages.write_bytes("".join(f"{message}\n" for message, _ in lines).encode(errors="replace"))
    rows.write_text("".join(f"{row}\n" for _, row in lines))
    try:
        result = LobsterReplay(messages, rows).run()
    except RecordingError:
        return
    assert 0 <= result.state.agreed <= result.state.judged < len(lines) + 1


@pytest.mark.parametrize(
    ("files", "executions"), [(AMZN, 0.998), (AAPL, 1.0), (MSFT, 0.97)], ids=["AMZN", "AAPL", "MSFT"]
)
@pytest.mark.parametrize("index", ["ladder", "btree", "skiplist", "heap"])
def test_real_recordings(files: tuple[str, str], executions: float, index: str) -> None:
    result = LobsterReplay(recording(files[0]), recording(files[1]), index=index, strict=True).run()
    assert result.state.differences == []
    assert result.state.at_least(1.0)
    assert result.executions.at_least(executions), result.executions.differences
