"""Kill switches, cancel on disconnect, dead man's switches: on a live exchange, through restarts, in the journal."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateways.fakes import services
from tests.security.desk import Desk, bearer, desk

from aeromatch.gateways.services import Principal, RefusedError
from aeromatch.gateways.trading import Trading
from aeromatch.schema.orders import AmendOrder, NewOrder
from aeromatch.server.admission import AdmissionTable, KeyFileError
from aeromatch.server.admission.review import Entry, entries, origins_of
from aeromatch.server.admission.safety import SafetyError


def run(folder: Path, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with desk(folder) as made:
            await test(made)

    asyncio.run(main())


def operator_of(at: Desk, table: AdmissionTable) -> Principal:
    return table.admit(0, "10.0.0.9:1", bearer(at.operator.token), "admin").principal


def alice_of(at: Desk, table: AdmissionTable) -> Principal:
    return table.admit(0, "10.0.0.1:1", bearer(at.alice.token), "trade").principal


async def nothing_lives(at: Desk, account: str = "alice") -> None:
    """Waits until an account has no orders; what cancels them is a command like any other, so this ends."""
    async with asyncio.timeout(10):
        while at.live(account):
            await at.exchange.create_account("alice")  # Refused: it is there. But a turn of every shard.


def audited(at: Desk, action: str) -> list[Entry]:
    """The commands that an action led to, one for each shard."""
    journal = at.folder / "journal"
    return list(entries(journal, origins_of(journal), wanted=lambda note: note.action == action))


def test_an_account_is_killed_and_cancels_are_in_the_journal(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(tmp_path / "journal") as table:
            await at.rest("alice", "A")
            await at.rest("alice", "B")
            await at.rest("bob")
            done = await table.set_kill_switch(
                operator_of(at, table), "alice", engaged=True, cancel_orders=True, reason="runaway"
            )
            assert (done.account, done.killed) == ("alice", True)
            assert (at.live("alice"), at.live("bob")) == (0, 1)
            with pytest.raises(RefusedError) as refused:
                table.may_trade("alice")
            assert (refused.value.slug, refused.value.status) == ("kill_switch", 403)
            table.may_trade("bob")
            assert table.is_killed("alice")
            assert not table.is_killed(None)
            cancels = audited(at, "set_kill_switch")
            assert {entry.kind for entry in cancels} == {"mass_cancel"}
            assert sum(entry.events.get("canceled", 0) for entry in cancels) == 2
            assert {(entry.key, entry.remote) for entry in cancels} == {("ops", "10.0.0.9:1")}
            assert [entry.result for entry in cancels] == ["accepted", None]
            assert cancels[0].note is not None
            assert cancels[0].note.facts["reason"] == "runaway"
            await table.set_kill_switch(
                operator_of(at, table), "alice", engaged=False, cancel_orders=False, reason="over"
            )
            table.may_trade("alice")

    run(tmp_path, test)


def test_the_venue_is_killed(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            await at.rest("alice")
            await at.rest("bob")
            done = await table.set_kill_switch(
                operator_of(at, table), None, engaged=True, cancel_orders=False, reason=""
            )
            assert (done.account, done.killed) == ("*", True)
            assert (at.live("alice"), at.live("bob")) == (1, 1)
            for account in ("alice", "bob", None):
                with pytest.raises(RefusedError, match="the venue's kill switch"):
                    table.may_trade(account)

    run(tmp_path, test)


def test_orders_are_refused_before_anything_is_awaited(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            engaging = table.set_kill_switch(
                operator_of(at, table), "alice", engaged=True, cancel_orders=True, reason=""
            )
            task = asyncio.ensure_future(engaging)
            await asyncio.sleep(0)
            assert table.is_killed("alice")
            await task

    run(tmp_path, test)


@asynccontextmanager
async def trading(at: Desk, table: AdmissionTable) -> AsyncIterator[Trading]:
    made, market = services(at.exchange)
    made.admission = table
    gateway = Trading(made)
    yield gateway
    await gateway.close()
    market.close()


def test_no_order_comes_behind_the_cancel(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table, trading(at, table) as gateway:
            order = NewOrder(symbol="A", side="buy", quantity="1", price="1")
            # Both in one turn of the loop: the order is let in, and the switch is turned before it was sent.
            entering = asyncio.ensure_future(gateway.new_order(alice_of(at, table), order))
            await asyncio.gather(
                entering,
                table.set_kill_switch(
                    operator_of(at, table), "alice", engaged=True, cancel_orders=True, reason="runaway"
                ),
            )
            assert at.live("alice") == 0

    run(tmp_path, test)


def test_who_acts_for_any_account_amends_no_order_of_one_that_is_stopped(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table, trading(at, table) as gateway:
            number, other = await at.rest("alice"), await at.rest("bob")
            operator = operator_of(at, table)
            await table.set_kill_switch(operator, "alice", engaged=True, cancel_orders=False, reason="")
            with pytest.raises(RefusedError) as refused:
                await gateway.amend(operator, str(number), AmendOrder(quantity="100"))
            assert refused.value.slug == "kill_switch"
            live = at.exchange.book("A").order(number)
            assert live is not None
            assert live.quantity == 1
            with pytest.raises(RefusedError) as refused:
                await gateway.amend(operator, str(other + 1), AmendOrder(quantity="100"))
            assert refused.value.slug == "unknown_order"

    run(tmp_path, test)


def test_kill_switches_survive_a_restart(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            for account in ("alice", None):
                await table.set_kill_switch(
                    operator_of(at, table), account, engaged=True, cancel_orders=True, reason=""
                )
        async with at.table() as table:
            assert table.is_killed("bob")
            at.clock.now_ms += 10_000
            await table.set_kill_switch(operator_of(at, table), None, engaged=False, cancel_orders=False, reason="")
        async with at.table() as table:
            assert table.is_killed("alice")
            assert not table.is_killed("bob")

    run(tmp_path, test)


def test_a_crash_between_switch_and_cancel_is_completed(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        await at.rest()
        switch = {"since_ns": 1, "reason": "", "cancels": True}
        state = {"version": 1, "kill_switches": {"alice": switch}, "on_disconnect": [], "dead_man": []}
        (at.folder / "safety.json").write_text(json.dumps(state))
        async with at.table() as table:
            assert (at.live("alice"), table.is_killed("alice")) == (0, True)
        assert not json.loads((at.folder / "safety.json").read_text())["kill_switches"]["alice"]["cancels"]

    run(tmp_path, test)


def test_an_unknown_account_has_no_switches(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            operator = operator_of(at, table)
            with pytest.raises(RefusedError) as refused:
                await table.set_kill_switch(operator, "carol", engaged=True, cancel_orders=True, reason="")
            assert (refused.value.slug, refused.value.status) == ("unknown_account", 404)
            with pytest.raises(RefusedError, match="no account 'carol'"):
                await table.set_dead_man(operator, "carol", 1_000)

    run(tmp_path, test)


def test_orders_are_canceled_when_the_connection_ends(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(tmp_path / "journal") as table:
            await at.rest("alice")
            await at.rest("bob")
            kept, ended = table.connect("10.0.0.1:1"), table.connect("10.0.0.1:2")
            table.cancel_on_disconnect(kept, "alice", enabled=True)
            table.cancel_on_disconnect(kept, "alice", enabled=False)
            table.cancel_on_disconnect(ended, "alice", enabled=True)
            table.disconnect(kept)
            assert at.live("alice") == 1
            table.disconnect(ended)
            await nothing_lives(at)
            assert at.live("bob") == 1
        (entry, *_) = audited(at, "cancel_on_disconnect")
        assert entry.note is not None
        assert (entry.note.session, entry.key) == (ended, None)

    run(tmp_path, test)


def test_a_second_key_of_a_connection_can_ask_for_it(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            await at.rest("alice")
            connection = table.connect("10.0.0.1:1")
            table.admit(connection, "10.0.0.1:1", bearer(at.operator.token), "read")
            alice = table.admit(connection, "10.0.0.1:1", bearer(at.alice.token), "trade").principal
            table.cancel_on_disconnect(alice.session, "alice", enabled=True)
            table.disconnect(connection)
            await nothing_lives(at)

    run(tmp_path, test)


def test_a_request_without_a_connection_cannot_ask_for_it(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            with pytest.raises(RefusedError, match="no connection"):
                table.cancel_on_disconnect(alice_of(at, table).session, "alice", enabled=True)

    run(tmp_path, test)


def test_the_dead_mans_switch_fires_unless_it_is_set_again(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(tmp_path / "journal") as table:
            alice = alice_of(at, table)
            await at.rest("alice")
            await at.rest("bob")
            state = await table.set_dead_man(alice, "alice", 3_600_000)
            assert state.timeout_ms == 3_600_000
            assert state.fires_at is not None
            # Off, and set anew.
            assert (await table.set_dead_man(alice, "alice", 0)).fires_at is None
            await table.set_dead_man(alice, "alice", 3_600_000)
            await table.set_dead_man(alice, "alice", 20)
            await nothing_lives(at)
            assert at.live("bob") == 1
        assert [entry.result for entry in audited(at, "dead_man_fired")] == ["accepted", None]

    run(tmp_path, test)


def test_the_dead_mans_switch_is_for_the_own_account(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            with pytest.raises(RefusedError, match="for account 'alice' only"):
                await table.set_dead_man(alice_of(at, table), "bob", 1_000)

    run(tmp_path, test)


def test_what_was_armed_fires_at_the_next_start(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        for account in ("alice", "bob"):
            await at.rest(account)
        async with at.table() as table:
            await table.set_dead_man(alice_of(at, table), "alice", 3_600_000)
            table.cancel_on_disconnect(table.connect("10.0.0.1:1"), "bob", enabled=True)
        assert (at.live("alice"), at.live("bob")) == (1, 1)
        async with at.table():
            assert (at.live("alice"), at.live("bob")) == (0, 0)
        state = json.loads((at.folder / "safety.json").read_text())
        assert (state["dead_man"], state["on_disconnect"]) == ([], [])

    run(tmp_path, test)


def test_a_gateway_that_cancels_itself_says_when_it_has(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        for account in ("alice", "bob"):
            await at.rest(account)
        async with at.table() as table:
            for account in ("alice", "bob"):
                first = table.note_session(None, account, "10.0.0.1:1", cancels_at_end=True)
            table.end_session(first)
            state = json.loads((at.folder / "safety.json").read_text())
            assert state["on_disconnect"] == ["alice"]
            # While one of two is open, its orders hang on that.
            table.end_session(table.note_session(None, "alice", "10.0.0.1:2", cancels_at_end=True))
            table.end_session(table.note_session(None, "bob", "10.0.0.1:3"))
            state = json.loads((at.folder / "safety.json").read_text())
            assert state["on_disconnect"] == ["alice"]
        # What was done is not done again; what a crash has left is.
        async with at.table():
            assert (at.live("alice"), at.live("bob")) == (0, 1)

    run(tmp_path, test)


def test_a_server_that_does_not_know_who_is_to_be_stopped_does_not_start(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        (at.folder / "safety.json").write_text("{")
        with pytest.raises(SafetyError, match=r"safety\.json"):
            async with at.table():
                pass
        (at.folder / "safety.json").unlink()
        at.keys.path.chmod(0o644)
        with pytest.raises(KeyFileError, match="others may use it"):
            async with at.table():
                pass

    run(tmp_path, test)
