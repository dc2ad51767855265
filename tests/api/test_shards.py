"""`Exchange(shards=...)`: threads apply the commands, and nobody can tell but by the sequence numbers."""

import os
import re
import shutil
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tests.sharded import ACCOUNTS, PLAIN, batch, books, by_instrument, call, holdings, setup, told, trade, venue

from aeromatch import AeroMatchError, Exchange, Instrument, JournalError, RecordError, Shards, UnknownNameError

any_shards: Any = Shards

COUNTS = [1, 2, 4]
DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "shards.md"


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_calls_are_answered_the_same_on_any_number_of_shards(count: int) -> None:
    with Exchange() as alone, Exchange(shards=count) as sharded:
        assert (alone.shards, sharded.shards) == (None, count)
        for place, command in enumerate([*setup(), *trade()]):
            one, other = command(alone), command(sharded)
            assert told(one) == told(other), place
            if count == 1:
                assert one == other
        assert holdings(sharded) == holdings(alone)
        assert books(sharded) == books(alone)
        assert [repr(each) for each in sharded.instruments()] == [repr(each) for each in alone.instruments()]
        assert sharded.accounts() == alone.accounts()
        assert [(it.name, it.settled) for it in sharded.events()] == [(it.name, it.settled) for it in alone.events()]
        assert sharded.now == alone.now
        if count == 1:
            assert (sharded.digest(), sharded.snapshot()) == (alone.digest(), alone.snapshot())


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_batch_gives_the_same_events_on_any_number_of_shards(count: int) -> None:
    with venue() as alone, venue(shards=count) as sharded:
        orders = batch(5_000)
        one, other = alone.process(orders), sharded.process(orders)
        assert (one.commands, len(one)) == (other.commands, len(other))
        assert by_instrument(one) == by_instrument(other)
        assert books(sharded) == books(alone)
        # The events stand in order of the commands: the same instrument's, and the same kinds, at the same places.
        for name in ("kind", "instrument", "order_id", "detail"):
            assert (one.to_numpy()[name] == other.to_numpy()[name]).all()


def test_several_shards_count_for_themselves() -> None:
    with venue(shards=2) as ex:
        assert len(ex.sequences) == 2
        for read in (lambda: ex.sequence, lambda: ex.durable_sequence, lambda: ex.recovery, ex.snapshot, ex.compact):
            with pytest.raises(AeroMatchError, match=r"2 shards"):
                read()
        assert ex.durable_sequences is None
        assert ex.recoveries is None
        assert repr(ex) == f"Exchange(instruments=9, accounts=4, shards=2, sequences={ex.sequences})"
        before = ex.sequences
        ex.submit("P0", "buy", quantity=1, price=1)
        assert sum(ex.sequences) == sum(before) + 1
        parts = [Exchange.restore(ex.snapshot(shard)) for shard in range(2)]
        assert tuple(part.sequence for part in parts) == ex.sequences
        with pytest.raises(ValueError, match=r"^shard must"):
            ex.snapshot(2)


def test_reads_see_what_was_answered() -> None:
    with venue(shards=Shards(2, published_levels=2)) as ex, venue(shards=Shards(2, published_levels=0)) as unpublished:
        for exchange in (ex, unpublished):
            for symbol in PLAIN:
                view = exchange.book(symbol)
                assert (view.best_bid, view.best_ask) == (None, None)
                for price in range(1, 6):
                    exchange.submit(symbol, "buy", quantity=price, price=price)
                    assert view.best_bid == price
                exchange.submit(symbol, "sell", quantity=5, price=5)
                assert view.best_bid == 4
                assert [level.price for level in view.depth().bids] == [4, 3, 2, 1]
                assert view.statistics.traded_quantity == 5
            no, yes = exchange.book("rain/no"), exchange.book("rain/yes")
            exchange.mint("rain", "carol", 5)
            exchange.submit("rain/no", "sell", quantity=5, price="0.4", account="carol")
            assert (str(no.best_ask), str(yes.best_bid), no.best_bid) == ("0.40", "0.60", None)


