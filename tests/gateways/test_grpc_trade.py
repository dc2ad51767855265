"""The Trade stream: many requests in flight, answers with their ids, and how a stream ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from tests.gateways.grpc_client import EOF, GrpcVenue, new_order, play, problem_of, submit
from tests.server.real_venue import CONFIG

from aeromatch.gateways.grpc.generated import order_pb2 as pb

Code = grpc.StatusCode


def trade(number: int, **request: Any) -> pb.TradeRequest:
    return pb.TradeRequest(id=number, **request)


async def ended(stream: Any, replies: list[pb.TradeReply] | None = None) -> tuple[grpc.StatusCode, str]:
    """How the server ends a stream, behind some replies: its code, and the slug of the reason."""

    async def read() -> None:
        while (reply := await stream.read()) is not EOF:
            if replies is not None:
                replies.append(reply)

    with pytest.raises(aio.AioRpcError) as error:
        await read()
    return error.value.code(), problem_of(error.value).slug


def test_many_are_in_flight_and_each_answer_has_its_id(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        stream, many = venue.calls.Trade(), 1500

        async def send() -> None:
            for number in range(1, many + 1):
                # Every third one is refused.
                price = "100" if number % 3 else "100.001"
                await stream.write(trade(number, submit_order=submit(price=price, client_order_id=f"o-{number}")))
            await stream.done_writing()

        sending = asyncio.create_task(send())
        replies = {reply.id: reply async for reply in stream}
        await sending
        assert await stream.code() == Code.OK
        assert sorted(replies) == list(range(1, many + 1))
        refused = [number for number, reply in replies.items() if reply.problem.slug == "invalid_price"]
        assert sorted(refused) == list(range(3, many + 1, 3))
        entered = {number: reply.order for number, reply in replies.items() if reply.HasField("order")}
        assert all(order.client_order_id == f"o-{number}" for number, order in entered.items())
        # They were entered in the order in which they were sent.
        in_order = [entered[number].order_id for number in sorted(entered)]
        assert in_order == sorted(in_order)
        assert len(in_order) == many - len(refused)

    play(tmp_path, test)


def test_every_kind_of_request_is_answered(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        stream = venue.calls.Trade()

        async def ask(**request: Any) -> pb.TradeReply:
            await stream.write(trade(5, **request))
            reply: pb.TradeReply = await stream.read()
            assert reply.id == 5
            return reply

        made = (await ask(submit_order=submit(client_order_id="mine"))).order
        wrong_form = pb.SubmitOrdersRequest(orders=[new_order(), new_order(side=None)])
        problem = (await ask(submit_orders=wrong_form)).problem
        assert [error.pointer for error in problem.errors] == ["/orders/1/side"]
        batch = (await ask(submit_orders=pb.SubmitOrdersRequest(orders=[new_order(price="90")] * 2))).orders
        assert batch.accepted == 2
        changed = (await ask(amend_order=pb.AmendOrderRequest(order_id=made.order_id, price="99"))).order
        assert changed.price == "99.00"
        canceled = (await ask(cancel_order=pb.CancelOrderRequest(order_id=made.order_id))).order
        assert canceled.status == pb.ORDER_STATUS_CANCELED
        assert (await ask(cancel_orders=pb.CancelOrdersRequest(account="alice"))).canceled.canceled == 2
        assert (await ask()).problem.slug == "malformed"
        assert (await ask(cancel_on_disconnect=pb.CancelOnDisconnectRequest(enabled=True))).problem.slug == (
            "account_needed"
        )
        wrong = pb.CancelOnDisconnectRequest(enabled=True, account="carol")
        assert (await ask(cancel_on_disconnect=wrong)).problem.slug == "unknown_account"
        await stream.done_writing()
        assert await stream.read() is EOF

    play(tmp_path, test)


@pytest.mark.parametrize("is_polite", [True, False])
def test_orders_end_with_the_stream_that_says_so(tmp_path: Path, is_polite: bool) -> None:
    async def test(venue: GrpcVenue) -> None:
        other = (await venue.calls.SubmitOrder(submit(account="bob"))).order_id
        stream = venue.calls.Trade()
        asked = pb.CancelOnDisconnectRequest(enabled=True, account="alice")
        await stream.write(trade(1, cancel_on_disconnect=asked))
        await stream.write(trade(2, submit_order=submit()))
        replies = [await stream.read(), await stream.read()]
        assert next(it for it in replies if it.id == 1).cancel_on_disconnect.account == "alice"
        mine = next(it for it in replies if it.id == 2).order.order_id
        if is_polite:
            await stream.done_writing()
        else:
            stream.cancel()
        while (await venue.calls.GetOrder(pb.GetOrderRequest(order_id=mine))).status != pb.ORDER_STATUS_CANCELED:
            await asyncio.sleep(0.01)
        left = await venue.calls.GetOrder(pb.GetOrderRequest(order_id=other))
        assert left.status == pb.ORDER_STATUS_OPEN

    play(tmp_path, test)


def test_what_is_no_request_ends_the_stream(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        stream = venue.calls.channel.stream_stream("/aeromatch.v1.OrderEntry/Trade")()
        await stream.write(trade(1, submit_order=submit()).SerializeToString())
        await stream.write(b"\xff\xff")
        assert pb.TradeReply.FromString(await stream.read()).id == 1
        assert await ended(stream) == (Code.INVALID_ARGUMENT, "malformed")

    play(tmp_path, test)


def test_who_reads_no_answers_is_sent_away(tmp_path: Path) -> None:
    limits = "gateways: {grpc: {enabled: true, port: 0, requests: 16, slow_timeout_s: 0.5}}\n"

    async def test(venue: GrpcVenue) -> None:
        stream, sent = venue.calls.Trade(), 0
        # Answers of some size, so that few of them fill what the transport keeps.
        batch = pb.SubmitOrdersRequest(orders=[new_order(price="1")] * 200)

        async def send() -> None:
            nonlocal sent
            while True:
                await stream.write(trade(sent, submit_orders=batch))
                sent += 1

        sending = asyncio.create_task(send())
        registry = venue.real.venue.observer.registry
        closed = 'aeromatch_gateway_closed_total{gateway="grpc",reason="slow_consumer"} 1'
        while closed not in registry.text():
            await asyncio.sleep(0.02)
        stream.cancel()
        sending.cancel()
        await asyncio.wait({sending})
        entered = len((await venue.calls.ListOrders(pb.ListOrdersRequest(account="alice", limit=1000))).orders)
        assert entered > 0
        # The server goes on.
        await venue.calls.SubmitOrder(submit())

    play(tmp_path, test, config=CONFIG + limits)


def test_a_server_that_stops_answers_what_is_in_flight(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        stream = venue.calls.Trade()
        for number in range(50):
            await stream.write(trade(number, submit_order=submit()))
        replies: list[pb.TradeReply] = [await stream.read()]
        draining = asyncio.create_task(venue.server.drain())
        assert await ended(stream, replies) == (Code.UNAVAILABLE, "draining")
        await draining
        entered = {reply.order.order_id for reply in replies if reply.HasField("order")}
        assert {reply.problem.slug for reply in replies if reply.HasField("problem")} <= {"draining"}
        # Whatever reached the exchange was told of, and nothing else.
        page = await venue.real.ask("GET", "/orders", account="alice", limit=1000)
        assert {int(order["order_id"]) for order in page["orders"]} == entered

    play(tmp_path, test)
