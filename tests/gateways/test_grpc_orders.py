"""Order entry over gRPC: what each method does, how it is refused, what a deadline takes back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from tests.gateways.grpc_client import Calls, GrpcVenue, new_order, play, refused, submit

from aeromatch.gateways.grpc.generated import order_pb2 as pb

Code = grpc.StatusCode


def test_an_order_is_entered_changed_canceled_and_looked_up(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        made = await calls.SubmitOrder(submit(client_order_id="a-1", post_only=pb.POST_ONLY_SLIDE))
        assert (made.status, made.type, made.side) == (pb.ORDER_STATUS_OPEN, pb.ORDER_TYPE_LIMIT, pb.SIDE_BUY)
        assert (made.quantity, made.remaining_quantity, made.price) == ("1.000", "1.000", "100.00")
        assert (made.account, made.client_order_id, made.post_only) == ("alice", "a-1", pb.POST_ONLY_SLIDE)
        assert made.HasField("price")
        assert not made.HasField("average_price")
        # REST knows it under the same number.
        assert (await venue.real.ask("GET", f"/order/{made.order_id}"))["client_order_id"] == "a-1"

        changed = await calls.AmendOrder(pb.AmendOrderRequest(order_id=made.order_id, quantity="0.5"))
        assert (changed.quantity, changed.price) == ("0.500", "100.00")
        sold = await calls.SubmitOrder(submit(side=pb.SIDE_SELL, account="bob", quantity="0.2"))
        assert (sold.status, sold.average_price) == (pb.ORDER_STATUS_FILLED, "100.00")
        (fill,) = sold.fills
        assert (fill.quantity, fill.liquidity, fill.sequence) == ("0.200", pb.LIQUIDITY_TAKER, sold.sequence)
        now = await calls.GetOrder(pb.GetOrderRequest(order_id=made.order_id))
        assert (now.status, now.filled_quantity) == (pb.ORDER_STATUS_PARTIALLY_FILLED, "0.200")

        named: dict[str, Any] = {"symbol": "BTC-USD", "account": "alice"}
        changed = await calls.AmendOrder(pb.AmendOrderRequest(client_order_id="a-1", price="99", **named))
        assert (changed.order_id, changed.price, changed.remaining_quantity) == (made.order_id, "99.00", "0.300")
        now = await calls.GetOrder(pb.GetOrderRequest(client_order_id="a-1", **named))
        assert (now.order_id, now.price, now.filled_quantity) == (made.order_id, "99.00", "0.200")
        ended = await calls.CancelOrder(pb.CancelOrderRequest(client_order_id="a-1", **named))
        assert (ended.order_id, ended.status, ended.reason) == (made.order_id, pb.ORDER_STATUS_CANCELED, "requested")
        code, problem = await refused(calls.CancelOrder(pb.CancelOrderRequest(order_id=made.order_id)))
        assert (code, problem.slug) == (Code.NOT_FOUND, "unknown_order")
        code, problem = await refused(calls.GetOrder(pb.GetOrderRequest(client_order_id="a-2", **named)))
        assert (code, problem.slug) == (Code.NOT_FOUND, "unknown_order")

    play(tmp_path, test)


@pytest.mark.parametrize("fields", [{}, {"client_order_id": "a-1"}, {"order_id": 1, "client_order_id": "a-1"}])
def test_an_order_is_named_in_one_way(tmp_path: Path, fields: dict[str, Any]) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        for call in (
            calls.AmendOrder(pb.AmendOrderRequest(price="1", **fields)),
            calls.CancelOrder(pb.CancelOrderRequest(**fields)),
            calls.GetOrder(pb.GetOrderRequest(**fields)),
        ):
            code, problem = await refused(call)
            assert (code, problem.slug) == (Code.INVALID_ARGUMENT, "malformed")

    play(tmp_path, test)


def test_every_kind_of_order_goes_in(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        await calls.SubmitOrder(submit(symbol="ETH-USD", side=pb.SIDE_SELL, account="bob", price="110"))
        await calls.SubmitOrder(submit(symbol="ETH-USD", price="90"))
        stop = await calls.SubmitOrder(
            submit(symbol="ETH-USD", type=pb.ORDER_TYPE_STOP_LIMIT, stop_price="120", price="121")
        )
        assert (stop.status, stop.stop_price) == (pb.ORDER_STATUS_DORMANT, "120.00")
        trailing = await calls.SubmitOrder(
            submit(symbol="ETH-USD", type=pb.ORDER_TYPE_TRAILING_STOP, trail_offset_bps=100, price=None)
        )
        assert trailing.type == pb.ORDER_TYPE_TRAILING_STOP
        iceberg = await calls.SubmitOrder(submit(symbol="ETH-USD", display_quantity="0.1", price="80"))
        assert iceberg.display_quantity == "0.100"
        market = await calls.SubmitOrder(
            submit(symbol="ETH-USD", type=pb.ORDER_TYPE_MARKET, quantity="0.5", price=None, protection_price="120")
        )
        assert (market.status, market.average_price) == (pb.ORDER_STATUS_FILLED, "110.00")
        day = await calls.SubmitOrder(
            submit(symbol="ETH-USD", time_in_force=pb.TIME_IN_FORCE_GTD, expire_at=(1 << 63) - 1, price="70")
        )
        assert (day.time_in_force, day.expire_at) == (pb.TIME_IN_FORCE_GTD, (1 << 63) - 1)

    play(tmp_path, test)


def test_an_order_sent_again_is_the_same_order(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        made = await venue.calls.SubmitOrder(submit(client_order_id="once"))
        again = await venue.calls.SubmitOrder(submit(client_order_id="once"))
        assert again.order_id == made.order_id
        code, problem = await refused(venue.calls.SubmitOrder(submit(client_order_id="once", price="101")))
        assert (code, problem.slug) == (Code.ALREADY_EXISTS, "duplicate_client_order_id")

    play(tmp_path, test)


@pytest.mark.parametrize(
    ("fields", "code", "slug", "pointer"),
    [
        ({"symbol": "XRP-USD"}, Code.NOT_FOUND, "unknown_instrument", None),
        ({"symbol": None}, Code.INVALID_ARGUMENT, "malformed", "/order/symbol"),
        ({"side": None}, Code.INVALID_ARGUMENT, "malformed", "/order/side"),
        ({"side": 7}, Code.INVALID_ARGUMENT, "malformed", "/order/side"),
        ({"symbol": "A" * 49}, Code.INVALID_ARGUMENT, "malformed", "/order/symbol"),
        ({"client_order_id": "tab\t"}, Code.INVALID_ARGUMENT, "malformed", "/order/client_order_id"),
        ({"quantity": "much"}, Code.INVALID_ARGUMENT, "malformed", "/quantity"),
        ({"quantity": "0.00001"}, Code.INVALID_ARGUMENT, "invalid_quantity", None),
        ({"price": "100.001"}, Code.INVALID_ARGUMENT, "invalid_price", None),
        ({"account": "carol"}, Code.NOT_FOUND, "unknown_account", None),
        ({"symbol": "Rain/Yes", "quantity": "1", "price": "2"}, Code.INVALID_ARGUMENT, "invalid_price", None),
        (
            {"symbol": "Rain/Yes", "quantity": "1000000", "price": "0.50"},
            Code.FAILED_PRECONDITION,
            "insufficient_funds",
            None,
        ),
    ],
)
def test_a_refusal_says_why(
    tmp_path: Path, fields: dict[str, Any], code: grpc.StatusCode, slug: str, pointer: str | None
) -> None:
    async def test(venue: GrpcVenue) -> None:
        found, problem = await refused(venue.calls.SubmitOrder(submit(**fields)))
        assert (found, problem.slug) == (code, slug)
        assert [error.pointer for error in problem.errors] == ([] if pointer is None else [pointer])

    play(tmp_path, test)


def test_a_batch_answers_each_order_for_itself(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        orders = [new_order(), new_order(price="100.001"), new_order(symbol="ETH-USD")]
        answer = await venue.calls.SubmitOrders(pb.SubmitOrdersRequest(orders=orders))
        assert (answer.accepted, answer.rejected) == (2, 1)
        assert [result.WhichOneof("result") for result in answer.results] == ["order", "problem", "order"]
        assert answer.results[1].problem.slug == "invalid_price"
        for many in (0, 1001):
            request = pb.SubmitOrdersRequest(orders=[new_order()] * many)
            code, problem = await refused(venue.calls.SubmitOrders(request))
            assert (code, problem.slug) == (Code.INVALID_ARGUMENT, "malformed")

    play(tmp_path, test)


def test_orders_are_listed_page_by_page_and_canceled_together(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        numbers = [(await calls.SubmitOrder(submit(price=str(90 + it)))).order_id for it in range(5)]
        await calls.SubmitOrder(submit(account="bob", price="80"))
        live = pb.ListOrdersRequest(account="alice", status=pb.ORDER_FILTER_LIVE, limit=2)
        found = []
        while True:
            page = await calls.ListOrders(live)
            found += [order.order_id for order in page.orders]
            if not page.HasField("next_cursor"):
                break
            live.cursor = page.next_cursor
        assert found == numbers[::-1]
        assert (await calls.CancelOrders(pb.CancelOrdersRequest(account="alice", side=pb.SIDE_SELL))).canceled == 0
        ended = await calls.CancelOrders(pb.CancelOrdersRequest(account="alice", symbol="BTC-USD"))
        assert (ended.canceled, sorted(ended.order_ids)) == (5, numbers)
        done = await calls.ListOrders(pb.ListOrdersRequest(account="alice", status=pb.ORDER_FILTER_DONE))
        assert {order.reason for order in done.orders} == {"mass_cancel"}
        code, problem = await refused(calls.ListOrders(pb.ListOrdersRequest(account="alice", cursor="nowhere")))
        assert (code, problem.slug) == (Code.INVALID_ARGUMENT, "invalid_cursor")

    play(tmp_path, test)


def test_a_command_that_was_sent_is_not_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(venue: GrpcVenue) -> None:
        trading = venue.real.venue.trading
        entered, answered = asyncio.Event(), asyncio.Event()
        new_order_json = trading.new_order_json

        async def held(*arguments: Any) -> Any:
            answer = await new_order_json(*arguments)
            entered.set()
            await answered.wait()
            return answer

        monkeypatch.setattr(trading, "new_order_json", held)
        # The client goes while its order is under way; the deadline of another one passes.
        gone = venue.calls.SubmitOrder(submit(client_order_id="gone"))
        await entered.wait()
        gone.cancel()
        late = venue.calls.SubmitOrder(submit(client_order_id="late"), timeout=0.2)
        with pytest.raises(aio.AioRpcError) as passed:
            await late
        assert passed.value.code() == Code.DEADLINE_EXCEEDED
        monkeypatch.undo()
        answered.set()
        listed = await venue.calls.ListOrders(pb.ListOrdersRequest(account="alice"))
        assert sorted(order.client_order_id for order in listed.orders) == ["gone", "late"]
        # Who sends it again is answered.
        again = await venue.calls.SubmitOrder(submit(client_order_id="late"))
        assert again.order_id in [order.order_id for order in listed.orders]

    play(tmp_path, test)


def test_nothing_is_done_whose_deadline_has_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(venue: GrpcVenue) -> None:
        admission = venue.real.venue.admission
        admit = admission.admit

        def slow(*arguments: Any) -> Any:
            # The loop stands still, so gRPC cannot tell that the deadline passes.
            time.sleep(0.3)
            return admit(*arguments)

        monkeypatch.setattr(admission, "admit", slow)
        with pytest.raises(aio.AioRpcError) as passed:
            await venue.calls.SubmitOrder(submit(), timeout=0.2)
        assert passed.value.code() == Code.DEADLINE_EXCEEDED
        monkeypatch.undo()
        assert not (await venue.calls.ListOrders(pb.ListOrdersRequest(account="alice"))).orders
        refusals = 'aeromatch_refusals_total{gateway="grpc",slug="request_timeout"} 1'
        assert refusals in venue.real.venue.observer.registry.text()

    play(tmp_path, test)


def test_what_is_too_large_or_no_message_is_refused(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        large = submit(client_order_id="x" * (1 << 20))
        with pytest.raises(aio.AioRpcError) as refusal:
            await venue.calls.SubmitOrder(large)
        assert refusal.value.code() == Code.RESOURCE_EXHAUSTED
        raw = venue.calls.channel.unary_unary("/aeromatch.v1.OrderEntry/SubmitOrder")
        with pytest.raises(aio.AioRpcError) as bomb:
            await raw(bytes(16 << 20), compression=grpc.Compression.Gzip)
        assert bomb.value.code() == Code.RESOURCE_EXHAUSTED
        code, problem = await refused(raw(b"\xff\xff\xff"))
        assert (code, problem.slug) == (Code.INVALID_ARGUMENT, "malformed")
        nothing = venue.calls.channel.unary_unary("/aeromatch.v1.OrderEntry/Dream")
        with pytest.raises(aio.AioRpcError) as unknown:
            await nothing(b"")
        assert unknown.value.code() == Code.UNIMPLEMENTED

    play(tmp_path, test)


def test_calls_of_many_connections_are_counted_and_limited(tmp_path: Path) -> None:
    limits = "limits: {connections: 2}\ngateways: {grpc: {enabled: true, port: 0, session_idle_s: 0.2}}\n"
    from tests.server.real_venue import CONFIG

    async def test(venue: GrpcVenue) -> None:
        admission = venue.real.venue.admission

        def another() -> aio.Channel:
            return aio.insecure_channel(venue.address, options=(("grpc.use_local_subchannel_pool", 1),))

        async with another() as second, another() as third:
            await venue.calls.SubmitOrder(submit())
            await Calls(second).SubmitOrder(submit())
            code, problem = await refused(Calls(third).SubmitOrder(submit()))
            assert (code, problem.slug) == (Code.RESOURCE_EXHAUSTED, "too_many_connections")
            assert admission.connection_count == 2
            # Sessions of those who call nothing any more end.
            while admission.connection_count:
                await asyncio.sleep(0.02)
            await Calls(third).SubmitOrder(submit())
        counted = venue.real.venue.observer.registry.text()
        route = 'gateway="grpc",route="/aeromatch.v1.OrderEntry/SubmitOrder"'
        assert f'aeromatch_requests_total{{{route},status="200"}} 3' in counted
        assert 'aeromatch_refusals_total{gateway="grpc",slug="too_many_connections"} 1' in counted
        assert 'aeromatch_gateway_connections{gateway="grpc"} 1' in counted
        assert "aeromatch_http_connections 0" in counted

    play(tmp_path, test, config=CONFIG + limits)