def test_instruments_and_groups_live_where_they_are_placed() -> None:
    places = Shards(3, instruments={"P0": 2, "P1": 2}, groups={"main": 1, "west": 1, "east": 1})
    with venue(shards=places) as ex:
        before = [counters.commands for counters in ex.counters()]
        for symbol in ("P0", "P1"):
            ex.submit(symbol, "buy", quantity=1, price=1)
        for symbol in ("M-USD", "W-USD", "E-USD", "rain/yes"):
            ex.submit(symbol, "buy", quantity=1, price="0.5", account="alice")
        assert [counters.commands - was for counters, was in zip(ex.counters(), before, strict=True)] == [0, 4, 2]


def test_counters() -> None:
    with Exchange() as alone:
        assert alone.counters() == []
    with venue(shards=2) as ex:
        ex.process(batch(1_000))
        counters = ex.counters()
        assert [each.shard for each in counters] == [0, 1]
        assert tuple(each.sequence for each in counters) == ex.sequences
        assert [each.durable_sequence for each in counters] == [0, 0]
        assert all(0 < each.batches <= each.commands <= each.events for each in counters)
        assert all((each.intake_depth, each.refused) == (0, 0) for each in counters)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_an_exchange_with_shards_is_there_again(tmp_path: Path, count: int, durability: str) -> None:
    with Exchange.open(tmp_path, durability=durability, shards=count) as ex:
        assert ex.durability == durability
        for command in [*setup(), *trade()]:
            command(ex)
        ex.process(batch(500))
        before = (ex.digest(), ex.sequences, holdings(ex), books(ex))
    # Without a number: as many as there are.
    with Exchange.open(tmp_path, shards=None if count > 1 else 1) as ex:
        assert ex.shards == count
        assert (ex.digest(), ex.sequences, holdings(ex), books(ex)) == before
        assert ex.durable_sequences == ex.sequences
        assert ex.recoveries is not None
        assert [recovery.clean for recovery in ex.recoveries] == [True] * count
        assert ex.compact(count - 1) is not None
        assert ex.create_account("dora").accepted
    assert (tmp_path / "shard-000").is_dir() == (count > 1)


def test_one_shard_keeps_the_journal_of_an_exchange_without(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="os", shards=1) as ex:
        for command in setup():
            command(ex)
        digest = ex.digest()
    with Exchange.open(tmp_path, durability="os") as ex:
        assert (ex.shards, ex.digest()) == (None, digest)
        ex.create_account("dora")
        digest = ex.digest()
    with Exchange.open(tmp_path, durability="os", shards=Shards()) as ex:
        assert (ex.shards, ex.digest()) == (1, digest)


@pytest.mark.parametrize(("first", "then"), [(2, 4), (2, 1), (1, 2), (4, 2), (None, 2)])
def test_another_number_of_shards_is_refused_by_name(tmp_path: Path, first: int | None, then: int) -> None:
    with Exchange.open(tmp_path, durability="os", shards=first) as ex:
        ex.create_account("alice")
    with pytest.raises(JournalError, match=rf"shards: there are {first or 1}, not {then}") as caught:
        Exchange.open(tmp_path, shards=then)
    assert caught.value.kind == "shards"
    with Exchange.open(tmp_path, shards=first) as ex:
        assert ex.accounts() == ("alice",)


def test_what_cannot_be_leaves_nothing_behind(tmp_path: Path) -> None:
    for shards in (Shards(2, window=0), Shards(2, groups={"main": 5}), Shards(2, instruments={" T": 1})):
        with pytest.raises(ValueError, match=r"^shards: "):
            Exchange.open(tmp_path / "new", durability="os", shards=shards)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kept", [0, 1])
