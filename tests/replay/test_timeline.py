"""Any moment of a journal is the state that was: compared with an exchange that took the same commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.crash.load import Model, advance

from aeromatch import Exchange, Instrument, JournalError
from aeromatch.replay import Timeline
from aeromatch.replay.timeline import compare, first_difference, inspect_journal, verify_journal

SEED = 21
COMMANDS = 900
NO_STATE: Any = 5


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several segments, a snapshot in the middle, closed."""
    path = tmp_path_factory.mktemp("timeline") / "data"
    with Exchange.open(path, durability="os", segment_bytes=32 * 1024, snapshot_interval_s=0) as exchange:
        while exchange.sequence < COMMANDS // 2:
            advance(exchange, SEED, until=COMMANDS // 2)
        exchange.compact()
        while exchange.sequence < COMMANDS:
            advance(exchange, SEED, until=COMMANDS)
    return path


@pytest.fixture(scope="module")
def digests() -> list[str]:
    """The digest after each command, the empty exchange's first."""
    model = Model(SEED)
    return [model.digest_at(sequence) for sequence in range(COMMANDS + 1)]


def test_every_moment_is_as_it_was(directory: Path, digests: list[str]) -> None:
    timeline = Timeline(directory)
    assert (timeline.first, timeline.last, timeline.sequence) == (0, COMMANDS, 0)
    assert timeline.digest() == digests[0]
    for step, digest in zip(timeline.steps(), digests[1:], strict=True):
        assert timeline.sequence == step.sequence
        assert timeline.digest() == digest
    assert timeline.step() is None


def test_back_and_forth(directory: Path, digests: list[str]) -> None:
    timeline = Timeline(directory)
    for sequence in (700, 699, 698, 450, 449, 451, 0, 900, 899, 3, 600, 601, 17):
        assert timeline.seek(sequence).sequence == sequence
        assert timeline.digest() == digests[sequence]
    for sequence in range(16, -1, -1):
        assert timeline.back().sequence == sequence
        assert timeline.digest() == digests[sequence]
    assert timeline.back(5).sequence == 0
    assert timeline.forward(40).back(15).digest() == digests[25]
    assert timeline.forward(10_000).sequence == COMMANDS
    assert timeline.back(10_000).sequence == 0


def test_by_time(directory: Path) -> None:
    # Command n of the load brings the time n * 1,000, if it brings one.
    timeline = Timeline(directory)
    timed = [step.sequence for step in timeline.steps() if "timestamp" in step.fields]
    for time, before in ((timed[30] * 1_000, timed[31]), (timed[200] * 1_000 + 999, timed[201])):
        timeline.seek(time=time)
        assert timeline.sequence == before - 1
        assert timeline.now == time // 1_000 * 1_000
    assert timeline.seek(time=0).sequence == timed[0] - 1
    assert timeline.seek(time=2**63).sequence == COMMANDS


def test_steps_tell_what_happened(directory: Path) -> None:
    steps = list(Timeline(directory).steps(30))
    assert [step.sequence for step in steps] == list(range(1, 31))
    assert steps[0].fields == {"kind": "create_account", "names": ["alice"]}
    assert [event.kind for event in steps[0].events] == ["accepted", "created"]
    deposit = next(step for step in steps if step.fields["kind"] == "deposit")
    assert (
        str(deposit)
        == f"#{deposit.sequence} deposit account=alice asset=BTC amount=5000.00000000 group=main id=alice-BTC"
    )
    assert [event.kind for event in deposit.events] == ["accepted", "funds"]
    exchange = Exchange()
    for step in steps:
        exchange.process(step.commands)
    assert exchange.digest() == Timeline(directory).seek(30).digest()


def test_batches_hold_every_command_once(directory: Path) -> None:
    timeline = Timeline(directory)
    sequences = [int(number) for batch in timeline.batches(limit=100) for number in batch.sequences]
    assert sequences == list(range(1, COMMANDS + 1))
    assert timeline.sequence == COMMANDS


def test_there_are_no_other_moments(directory: Path, tmp_path: Path) -> None:
    timeline = Timeline(directory)
    with pytest.raises(ValueError, match=r"sequence must be in 0 \.\. 900, not 901"):
        timeline.seek(901)
    with pytest.raises(TypeError):
        timeline.seek()
    with pytest.raises(TypeError):
        timeline.seek(1, time=1)
    with pytest.raises(ValueError, match="until"):
        timeline.seek(20).follow(timeline.fork(), 10)
    with pytest.raises(JournalError):
        Timeline(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError) as caught:
        Timeline(tmp_path / "file")
    assert caught.value.kind == "not_a_directory"


def test_a_directory_without_a_journal_is_no_timeline(tmp_path: Path) -> None:
    for read in (Timeline, verify_journal):
        with pytest.raises(JournalError, match="there is no journal") as caught:
            read(tmp_path)
        assert (caught.value.kind, caught.value.file, caught.value.offset) == ("incomplete", str(tmp_path), None)


@pytest.mark.parametrize(
    ("move", "error", "words"),
    [
        (lambda it: it.back(-1), ValueError, "count must be at least 0, not -1"),
        (lambda it: it.forward(-1), ValueError, "count must be at least 0, not -1"),
        (lambda it: it.forward(1.5), TypeError, "count must be an int"),
        (lambda it: it.seek("a"), TypeError, "sequence must be an int, not 'a'"),
        (lambda it: it.seek(True), TypeError, "sequence must be an int, not True"),
        (lambda it: it.seek(-1), ValueError, "sequence must be in"),
        (lambda it: it.seek(time=-5), ValueError, "time must be in"),
        (lambda it: it.seek(time=2**70), ValueError, "time must be in"),
        (lambda it: it.seek(time="noon"), TypeError, "time must be an int, not 'noon'"),
        (lambda it: it.seek(3, time=4), TypeError, "either sequence or time"),
        (lambda it: it.follow(None), TypeError, "branch must be an Exchange, not None"),
        (lambda it: it.follow(it.fork(), "b"), TypeError, "until must be an int"),
        (lambda it: compare(it, NO_STATE), TypeError, "right must be an Exchange or a Timeline, not 5"),
        (lambda it: compare(NO_STATE, it), TypeError, "left must be an Exchange or a Timeline, not 5"),
    ],
)
def test_misuse_names_the_argument_and_moves_nothing(
    directory: Path, move: Callable[[Timeline], object], error: type[Exception], words: str
) -> None:
    timeline = Timeline(directory).seek(20)
    with pytest.raises(error, match=words):
        move(timeline)
    assert timeline.sequence == 20


def test_steps_tell_amounts_and_names(tmp_path: Path) -> None:
    with Exchange.open(tmp_path / "data", durability="os") as exchange:
        for name in ("alice", "fees"):
            exchange.create_account(name)
        exchange.create_asset("BTC", decimals=8)
        exchange.create_asset("USD", decimals=6)
        exchange.create_instrument(
            Instrument("B", tick_size="0.01", lot_size="0.001", base="BTC", quote="USD", settlement=True)
        )
        for name in ("rain", "snow", "wind"):
            exchange.create_event(name, outcomes=["yes", "no"], currency="USD")
        start = exchange.sequence
        exchange.submit("B", "buy", order_type="market", quantity="1", budget="50.25", account="alice")
        exchange.submit("B", "buy", quantity="1", price="100.001", account="alice")
        exchange.submit(
            "B", "buy", order_type="stop_limit", quantity="1", price="1", stop_price="0.001", account="alice"
        )
        exchange.submit("B", "buy", quantity="1", price="0", account="alice")
        exchange.transfer("alice", "USD", "1", source="main", target="nowhere", id="x")
        exchange.settle("rain", payouts={"yes": "0.25", "no": "0.75"})
        exchange.settle("snow", outcome="no")
        exchange.settle("wind", outcome="maybe")
    steps = list(Timeline(tmp_path / "data").seek(start).steps())
    budget, limit, stop, free, transfer, *settled = [step.fields for step in steps]
    assert (str(budget["budget"]), "price" in budget) == ("50.250000", False)
    assert limit["price"] == "off_grid"
    assert (str(stop["price"]), stop["stop_price"]) == ("1.00", "off_grid")
    assert str(free["price"]) == "0.00"
    assert (transfer["source"], transfer["target"]) == ("main", 2**32 - 1)
    assert [str(step).split(" ", 2)[2] for step in steps[-3:]] == [
        "event=rain mode=scalar payouts=0.25,0.75",
        "event=snow mode=full outcome=no",
        "event=wind mode=full outcome=unknown",
    ]
    assert len(settled) == 3


def test_a_branch_takes_other_commands_and_leaves_the_log_alone(directory: Path, digests: list[str]) -> None:
    timeline = Timeline(directory).seek(500)
    branch = timeline.fork()
    assert compare(timeline, branch).same
    branch.deposit("alice", "USD", "7")
    found = compare(timeline, branch)
    assert [(it.where, it.what) for it in found.differences] == [("alice", "USD in main")]
    assert timeline.digest() == digests[500]
    assert Timeline(directory).seek(500).digest() == digests[500]


def test_following_without_a_change_leads_to_the_same(directory: Path, digests: list[str]) -> None:
    timeline = Timeline(directory).seek(300)
    branch = timeline.fork()
    followed = timeline.follow(branch, 700)
    assert followed.commands == 400
    assert followed.order_ids
    assert all(ours == theirs for ours, theirs in followed.order_ids.items())
    assert (timeline.digest(), branch.digest()) == (digests[700], digests[700])


def test_following_finds_orders_under_other_ids(tmp_path: Path) -> None:
    with Exchange.open(tmp_path / "data", durability="os") as exchange:
        exchange.create_instrument(Instrument("X"))
        for account in ("alice", "bob"):
            exchange.create_account(account)
        unwanted = exchange.submit("X", "buy", quantity=5, price=10, account="alice")
        kept = exchange.submit("X", "buy", quantity=6, price=11, account="bob")
        exchange.amend("X", kept.order_id, quantity=4)
        exchange.cancel("X", unwanted.order_id)
        exchange.cancel("X", kept.order_id)
    timeline = Timeline(tmp_path / "data").seek(unwanted.sequence - 1)
    branch = timeline.fork()
    followed = timeline.follow(branch, exchange_end := unwanted.sequence + 2, without={unwanted.sequence})
    assert followed.order_ids == {unwanted.order_id: None, kept.order_id: unwanted.order_id}
    assert timeline.sequence == exchange_end
    assert [order.remaining_quantity for order in branch.book("X").orders()] == [4]
    rejected = branch.sequence
    timeline.follow(branch)
    # The cancel of what never was there is rejected, the other one is not.
    assert (branch.sequence, len(branch.book("X"))) == (rejected + 2, 0)


def test_first_difference(directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with Exchange.open(other, durability="os") as exchange:
        while exchange.sequence < 412:
            advance(exchange, SEED, until=412, alone=True)
        exchange.create_account("mallory")
    parting = first_difference(Timeline(directory), Timeline(other))
    assert parting is not None
    assert parting.sequence == 412
    assert parting.right == {"kind": "create_account", "names": ["mallory"]}
    assert parting.left is not None
    # The same commands, in other frames and files.
    with Exchange.open(tmp_path / "same", durability="os") as exchange:
        while exchange.sequence < 600:
            advance(exchange, SEED, until=600, alone=True)
    ended = first_difference(Timeline(directory), Timeline(tmp_path / "same"))
    assert ended is not None
    assert (ended.sequence, ended.right) == (600, None)
    assert first_difference(Timeline(directory), Timeline(directory)) is None


def test_a_live_journal_grows_while_it_is_read(tmp_path: Path) -> None:
    with Exchange.open(tmp_path / "data", durability="os", segment_bytes=16 * 1024) as exchange:
        timeline = Timeline(tmp_path / "data")
        assert timeline.last == 0
        for _ in range(150):
            advance(exchange, SEED)
            assert timeline.last == exchange.sequence
            assert timeline.seek(exchange.sequence).digest() == exchange.digest()
        assert len(inspect_journal(tmp_path / "data").segments) > 2


def test_a_journal_whose_beginning_was_removed_starts_at_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with Exchange.open(
        path, durability="os", segment_bytes=16 * 1024, keep_snapshots=1, retain_bytes=0, snapshot_interval_s=0
    ) as exchange:
        while exchange.sequence < 400:
            advance(exchange, SEED, until=400)
        exchange.compact()
        while exchange.sequence < 500:
            advance(exchange, SEED, until=500)
        digest = exchange.digest()
    timeline = Timeline(path)
    assert timeline.first == timeline.sequence == 400
    assert timeline.digest() == Model(SEED).digest_at(400)
    assert timeline.seek(500).digest() == digest
    assert timeline.back(1_000).sequence == 400
    with pytest.raises(ValueError, match=r"400 \.\. 500"):
        timeline.seek(399)
    assert verify_journal(path).base_sequence == 400


def test_inspection_and_verification(directory: Path, digests: list[str]) -> None:
    found = inspect_journal(directory)
    assert found.damage is None
    assert sum(segment.commands for segment in found.segments) == COMMANDS
    assert found.segments[0].first_sequence == 1
    assert found.segments[-1].last_sequence == COMMANDS
    assert [(snapshot.sequence, snapshot.digest) for snapshot in found.snapshots] == [(450, digests[450])]
    assert found.end == f"closed after command {COMMANDS}"
    proven = verify_journal(directory)
    assert (proven.commands, proven.last_sequence, proven.digest) == (COMMANDS, COMMANDS, digests[COMMANDS])
    assert (proven.snapshots, proven.is_closed, proven.torn_bytes) == (1, True, 0)


def copy_of(directory: Path, folder: Path) -> Path:
    copied = folder / "data"
    copied.mkdir()
    for file in directory.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    return copied


def test_a_damaged_snapshot_is_passed_over(directory: Path, tmp_path: Path, digests: list[str]) -> None:
    copied = copy_of(directory, tmp_path)
    (snapshot,) = copied.glob("snapshot-*.snap")
    content = bytearray(snapshot.read_bytes())
    content[-100] ^= 1
    snapshot.write_bytes(content)
    assert Timeline(copied).seek(COMMANDS).back(200).digest() == digests[COMMANDS - 200]
    found = inspect_journal(copied)
    assert found.damage is not None
    assert Path(found.damage.file or "").name == snapshot.name
    assert sum(segment.commands for segment in found.segments) == COMMANDS


def test_damage_is_named(directory: Path, tmp_path: Path) -> None:
    copied = copy_of(directory, tmp_path)
    segment = sorted(copied.glob("journal-*.log"))[1]
    content = bytearray(segment.read_bytes())
    content[4096 + 200] ^= 1
    segment.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        verify_journal(copied)
    assert caught.value.kind == "damaged"
    assert Path(caught.value.file or "").name == segment.name
    found = inspect_journal(copied)
    assert found.damage is not None
    assert found.damage.offset is not None
    assert len(found.segments) == 1
    timeline = Timeline(copied)
    with pytest.raises(JournalError):
        list(timeline.steps())
