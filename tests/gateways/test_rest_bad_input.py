"""Bad input over REST: each gets the right status and slug, and the server goes on."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.gateways.fakes import ANYBODY, OpenAdmission
from tests.gateways.rest_client import Venue, listening, venue

from aeromatch.gateways.problems import PROBLEMS
from aeromatch.gateways.services import Principal

GOOD = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100"}


def run(test: Callable[[Venue], Awaitable[None]]) -> None:
    async def main() -> None:
        async with venue() as place:
            await test(place)
            # Whatever it was, the server goes on.
            assert (await place.order()).status_code == 201

    asyncio.run(main())


BODIES: list[tuple[bytes, str, str]] = [
    (b"", "", "no JSON"),
    (b"{", "", "no JSON"),
    (b'{"symbol": "BTC-USD",}', "", "no JSON"),
    (b"[]", "", "expected object, got array"),
    (b"null", "", "expected object, got null"),
    (b"\xff\xfe", "", "no JSON"),
    (b'{"symbol": "\xff"}', "", "no JSON"),
    (b'{"symbol": "\\ud800"}', "", "no JSON"),
    (b"[" * 100_000, "", ""),
    (b'{"symbol":' + b"[" * 100_000, "", ""),
    (b"{}", "/symbol", "missing required field symbol"),
    (json.dumps({**GOOD, "side": "hold"}).encode(), "/side", "invalid enum value"),
    (json.dumps({**GOOD, "quantity": 1.5}).encode(), "/quantity", "got float"),
    (json.dumps({**GOOD, "quantity": None}).encode(), "/quantity", "got null"),
    (json.dumps({**GOOD, "quantity": True}).encode(), "/quantity", "got bool"),
    (json.dumps({**GOOD, "quantity": "a lot"}).encode(), "/quantity", "is no decimal number"),
    (json.dumps({**GOOD, "quantity": "1" * 49}).encode(), "/quantity", "length <= 48"),
    (json.dumps({**GOOD, "symbol": ""}).encode(), "/symbol", "length >= 1"),
    (json.dumps({**GOOD, "symbol": 7}).encode(), "/symbol", "got int"),
    (json.dumps({**GOOD, "prise": "1"}).encode(), "/prise", "unknown field prise"),
    (json.dumps({**GOOD, "client_order_id": "x" * 37}).encode(), "/client_order_id", "length <= 36"),
    (json.dumps({**GOOD, "client_order_id": "caf\u00e9"}).encode(), "/client_order_id", "matching regex"),
    (json.dumps({**GOOD, "expire_at": -1}).encode(), "/expire_at", ">= 0"),
    (json.dumps({**GOOD, "type": "stop", "trail_offset": "x"}).encode(), "/trail_offset", "is no decimal number"),
    (json.dumps({**GOOD, "self_trade_group": 0}).encode(), "/self_trade_group", "must be in 1"),
    (json.dumps({**GOOD, "budget": "1", "protection_price": "1"}).encode(), "", "exclude one another"),
]


@pytest.mark.parametrize(("body", "pointer", "says"), BODIES)
def test_a_body_of_the_wrong_form_is_told_where_and_why(body: bytes, pointer: str, says: str) -> None:
    async def test(place: Venue) -> None:
        response = await place.http.post("/order", content=body, headers={"content-type": "application/json"})
        problem = response.json()
        assert (response.status_code, problem["slug"]) == (400, "malformed"), problem
        assert says.lower() in problem["detail"].lower()
        if pointer:
            assert [error["pointer"] for error in problem["errors"]] == [pointer]

    run(test)


REQUESTS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/nothing", {}, 404, "unknown_path"),
    ("GET", "/", {}, 404, "unknown_path"),
    ("GET", "/order/", {}, 404, "unknown_path"),
    ("GET", "/order/1/2", {}, 404, "unknown_path"),
    ("GET", "/orders/", {}, 404, "unknown_path"),
    ("GET", "/book/../accounts", {}, 200, ""),
    ("GET", "/book/%2e%2e", {}, 404, "unknown_instrument"),
    ("GET", "/book/%00", {}, 404, "unknown_instrument"),
    ("GET", "/book/%ff", {}, 400, "malformed"),
    ("GET", "/book/%ZZ", {}, 404, "unknown_instrument"),
    ("GET", "/book/XRP-USD", {}, 404, "unknown_instrument"),
    ("GET", "/book/BTC-USD?levels=0", {}, 400, "malformed"),
    ("GET", "/book/BTC-USD?levels=many", {}, 400, "malformed"),
    ("GET", "/book/BTC-USD?levels=1&levels=2", {}, 400, "malformed"),
    ("GET", "/book/BTC-USD?depth=1", {}, 400, "malformed"),
    ("GET", "/book/BTC-USD?levels=%ff", {}, 400, "malformed"),
    ("GET", "/book/BTC-USD?" + "&".join(f"p{n}=1" for n in range(100)), {}, 400, "malformed"),
    ("GET", "/tickers?limit=5", {}, 400, "malformed"),
    ("POST", "/order?symbol=BTC-USD", {"json": GOOD}, 400, "malformed"),
    ("DELETE", "/order/1?account=alice", {}, 400, "malformed"),
    ("DELETE", "/orders", {"json": {"symbol": "BTC-USD"}}, 400, "malformed"),
    ("GET", "/orders", {"json": {"account": "alice"}}, 400, "malformed"),
    ("GET", "/trades/XRP-USD", {}, 404, "unknown_instrument"),
    ("GET", "/candles/BTC-USD?period=17s", {}, 400, "unknown_period"),
    ("GET", "/candles/BTC-USD?start=yesterday", {}, 400, "malformed"),
    ("GET", "/orders?cursor=%21", {}, 400, "invalid_cursor"),
    ("GET", "/orders?status=late", {}, 400, "malformed"),
    ("GET", "/orders?limit=100000", {}, 400, "malformed"),
    ("GET", "/accounts?cursor=AAAAAAAAAAAAAAAA", {}, 400, "invalid_cursor"),
    ("GET", "/accounts/nobody", {}, 404, "unknown_account"),
    ("GET", "/accounts/nobody/balances", {}, 404, "unknown_account"),
    ("GET", "/events/Cup", {}, 404, "unknown_event"),
    ("GET", "/order/0", {}, 404, "unknown_order"),
    ("GET", "/order/-1", {}, 404, "unknown_order"),
    ("GET", "/order/99999999999999999999", {}, 404, "unknown_order"),
    ("GET", "/order/1099511627776000000000000000000", {}, 404, "unknown_order"),
    ("GET", "/order/%D9%A1", {}, 404, "unknown_order"),
    ("DELETE", "/order/1", {}, 404, "unknown_order"),
    ("DELETE", "/order", {}, 400, "malformed"),
    ("PATCH", "/order/1099511627777", {"json": {}}, 422, "invalid_combination"),
    ("PUT", "/order", {"json": GOOD}, 405, "method_not_allowed"),
    ("POST", "/order", {"content": b"{}", "headers": {"content-type": "text/xml"}}, 415, "unsupported_media_type"),
    ("POST", "/order", {"data": {"symbol": "BTC-USD"}}, 415, "unsupported_media_type"),
    (
        "POST",
        "/order",
        {"content": b"{}", "headers": {"content-type": "application/json; charset=latin-1"}},
        415,
        "unsupported_media_type",
    ),
    (
        "POST",
        "/order",
        {"content": b"{}", "headers": {"content-type": "application/json", "content-encoding": "gzip"}},
        415,
        "unsupported_media_type",
    ),
    ("POST", "/order", {"content": b" " * (1 << 21)}, 413, "body_too_large"),
    ("POST", "/orders", {"json": {"orders": []}}, 400, "malformed"),
    ("POST", "/orders", {"json": {"orders": [GOOD] * 1001}}, 400, "malformed"),
    ("POST", "/instruments", {"json": {"symbol": "X", "tick_size": "0"}}, 400, "malformed"),
    ("POST", "/instruments", {"json": {"symbol": "BTC-USD"}}, 409, "already_exists"),
    ("POST", "/accounts", {"json": {"account": "alice"}}, 409, "already_exists"),
    ("POST", "/accounts", {"json": {"account": "\u00e9" * 48}}, 400, "malformed"),
    (
        "POST",
        "/deposits",
        {"json": {"account": "alice", "asset": "USD", "amount": "1", "id": "first-alice"}},
        409,
        "duplicate_transfer",
    ),
    (
        "POST",
        "/withdrawals",
        {"json": {"account": "alice", "asset": "USD", "amount": "5000", "id": "w"}},
        422,
        "insufficient_funds",
    ),
    ("POST", "/events/Election/settle", {"json": {"outcome": "Perhaps"}}, 404, "unknown_outcome"),
    ("POST", "/events/Election/settle", {"json": {}}, 400, "malformed"),
    ("PUT", "/instruments/XRP-USD/phase", {"json": {"phase": "halted"}}, 404, "unknown_instrument"),
    ("PUT", "/accounts/alice/dead-man", {"json": {"timeout_ms": -1}}, 400, "malformed"),
]


@pytest.mark.parametrize(("method", "target", "options", "status", "slug"), REQUESTS)
def test_a_wrong_request_has_its_status_and_its_slug(
    method: str, target: str, options: dict[str, Any], status: int, slug: str
) -> None:
    async def test(place: Venue) -> None:
        response = await place.http.request(method, target, **options)
        assert response.status_code == status, response.text
        if slug:
            problem = response.json()
            assert problem["slug"] == slug
            assert PROBLEMS[slug][0] == status
            assert problem["detail"]

    run(test)


def test_methods_that_a_path_does_not_take_are_told_which_it_does() -> None:
    async def test(place: Venue) -> None:
        refused = await place.http.put("/order", json=GOOD)
        assert refused.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST"
        options = await place.http.options("/book/BTC-USD")
        assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")
        assert (await place.http.request("BREW", "/book/BTC-USD")).status_code == 405

    run(test)


def test_a_server_that_is_not_ready_says_so() -> None:
    async def test(place: Venue) -> None:
        states: list[tuple[Any, str]] = [
            ("starting", "not_ready"),
            ("draining", "draining"),
            ("failed", "unavailable"),
        ]
        for state, slug in states:
            place.services.state = state
            response = await place.order()
            assert (response.status_code, response.json()["slug"]) == (503, slug)
            assert (await place.http.get("/ready")).status_code == 503
            assert (await place.http.get("/health")).json()["status"] == state
        place.services.state = "ready"
        assert (await place.http.get("/ready")).status_code == 200

    run(test)


def test_a_mistake_of_the_server_is_a_problem_too(caplog: pytest.LogCaptureFixture) -> None:
    async def test(place: Venue) -> None:
        stats = place.services.stats

        def broken() -> Any:
            raise ZeroDivisionError

        place.services.stats = broken
        response = await place.http.get("/stats")
        assert (response.status_code, response.json()["slug"]) == (500, "internal_error")
        assert response.headers["x-request-id"] == response.json()["instance"]
        assert "a request failed" in caplog.text
        place.services.stats = stats

    run(test)


async def talk(port: int, data: bytes, *, more: bytes = b"") -> bytes:
    """What the server says to bytes until it ends the connection, which it has to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    if more:
        writer.write(more)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


