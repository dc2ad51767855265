"""`aeromatch load`: what it sends is what was asked for, and what it measures is what happened."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner
from tests.client.servers import Proxy, Venue, problem, proxied, serving, serving_in_a_thread
from tests.security.certificates import authority, needs_openssl
from tests.server.listening import Listening, listening
from tests.server.process import serving as server_process
from tests.server.process import write_config

from aeromatch.bench.gateways import BATCHING, GATEWAYS, PIPELINING, PORTS, Answer, Target, open_connection
from aeromatch.bench.gateways.json_answer import JsonAnswer
from aeromatch.bench.load import LoadError, Outcome, run_load
from aeromatch.bench.load_flow import Command, Flow, Market
from aeromatch.bench.load_worker import Measured, Plan
from aeromatch.cli.main import cli
from aeromatch.schema.messages import AmendOrderRequest, CancelOrderRequest, LoginRequest, NewOrderRequest
from aeromatch.schema.orders import AmendOrder, NewOrder, OrderBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKETS = (Market("X", "0.5", "0.1", 400), Market("A/B", "0.01", "1", 10_000))


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def url(venue: Venue) -> Iterator[str]:
    with serving_in_a_thread(venue) as (url, _):
        yield url


def commands(flow: Flow, count: int) -> list[Command]:
    """What a flow sends where every new order rests."""
    sent = []
    for number in range(count):
        command = flow.next()
        sent.append(command)
        if command.kind == "new":
            flow.rests(str(number), command)
    return sent


def test_a_flow_sends_the_mix_that_was_asked_for() -> None:
    mix = {"new": 50.0, "cancel": 30.0, "amend": 10.0, "crossing": 8.0, "market": 2.0}
    sent = commands(Flow(MARKETS, ("alice", "bob"), mix, 1, 7), 4_000)
    counts: Counter[str] = Counter(command.kind for command in sent)
    for kind, percent in mix.items():
        assert abs(counts[kind] / 40 - percent) < 4, kind
    assert commands(Flow(MARKETS, ("alice", "bob"), mix, 1, 7), 100) == sent[:100]


def test_orders_of_a_flow_rest_cross_and_have_the_instruments_ticks() -> None:
    mix = {"new": 1.0, "crossing": 1.0, "market": 1.0}
    for command in commands(Flow(MARKETS, ("alice",), mix, 1, 1), 600):
        order = msgspec.json.decode(command.body, type=NewOrder)
        assert order.account == "alice"
        middle, tick = {"X": (200.0, 0.5), "A/B": (100.0, 0.01)}[order.symbol]
        price = order.protection_price if command.kind == "market" else order.price
        assert price is not None
        away = (float(price) - middle) * (1 if order.side == "buy" else -1)
        assert (away < 0) == (command.kind == "new")
        assert abs(away / tick - round(away / tick)) < 1e-6
        assert (order.time_in_force == "gtc") == (command.kind == "new")


def test_a_flow_follows_the_market() -> None:
    flow = Flow(MARKETS[:1], (), {"crossing": 1.0}, 1, 1)
    flow.traded("300", flow.next())
    prices = [float(msgspec.json.decode(flow.next().body, type=NewOrder).price or 0) for _ in range(9)]
    assert {abs(price - 300) for price in prices} == {10.0}


def test_batches_have_their_size() -> None:
    command = Flow(MARKETS, (), {"new": 1.0}, 7, 1).next()
    assert len(msgspec.json.decode(command.body, type=OrderBatch).orders) == command.orders == 7


def test_times_count_from_when_a_request_was_due() -> None:
    measured = Measured()
    command = Command("new", "", b"", 1)
    for due_ns, sent_ns, now_ns in ((0, 0, 100), (50, 100, 900)):
        measured.note(command, JsonAnswer(201, b""), due_ns, sent_ns, now_ns)
    assert (measured.response["new"].max, measured.service["new"].max) == (850, 800)
    assert (measured.latest_ns, measured.orders) == (50, 2)
    measured.note(command, JsonAnswer(422, b'{"slug":"invalid_price"}'), 0, 0, 1)
    batch = Command("batch", "", b"", 3)
    measured.note(batch, JsonAnswer(200, b'[{"slug":"expired"},{},{"slug":"expired"}]'), 0, 0, 1)
    assert dict(measured.slugs) == {"invalid_price": 1, "expired": 2}


@pytest.mark.parametrize("gateway", ["rest", "websocket"])
def test_each_gateway_sends_each_command(gateway: str) -> None:
    venue = Venue()

    async def run() -> None:
        async with serving(venue) as port:
            connection = await open_connection(Target(gateway, f"http://127.0.0.1:{port}"))

            async def ask(*command: Any) -> JsonAnswer:
                answer = await connection.ask(Command(*command))
                assert isinstance(answer, JsonAnswer)
                return answer

            made = await ask("new", "", b'{"symbol":"X","side":"buy","quantity":"1"}', 1)
            assert made.status in (200, 201)
            assert (made.order_id(), made.is_resting(), made.trades(), made.slugs()) == ("1000", True, 0, [])
            amended = await ask("amend", "1000", b'{"quantity":"3"}', 1)
            assert b'"quantity":"3"' in amended.body
            assert (await ask("cancel", "1000", b"", 1)).status == 200
            refused = await ask("cancel", "1000", b"", 1)
            assert (refused.status, refused.slugs()) == (404, ["unknown_order"])
            # Longer than what fits one packet, and than the short forms of a frame; the request too.
            for size in (100, 300, 70_000):
                venue.orders["1000"].reason = "x" * size
                answer = await ask("amend", "1000", b'{"quantity":"4"%s}' % (b" " * size), 1)
                assert b"x" * size in answer.body
            connection.close()

    asyncio.run(run())
    if gateway == "rest":
        assert [request.method for request in venue.seen[:4]] == ["POST", "PATCH", "DELETE", "DELETE"]
        assert msgspec.json.decode(venue.seen[1].body, type=AmendOrder).quantity == "3"
    else:
        kinds = [type(request) for request in venue.said[:4]]
        assert kinds == [NewOrderRequest, AmendOrderRequest, CancelOrderRequest, CancelOrderRequest]


@pytest.mark.parametrize(
    ("gateway", "in_flight"), [(it, 1) for it in GATEWAYS] + [(it, 4) for it in GATEWAYS if it in PIPELINING]
)
def test_each_gateway_of_a_server_answers_alike(tmp_path: Path, gateway: str, in_flight: int) -> None:
    config = {"auth": {"mode": "off"}, "instruments": [{"symbol": "X"}], "accounts": [{"name": "alice"}]}

    async def run(server: Listening) -> None:
        host, port = server.doors.get(gateway, server.doors["http"])
        connection = await open_connection(
            Target(gateway, server.url, f"{host}:{port}", account="alice", in_flight=in_flight)
        )

        async def new(kind: Any, **order: str) -> Answer:
            body = {"symbol": "X", "side": "buy", "quantity": "1", "account": "alice", **order}
            return await connection.ask(Command(kind, "", json.dumps(body).encode(), 1))

        resting = await new("new", price="100", client_order_id="a")
        assert (resting.status < 300, resting.is_resting(), resting.is_live()) == (True, True, True)
        assert (resting.price(), resting.trades(), resting.slugs()) == ("", 0, [])
        amended = await connection.ask(Command("amend", resting.order_id(), b'{"quantity":"3"}', 1))
        assert amended.status < 300
        taken = await new("crossing", side="sell", price="99", time_in_force="ioc")
        assert (float(taken.price()), taken.trades(), taken.is_live()) == (100.0, 1, False)
        market = await new("market", side="sell", type="market", time_in_force="ioc", protection_price="98")
        assert (float(market.price()), market.trades()) == (100.0, 1)
        canceled = await connection.ask(Command("cancel", resting.order_id(), b"", 1))
        assert canceled.status < 300
        refused = await new("new", quantity="1.5", price="100")
        assert (refused.status >= 400, refused.slugs(), refused.order_id()) == (True, ["invalid_quantity"], "")
        many = await asyncio.gather(*(new("new", price=str(10 + number)) for number in range(in_flight)))
        assert len({answer.order_id() for answer in many}) == in_flight
        if gateway in BATCHING:
            order = b'{"symbol":"X","side":"buy","quantity":"%s","price":"5","account":"alice"}'
            batch = b'{"orders":[' + order % b"1" + b"," + order % b"1.5" + b"]}"
            answer = await connection.ask(Command("batch", "", batch, 2))
            assert (answer.status < 300, answer.slugs()) == (True, ["invalid_quantity"])
        connection.close()

    with listening(tmp_path, config, PORTS) as server:
        asyncio.run(run(server))
        assert server.server.stop() == 0


def load(url: str, *arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(cli, ["load", "--url", url, "--warmup", "0", "--seconds", "0.4", *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize(
    "arguments",
    [
        ("--connections", "3"),
        ("--rate", "200", "--connections", "2", "--processes", "2"),
        ("--gateway", "websocket", "--connections", "2", "--in-flight", "3"),
        ("--gateway", "websocket", "--rate", "100", "--connections", "2"),
    ],
)
def test_a_load_counts_what_it_sent(venue: Venue, url: str, arguments: tuple[str, ...]) -> None:
    document = json.loads(load(url, "--json", *arguments).stdout)
    answered = document["response_ns"]["all"]["count"]
    entered = [order for order in venue.orders.values() if order.account == "alice"]
    assert entered
    assert answered >= len(entered)
    assert document["statuses"].keys() == {"200"}
    assert (document["lost"], document["unsent"], document["slugs"]) == (0, 0, {})
    assert document["symbols"] == ["X"]


def test_a_batch_counts_its_orders(venue: Venue, url: str) -> None:
    document = json.loads(load(url, "--json", "--batch", "20", "--connections", "1").stdout)
    batches = document["response_ns"]["batch"]["count"]
    assert len(venue.orders) == batches * 20
    assert document["orders_per_second"] == pytest.approx(batches * 20 / 0.4)


def test_the_table_says_how_it_was_measured(url: str) -> None:
    text = load(url, "--progress").output
    assert "response time, us" in text
    assert "Closed loop" in text
    text = " ".join(load(url, "--rate", "50").output.split())
    assert "50 requests/s were due" in text
    assert "no coordinated omission" in text


def test_what_is_refused_is_counted_by_slug(venue: Venue, url: str) -> None:
    venue.failures = [problem("insufficient_funds", 422)] * 5
    measured = run_load(plan_for(url), lambda _seconds, _answers: None).measured
    assert dict(measured.slugs) == {"insufficient_funds": 5}
    assert measured.statuses[422] == 5


def plan_for(url: str, **changes: Any) -> Plan:
    return Plan(url=url, gateway="rest", markets=MARKETS[:1], warmup_s=0, seconds=0.3, connections=2, **changes)


def test_a_server_that_stops_answering_does_not_look_better_for_it() -> None:
    venue = Venue()

    async def run() -> Measured:
        async with serving(venue) as port:
            venue.hold = asyncio.Event()
            outcome = await asyncio.to_thread(
                run_load, plan_for(f"http://127.0.0.1:{port}", rate=100.0), lambda _seconds, _answers: None
            )
            venue.hold.set()
            return outcome.measured

    measured = asyncio.run(run())
    assert (measured.lost, measured.response) == (2, {})
    # At this rate thirty were due.
    assert measured.unsent == 28


@pytest.mark.parametrize("rate", [None, 200.0], ids=["closed loop", "rate"])
def test_connections_are_made_again(rate: float | None) -> None:
    async def run() -> Measured:
        async with proxied(Venue()) as proxy:

            async def cut(proxy: Proxy) -> None:
                while proxy.connections < 2:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.3)
                proxy.cut()

            cutting = asyncio.create_task(cut(proxy))
            plan = plan_for(f"http://127.0.0.1:{proxy.port}", rate=rate)
            outcome = await asyncio.to_thread(run_load, replace(plan, seconds=1.0), lambda _s, _a: None)
            await cutting
            return outcome.measured

    measured = asyncio.run(run())
    assert measured.reconnects >= 1
    assert measured.lost >= 1
    if rate is not None:
        # Of those that were due while there was no connection none is forgotten.
        answered = sum(histogram.count for histogram in measured.response.values())
        assert answered + measured.lost + measured.unsent == 200


def test_a_key_is_sent_or_signed_with(venue: Venue, url: str) -> None:
    venue.token = "k.secret"
    load(url, "--key", "k.secret", "--connections", "1")
    assert {request.headers.get("authorization") for request in venue.seen} == {"Bearer k.secret"}
    load(url, "--key", "k.secret", "--sign", "--connections", "1")
    assert "x-aeromatch-signature" in venue.seen[-1].headers
    load(url, "--key", "k.secret", "--gateway", "websocket", "--connections", "1")
    assert isinstance(venue.said[0], LoginRequest)


@needs_openssl
@pytest.mark.parametrize("gateway", ["rest", "websocket"])
def test_a_server_with_an_authority_of_its_own_is_trusted_if_told(tmp_path: Path, gateway: str) -> None:
    root = authority(tmp_path / "root")
    certificate, key = root.sign("server")
    config = write_config(
        tmp_path,
        f"server: {{data_dir: {tmp_path}/data, tls: {{certificate: {certificate}, private_key: {key}}}}}\n"
        "instruments: [{symbol: AAA}]\naccounts: [{name: alice}]\n",
    )
    with server_process("--config", config) as server:
        url = server.ready()
        arguments = ("--gateway", gateway, "--connections", "1", "--json")
        document = json.loads(load(url, *arguments, "--ca", str(root.certificate)).stdout)
        assert document["response_ns"]["all"]["count"] > 0
        assert "certificate verify failed" in str(load(url, *arguments, code=1).exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ca", __file__), "--ca: "),
        (("--ca", "absent.pem"), "'--ca'"),
        (("--in-flight", "2"), "--in-flight"),
        (("--address", "localhost:1"), "--address: rest is where --url says"),
        (("--gateway", "websocket", "--batch", "2"), "--batch"),
        (("--batch", "2", "--mix", "cancel=1"), "--batch"),
        (("--mix", "old=1"), "'old' is none of"),
        (("--mix", "new=0"), "all weights are 0"),
        (("--mix", "new=many"), "many"),
        (("--processes", "2", "--connections", "1"), "--processes"),
        (("--key", "short"), "--key"),
        (("--sign",), "--sign"),
        (("--symbols", "Y"), "the server has no 'Y'; it has X"),
        (("--url", "http://127.0.0.1:1/path"), "--url: must be http:// or https:// with a host and no path"),
    ],
)
def test_misuse_names_the_option(url: str, arguments: tuple[str, ...], message: str) -> None:
    assert message in " ".join(load(url, *arguments, code=2).output.split())


def test_a_load_that_nobody_answered_has_failed(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr("aeromatch.bench.load.run_load", lambda plan, _progress: Outcome(plan, Measured()))
    assert "nothing was answered" in load(url, code=1).stderr


def test_a_server_that_is_not_there_is_told_in_a_line() -> None:
    async def free_port() -> int:
        async with serving(Venue()) as port:
            return port

    port = asyncio.run(free_port())
    with pytest.raises(LoadError, match=f"127.0.0.1:{port}"):
        run_load(plan_for(f"http://127.0.0.1:{port}"), lambda _seconds, _answers: None)
