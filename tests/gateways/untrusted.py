"""What must hold for any bytes at all that come in through a gateway, for the bounded tests and `fuzz_decoders.py`.

Each check raises where it finds a fault. It returns what the input came to: whether that is new leads the search on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import Random
from typing import Any, Final

import msgspec
from tests.replay.untrusted import mutate as damage

from aeromatch.bench.gateways.fix import framed
from aeromatch.gateways.fix.actions import Deliver, Disconnect, Send
from aeromatch.gateways.fix.codec import Framer, GarbledError, decode, encode
from aeromatch.gateways.fix.entrance import Entrance, Introduction
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.requests import new_order
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore
from aeromatch.gateways.grpc import forms
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.problems import problem_of
from aeromatch.gateways.rest.forms import body_of, query_of
from aeromatch.gateways.rest.handlers import ROUTES
from aeromatch.gateways.rest.routes import Router
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.messages import WebSocketRequest
from aeromatch.schema.orders import OrderBatch

__all__ = ["CHECKS", "SAMPLES", "Check", "mutate"]

Check = Callable[[bytes], Hashable]

ROUTER: Final = Router(ROUTES)
WEBSOCKET: Final = msgspec.json.Decoder[Any](WebSocketRequest)
REFUSALS: Final = (400, 404, 405, 422)
GRPC: Final[list[tuple[Any, Any]]] = [
    (pb.SubmitOrderRequest, forms.SubmitForm),
    (pb.SubmitOrdersRequest, OrderBatch),
    (pb.AmendOrderRequest, forms.AmendForm),
    (pb.CancelOrderRequest, forms.OrderForm),
    (pb.GetOrderRequest, forms.OrderForm),
    (pb.GetBookRequest, forms.BookForm),
    (pb.ListTradesRequest, forms.TradesForm),
    (pb.ListCandlesRequest, forms.CandlesForm),
    (pb.StreamDepthRequest, forms.StreamForm),
    (pb.StreamOrdersRequest, forms.StreamOrdersForm),
]
"""Kinds of requests, and what is made of them."""

NOW_NS: Final = 1_767_312_000_000_000_000
TIME: Final = b"20260102-00:00:00.000"
PROFILE: Final = Profile(comp_id="AEROMATCH", max_message_bytes=4096, max_ahead_messages=10, resend_messages=5)


def _same_again(value: Any, decoder: msgspec.json.Decoder[Any]) -> None:
    """What was read is written and read as the same."""
    assert decoder.decode(msgspec.json.encode(value)) == value


def _told(refused: RefusedError) -> Hashable:
    """A refusal says what is wrong, in JSON."""
    assert refused.status in REFUSALS, refused.slug
    problem = problem_of(refused, "1")
    assert msgspec.json.decode(msgspec.json.encode(problem))["slug"] == refused.slug
    assert refused.detail
    return refused.slug, tuple(error.pointer.count("/") for error in refused.errors)


def check_rest(data: bytes) -> Hashable:
    """A request is a method and a target, then the body: it has a route and its forms, or is refused."""
    line, _, body = data.partition(b"\n")
    method, _, target = line.partition(b" ")
    path, _, query = target.partition(b"?")
    try:
        endpoints, names = ROUTER.find(b"/" + path.lstrip(b"/"))
        endpoint = endpoints.get(method.decode("latin-1"))
        if endpoint is None:
            return "no method"
        assert set(names) == set(endpoint.route.names)
        assert all(names.values())
        if endpoint.route.query is not None:
            query_of(endpoint.route.query, query)
        if endpoint.decoder is not None:
            _same_again(body_of(endpoint.decoder, body), endpoint.decoder)
    except RefusedError as refused:
        return _told(refused)
    return endpoint.route.path, endpoint.route.method


def check_websocket(data: bytes) -> Hashable:
    """A message is a request, or is refused."""
    try:
        request = body_of(WEBSOCKET, data)
    except RefusedError as refused:
        return _told(refused)
    _same_again(request, WEBSOCKET)
    return type(request).__name__


def check_fix_codec(data: bytes) -> Hashable:
    """However a stream is cut, its good messages are the same; what is read is written and read as the same."""
    whole, pieces = Framer(4096), Framer(4096)
    whole.feed(data)
    frames = _frames(whole)
    cut: list[bytes] = []
    for begin in range(0, len(data), 7):
        pieces.feed(data[begin : begin + 7])
        cut += _frames(pieces)
        assert pieces.kept_bytes <= 4096 + 64
    good = [frame for frame in frames if _is_good(frame)]
    assert [frame for frame in cut if _is_good(frame)] == good
    return len(good), len(frames)


def _is_good(frame: bytes) -> bool:
    try:
        message, pairs = decode(frame)
    except GarbledError:
        return False
    if all(value for _, value in pairs):
        again, _ = decode(encode(message))
        parts = [(it.msg_type, it._values, it.header._values) for it in (message, again)]
        assert parts[0] == parts[1]
    return True


def _frames(framer: Framer) -> list[bytes]:
    frames = []
    while (frame := framer.next()) is not None:
        frames.append(frame)
    return frames


def fix_stream(lines: bytes) -> bytes:
    """Lines as messages: `kind number fields`, `|` between fields; what begins with ! stays as it is."""
    stream = b""
    for line in lines.split(b"\n"):
        if line.startswith(b"!"):
            stream += line[1:].replace(b"|", b"\x01")
            continue
        kind, _, rest = line.partition(b" ")
        number, _, fields = rest.partition(b" ")
        head = b"34=%s\x0149=CLIENT\x0156=AEROMATCH\x0152=%s\x01" % (number, TIME)
        stream += framed(kind, head, fields.replace(b"|", b"\x01"))
    return stream


def check_grpc(data: bytes) -> Hashable:
    """A request is a byte that says which, then its message: it has its form, or is refused."""
    kind, form = GRPC[data[0] % len(GRPC)] if data else GRPC[0]
    try:
        message = forms.decode(kind, data[1:])
        structure = forms.form_of(form, message)
    except RefusedError as refused:
        return kind.__name__, _told(refused)
    assert isinstance(structure, form)
    # Whoever passes a proxy, which writes it anew, asks for the same.
    assert forms.form_of(form, forms.decode(kind, message.SerializeToString())) == structure
    return kind.__name__, tuple(field.name for field, _ in message.ListFields())


def _asked(message: Message) -> str:
    """What an application message asks of the exchange: an order in its form, or it is refused."""
    if message.msg_type != "D":
        return message.msg_type
    try:
        order = new_order(message)
    except RefusedError as refused:
        _told(refused)
        return refused.slug
    return order.type


def check_fix_session(data: bytes) -> Hashable:
    """Whatever comes, the session's own messages are good, numbered without a gap, and nothing is delivered twice."""
    stream, half = fix_stream(data), len(data) // 2
    entrance = Entrance(PROFILE)
    introduction = entrance.received(stream, NOW_NS)
    if not isinstance(introduction, Introduction):
        return None if introduction is None else introduction.reason
    store = FixStore(None)
    try:
        kept = store.session(introduction.comp_id)
        session = Session(PROFILE, introduction.comp_id, kept, NOW_NS)
        actions = session.accept(introduction, NOW_NS)
        if not any(isinstance(action, Disconnect) for action in actions):
            # The same again: numbers that were there, and a logon in the midst of a session.
            actions += session.received(stream[half:], NOW_NS)
            actions += session.tick(NOW_NS + 60_000_000_000)
            while session.has_more:
                actions += session.more(NOW_NS)
            actions += session.disconnected()
        return _of_session(actions)
    finally:
        store.close()