def test_shards_that_are_not_all_there_are_no_smaller_exchange(tmp_path: Path, kept: int) -> None:
    with Exchange.open(tmp_path, durability="os", shards=2) as ex:
        ex.create_account("alice")
    alone = tmp_path / f"shard-{kept:03}"
    for shards in (None, 1):
        with pytest.raises(JournalError, match="shards: there are 2, not 1") as caught:
            Exchange.open(alone, shards=shards)
        assert caught.value.kind == "shards"
    shutil.rmtree(tmp_path / f"shard-{1 - kept:03}")
    for shards in (None, 1, 2):
        with pytest.raises(JournalError):
            Exchange.open(tmp_path, shards=shards)


def test_swapped_shards_are_told(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="os", shards=2) as ex:
        ex.create_account("alice")
    for source, target in (("shard-000", "x"), ("shard-001", "shard-000"), ("x", "shard-001")):
        (tmp_path / source).rename(tmp_path / target)
    with pytest.raises(JournalError, match="the log of shard 0 is that of shard 1"):
        Exchange.open(tmp_path)


def test_a_directory_is_in_use_as_long_as_it_is_open(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="os", shards=2):
        for shards in (None, 2):
            with pytest.raises(JournalError, match="in use") as caught:
                Exchange.open(tmp_path, shards=shards)
            assert caught.value.kind == "directory_in_use"
    with Exchange.open(tmp_path, shards=2) as ex:
        assert ex.accounts() == ()


def test_close() -> None:
    ex = venue(shards=2)
    view = ex.book("P0")
    ex.close()
    ex.close()
    for use in (ex.digest, ex.counters, lambda: view.best_bid, lambda: ex.submit("P0", "buy", quantity=1, price=1)):
        with pytest.raises(AeroMatchError, match=r"was closed$"):
            use()
    assert repr(ex) == "Exchange(instruments=9, accounts=4, closed=True)"


def test_a_forgotten_close_loses_nothing(tmp_path: Path) -> None:
    ex = Exchange.open(tmp_path, durability="memory", shards=2)
    for command in setup():
        command(ex)
    digest = ex.digest()
    del ex
    with Exchange.open(tmp_path) as again:
        assert (again.shards, again.digest()) == (2, digest)


def test_a_forked_process_cannot_touch_the_shards(tmp_path: Path) -> None:
    ex = Exchange.open(tmp_path, durability="os", shards=2)
    for command in setup():
        command(ex)
    digest, view, stream = ex.digest(), ex.book("P0"), ex.stream()
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: ex.create_account("x"), ex.digest, lambda: view.best_bid, stream.read, ex.stream, ex.close):
            try:
                use()
            except AeroMatchError as error:
                refused += "forked" in str(error)
        del ex, view, stream
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 6
    assert ex.digest() == digest
    assert ex.create_account("parent").accepted
    ex.close()
    with Exchange.open(tmp_path) as again:
        assert again.accounts() == (*ACCOUNTS, "fees", "parent")


def test_a_second_thread_gets_an_error_and_the_first_is_not_disturbed() -> None:
    with venue(shards=2) as ex:
        orders, refused = batch(200_000), []
        worker = threading.Thread(target=ex.process, args=(orders,))
        worker.start()
        while worker.is_alive():
            try:
                ex.submit("P0", "buy", quantity=1, price=1)
            except AeroMatchError as error:
                refused.append(str(error))
                break
        worker.join()
        assert refused == ["this Exchange is in use by another thread; let them take turns, with a lock"]
        with venue() as alone:
            alone.process(orders)
            assert books(ex) == books(alone)


def test_what_is_no_command_is_refused_and_nothing_of_it_applied() -> None:
    with venue(shards=2) as ex:
        before = ex.digest()
        slots = batch(10).slots.copy()
        slots["kind"][7] = 99
        with pytest.raises(RecordError) as caught:
            ex.process(slots)
        assert caught.value.slot == 7
        with pytest.raises(UnknownNameError):
            ex.book("NONE")
        assert ex.digest() == before


