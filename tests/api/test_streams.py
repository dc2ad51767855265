"""`Exchange.stream`: every event since some command, then live; who lags is told so, and slows nobody."""

import itertools
import select
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ctrl_c import press_ctrl_c
from tests.sharded import PLAIN, batch, setup, venue

from aeromatch import (
    EVENT_DTYPE,
    AeroMatchError,
    EventKind,
    Events,
    EventStream,
    Exchange,
    Instrument,
    Shards,
    StreamLagged,
)

COUNTS = [1, 2, 3]
CREATED = 11
Array = np.ndarray[Any, Any]


def joined(batches: Iterable[Events]) -> Array:
    """The events of all batches, with their numbers."""
    return np.concatenate([np.empty(0, EVENT_DTYPE), *(each.to_numpy() for each in batches)])


def records(batches: Iterable[Events] | Array) -> dict[int, bytes]:
    """The events of each instrument since it was made, in the order in which they came."""
    array = batches if isinstance(batches, np.ndarray) else joined(batches)
    array = array[(array["kind"] != CREATED) & (array["instrument"] != 0)]
    return {number: array[array["instrument"] == number].tobytes() for number in np.unique(array["instrument"])}


def rest(stream: EventStream, limit: int = 100) -> list[Events]:
    """What is there now."""
    return list(iter(lambda: stream.read(limit, timeout_s=0), None))


def plain(ex: Exchange) -> None:
    """Makes the instruments of `batch`."""
    for symbol in PLAIN:
        ex.create_instrument(Instrument(symbol))


def in_order(batches: Sequence[Events], count: int) -> None:
    """The events of each shard come in order of their commands, and whole commands at a time."""
    last = [0] * count
    for each in batches:
        array = each.to_numpy()
        traded = array[(array["kind"] != CREATED) & (array["instrument"] != 0)]
        if len(traded) == 0:
            continue
        shards = set(((traded["instrument"].astype(int) - 1) % count).tolist())
        assert len(shards) == 1
        shard = shards.pop()
        assert last[shard] < array["sequence"][0]
        assert (np.diff(array["sequence"].astype(np.int64)) >= 0).all()
        last[shard] = int(array["sequence"][-1])


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("ring", [64, 65536])
def test_everything_since_the_beginning_then_live_without_a_gap(tmp_path: Path, count: int, ring: int) -> None:
    shards = Shards(count, stream_events=ring)
    with Exchange.open(tmp_path, durability="memory", shards=shards) as ex:
        plain(ex)
        answers = [ex.process(batch(3_000, seed)) for seed in range(3)]
        seen: list[Events] = []
        position: Any = 0

        def read_along() -> None:
            nonlocal position
            while True:
                try:
                    stream = ex.stream(position)
                    for events in stream:
                        seen.append(events)
                        position = stream.position
                    return
                except StreamLagged as lagged:
                    position = lagged.position
                except AeroMatchError:
                    return  # Closed.

        reader = threading.Thread(target=read_along)
        reader.start()
        # The reader is in the journal, or anywhere, while this goes on.
        with ex.port() as port:
            answers += [port.process(batch(500, seed)) for seed in range(3, 23)]
        # Before the close the journals hold what a lagging reader missed.
        whole = ex.stream()
        every = rest(whole, 5_000)
        assert whole.position == tuple(number + 1 for number in ex.sequences)
        ex.close()
        reader.join()
        expected = records(answers)
        assert {number: records(every)[number] for number in expected} == expected
        in_order(every, count)
        in_order(seen, count)
        got = records(seen)
        if ring > 60_000:
            assert {number: got[number] for number in expected} == expected
        for number, events in expected.items():
            # A reader that the end found lagging has missed the end, and nothing before.
            assert events.startswith(got[number])


@pytest.mark.parametrize("count", COUNTS)
def test_a_stream_from_a_number_has_that_command_and_all_later_ones(tmp_path: Path, count: int) -> None:
    with Exchange.open(tmp_path, durability="os", shards=Shards(count, stream_events=128)) as ex:
        plain(ex)
        every = [ex.process(batch(400, seed)) for seed in range(4)]
        for from_sequence in (1, 2, 50, 500, min(ex.sequences), max(ex.sequences) + 1):
            got = joined(rest(ex.stream(from_sequence)))
            expected = joined(every)
            expected = expected[expected["sequence"] >= from_sequence]
            assert records(got) == records(expected)
            assert (got["sequence"] >= from_sequence).all()


