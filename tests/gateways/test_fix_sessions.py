"""FIX sessions over connections that end as they should not: every report comes, once, whatever was in between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.fix_client import FixClient, frame, now_text
from tests.gateways.test_fix_orders import CONFIG, logged_on, play, port_of
from tests.security.certificates import authority, needs_openssl
from tests.server.real_venue import RealVenue, real_venue

from aeromatch.gateways.context import session
from aeromatch.gateways.services import RefusedError
from aeromatch.server.admission.keys import KeyStore

COUNT = 200


def told_once(client: FixClient) -> None:
    """No number is missing, and no execution is told twice."""
    assert client.numbers == sorted(set(client.numbers))
    executions = Counter(it[17] for it in client.messages if it.kind == "8" and it[150] != "I")
    assert [exec_id for exec_id, count in executions.items() if count > 1] == []


def fills(client: FixClient) -> dict[str, float]:
    """By OrderID, what the reports say was traded."""
    found: Counter[str] = Counter()
    for report in client.messages:
        if report.kind == "8" and report[150] == "F":
            found[report[37]] += round(float(report[32]) * 1000)
    return {order_id: lots / 1000 for order_id, lots in found.items()}


async def traded(venue: RealVenue, account: str) -> dict[str, float]:
    page = await venue.ask("GET", f"/orders?account={account}&limit=1000")
    done = {it["order_id"]: float(it["filled_quantity"]) for it in page["orders"]}
    return {order_id: quantity for order_id, quantity in done.items() if quantity}


def test_a_connection_that_is_cut_while_reports_come(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        for number in range(COUNT):
            client.order(f"a-{number}", "1", "1", 100 + number % 7, t1="alice")
        await client.next("8")
        await client.cut()
        # Nobody is there: the exchange goes on.
        await venue.order(account="bob", side="sell", quantity="50", price="90")
        await client.log_on()
        await client.until(lambda: sum(fills(client).values()) >= 50)
        assert await traded(venue, "alice") == fills(client)
        assert sorted(it[11] for it in client.messages if it[150] == "0") == sorted(f"a-{n}" for n in range(COUNT))
        told_once(client)
        # Cut again and again, with what was not read still in the socket.
        for number in range(5):
            client.order(f"b-{number}", "2", "20", 90, t1="bob", t59="3")
            await client.cut()
            await client.log_on()
        await client.until(lambda: Counter(it[150] for it in client.messages)["0"] == COUNT + 5)
        await client.until(lambda: sum(fills(client).values()) == 50 + 2 * 5 * 20)
        await client.quiet()
        # Of bob's the first one was entered over REST.
        known = {it[37] for it in client.messages}
        expected = await traded(venue, "alice") | await traded(venue, "bob")
        assert {order_id: it for order_id, it in expected.items() if order_id in known} == fills(client)
        told_once(client)

    play(tmp_path, test)


def test_a_server_that_ends_and_begins_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with logged_on(tmp_path) as (venue, client):
            client.order("a-1", "1", "3", "100", t1="alice")
            client.replace("a-2", "a-1", "4", "100")
            await client.until(lambda: len(client.messages) == 2)
            await client.log_out()
            await venue.order(account="bob", side="sell", quantity="1", price="100")
        async with real_venue(tmp_path, CONFIG) as venue:
            await venue.order(account="bob", side="sell", quantity="1", price="100")
            client.port = port_of(venue)
            await client.log_on()
            await client.until(lambda: len(client.messages) == 4)
            client.cancel("a-3", "a-2")
            await client.until(lambda: len(client.messages) == 5)
            assert [(it[150], it[11], it[14]) for it in client.messages] == [
                ("0", "a-1", "0"),
                ("5", "a-2", "0"),
                ("F", "a-2", "1.000"),
                ("F", "a-2", "2.000"),
                ("4", "a-3", "2.000"),
            ]
            client.order("a-1", "1", "1", "100", t1="alice")
            await client.until(lambda: len(client.messages) == 6)
            assert (client.messages[5][150], client.messages[5][103]) == ("8", "6")
            told_once(client)
            await client.log_out()

    asyncio.run(main())


def test_a_client_that_has_lost_everything_asks_for_it_again(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        for number in range(20):
            client.order(f"a-{number}", "1", "1", 100, t1="alice")
        await client.until(lambda: len(client.messages) == 20)
        await client.cut()
        # It knows its own number only.
        client.next_in, before = 1, client.messages
        client.messages, client.numbers = [], []
        await client.log_on()
        await client.until(lambda: len(client.messages) == 20)
        assert [it[17] for it in client.messages] == [it[17] for it in before]
        assert all(it[43] == "Y" for it in client.messages)
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        await client.until(lambda: len(client.messages) == 21)

    play(tmp_path, test)


def test_numbers_that_begin_anew(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "1", 100, t1="alice")
        await client.next("8")
        await client.log_out()
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        client.numbers.clear()
        await client.log_on(reset=True)
        trade = await client.next("8")
        assert (trade[150], trade[34]) == ("F", "2")
        assert client.numbers == [1, 2]

    play(tmp_path, test)


def test_a_session_has_one_connection(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        other = FixClient(port_of(venue))
        await other.connect()
        other.send("A", [(98, 0), (108, 30)])
        await asyncio.wait_for(other.closed.wait(), 10)
        assert other.session == []
        await other.close()
        # Another CompID is another session.
        third = await FixClient(port_of(venue), "BOB").log_on()
        third.order("a-1", "1", "1", 100, t1="bob")
        await third.next("8")
        await third.log_out()
        assert await client.quiet() == []

    play(tmp_path, test)


def keys_config(folder: Path) -> str:
    return CONFIG + f"auth: {{mode: keys, keys_file: {folder / 'keys.yaml'}}}\n"


def test_keys_log_on_and_may_do_what_they_may(tmp_path: Path) -> None:
    async def main() -> None:
        store = KeyStore(tmp_path / "keys.yaml")
        alice, reader = store.create("trade", account="alice"), store.create("read", account="alice")
        async with real_venue(tmp_path, keys_config(tmp_path)) as venue:
            port = port_of(venue)
            known = alice.record.id
            for key, password in ((None, None), (known, None), (known, "wrong"), ("nobody", alice.secret)):
                client = await FixClient(port).connect()
                fields: list[tuple[int, object]] = [(98, 0), (108, 30)]
                client.send("A", fields + [(tag, it) for tag, it in ((553, key), (554, password)) if it is not None])
                await asyncio.wait_for(client.closed.wait(), 10)
                (refused,) = client.session
                assert refused[58].partition(":")[0] in ("missing_credentials", "invalid_key")
                await client.close()
            client = await FixClient(port).log_on(alice.record.id, alice.secret)
            client.order("a-1", "1", "1", 100)
            assert (await client.next("8"))[1] == "alice"
            client.order("a-2", "1", "1", 100, t1="bob")
            rejected = await client.next("8")
            assert (rejected[150], rejected[58].partition(":")[0]) == ("8", "not_permitted")
            # The same CompID with another key is another session.
            other = await FixClient(port).log_on(reader.record.id, reader.secret)
            other.order("a-1", "1", "1", 100)
            assert (await other.next("8"))[58].startswith("not_permitted")
            await other.log_out()
            store.revoke(alice.record.id)
            venue.venue.admission.reload()
            client.order("a-3", "1", "1", 100)
            assert (await client.next("8"))[58].startswith("invalid_key")
            await asyncio.wait_for(client.closed.wait(), 20)
            assert client.session[-1][58].startswith("invalid_key")
            await client.close()

    asyncio.run(main())


@needs_openssl
def test_tls(tmp_path: Path) -> None:
    async def main() -> None:
        root = authority(tmp_path / "root")
        certificate, key = root.sign("server")
        config = CONFIG + f"server: {{tls: {{certificate: {certificate}, private_key: {key}}}}}\n"
        async with real_venue(tmp_path, config) as venue:
            assert venue.venue.listeners["fix"].address.startswith("fixs://")
            context = ssl.create_default_context(cafile=str(root.certificate))
            context.check_hostname = False
            client = await FixClient(port_of(venue), tls=context).log_on()
            client.order("a-1", "1", "1", 100, t1="alice")
            assert (await client.next("8"))[150] == "0"
            await client.log_out()

    asyncio.run(main())


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 10_000,
        frame("D", [(49, "ALICE"), (56, "AEROMATCH"), (34, 1), (52, now_text())], [(11, "x")]),
        frame("A", [(49, "ALICE"), (56, "NOBODY"), (34, 1), (52, now_text())], [(98, 0), (108, 30)]),
        b"8=FIX.4.4\x019=99999999\x0135=A\x01" + b"x" * 200_000,
    ],
)
def test_who_does_not_log_on_is_sent_away(tmp_path: Path, data: bytes) -> None:
    config = CONFIG.replace("port: 0", "port: 0, logon_timeout_s: 1")

    async def test(venue: RealVenue, client: FixClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(venue))
        writer.write(data)
        try:
            assert await asyncio.wait_for(reader.read(), 20) == b""
        except ConnectionError:
            pass
        finally:
            writer.close()
        assert await client.quiet() == []

    play(tmp_path, test, config)


def test_a_client_that_does_not_read_is_cut_off_and_comes_back(tmp_path: Path) -> None:
    limits = "port: 0, buffer_bytes: 4096, kernel_bytes: 4096, slow_timeout_s: 0.5"

    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "1000", 100, t1="alice")
        await client.next("8")
        await client.cut()
        number = client.next_out
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(venue), limit=1024)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        header = [(49, "ALICE"), (56, "AEROMATCH"), (34, number), (52, now_text())]
        writer.write(frame("A", header, [(98, 0), (108, 30)]))
        trades = 2000
        orders = [{"symbol": "BTC-USD", "side": "sell", "quantity": "0.001", "price": "100", "account": "bob"}] * 1000
        for _ in range(trades // 1000):
            await venue.ask("POST", "/orders", {"orders": orders})
        # It is cut off, which it finds when it reads what it was sent.
        with contextlib.suppress(ConnectionError):
            while await asyncio.wait_for(reader.read(1024), 20):
                await asyncio.sleep(0.1)
        writer.close()
        client.next_out = number + 1
        await client.log_on()
        await client.until(lambda: sum(it[150] == "F" for it in client.messages) == trades)
        told_once(client)

    play(tmp_path, test, CONFIG.replace("port: 0", limits))


def test_a_flood_of_requests_waits(tmp_path: Path) -> None:
    limits = "port: 0, requests: 4, messages_per_s: 2000, burst_messages: 50"

    async def test(_venue: RealVenue, client: FixClient) -> None:
        for number in range(COUNT):
            client.order(f"a-{number}", "1", "1", 100, t1="alice")
            client.send("1", [(112, f"test-{number}")])
        await client.until(lambda: len(client.messages) == COUNT)
        await client.until(lambda: sum(it.kind == "0" for it in client.session) >= COUNT)
        told_once(client)

    play(tmp_path, test, CONFIG.replace("port: 0", limits))


def test_connections_are_limited(tmp_path: Path) -> None:
    config = CONFIG + "limits: {connections_per_address: 2}\n"

    async def test(venue: RealVenue, client: FixClient) -> None:
        second = await FixClient(port_of(venue), "BOB").log_on()
        third = await FixClient(port_of(venue), "CAROL").connect()
        await asyncio.wait_for(third.closed.wait(), 20)
        assert third.session == []
        await third.close()
        await second.log_out()
        assert await client.quiet() == []

    play(tmp_path, test, config)


def test_the_server_says_why_it_goes(tmp_path: Path) -> None:
    async def main() -> None:
        async with real_venue(tmp_path, CONFIG) as venue:
            client = await FixClient(port_of(venue)).log_on()
            client.order("a-1", "1", "1", 100, t1="alice")
            await client.next("8")
            await venue.venue.listeners["fix"].drain()
            await asyncio.wait_for(client.closed.wait(), 20)
            assert client.session[-1].kind == "5"
            assert client.session[-1][58].startswith("draining")
            await client.close()

    asyncio.run(main())


def test_an_order_that_comes_with_the_logon_is_followed_once(tmp_path: Path) -> None:
    def running(name: str) -> int:
        found = [task.get_coro() for task in asyncio.all_tasks()]
        return sum(getattr(it, "__qualname__", "") == name for it in found)

    async def test(venue: RealVenue, _client: FixClient) -> None:
        other = await FixClient(port_of(venue), "BOB").connect()
        other.send("A", [(98, 0), (108, 30)])
        other.order("b-1", "1", "1", 100, t1="bob")
        assert (await other.next("8"))[150] == "0"
        assert (running("Follower._follow"), running("Follower._work")) == (1, 1)
        await venue.order(account="alice", side="sell", quantity="1", price="100")
        assert (await other.next("8"))[150] == "F"
        await other.quiet()
        told_once(other)
        await other.log_out()

    play(tmp_path, test)


def test_heartbeats(tmp_path: Path) -> None:
    async def test(venue: RealVenue, _client: FixClient) -> None:
        other = await FixClient(port_of(venue), "BOB").log_on(heartbeat_s=1)
        await other.until(lambda: any(it.kind == "0" for it in other.session))
        await other.log_out()

    play(tmp_path, test)


def test_orders_are_canceled_when_a_connection_ends(tmp_path: Path) -> None:
    async def main() -> None:
        store = KeyStore(tmp_path / "keys.yaml")
        key = store.create("trade", account="alice")
        config = keys_config(tmp_path).replace("port: 0", "port: 0, cancel_on_disconnect: true")
        async with real_venue(tmp_path, config) as venue:
            client = await FixClient(port_of(venue)).log_on(key.record.id, key.secret)
            client.order("a-1", "1", "1", 100)
            await client.next("8")
            await client.cut()
            await client.log_on(key.record.id, key.secret)
            ended = await client.next("8")
            assert (ended[150], ended[58]) == ("4", "mass_cancel")
            await client.log_out()

    asyncio.run(main())


class Sessions(logging.Handler):
    """Notes which session each line of the log belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[str, int | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.noted.append((record.getMessage(), session.get()))


def test_each_line_of_the_log_has_its_own_session(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sessions, log = Sessions(), logging.getLogger("aeromatch.fix")
    caplog.set_level(logging.INFO, log.name)

    async def test(venue: RealVenue, first: FixClient) -> None:
        second = await FixClient(port_of(venue), "BOB").log_on()
        await first.log_out()
        await second.log_out()

    log.addHandler(sessions)
    try:
        play(tmp_path, test)
    finally:
        log.removeHandler(sessions)
    begun = [number for message, number in sessions.noted if message == "logged on"]
    ended = [number for message, number in sessions.noted if message == "logged out"]
    assert len(set(begun) - {None}) == 2
    assert ended == begun


def test_what_is_not_kept_one_by_one_is_restated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def not_kept(*_arguments: object) -> None:
        raise RefusedError("sequence_not_kept", 410)

    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "3", "100", t1="alice")
        client.order("a-2", "1", "1", "90", t1="alice")
        await client.until(lambda: len(client.messages) == 2)
        await client.cut()
        gateway: Any = venue.venue.listeners["fix"]
        # Until the server has noticed, it goes on following.
        while gateway._acceptor.connections or gateway._acceptor._seats:
            await asyncio.sleep(0.01)
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        # A stream that begins from now on begins behind this.
        await venue.venue.trading.reached()
        monkeypatch.setattr("aeromatch.gateways.streams.Subscription.orders_behind", not_kept)
        await client.log_on()
        await client.until(lambda: len(client.messages) == 3)
        restated = client.messages[2]
        assert (restated[11], restated[150], restated[378], restated[39]) == ("a-1", "D", "99", "1")
        assert (restated[14], restated[151], float(restated[6])) == ("1.000", "2.000", 100)
        assert restated[58].startswith("sequence_not_kept")
        # From there on everything comes one by one again.
        await venue.order(account="bob", side="sell", quantity="2", price="100")
        await client.until(lambda: len(client.messages) == 4)
        assert (client.messages[3][150], client.messages[3][39], client.messages[3][32]) == ("F", "2", "2.000")
        told_once(client)

    play(tmp_path, test)
