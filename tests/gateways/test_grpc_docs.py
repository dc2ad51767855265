"""api/grpc/order.proto and docs/grpc.md: whole, documented, generated, and true."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from google.protobuf.descriptor import FieldDescriptor
from tests.gateways.grpc_client import GrpcVenue, play

from aeromatch.gateways.grpc import GrpcOptions
from aeromatch.gateways.grpc.gateway import RECHECK_S
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.health import MOST_WATCHERS
from aeromatch.gateways.grpc.status import BY_SLUG, code_of
from aeromatch.gateways.problems import PROBLEMS, refusal
from aeromatch.schema import market, messages, orders
from aeromatch.schema.problems import FieldProblem, Problem

ROOT = Path(__file__).resolve().parents[2]
PROTO = (ROOT / "api" / "grpc" / "order.proto").read_text()
PAGE = (ROOT / "docs" / "grpc.md").read_text()

# The structure that a message is the form of, and what only one of the two has.
SAME: dict[str, tuple[type[msgspec.Struct], set[str]]] = {
    "NewOrder": (orders.NewOrder, set()),
    "Order": (orders.Order, set()),
    "Fill": (orders.Fill, set()),
    "AmendOrderRequest": (orders.AmendOrder, {"order_id", "client_order_id", "symbol", "account"}),
    "CancelOrderRequest": (messages.CancelOrderRequest, {"id"}),
    "CancelOrdersRequest": (messages.CancelOrdersRequest, {"id"}),
    "CancelOrdersReply": (orders.CancelResult, set()),
    "SubmitOrdersRequest": (orders.OrderBatch, set()),
    "SubmitOrdersReply": (orders.BatchResult, set()),
    "SubmitOrderResult": (orders.BatchItem, set()),
    "ListOrdersReply": (orders.OrderPage, set()),
    "Book": (market.Book, set()),
    "Ticker": (market.Ticker, set()),
    "Instrument": (market.Instrument, set()),
    "TradePrint": (market.TradePrint, set()),
    "Candle": (market.Candle, set()),
    "ListCandlesReply": (market.CandlePage, set()),
    "DepthSnapshot": (messages.DepthSnapshot, {"channel"}),
    "DepthUpdate": (messages.DepthUpdate, {"channel"}),
    "TradeMessage": (messages.TradeMessage, {"channel"}),
    "TickerMessage": (messages.TickerMessage, {"channel"}),
    "CandleMessage": (messages.CandleMessage, {"channel"}),
    "OrdersChanged": (messages.OrderMessage, {"channel"}),
    "Problem": (Problem, {"type"}),
    "FieldProblem": (FieldProblem, set()),
}
ENUMS: dict[str, Any] = {
    "Side": orders.Side,
    "OrderType": orders.OrderType,
    "TimeInForce": orders.TimeInForce,
    "SelfTradePrevention": orders.SelfTradePrevention,
    "OrderStatus": orders.OrderStatus,
}


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_grpc", ROOT / "tools" / "generate_grpc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_code_is_what_protoc_makes(tmp_path: Path) -> None:
    module = generator()
    module.generate(tmp_path)
    for name in module.NAMES:
        made, committed = (tmp_path / name).read_text(), (module.GENERATED / name).read_text()
        assert made == committed, "python tools/generate_grpc.py makes it anew"


@pytest.mark.parametrize("name", SAME)
def test_messages_have_the_fields_of_the_schema(name: str) -> None:
    structure, others = SAME[name]
    fields = {field.name for field in pb.DESCRIPTOR.message_types_by_name[name].fields}
    assert fields ^ set(structure.__struct_fields__) == others


@pytest.mark.parametrize("name", ENUMS)
def test_enums_have_the_values_of_the_schema(name: str) -> None:
    enum = pb.DESCRIPTOR.enum_types_by_name[name]
    prefix = re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper() + "_"
    assert [value.name for value in enum.values] == [f"{prefix}UNSPECIFIED"] + [
        prefix + value.upper() for value in get_args(ENUMS[name])
    ]


def test_decimals_are_text_and_an_optional_field_can_be_told_from_an_empty_one() -> None:
    for name, (structure, _) in SAME.items():
        message = pb.DESCRIPTOR.message_types_by_name[name]
        for field in msgspec.structs.fields(structure):
            told = message.fields_by_name.get(field.encode_name)
            if told is None:
                continue
            if re.search(r"price|quantity|volume|notional|budget|_size$", field.name):
                assert told.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE), (name, field.name)
            if type(None) in get_args(field.type) and told.enum_type is None:
                assert told.has_presence, (name, field.name)


def test_everything_in_the_proto_is_documented() -> None:
    lines = PROTO.splitlines()
    field = r"(?:  ){1,2}(?:(?:optional|repeated) )?[\w.]+ \w+ = \d+;"
    begins = re.compile(rf"^\s*(?:message|enum|service|rpc|oneof) \w|^{field}")
    bare = [line for before, line in pairwise(lines) if begins.match(line) and not before.strip().startswith("//")]
    assert bare == []
    # Values of enums have theirs beside them.
    values = re.findall(r"^  [A-Z_0-9]+ = \d+;.*$", PROTO, re.MULTILINE)
    assert len(values) == sum(len(enum.values) for enum in pb.DESCRIPTOR.enum_types_by_name.values())
    assert [line for line in values if "; // " not in line] == []


def test_the_table_of_codes_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", PAGE.split("## Refusals")[1].split("## ")[0], re.MULTILINE)
    told = {slug: code for code, slugs in rows for slug in re.findall(r"`(\w+)`", slugs)}
    assert {slug: code_of(refusal(slug)).name for slug in told} == told
    assert set(BY_SLUG) - set(told) <= {"invalid_name", "no_connection"}
    # Whatever an order, a read or a stream can be refused with is there.
    elsewhere = {
        *("unauthenticated", "unknown_path", "unknown_asset", "unknown_group", "unknown_event", "unknown_outcome"),
        *("not_subscribed", "method_not_allowed", "upgrade_required", "duplicate_transfer", "already_exists"),
        *("no_connection", "profile_running", "already_settled", "already_subscribed", "unsupported_media_type"),
        *("headers_too_large", "already_logged_on"),
    }
    assert set(PROBLEMS) - set(told) == elsewhere


def test_every_method_is_on_the_page() -> None:
    for service in pb.DESCRIPTOR.services_by_name.values():
        assert f"`{service.name}`" in PAGE
        for method in service.methods:
            assert f"`{method.name}`" in PAGE


def test_the_limits_that_the_page_names_are_the_defaults() -> None:
    options, page = GrpcOptions(), PAGE.replace("\n", " ")
    for text in (
        f"opens port {options.port}",
        f"ends within {RECHECK_S:g} seconds",
        f"With {options.requests:,} that are not answered",
        f"more than {options.queue_messages:,} messages or {options.queue_bytes >> 20} MiB",
        f"buffer of {options.buffer_bytes >> 10} KiB, or {options.slow_timeout_s:g} seconds of slowness",
        f"{options.max_message_bytes >> 20} MiB (`max_message_bytes`)",
        f"{options.streams} (`streams`)",
        f"{options.calls:,} (`calls`)",
        f"{options.handshake_timeout_s:g} s (`handshake_timeout_s`)",
        f"tells up to {MOST_WATCHERS} clients",
        f"{options.connections:,} (`connections`)",
        f"{options.idle_timeout_s:g} s (`idle_timeout_s`)",
        f"until {options.session_idle_s:g} seconds behind the last",
        f"asked every {options.keepalive_s:g} seconds",
    ):
        assert text in page, text


def test_the_program_of_the_page_trades(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python no-run\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"`python (-m grpc_tools\.protoc [^`]*)`", PAGE)
    program = tmp_path / "program"
    program.mkdir()
    (program / "trader.py").write_text(code)
    arguments = command.replace("=api/grpc", f"={ROOT / 'api' / 'grpc'}").split()
    subprocess.run([sys.executable, *arguments], cwd=program, check=True, timeout=60)
    said: list[str] = []

    async def test(venue: GrpcVenue) -> None:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "trader.py", venue.address],
            cwd=program,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        said.extend(done.stdout.splitlines())

    play(tmp_path, test)
    begun, entered, refused, *replies, filled = said
    assert re.fullmatch(r"from \[\d+, \d+\]", begun)
    assert re.fullmatch(r"\d+ ORDER_STATUS_OPEN", entered)
    assert refused == "NOT_FOUND unknown_instrument"
    assert sorted(replies) == [f"{number} ORDER_STATUS_FILLED" for number in range(1, 4)]
    assert filled == "filled 0.300"