HEAD = b"POST /order HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

WIRE: list[tuple[bytes, int, str]] = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, "malformed"),
    (b"GET\r\n\r\n", 400, "malformed"),
    (b"GET /book/\xff HTTP/1.1\r\n\r\n", 400, "malformed"),
    (b"GET /book HTTP/9.9\r\n\r\n", 400, "malformed"),
    (HEAD + b"content-length: ten\r\n\r\n", 400, "malformed"),
    (HEAD + b"content-length: -1\r\n\r\n", 400, "malformed"),
    (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", 400, "malformed"),
    (HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400, "malformed"),
    (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400, "malformed"),
    (HEAD + b"content-length: 99999999999\r\n\r\n{", 413, "body_too_large"),
    (
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 20,
        413,
        "body_too_large",
    ),
    (b"GET /book HTTP/1.1\r\n" + b"x: " + b"y" * (64 << 10), 431, "headers_too_large"),
    (b"GET /" + b"y" * (64 << 10), 431, "headers_too_large"),
    (b"GET /" + b"y" * (40 << 10) + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431, "headers_too_large"),
    (HEAD + b"x: " + b"y" * (40 << 10) + b"\r\ncontent-length: 2\r\n\r\n{}", 431, "headers_too_large"),
    (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * (64 << 10), 431, "headers_too_large"),
    (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx: " + b"y" * (512 << 10), 431, "headers_too_large"),
    # These never come to an end.
    (b"", 408, "request_timeout"),
    (b"\r\n", 408, "request_timeout"),
    (b"GET /book/BTC-USD HT", 408, "request_timeout"),
    (b"GET /book/BTC-USD HTTP/1.1\r\nhost: x\r\n", 408, "request_timeout"),
    (HEAD + b"content-length: 50\r\n\r\n{", 408, "request_timeout"),
    (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{", 408, "request_timeout"),
]


def test_what_comes_over_the_wire_is_answered_or_ended_and_the_server_goes_on() -> None:
    async def test(place: Venue) -> None:
        async with listening(place, request_timeout_s=0.3) as port:
            answers = await asyncio.gather(*(talk(port, data) for data, _, _ in WIRE))
            for answer, (data, status, slug) in zip(answers, WIRE, strict=True):
                head, _, body = answer.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 %d " % status), (data[:80], answer)
                assert json.loads(body)["slug"] == slug, data[:80]
                assert b"application/problem+json" in head
            body = json.dumps(GOOD).encode()
            good = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            assert (await talk(port, good, more=body)).startswith(b"HTTP/1.1 201 ")

    run(test)


CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"


async def send_on(port: int, head: bytes, piece: bytes) -> bytes:
    """What the server says to a body of such pieces, of which more are sent until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read())
    writer.write(head)
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()
        return await answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD + CHUNKED, 413),
        (HEAD + b"content-length: 99999999999\r\n\r\n", 413),
        (b"GET /health HTTP/1.1\r\nhost: x\r\n" + CHUNKED, 413),
        (b"POST /nowhere HTTP/1.1\r\nhost: x\r\n" + CHUNKED, 404),
    ],
)
def test_a_body_without_an_end_ends_the_connection(head: bytes, status: int) -> None:
    async def test(place: Venue) -> None:
        async with listening(place, request_timeout_s=60.0) as port:
            answer = await send_on(port, head, CHUNK)
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer
            assert answer.count(b"HTTP/1.1 ") == 1
            if status == 413:
                assert b"connection: close" in answer

    run(test)


def test_a_body_in_tiny_chunks_is_refused_before_it_costs_more_than_a_large_one() -> None:
    async def test(place: Venue) -> None:
        async with listening(place) as port:
            answer = await talk(port, HEAD + CHUNKED + b"1\r\n \r\n" * 200_000)
            assert answer.startswith(b"HTTP/1.1 431 "), answer
            body = json.dumps(GOOD).encode()
            small = b"".join(b"4\r\n%b\r\n" % body[at : at + 4].ljust(4) for at in range(0, len(body), 4))
            answer = await talk(port, HEAD + b"connection: close\r\n" + CHUNKED + small + b"0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 201 "), answer

    run(test)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD + CHUNKED, 401),
        (HEAD + b"content-length: 900000\r\n\r\n", 401),
        (HEAD + b"authorization: Bearer nobody\r\ncontent-length: 900000\r\n\r\n", 401),
        (HEAD + b"authorization: Bearer reader\r\ncontent-length: 900000\r\n\r\n", 403),
        (HEAD + b"authorization: Bearer reader\r\nexpect: 100-continue\r\ncontent-length: 900000\r\n\r\n", 403),
    ],
)
def test_who_may_not_come_in_is_refused_before_a_long_body_is_there(head: bytes, status: int) -> None:
    async def main() -> None:
        reader_only = Principal(None, frozenset({"read"}), None, 7, "")
        async with venue(OpenAdmission({"alice": ANYBODY, "reader": reader_only})) as place, listening(place) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer
            if b"expect" in head:
                # Nobody knows whether a body follows: the next request would have to be told from it.
                await asyncio.wait_for(reader.read(), 20)
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_a_short_body_that_comes_late_does_not_cost_the_connection() -> None:
    async def main() -> None:
        async with venue(OpenAdmission({"alice": ANYBODY})) as place, listening(place) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = b" " * 40_000
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
            writer.write(body + b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert b"HTTP/1.1 200 " in await asyncio.wait_for(reader.read(), 20)
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_headers_behind_the_body_prove_nothing() -> None:
    async def main() -> None:
        async with venue(OpenAdmission({"alice": ANYBODY})) as place, listening(place) as port:
            body = json.dumps(GOOD).encode()
            chunked = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
            proof, close = b"authorization: Bearer alice\r\n", b"connection: close\r\ntransfer-encoding: chunked\r\n"
            assert (await talk(port, HEAD + proof + close + b"\r\n" + chunked + b"\r\n")).startswith(b"HTTP/1.1 201 ")
            assert (await talk(port, HEAD + close + b"\r\n" + chunked + proof + b"\r\n")).startswith(b"HTTP/1.1 401 ")

    asyncio.run(main())


def test_requests_in_one_packet_are_answered_in_order() -> None:
    async def test(place: Venue) -> None:
        async with listening(place) as port:
            ask = b"GET /book/%b HTTP/1.1\r\nhost: x\r\n\r\n"
            last = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            answer = await talk(port, ask % b"BTC-USD" + ask % b"XRP-USD" + last)
            assert answer.count(b"HTTP/1.1 200") == 2
            assert answer.index(b"BTC-USD") < answer.index(b"unknown_instrument") < answer.index(b"uptime_s")

    run(test)


def test_connections_that_go_away_in_the_middle_hurt_nobody() -> None:
    async def test(place: Venue) -> None:
        async with listening(place) as port:
            for data in (b"", b"GET /", HEAD, HEAD + b"content-length: 50\r\n\r\n{"):
                for _ in range(20):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(data)
                    writer.transport.abort()
            body = json.dumps(GOOD).encode()
            whole = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
            for _ in range(20):
                # The order is entered, whoever hears of it.
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(whole)
                await writer.drain()
                writer.close()
            health = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            assert (await talk(port, health)).startswith(b"HTTP/1.1 200 ")

    run(test)


def test_head_has_the_headers_of_get_and_no_body() -> None:
    async def test(place: Venue) -> None:
        async with listening(place) as port:
            request = b"HEAD /instruments HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            head, _, body = (await talk(port, request)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"content-length: " in head
            assert body == b""

    run(test)