def _of_session(actions: list[Any]) -> Hashable:
    delivered, expected, kinds, asked = 0, 1, [], set()
    for action in actions:
        if isinstance(action, Deliver):
            assert not action.message.is_administrative
            assert action.message.sequence > delivered
            delivered = action.message.sequence
            asked.add(_asked(action.message))
        elif isinstance(action, Send):
            message, _ = decode(action.data)
            kinds.append(message.msg_type)
            if message.sequence == 1 and (message.flag(141) or message.msg_type == "5"):
                # Both sides begin anew, in the midst of a session too; what asked for it may be refused all the same.
                expected, delivered = 1, 0
            if not message.is_possible_duplicate:
                assert message.sequence == expected, (message.sequence, expected)
                expected += 1
    end = next((action.reason for action in actions if isinstance(action, Disconnect)), None)
    return tuple(sorted(set(kinds))), end, tuple(sorted(asked))


ORDER: Final = pb.NewOrder(
    symbol="BTC-USD", side=pb.SIDE_BUY, quantity="1.5", price="100", account="alice", client_order_id="a"
)
SAMPLES: Final[dict[str, list[bytes]]] = {
    "rest": [
        b'POST /order\n{"symbol":"BTC-USD","side":"buy","quantity":"1.5","price":"100","client_order_id":"a"}',
        b'POST /orders\n{"orders":[{"symbol":"A","side":"sell","quantity":"1","type":"market","time_in_force":"ioc"}]}',
        b'PATCH /order/17\n{"quantity":"2","price":"99.5"}',
        b"GET /book/BTC%2FUSD?levels=5\n",
        b"GET /orders?account=alice&status=live&limit=10\n",
        b"GET /trades/A?limit=5&from_sequence=7\n",
        b"DELETE /orders?account=alice&symbol=A\n",
    ],
    "websocket": [
        b'{"op":"order.new","id":1,"order":{"symbol":"A","side":"buy","quantity":"1","price":"2"}}',
        b'{"op":"order.cancel","id":"x","order_id":"17"}',
        b'{"op":"order.amend","id":2,"order_id":"17","amend":{"quantity":"3"}}',
        b'{"op":"subscribe","id":3,"channel":"depth","symbol":"A","levels":10}',
        b'{"op":"login","id":4,"token":"k.secret"}',
        b'{"op":"ping","id":5}',
    ],
    "grpc": [
        b"\0" + pb.SubmitOrderRequest(order=ORDER).SerializeToString(),
        b"\1" + pb.SubmitOrdersRequest(orders=[ORDER, ORDER]).SerializeToString(),
        b"\2" + pb.AmendOrderRequest(order_id=17, quantity="2", price="99.5").SerializeToString(),
        b"\3" + pb.CancelOrderRequest(client_order_id="a", symbol="A").SerializeToString(),
        b"\4" + pb.GetBookRequest(symbol="A", levels=5).SerializeToString(),
        b"\5" + pb.ListTradesRequest(symbol="A", limit=5, from_sequence=7).SerializeToString(),
        b"\6" + pb.ListCandlesRequest(symbol="A", period="5m", start=1, limit=9).SerializeToString(),
        b"\7" + pb.StreamDepthRequest(symbols=["A", "B"], levels=3, interval_ms=100).SerializeToString(),
        b"\x08" + pb.StreamOrdersRequest(account="alice", from_sequences=[1, 2]).SerializeToString(),
    ],
    "fix_codec": [
        fix_stream(b"A 1 98=0|108=30|\n0 2 \nD 3 11=a|55=A|54=1|60=20260102-00:00:00|38=1|40=2|44=5|"),
        fix_stream(b"C 1 95=5|96=a|b=c|\n!8=FIX.4.4|9=5|35=0|10=000|\n1 2 112=x|"),
    ],
    "fix_session": [
        b"A 1 98=0|108=30|\nD 2 11=a|55=A|54=1|60=20260102-00:00:00|38=1|40=2|44=5|\n1 3 112=x|\n5 4 ",
        b"A 1 98=0|108=30|141=Y|\n2 2 7=1|16=0|\n4 3 123=Y|36=9|\n0 9 \n4 1 36=20|\n0 20 ",
        b"A 5 98=0|108=30|\n4 1 43=Y|122=20260102-00:00:00.000|123=Y|36=5|\n"
        b"F 6 11=b|41=a|55=A|54=1|60=20260102-00:00:00|",
        b"A 1 98=0|108=30|\nV 2 262=1|263=1|264=0|267=2|269=0|269=1|146=1|55=A|\nj 3 45=2|372=V|380=3|\n3 4 45=2|",
        b"A 1 98=0|108=30|\n0 2 43=Y|122=20260102-00:00:00.000|\n0 9 \n0 8 \n1 3 112=y|\nA 4 98=0|108=30|",
    ],
}

CHECKS: Final[dict[str, Check]] = {
    "rest": check_rest,
    "websocket": check_websocket,
    "grpc": check_grpc,
    "fix_codec": check_fix_codec,
    "fix_session": check_fix_session,
}


def mutate(kind: str, random: Random, data: bytes) -> bytes:
    """Damage an input in some places; that of a kind of lines sometimes by a line of another one."""
    if kind == "fix_session" and random.random() < 0.3:
        lines, others = data.split(b"\n"), random.choice(SAMPLES[kind]).split(b"\n")
        lines.insert(random.randrange(len(lines) + 1), random.choice(others))
        return b"\n".join(lines)
    return damage(random, data)
