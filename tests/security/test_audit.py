"""The audit: who is behind which command of the journal, also after a crash."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.security.desk import Desk, bearer, desk

from aeromatch.gateways.services import RefusedError
from aeromatch.server.admission.audit import AuditError, AuditLog, parts_of, read_notes
from aeromatch.server.admission.review import entries, origins_of

AEROMATCH = [sys.executable, "-m", "aeromatch"]


def run(folder: Path, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with desk(folder) as made:
            await test(made)

    asyncio.run(main())


def test_each_command_leads_back_to_who_sent_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    async def test(at: Desk) -> None:
        async with at.table(journal) as table:
            session = table.connect("10.0.0.1:5")
            alice = table.admit(session, "10.0.0.1:5", bearer(at.alice.token), "trade").principal
            operator = table.admit(0, "10.0.0.9:1", bearer(at.operator.token), "admin").principal
            placed = await at.exchange.submit("A", "buy", quantity="2", price="1", account="alice", tag=alice.session)
            await at.exchange.submit("B", "sell", quantity="1", price="0.5", account="alice", tag=alice.session)
            await at.exchange.cancel("A", placed.order_id, account="alice", tag=alice.session)
            await at.exchange.create_account("carol", tag=table.audit(operator, "create_account", account="carol"))

    run(tmp_path, test)
    origins = origins_of(journal)
    found = list(entries(journal, origins, wanted=lambda note: note.key == "alice-1"))
    assert sorted((entry.kind, entry.result) for entry in found) == [
        ("cancel", "accepted"),
        ("new", "accepted"),
        ("new", "invalid_price"),
    ]
    assert {(entry.remote, entry.note and entry.note.account) for entry in found} == {("10.0.0.1:5", "alice")}
    (placed,) = (entry for entry in found if entry.kind == "new" and entry.result == "accepted")
    assert (placed.fields["account"], placed.fields["symbol"]) == ("alice", "A")
    made = list(entries(journal, origins, wanted=lambda note: note.kind == "action"))
    assert {(entry.action, entry.kind, entry.key) for entry in made} == {("create_account", "create_account", "ops")}
    # Of all commands, those that nobody asked for are the desk's own.
    everything = list(entries(journal, origins))
    assert sum(entry.tag == 0 for entry in everything) == len(everything) - len(found) - len(made)

    plain = subprocess.run([*AEROMATCH, "audit", str(journal)], capture_output=True, text=True, check=True).stdout
    assert len(plain.splitlines()) == len(everything)
    assert "alice-1 10.0.0.1:5 cancel" in plain
    chosen = subprocess.run(
        [*AEROMATCH, "audit", str(journal), "--key", "alice-1", "--json"], capture_output=True, text=True, check=True
    ).stdout
    assert [json.loads(line)["key"] for line in chosen.splitlines()] == ["alice-1"] * 3
    for_carol = subprocess.run(
        [*AEROMATCH, "audit", str(journal), "--account", "carol"], capture_output=True, text=True, check=True
    ).stdout
    assert {line.split(" ops ")[1] for line in for_carol.splitlines()}
    limited = subprocess.run(
        [*AEROMATCH, "audit", str(journal), "--limit", "2"], capture_output=True, text=True, check=True
    ).stdout
    assert len(limited.splitlines()) == 2


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    first = AuditLog(path)
    assert first.last_run_end_ns == 0
    given = [first.number() for _ in range(3)]
    given.append(first.action("settle", key="ops", remote="", session=given[0], facts={"event": "E"}))
    first.close()
    second = AuditLog(path)
    assert second.last_run_end_ns
    given += [second.number() for _ in range(70_000)]
    # A crash: nothing is closed. Of its last line half is there.
    os.close(second._descriptor)
    second._descriptor = -1
    with path.open("ab") as stream:
        stream.write(b'{"kind":"session","time_ns":1,"res')
    third = AuditLog(path)
    assert third.last_run_end_ns is None
    given += [third.number() for _ in range(3)]
    third.close()
    assert sorted(set(given)) == given
    assert [note.kind for note in read_notes(path)] == ["open", "action", "close", "open", "reserve", "open", "close"]
    assert path.stat().st_mode & 0o777 == 0o600


def crashed(log: AuditLog) -> None:
    os.close(log._descriptor)
    log._descriptor = -1


def test_a_large_file_is_put_aside_and_all_are_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, part_bytes=1_000)
    given = []
    for _ in range(60):
        given.append(log.number())
        log.session(given[-1], key="k", account="alice", remote="10.0.0.1:1")
    log.close()
    parts = parts_of(path)
    assert [part.name for part in parts[:2]] == ["audit-000001.jsonl", "audit-000002.jsonl"]
    assert len(parts) > 5
    assert all(1_000 <= part.stat().st_size < 1_500 for part in parts)
    assert path.stat().st_size < 1_500
    assert {part.stat().st_mode & 0o777 for part in (*parts, path)} == {0o600}
    assert [note.number for note in read_notes(path) if note.kind == "session"] == given
    again = AuditLog(path, part_bytes=1_000)
    assert again.last_run_end_ns
    assert again.number() > given[-1]
    again.close()


@pytest.mark.parametrize("left", ["nothing", "an empty file", "a torn line", "a torn line in the part"])
def test_a_crash_between_two_files_gives_no_number_twice(tmp_path: Path, left: str) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    given = [log.number() for _ in range(5)]
    crashed(log)
    part = path.rename(tmp_path / "audit-000001.jsonl")
    if left != "nothing":
        path.write_bytes(b'{"kind":"res' if left == "a torn line" else b"")
    if left == "a torn line in the part":
        with part.open("ab") as stream:
            stream.write(b'{"kind":"session","time_ns":1,"res')
    again = AuditLog(path)
    assert again.last_run_end_ns is None
    assert again.number() > given[-1]
    again.close()
    assert [note.kind for note in read_notes(path)] == ["open", "open", "close"]


def test_notes_go_on_where_no_file_can_be_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, part_bytes=500)
    real, fails = os.open, [True]

    def full(name: Path, flags: int, mode: int = 0o777) -> int:
        if fails[0] and flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", full)
    numbers = []
    for count in range(40):
        fails[0] = count < 20
        numbers.append(log.number())
        log.session(numbers[-1], key="k", account=None, remote="")
        assert [note.number for note in read_notes(path) if note.kind == "session"] == numbers
    log.close()
    assert path.exists()
    assert len(parts_of(path)) > 1


KILLED_ROTATING = """
import sys
from pathlib import Path
from aeromatch.server.admission.audit import AuditLog
log = AuditLog(Path(sys.argv[1]), part_bytes=400, is_synced=False)
while True:
    number = log.number()
    log.session(number, key="k", account=None, remote="")
    print(number, flush=True)
