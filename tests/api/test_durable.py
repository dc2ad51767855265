"""`Exchange.open`: what is journaled is there again, whoever forgets to close; what cannot be opened says why."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.ctrl_c import press_ctrl_c

from aeromatch import AeroMatchError, Exchange, Instrument, JournalError, RecordError, SnapshotInfo, commands

POLICIES = ["memory", "os", "disk"]
NOBODY = 65534


def fill(ex: Exchange, orders: int = 5) -> None:
    """An instrument, an account and some orders."""
    ex.create_instrument(Instrument("A", lot_size="0.1"))
    ex.create_account("alice")
    for price in range(1, orders + 1):
        assert ex.submit("A", "buy", quantity=1, price=price, account="alice", client_order_id=f"o{price}").accepted


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python code in a process of its own."""
    program = textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("durability", POLICIES)
def test_an_exchange_is_there_again(tmp_path: Path, durability: str) -> None:
    with Exchange.open(tmp_path, durability=durability) as ex:
        assert ex.durability == durability
        assert ex.recovery is not None
        assert ex.recovery.commands_replayed == 0
        fill(ex)
        digest, sequence = ex.digest(), ex.sequence
    with Exchange.open(tmp_path, durability=durability) as ex:
        assert (ex.digest(), ex.sequence, ex.durable_sequence) == (digest, sequence, sequence)
        assert ex.recovery is not None
        assert (ex.recovery.commands_replayed, ex.recovery.clean, ex.recovery.bytes_cut) == (7, True, 0)
        assert (ex.recovery.snapshot_sequence, ex.recovery.cut_file, ex.recovery.snapshots_refused) == (None, None, ())
        assert ex.accounts() == ("alice",)
        assert [order.client_order_id for order in ex.book("A").orders(account="alice")] == [
            "o1",
            "o2",
            "o3",
            "o4",
            "o5",
        ]
        assert ex.create_account("bob").sequence == sequence + 1


def test_journaled_and_in_memory_say_the_same(tmp_path: Path) -> None:
    memory, disk = Exchange(), Exchange.open(tmp_path, durability="os")
    for ex in (memory, disk):
        fill(ex)
        ex.create_event("rain", outcomes=["yes", "no"], currency="USD")
        ex.deposit("alice", "USD", 10)
        ex.submit("rain/no", "buy", quantity=3, price="0.4", account="alice")
        ex.submit("A", "buy", quantity=1, price=1, stop_price=3, order_type="stop_limit")
        ex.submit("B", "buy", quantity=1, price=1)
    assert disk.digest() == memory.digest()
    assert disk.snapshot() == memory.snapshot()
    assert Exchange.restore(disk.snapshot()).digest() == memory.digest()
    first = memory.submit("A", "sell", quantity=2, price=4, account="alice")
    second = disk.submit("A", "sell", quantity=2, price=4, account="alice")
    assert first == second
    assert first.level_changes == second.level_changes
    disk.close()


@pytest.mark.parametrize("durability", POLICIES)
@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError('over')", "del ex, view"])
def test_a_forgotten_close_loses_nothing(tmp_path: Path, durability: str, end: str) -> None:
    done = run(
        f"""
        import sys
        from aeromatch import Exchange, Instrument
        ex = Exchange.open(sys.argv[1], durability={durability!r})
        ex.create_instrument(Instrument("A"))
        view = ex.book("A")
        for price in range(1, 101):
            ex.submit("A", "buy", quantity=1, price=price)
        print(ex.digest(), flush=True)
        {end}
        """,
        str(tmp_path),
    )
    assert done.returncode == {"sys.exit(3)": 3, "": 0, "del ex, view": 0}.get(end, 1), done.stderr
    with Exchange.open(tmp_path) as ex:
        assert ex.digest() == done.stdout.strip()
        assert len(ex.book("A")) == 100
        assert ex.recovery is not None
        assert ex.recovery.clean