def test_a_position_continues_exactly_where_the_last_stream_stood(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="os", shards=Shards(2, stream_events=64)) as ex:
        plain(ex)
        every = [ex.process(batch(300, seed)) for seed in range(3)]
        position: Any = 0
        pieces: list[Events] = []
        for _ in itertools.count():
            stream = ex.stream(position)
            events = stream.read(limit=37, timeout_s=0)
            if events is None:
                break
            pieces.append(events)
            position = stream.position
        got, expected = records(pieces), records(every)
        assert {number: got[number] for number in expected} == expected
    with Exchange.open(tmp_path, shards=Shards(2, stream_events=64)) as again:
        # A position outlives the exchange: its journals know.
        assert again.stream(position).read(timeout_s=0) is None
        made = again.process(batch(300, 9))
        assert records(rest(again.stream(position))) == records([made])


def test_a_reader_that_lags_is_told_where_to_go_on_and_misses_nothing(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="memory", shards=Shards(1, stream_events=64)) as ex:
        plain(ex)
        stream = ex.stream()
        first = rest(stream)
        every = [ex.process(batch(1_000, seed)) for seed in range(2)]
        with pytest.raises(StreamLagged, match=r"go on at \(5,\)$") as caught:
            rest(stream)
        assert caught.value.position == stream.position == (5,)
        with pytest.raises(StreamLagged):
            stream.read(timeout_s=0)
        again = ex.stream(caught.value.position)
        assert records(rest(again)) == records(every)
        assert first[0].to_numpy()["sequence"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
        # It is live now, and stays so.
        made = ex.process(batch(5))
        assert records(rest(again)) == records([made])


def test_in_memory_a_stream_begins_with_what_is_still_there() -> None:
    with Exchange(shards=Shards(2, stream_events=64)) as ex:
        plain(ex)
        stream = ex.stream()
        last = [ex.process(batch(1_000, seed)) for seed in range(2)][-1]
        with pytest.raises(StreamLagged) as caught:
            ex.stream()
        assert [0 < begin <= end for begin, end in zip(caught.value.position, ex.sequences, strict=True)] == [True] * 2
        with pytest.raises(StreamLagged) as late:
            stream.read(timeout_s=0)
        position = late.value.position
        while True:
            try:
                there = rest(ex.stream(position))
                break
            except StreamLagged as further:
                position = further.position
        got, expected = records(there), records([last])
        for number, events in got.items():
            assert expected[number].endswith(events)
            assert events


def test_events_print_with_the_names_that_they_are_about() -> None:
    with venue(shards=2) as ex:
        stream = ex.stream()
        events = [event for each in rest(stream) for event in each]
        created = {str(event.as_dict().get("name")) for event in events if event.kind is EventKind.CREATED}
        assert len(created) > 10
        ex.create_instrument(Instrument("LATE", tick_size="0.25"))
        ex.submit("LATE", "buy", quantity=1, price="0.75", account="alice")
        late = [event for each in rest(stream) for event in each][-1]
        assert (str(late.price), late.account) == ("0.75", "alice")


def test_reading_waits_no_longer_than_it_is_told_to() -> None:
    with venue(shards=2) as ex:
        stream = ex.stream()
        assert sum(len(each) for each in rest(stream)) > 50
        assert stream.read(timeout_s=0) is None
        assert stream.read(timeout_s=0.01) is None
        assert stream.read(1, 0.01) is None
        assert not stream.ended
        later = threading.Timer(0.05, ex.submit, ("P0", "buy"), {"quantity": 1, "price": 1})
        later.start()
        events = stream.read()
        later.join()
        assert events is not None
        assert events.to_numpy()["instrument"].tolist() == [1]


def test_a_descriptor_says_that_there_are_events() -> None:
    with venue(shards=2) as ex:
        stream = ex.stream()
        rest(stream)

        def is_readable() -> bool:
            return select.select([stream.fileno()], [], [], 0)[0] != []

        assert stream.read(timeout_s=0) is None
        assert not is_readable()
        for symbol in ("P0", "P1"):
            ex.submit(symbol, "buy", quantity=1, price=1)
            assert select.select([stream], [], [], 30)[0] == [stream]
            assert len(rest(stream)) == 1
            assert not is_readable()
        ex.close()
        assert select.select([stream], [], [], 30)[0] == [stream]
        assert stream.read() is None
        assert stream.ended


def test_a_stream_ends_with_its_exchange() -> None:
    ex = Exchange(shards=2)
    plain(ex)
    stream, late = ex.stream(), ex.stream()
    seen: list[Events] = []
    reader = threading.Thread(target=lambda: seen.extend(stream))
    reader.start()
    made = ex.process(batch(1_000))
    ex.close()
    reader.join()
    assert stream.ended
    assert not late.ended
    assert records(late) == records(seen)
    assert records(seen) == records([made])
    with pytest.raises(AeroMatchError, match=r"was closed$"):
        ex.stream()


def test_a_closed_stream_is_closed() -> None:
    with venue(shards=2) as ex:
        stream = ex.stream((3, 4))
        assert repr(stream) == "EventStream(position=(3, 4))"
        stream.close()
        stream.close()
        assert repr(stream) == "EventStream(closed=True)"
        for use in (stream.read, stream.fileno, lambda: next(stream), lambda: stream.position):
            with pytest.raises(AeroMatchError, match=r"^this EventStream was closed$"):
                use()


def test_a_second_reader_of_one_stream_is_refused() -> None:
    with venue(shards=1) as ex:
        stream = ex.stream()
        rest(stream)
        reader = threading.Thread(target=stream.read)
        reader.start()
        refused = ""
        while not refused:
            try:
                stream.read(timeout_s=0)
            except AeroMatchError as error:
                refused = str(error)
        assert refused == "this EventStream is in use by another thread; let them take turns, with a lock"
        ex.submit("P0", "buy", quantity=1, price=1)
        reader.join()


def test_ctrl_c_ends_a_wait_and_loses_nothing() -> None:
    with venue(shards=2) as ex:
        stream = ex.stream()
        rest(stream)
        press_ctrl_c(0.05, stream.read)
        made = ex.process(batch(10))
        assert records(rest(stream)) == records([made])


def test_streams_need_shards() -> None:
    with Exchange() as ex, pytest.raises(AeroMatchError, match=r"^stream needs shards: make the exchange with"):
        ex.stream()
    with Exchange() as ex, pytest.raises(AeroMatchError, match=r"^port needs shards: make the exchange with"):
        ex.port()


@pytest.mark.parametrize(
    ("from_sequence", "error", "message"),
    [
        ("1", TypeError, "^from_sequence must be an int or a tuple of int, not str"),
        (1.5, TypeError, "^from_sequence must be an int or a tuple of int, not float"),
        (-1, ValueError, "^from_sequence must"),
        (2**64, ValueError, "^from_sequence must"),
        ((1,), ValueError, "^from_sequence has 1 numbers for 2 shards"),
        ((1, 10**9), ValueError, "^from_sequence 1000000000 is beyond the next command: the log of shard 1 ends after"),
        (10**9, ValueError, "^from_sequence 1000000000 is beyond the next command: every log ends after command"),
        ((1, 2, 3), ValueError, "^from_sequence has 3 numbers for 2 shards"),
        ((1, "x"), TypeError, "^from_sequence must"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(from_sequence: Any, error: type[Exception], message: str) -> None:
    with Exchange(shards=2) as ex, pytest.raises(error, match=message):
        ex.stream(from_sequence)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"limit": 0}, ValueError, "^limit must"),
        ({"limit": "5"}, TypeError, "^limit must"),
        ({"timeout_s": -1}, ValueError, "^timeout_s must be 0 or more seconds, not -1"),
        ({"timeout_s": float("nan")}, ValueError, "^timeout_s must be 0 or more seconds, not NaN"),
        ({"timeout_s": "1"}, TypeError, "^timeout_s must be a number or None, not str"),
    ],
)
def test_arguments_of_read_are_checked(arguments: Any, error: type[Exception], message: str) -> None:
    with Exchange(shards=1) as ex, pytest.raises(error, match=message):
        ex.stream().read(**arguments)


def test_ports_share_the_exchange_and_end_with_it(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="os", shards=2) as ex:
        for command in setup():
            command(ex)
        with ex.port() as port, port.port() as another:
            assert port.submit("P0", "buy", quantity=1, price=7, account="alice").accepted
            assert another.book("P0").best_bid == ex.book("P0").best_bid == 7
            assert another.create_account("dora").accepted
            assert "dora" in ex.accounts()
            assert repr(port) == repr(ex)
        with pytest.raises(AeroMatchError, match=r"was closed$"):
            port.digest()
        # The exchange goes on without its ports.
        left = ex.port()
        assert left.digest() == ex.digest()
    with pytest.raises(AeroMatchError, match=r"was closed$"):
        left.digest()
    left.close()