@pytest.mark.parametrize(
    ("shards", "error", "message"),
    [
        (0, ValueError, "^shards must be"),
        (2000, ValueError, "^shards must be"),
        (True, TypeError, "^shards must be None, an int or aeromatch.Shards, not bool"),
        ("2", TypeError, "^shards must be None, an int or aeromatch.Shards, not str"),
        (Shards(0), ValueError, "^count must be"),
        (Shards(2, cores=[0]), ValueError, "^shards: cores: 1 cores for 2 shards"),
        (any_shards(1, idle="sleep"), ValueError, "^idle must be one of 'spin', 'yield', 'park'; got"),
        (Shards(1, window=0), ValueError, "^shards: window: "),
        (Shards(1, window=-1), ValueError, "^window must be"),
        (Shards(2, groups={"main": 2}), ValueError, "^shards: groups: "),
        (any_shards(2, groups=["main"]), TypeError, "^groups must be a dict"),
        (any_shards(2, groups={1: 0}), TypeError, "^a name in groups must be a str, not int"),
        (any_shards(2, groups={"main": "1"}), TypeError, r'^groups\["main"\] must be'),
        (Shards(2, groups={"": 1}), ValueError, '^shards: groups: "" is no legal name'),
        (Shards(2, instruments={" T": 1}), ValueError, '^shards: instruments: " T" is no legal name'),
        (Shards(2, instruments={"é" * 32: 1}), ValueError, '^shards: instruments: "é+" is no legal name'),
        (Shards(2, cores=[-1, 0]), ValueError, r"^cores\[0\] must be in 0 .. 65535, not -1"),
        (any_shards(2, cores=["0", 1]), TypeError, r"^cores\[0\] must be"),
        (any_shards(2, cores={0, 1}), TypeError, "^cores must be a sequence of int, not set"),
        (any_shards(1, stamp_time=1), TypeError, "^stamp_time must be a bool, not int"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(shards: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Exchange(shards=shards)


def test_the_options_have_the_defaults_that_the_documents_say() -> None:
    table = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+?)(?::[^|]*)? \|", DOCUMENT.read_text(), re.MULTILINE)
    said = {name: default for names, default in table for name in re.findall(r"\w+", names)}
    ours = {field.name: getattr(Shards(), field.name) for field in fields(Shards)}
    assert (said.pop("shards"), ours.pop("count")) == ("1", None)
    words = {"None": "none", "True": "on", "False": "off", "park": "`park`"}
    assert said == {name: words.get(str(value)) or f"{value:,}" for name, value in ours.items()}


@pytest.mark.parametrize("idle", ["spin", "yield", "park"])
def test_every_way_of_idling_answers(idle: Any) -> None:
    with venue(shards=Shards(2, idle=idle, window=3, intake_capacity=2, batch_commands=2)) as ex, venue() as alone:
        assert by_instrument(ex.process(batch(300))) == by_instrument(alone.process(batch(300)))
        assert ex.submit("P3", "buy", quantity=1, price=1).accepted


def test_time_can_be_stamped_by_the_shards() -> None:
    with Exchange(shards=Shards(1, stamp_time=True)) as ex:
        ex.create_instrument(Instrument("X"))
        first = ex.submit("X", "buy", quantity=1, price=1)
        assert first.timestamp > 1_600_000_000_000_000_000
        assert ex.submit("X", "buy", quantity=1, price=1, timestamp=5).timestamp == first.timestamp


def test_names_are_known_as_soon_as_their_command_is_answered() -> None:
    with Exchange(shards=4) as ex:
        for number in range(20):
            symbol = f"S{number}"
            ex.create_instrument(Instrument(symbol, tick_size="0.5"))
            assert ex.instrument_number(symbol) == number + 1
            report = call("submit", symbol, "buy", quantity=1, price="2.5")(ex)
            assert (str(report.events[0].price), ex.book(symbol).best_bid) == ("2.5", report.events[0].price)