@pytest.mark.parametrize("durability", ["os", "disk"])
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_what_was_answered_survives_a_sudden_end(tmp_path: Path, durability: str, end: str) -> None:
    done = run(
        f"""
        import os, sys
        from aeromatch import Exchange, Instrument
        ex = Exchange.open(sys.argv[1], durability={durability!r})
        ex.create_instrument(Instrument("A"))
        for price in range(1, 51):
            ex.submit("A", "buy", quantity=1, price=price)
        print(ex.digest(), flush=True)
        {end}
        """,
        str(tmp_path),
    )
    with Exchange.open(tmp_path) as ex:
        assert ex.digest() == done.stdout.strip()
        assert ex.recovery is not None
        assert (ex.recovery.clean, ex.recovery.commands_replayed) == (False, 51)


def test_a_daemon_thread_is_waited_for_at_the_end(tmp_path: Path) -> None:
    done = run(
        """
        import sys, threading
        from aeromatch import Exchange, Instrument, commands
        ex = Exchange.open(sys.argv[1], durability="memory")
        ex.create_instrument(Instrument("A"))
        batch = commands(side="buy", price_ticks=1, quantity_lots=[1] * 300_000, instrument=1)
        entered = threading.Event()
        def work():
            entered.set()
            ex.process(batch)
        threading.Thread(target=work, daemon=True).start()
        entered.wait()
        """,
        str(tmp_path),
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Exchange.open(tmp_path) as ex:
        assert ex.recovery is not None
        assert ex.recovery.clean
        assert len(ex.book("A")) in (0, 300_000)


def test_a_forked_process_cannot_touch_the_journal(tmp_path: Path) -> None:
    ex = Exchange.open(tmp_path, durability="os")
    fill(ex)
    digest, view = ex.digest(), ex.book("A")
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: ex.create_account("child"), ex.digest, lambda: view.best_bid, ex.close):
            try:
                use()
            except AeroMatchError as error:
                refused += "forked" in str(error)
        del ex, view
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 4
    assert ex.digest() == digest
    assert ex.create_account("parent").accepted
    ex.close()
    with Exchange.open(tmp_path) as again:
        assert again.accounts() == ("alice", "parent")


def test_a_directory_that_is_in_use(tmp_path: Path) -> None:
    with Exchange.open(tmp_path) as ex:
        with pytest.raises(JournalError, match="in use") as caught:
            Exchange.open(tmp_path)
        assert caught.value.kind == "directory_in_use"
        other = run("import sys, aeromatch; aeromatch.Exchange.open(sys.argv[1])", str(tmp_path))
        assert other.returncode == 1
        assert "JournalError" in other.stderr
        fill(ex)
    Exchange.open(tmp_path).close()


