"""What a FIX session is when something fails beneath it, or its client does what clients should not."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.fix_client import FixClient, frame, now_text
from tests.gateways.test_fix_orders import CONFIG, play, port_of
from tests.gateways.test_fix_sessions import keys_config, told_once
from tests.server.real_venue import RealVenue, real_venue

from aeromatch.gateways.fix import follower
from aeromatch.gateways.fix.acceptor import Acceptor
from aeromatch.gateways.fix.follower import draw_back
from aeromatch.gateways.fix.reports import Body, followed
from aeromatch.gateways.fix.store import FixStore, FixStoreError
from aeromatch.gateways.fix.tracked import Tracked
from aeromatch.schema.market import Book
from aeromatch.schema.orders import Order
from aeromatch.server.admission.keys import KeyStore

ON_DISK = CONFIG.replace("durability: os", "durability: disk")


def acceptor_of(venue: RealVenue) -> Acceptor:
    gateway: Any = venue.venue.listeners["fix"]
    found: Acceptor = gateway._acceptor
    return found


@pytest.mark.parametrize("change", ["INSERT ON messages", "UPDATE ON sessions"])
def test_a_report_that_cannot_be_kept_does_not_leave(tmp_path: Path, change: str) -> None:
    async def main() -> None:
        async with real_venue(tmp_path, CONFIG) as venue:
            client = await FixClient(port_of(venue)).log_on()
            client.order("a-1", "1", "5", "100", t1="alice")
            await client.next("8")
            await client.quiet()
            database = acceptor_of(venue)._store._connection
            failures = iter([1])
            database.create_function("fails", 0, lambda: next(failures, 0))
            database.execute(
                f"CREATE TEMP TRIGGER full BEFORE {change} BEGIN"
                " SELECT CASE WHEN fails() THEN RAISE(ABORT, 'the disk is full') END; END"
            )
            known = client.next_in
            await venue.order(account="bob", side="sell", quantity="1", price="100")
            await asyncio.wait_for(client.closed.wait(), 20)
            await client.close()
            assert (len(client.messages), client.next_in) == (1, known)
        async with real_venue(tmp_path, CONFIG) as venue:
            client.port = port_of(venue)
            await client.log_on()
            await client.until(lambda: [it[150] for it in client.messages] == ["0", "F"])
            told_once(client)
            await client.log_out()

    asyncio.run(main())


def test_a_slow_disk_holds_up_what_relies_on_it_and_nothing_else(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        gate, begun, may_end = acceptor_of(venue)._store.gate, threading.Semaphore(0), threading.Event()
        sync = gate._sync
        assert sync is not None

        def slow() -> None:
            begun.release()
            assert may_end.wait(20)
            sync()

        gate._sync = slow
        known = client.next_in
        client.order("a-1", "1", "2", "100", t1="alice")
        client.cancel("a-2", "a-1")
        assert await asyncio.to_thread(begun.acquire, timeout=20)
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        orders = await venue.ask("GET", "/orders?account=alice&limit=10")
        assert (orders["orders"], client.next_in) == ([], known)
        may_end.set()
        assert await client.reports(3) == [("a-1", "0", "0"), ("a-1", "F", "1"), ("a-2", "4", "1")]
        told_once(client)

    play(tmp_path, test, ON_DISK)


def test_a_disk_that_fails_ends_all_sessions_and_lets_nothing_out(tmp_path: Path) -> None:
    def failing() -> None:
        raise FixStoreError("the disk is gone")

    async def main() -> None:
        async with real_venue(tmp_path, ON_DISK) as venue:
            client = await FixClient(port_of(venue)).log_on()
            acceptor_of(venue)._store.gate._sync = failing
            client.order("a-1", "1", "2", "100", t1="alice")
            await asyncio.wait_for(client.closed.wait(), 20)
            await client.close()
            orders = await venue.ask("GET", "/orders?account=alice&limit=10")
            assert (orders["orders"], client.messages) == ([], [])
            other = await FixClient(port_of(venue), "OTHER").connect()
            other.send("A", [(98, 0), (108, 30)])
            await asyncio.wait_for(other.closed.wait(), 20)
            assert [it[58].partition(":")[0] for it in other.session] == ["unavailable"]
            await other.close()
        async with real_venue(tmp_path, ON_DISK) as venue:
            # It was written down, and is not known to have been done.
            client.port = port_of(venue)
            await client.log_on()
            refused = await client.next("8")
            assert (refused[11], refused[150], refused[58].partition(":")[0]) == ("a-1", "8", "unavailable")
            await client.log_out()

    asyncio.run(main())


def test_a_clock_that_is_set_cuts_nobody_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        before = client.session[0][52]
        time_ns = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + 100 * 10**9)
        for connection in tuple(acceptor_of(venue).connections):
            connection._wake()
        await client.quiet()
        # It lasted no minute.
        assert client.session[-1][52][:14] > before[:14]

    play(tmp_path, test)


def test_an_answer_brings_the_next_heartbeat_nearer(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        (connection,) = acceptor_of(venue).connections
        session = connection._session
        assert session is not None
        # So long nothing has come, and a test request is due.
        session._pulse._received_ns -= 40 * 10**9
        connection._wake()
        await client.until(lambda: client.session[-1].kind == "1")
        await client.quiet()
        assert connection._timer is not None
        assert session.next_tick_ns is not None
        assert connection._timer.when() <= session.next_tick_ns / 1e9 + 1

    play(tmp_path, test)


def test_who_has_not_logged_on_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with real_venue(tmp_path, CONFIG) as venue:
            client = await FixClient(port_of(venue)).log_on()
            other = await FixClient(port_of(venue), "OTHER").connect()
            await client.quiet()
            assert len(acceptor_of(venue).connections) == 2
            await venue.venue.listeners["fix"].drain()
            for each in (client, other):
                await asyncio.wait_for(each.closed.wait(), 20)
                await each.close()
            assert other.session == []

    asyncio.run(main())
    assert "did not close in time" not in caplog.text


def test_a_journal_with_another_number_of_shards_has_nothing_of_what_was_reported() -> None:
    with closing(FixStore(None)) as store:
        session = store.session("one")
        session.note('position/"alice"', "[7,9]")
        draw_back(session, (8, 8))
        assert session.fact('position/"alice"') == "[7,7]"
        draw_back(session, (5,))
        assert session.fact('position/"alice"') == "[4]"


def test_reports_that_fail_end_one_session_which_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([True])

    def failing(order: Tracked, state: Order) -> Iterator[Body]:
        bodies = list(followed(order, state))
        yield from bodies
        if bodies and any(failures):
            raise RuntimeError("a mistake of ours")

    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "5", "100", t1="alice")
        await client.next("8")
        await client.quiet()
        other = await FixClient(port_of(venue), "OTHER").log_on()
        monkeypatch.setattr(follower, "followed", failing)
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        await asyncio.wait_for(client.closed.wait(), 20)
        await client.close()
        # What was made of it, but not kept, has not left.
        assert [it[150] for it in client.messages] == ["0"]
        assert await other.quiet() == []
        await other.log_out()
        await client.log_on()
        await client.until(lambda: len(client.messages) == 2)
        assert [it[150] for it in client.messages] == ["0", "F"]
        told_once(client)

    play(tmp_path, test)
    assert "executions could not be reported" in caplog.text


def test_a_client_that_reads_nothing_does_not_keep_its_session_busy(tmp_path: Path) -> None:
    config = CONFIG.replace("port: 0", "port: 0, kernel_bytes: 4096, buffer_bytes: 1048576, logout_timeout_s: 0.2")

    async def test(venue: RealVenue, _client: FixClient) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            await loop.sock_connect(raw, ("127.0.0.1", port_of(venue)))

            def message(kind: str, number: int, *body: tuple[int, Any]) -> bytes:
                return frame(kind, [(49, "SLOW"), (56, "AEROMATCH"), (34, number), (52, now_text())], body)

            await loop.sock_sendall(raw, message("A", 1, (98, 0), (108, 1)))
            order = [(1, "alice"), (55, "BTC-USD"), (54, 1), (38, 1), (40, 2), (44, 100), (60, now_text())]
            for number in range(300):
                await loop.sock_sendall(raw, message("D", 2 + number, (11, f"a-{number}"), *order))
            # Nobody hears of it; the server finds that nobody is there, and has much left to say to nobody.
            again = FixClient(port_of(venue), "SLOW")
            again.next_out = 400
            async with asyncio.timeout(30):
                while not any(it.kind == "A" for it in again.session):
                    await again.connect()
                    again.send("A", [(98, 0), (108, 30)])
                    await again.until(lambda: again.closed.is_set() or bool(again.session))
                    if again.closed.is_set():
                        await again.close()
            await again.cut()

    play(tmp_path, test, config)


def test_who_is_turned_away_cancels_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        key = KeyStore(tmp_path / "keys.yaml").create("trade", account="alice")
        config = keys_config(tmp_path).replace("port: 0", "port: 0, cancel_on_disconnect: true")
        async with real_venue(tmp_path, config) as venue:
            client = await FixClient(port_of(venue)).log_on(key.record.id, key.secret)
            client.order("a-1", "1", "1", 100)
            await client.next("8")
            other = FixClient(port_of(venue))
            await other.connect()
            other.send("A", [(98, 0), (108, 30), (553, key.record.id), (554, key.secret)])
            await asyncio.wait_for(other.closed.wait(), 20)
            await other.close()
            # Behind the end of the other connection whatever it canceled would be told.
            client.cancel("a-2", "a-1")
            ended = await client.next("8", "9")
            assert (ended[35], ended[150], ended[58], ended[11]) == ("8", "4", "requested", "a-2")
            await client.log_out()

    asyncio.run(main())


def test_market_data_that_is_sent_does_not_count_as_messages_that_come(tmp_path: Path) -> None:
    config = CONFIG.replace("port: 0", "port: 0, messages_per_s: 0.01, burst_messages: 20")

    async def test(venue: RealVenue, client: FixClient) -> None:
        body = [(262, "m"), (263, "1"), (264, "0"), (265, "1"), (267, 1), (269, "2"), (146, 1), (55, "BTC-USD")]
        client.send("V", body)
        await client.quiet()
        await venue.order(account="bob", side="sell", quantity="50", price="100")
        for _ in range(30):
            await venue.order(account="alice", side="buy", quantity="1", price="100")
            assert (await client.next("X"))[268] == "1"
        await client.quiet()

    play(tmp_path, test, config)


@pytest.mark.parametrize(("tag", "kind"), [(11, "D"), (262, "V"), (320, "x")])
def test_long_values_are_not_repeated(tmp_path: Path, tag: int, kind: str) -> None:
    bodies: dict[str, dict[int, Any]] = {
        "D": {11: "a", 1: "alice", 55: "BTC-USD", 54: "1", 38: "1", 40: "2", 44: "100", 60: now_text()},
        "V": {262: "m", 263: "0", 264: "0", 267: 1, 269: "0", 146: 1, 55: "BTC-USD"},
        "x": {320: "s", 559: "4"},
    }

    async def test(_venue: RealVenue, client: FixClient) -> None:
        client.send(kind, (bodies[kind] | {tag: "z" * 50_000}).items())
        refused = await client.next("j")
        assert refused[58] == f"malformed: field {tag} has more than 256 characters"

    play(tmp_path, test)


def test_a_key_that_acts_for_another_account_has_another_session(tmp_path: Path) -> None:
    async def main() -> None:
        store = KeyStore(tmp_path / "keys.yaml")
        key = store.create("trade", account="alice")
        async with real_venue(tmp_path, keys_config(tmp_path)) as venue:
            client = await FixClient(port_of(venue)).log_on(key.record.id, key.secret)
            client.order("a-1", "1", "1", 100)
            await client.next("8")
            await client.log_out()
        text = store.path.read_text().replace("alice", "bob")
        store.path.write_text(text)
        async with real_venue(tmp_path, keys_config(tmp_path)) as venue:
            client.port = port_of(venue)
            client.messages.clear()
            client.next_out = client.next_in = 1
            await client.log_on(key.record.id, key.secret)
            client.send("2", [(7, 1), (16, 0)])
            assert await client.quiet() == []
            await client.log_out()

    asyncio.run(main())


def test_books_that_are_asked_for_wait_for_each_other(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        asked, may_go = asyncio.Semaphore(0), asyncio.Event()
        market = acceptor_of(venue).services.market
        book = market.book

        async def slow(symbol: str, levels: int) -> Book:
            asked.release()
            await may_go.wait()
            return await book(symbol, levels)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(market, "book", slow)
            for number in range(4):
                client.send(
                    "V", [(262, number), (263, "0"), (264, "0"), (267, 1), (269, "0"), (146, 1), (55, "BTC-USD")]
                )
            for _ in range(4):
                await asyncio.wait_for(asked.acquire(), 20)
            (connection,) = acceptor_of(venue).connections
            assert connection._paused == {"requests"}
            may_go.set()
            assert len(await client.quiet()) == 4

    play(tmp_path, test, CONFIG.replace("port: 0", "port: 0, requests: 4"))