"""


def test_a_kill_while_files_are_put_aside_loses_no_note(tmp_path: Path) -> None:
    path, told = tmp_path / "audit.jsonl", list[int]()
    for lines in (3, 40, 170):
        child = subprocess.Popen([sys.executable, "-c", KILLED_ROTATING, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child.stdout:
            said = [child.stdout.readline() for _ in range(lines)]
            # Somebody reads meanwhile.
            read_notes(path)
            child.kill()
            said += child.stdout.read().splitlines(keepends=True)
        child.wait()
        told += [int(line) for line in said if line.endswith("\n")]
    assert told == sorted(set(told))
    noted = [note.number for note in read_notes(path) if note.kind == "session"]
    assert len(set(noted)) == len(noted)
    assert set(told) <= set(noted)


def test_notes_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("hello\n")
    with pytest.raises(AuditError, match="no note"):
        AuditLog(path)
    with pytest.raises(AuditError, match="line 1 is no note"):
        read_notes(path)
    with pytest.raises(AuditError, match="no server has kept notes here"):
        read_notes(tmp_path / "other")


def test_who_cannot_be_noted_does_nothing(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            alice = table.admit(0, "10.0.0.1:1", bearer(at.alice.token), "read").principal
            descriptor, table._audit._descriptor = table._audit._descriptor, os.open(os.devnull, os.O_RDONLY)
            try:
                with pytest.raises(RefusedError) as refused:
                    table.admit(0, "10.0.0.1:1", bearer(at.alice.token), "trade")
                assert (refused.value.slug, refused.value.status) == ("unavailable", 503)
                with pytest.raises(RefusedError, match="written down"):
                    table.audit(alice, "settle", event="E")
                # To look on, nothing has to be noted.
                table.admit(0, "10.0.0.1:1", bearer(at.alice.token), "read")
            finally:
                os.close(table._audit._descriptor)
                table._audit._descriptor = descriptor
            table.admit(0, "10.0.0.1:1", bearer(at.alice.token), "trade")

    run(tmp_path, test)


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.security.desk import bearer, desk

async def main(folder):
    async with desk(folder) as at, at.table(folder / "journal") as table:
        number = 0
        while True:
            number += 1
            session = table.connect(f"10.0.0.{number % 250}:1")
            alice = table.admit(session, f"10.0.0.{number % 250}:1", bearer(at.alice.token), "trade").principal
            report = await at.exchange.submit("A", "buy", quantity="1", price="1", account="alice", tag=alice.session)
            print(alice.session, alice.remote, report.order_id, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_after_a_kill_every_order_leads_back(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    with child.stdout:
        told = [child.stdout.readline().split() for _ in range(40)]
        child.send_signal(signal.SIGKILL)
        told += [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.wait()
    journal = tmp_path / "journal"
    origins = origins_of(journal)
    found = [entry for entry in entries(journal, origins) if entry.kind == "new"]
    assert all(entry.note is not None and entry.note.key == "alice-1" for entry in found)
    assert {(str(entry.tag), entry.remote) for entry in found} >= {(line[0], line[1]) for line in told}


@pytest.mark.parametrize("reason", ["x" * 70_000, "x" * 200_000])
@pytest.mark.parametrize("torn", [b"", b'{"kind":"session","facts":"' + b"y" * 100_000])
def test_a_crash_behind_a_long_note_hurts_nobody(tmp_path: Path, reason: str, torn: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.action("set_kill_switch", key="ops", remote="", session=0, facts={"reason": reason})
    number = log.number()
    crashed = path.read_bytes() + torn
    log.close()
    path.write_bytes(crashed)
    again = AuditLog(path)
    assert again.number() > number
    again.close()
    assert [note.kind for note in read_notes(path)] == ["open", "action", "open", "close"]