def test_paths_that_cannot_be_a_journal(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a journal")
    with pytest.raises(JournalError) as caught:
        Exchange.open(file)
    assert (caught.value.kind, caught.value.file, caught.value.offset) == ("not_a_directory", str(file), None)
    with pytest.raises(JournalError) as caught:
        Exchange.open(file / "below")
    assert caught.value.kind in ("not_a_directory", "not_writable")
    assert file.read_text() == "not a journal"
    with pytest.raises(ValueError, match="path must not be empty"):
        Exchange.open("")


def test_a_relative_path_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a journal")
    with pytest.raises(JournalError) as caught:
        Exchange.open("file")
    assert caught.value.file == "file"
    with Exchange.open("k1") as ex:
        with pytest.raises(JournalError) as caught:
            Exchange.open("k1")
        assert (caught.value.kind, caught.value.file) == ("directory_in_use", "k1")
        fill(ex)
    (segment,) = segments(Path("k1"))
    patch(segment, 8, (77).to_bytes(4, "little"))
    with pytest.raises(JournalError) as caught:
        Exchange.open("k1")
    assert caught.value.file == str(segment)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may write anywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_directory_that_cannot_be_written() -> None:
    # Not in pytest's folder, which nobody else may enter: it is to be found, and not to be written.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed = Path(folder) / "closed"
        closed.mkdir()
        closed.chmod(0o555)
        with as_nobody(), pytest.raises(JournalError) as caught:
            Exchange.open(closed)
        assert caught.value.kind == "not_writable"
        assert list(closed.iterdir()) == []


def segments(path: Path) -> list[Path]:
    return sorted(path.glob("journal-*.log"))


def patch(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(offset)
        out.write(data)


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    with Exchange.open(tmp_path) as ex:
        fill(ex)
    (segment,) = segments(tmp_path)
    before = segment.read_bytes()
    patch(segment, 8, (77).to_bytes(4, "little"))
    with pytest.raises(JournalError, match="77") as caught:
        Exchange.open(tmp_path)
    assert (caught.value.kind, caught.value.file) == ("unknown_version", str(segment))
    patch(segment, 8, before[8:12])
    Exchange.open(tmp_path).close()


def test_damage_in_the_middle_names_file_and_offset(tmp_path: Path) -> None:
    with Exchange.open(tmp_path) as ex:
        fill(ex, 50)
    (segment,) = segments(tmp_path)
    at = 4096 + 1000
    damaged = segment.read_bytes()[at] ^ 1
    patch(segment, at, bytes([damaged]))
    with pytest.raises(JournalError) as caught:
        Exchange.open(tmp_path)
    assert (caught.value.kind, caught.value.file) == ("damaged", str(segment))
    assert caught.value.offset is not None
    assert 4096 <= caught.value.offset <= at


def test_a_journal_half_of_which_is_gone(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, segment_bytes=4096, snapshot_interval_s=0) as ex:
        fill(ex, 200)
    first, *rest = segments(tmp_path)
    assert len(rest) > 1
    first.unlink()
    with pytest.raises(JournalError) as caught:
        Exchange.open(tmp_path)
    assert caught.value.kind == "incomplete"


def test_a_torn_end_is_cut_and_reported(tmp_path: Path) -> None:
    done = run(
        """
        import os, sys
        from aeromatch import Exchange
        ex = Exchange.open(sys.argv[1], durability="os")
        for name in "abc":
            ex.create_account(name)
        os._exit(0)
        """,
        str(tmp_path),
    )
    assert done.returncode == 0
    (segment,) = segments(tmp_path)
    # Three frames of a header, a command and a text: the last one loses the sector in which it ends.
    content = segment.read_bytes()
    start = 4096 + 2 * 192
    assert any(content[start : start + 192])
    patch(segment, start + 128, bytes(64))
    with Exchange.open(tmp_path) as ex:
        assert ex.recovery is not None
        assert (ex.recovery.cut_file, ex.recovery.cut_offset) == (segment.name, start)
        assert ex.recovery.bytes_cut > 0
        assert ex.accounts() == ("a", "b")
        assert f"cut_file='{segment.name}'" in repr(ex.recovery)


def test_snapshots_on_demand_and_what_stays(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, keep_snapshots=2, retain_bytes=0, segment_bytes=8192) as ex:
        assert ex.compact() is None
        made: list[SnapshotInfo] = []
        for step in range(4):
            for price in range(1, 60):
                if step == 0 and price == 1:
                    ex.create_instrument(Instrument("A"))
                ex.submit("A", "buy", quantity=1, price=price)
            snapshot = ex.compact()
            assert snapshot is not None
            assert (snapshot.sequence, snapshot.digest) == (ex.sequence, ex.digest())
            assert (tmp_path / snapshot.file).stat().st_size == snapshot.bytes
            made.append(snapshot)
        kept = sorted(path.name for path in tmp_path.glob("snapshot-*.snap"))
        assert kept == [snapshot.file for snapshot in made[-2:]]
        assert len({*made, *made}) == 4
        digest = ex.digest()
    assert "journal-0000000000000001.log" not in {path.name for path in segments(tmp_path)}
    with Exchange.open(tmp_path) as ex:
        assert ex.recovery is not None
        assert (ex.recovery.snapshot_sequence, ex.recovery.commands_replayed) == (made[-1].sequence, 0)
        assert ex.digest() == digest


def test_batches_are_journaled_in_groups_and_refused_as_a_whole(tmp_path: Path) -> None:
    rows = 300_000
    batch = commands(
        side="buy", price_ticks=5, quantity_lots=1, instrument=1, client_order_id=[f"c{row}" for row in range(rows)]
    )
    with Exchange.open(tmp_path, durability="os") as ex:
        ex.create_instrument(Instrument("A"))
        events = ex.process(batch)
        assert (events.commands, len(events), len(ex.book("A"))) == (rows, rows, rows)
        assert ex.sequence == rows + 1
        slots = bytearray(batch.slots.tobytes())
        slots[-64] = 200
        with pytest.raises(RecordError):
            ex.process(bytes(slots))
        assert ex.sequence == rows + 1
        digest = ex.digest()
    with Exchange.open(tmp_path) as ex:
        assert ex.digest() == digest


def test_a_stopped_journal_refuses_commands_and_lets_read(tmp_path: Path) -> None:
    ex = Exchange.open(tmp_path, durability="os", snapshot_interval_s=0, segment_bytes=4096)
    fill(ex, 3)
    # The directory goes away: the next segment cannot be made.
    shutil.rmtree(tmp_path)
    try:
        kinds = []
        for price in range(1, 200):
            try:
                ex.submit("A", "buy", quantity=1, price=price)
            except JournalError as error:
                kinds.append(error.kind)
        # The command that meets it is told what, unless the thread of the snapshots met it before.
        assert kinds[0] in ("io", "stopped")
        assert set(kinds[1:]) == {"stopped"}
        assert ex.book("A").best_bid is not None
        assert len(ex.digest()) == 64
        with pytest.raises(JournalError) as caught:
            ex.close()
        assert caught.value.kind == "stopped"
        with pytest.raises(AeroMatchError, match="was closed"):
            ex.create_account("late")
    finally:
        tmp_path.mkdir()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"durability": "tape"}, "durability must be one of 'memory', 'os', 'disk'; got \"tape\""),
        ({"durability": 5}, "durability must be a str, not int"),
        ({"segment_bytes": 100}, "segment_bytes must be in 4096 .. 1099511627776, not 100"),
        ({"keep_snapshots": 0}, "keep_snapshots must be in 1 .. 4294967295, not 0"),
        ({"snapshot_interval_s": -1}, "snapshot_interval_s must be in 0 .. 4294967295, not -1"),
        ({"retain_bytes": "all"}, "retain_bytes must be an int, not str"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        Exchange.open(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
    number: Any = 5
    with pytest.raises(TypeError, match=r"path must be a str or an os\.PathLike of str, not int"):
        Exchange.open(number)


def test_ctrl_c_ends_a_batch_between_groups(tmp_path: Path) -> None:
    rows = 500_000
    batch = commands(side="buy", price_ticks=[1, 2] * (rows // 2), quantity_lots=1, instrument=1)
    with Exchange.open(tmp_path, durability="os") as ex:
        ex.create_instrument(Instrument("A"))
        press_ctrl_c(0.01, lambda: ex.process(batch))
        done = len(ex.book("A"))
        assert ex.sequence == done + 1
        assert done == rows or done % 2**17 == 0
        digest = ex.digest()
    with Exchange.open(tmp_path) as ex:
        assert (ex.digest(), len(ex.book("A"))) == (digest, done)


def test_ctrl_c_ends_a_recovery_and_the_next_one_begins_again(tmp_path: Path) -> None:
    rows = 500_000
    batch = commands(side="buy", price_ticks=[1, 2] * (rows // 2), quantity_lots=1, instrument=1)
    with Exchange.open(tmp_path, durability="memory", snapshot_interval_s=0) as ex:
        ex.create_instrument(Instrument("A"))
        ex.process(batch)
        digest = ex.digest()
    press_ctrl_c(0.02, lambda: Exchange.open(tmp_path, snapshot_interval_s=0).close())
    with Exchange.open(tmp_path, snapshot_interval_s=0) as ex:
        assert ex.digest() == digest
