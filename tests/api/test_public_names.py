"""What the package exports, and that code, stub and documentation say the same about it."""

import ast
import doctest
import enum
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aeromatch
from aeromatch import _core
from aeromatch.market import records

PUBLIC = [
    "AeroMatchError",
    "Asset",
    "AsyncEventStream",
    "AsyncExchange",
    "Balance",
    "BookView",
    "CLIENT_ID_DTYPE",
    "COMMAND_DTYPE",
    "CancelReason",
    "Commands",
    "CreatedKind",
    "Depth",
    "EVENT_DTYPE",
    "Event",
    "EventKind",
    "EventMarket",
    "EventStream",
    "Events",
    "Exchange",
    "Indicative",
    "Instrument",
    "JournalError",
    "LEVEL_CHANGE_DTYPE",
    "Level",
    "LevelChange",
    "Matching",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderType",
    "Phase",
    "Position",
    "Receipt",
    "RecordError",
    "Recovery",
    "RejectReason",
    "Report",
    "SelfTradePrevention",
    "SettlementMode",
    "ShardCounters",
    "Shards",
    "Side",
    "SnapshotError",
    "SnapshotInfo",
    "Statistics",
    "StreamLagged",
    "TERMS_DTYPE",
    "TimeInForce",
    "Trade",
    "UnknownNameError",
    "__version__",
    "commands",
]

WORDS = {
    "Side": "buy sell",
    "OrderType": "limit market stop stop_limit trailing_stop trailing_stop_limit",
    "TimeInForce": "gtc day gtd ioc fok aon",
    "SelfTradePrevention": "none cancel_newest cancel_oldest cancel_both decrement",
    "Phase": "continuous pre_open auction halted closed",
    "OrderStatus": "dormant open partially_filled filled canceled rejected",
    "EventKind": "accepted rejected repriced triggered trade replenished decremented canceled amended phase created "
    "funds settled",
    "RejectReason": "unknown_instrument unknown_account invalid_quantity invalid_price invalid_time "
    "invalid_client_order_id invalid_combination not_allowed_in_phase unknown_order expired price_out_of_band "
    "duplicate_client_order_id insufficient_funds post_only_would_take already_exists unknown_asset unknown_group "
    "unknown_event unknown_outcome already_settled duplicate_transfer invalid_name capacity",
    "CancelReason": "requested mass_cancel amended no_liquidity immediate_or_cancel fill_or_kill minimum_quantity "
    "self_trade expired session_closed price_out_of_band halted settled",
    "Matching": "fifo pro_rata fifo_pro_rata",
    "CommandKind": "new cancel amend mass_cancel phase advance_time",
    "AdminKind": "create_asset create_group create_account create_instrument create_event deposit withdraw transfer "
    "mint redeem settle partition place",
    "CreatedKind": "asset group account instrument event",
    "SettlementMode": "full scalar void",
}

STUB = Path(aeromatch.__file__).with_name("_core.pyi")


def test_the_public_names_are_locked() -> None:
    assert sorted(aeromatch.__all__) == PUBLIC
    modules = {"aio", "market", "replay", "cli", "bench", "analytics", "lab", "stores"}
    modules |= {"schema", "client", "gateways", "server"}
    shown = {name for name in vars(aeromatch) if not name.startswith("_")} - modules
    assert shown == set(PUBLIC) - {"__version__"}


def test_every_public_thing_says_that_it_lives_in_the_package() -> None:
    for name in PUBLIC:
        thing = getattr(aeromatch, name)
        if inspect.isclass(thing):
            assert thing.__module__.split(".")[0] == "aeromatch"
            assert thing.__doc__


@pytest.mark.parametrize("name", WORDS)
def test_enums_are_str_enums_equal_to_their_slugs(name: str) -> None:
    words = WORDS[name].split()
    kind: type[enum.StrEnum] = getattr(_core, name)
    assert [str(member) for member in kind] == words
    assert list(_core.CODES[name]) == words
    for member in kind:
        assert member == str(member)
        assert member is kind(str(member)) is kind[member.upper()]
        assert pickle.loads(pickle.dumps(member)) is member if hasattr(aeromatch, name) else True


def test_dtypes_are_slots() -> None:
    for dtype in (aeromatch.COMMAND_DTYPE, aeromatch.EVENT_DTYPE, aeromatch.TERMS_DTYPE, aeromatch.CLIENT_ID_DTYPE):
        assert dtype.itemsize == records.SLOT_BYTES
        # No padding: the fields alone fill the slot.
        assert sum(np.dtype(dtype[name]).itemsize for name in dtype.names or ()) == records.SLOT_BYTES
    assert aeromatch.LEVEL_CHANGE_DTYPE.itemsize == 32


def documented(body: list[ast.stmt], owner: Any) -> list[tuple[str, str | None, str | None]]:
    """Name, docstring in the stub and docstring of the extension of everything that the stub documents."""
    found: list[tuple[str, str | None, str | None]] = []
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or not hasattr(owner, node.name):
            continue
        thing = getattr(owner, node.name)
        written = ast.get_docstring(node)
        if not node.name.startswith("__"):
            found.append((f"{getattr(owner, '__name__', '')}.{node.name}", written, inspect.getdoc(thing)))
        if isinstance(node, ast.ClassDef):
            found += documented(node.body, thing)
    return found


def test_the_stub_and_the_extension_document_the_same() -> None:
    entries = documented(ast.parse(STUB.read_text()).body, _core)
    assert len(entries) > 150
    assert [name for name, stub, native in entries if not stub or stub != native] == []


def test_an_order_book_is_a_view_that_takes_commands() -> None:
    assert issubclass(aeromatch.OrderBook, aeromatch.BookView)
    assert not hasattr(aeromatch.BookView, "submit")


@pytest.mark.parametrize("method", ["submit", "cancel", "amend", "mass_cancel", "set_phase", "advance_time"])
def test_an_exchange_takes_the_arguments_of_a_book(method: str) -> None:
    book = inspect.signature(getattr(aeromatch.OrderBook, method)).parameters
    exchange = inspect.signature(getattr(aeromatch.Exchange, method)).parameters
    assert {name: entry.default for name, entry in book.items()}.items() <= {
        name: entry.default for name, entry in exchange.items()
    }.items()
    assert set(exchange) - set(book) == {"symbol"} | ({"budget"} if method == "submit" else set())


def test_help_shows_signature_and_documentation() -> None:
    signature = inspect.signature(aeromatch.OrderBook.submit)
    assert list(signature.parameters)[:4] == ["self", "side", "quantity", "price"]
    assert signature.parameters["time_in_force"].default == "gtc"
    documentation = inspect.getdoc(aeromatch.OrderBook.submit) or ""
    for name in list(signature.parameters)[1:]:
        assert f"    {name}: " in documentation
    assert "Raises:" in documentation
    assert "Returns:" in documentation


def test_the_example_of_the_package_is_true() -> None:
    outcome = doctest.testmod(aeromatch)
    assert outcome.attempted >= 5
    assert outcome.failed == 0


def test_exceptions_form_one_tree() -> None:
    assert issubclass(aeromatch.RecordError, aeromatch.AeroMatchError)
    assert issubclass(aeromatch.SnapshotError, aeromatch.AeroMatchError)
    assert issubclass(aeromatch.JournalError, aeromatch.AeroMatchError)
    assert issubclass(aeromatch.UnknownNameError, aeromatch.AeroMatchError)
    assert issubclass(aeromatch.StreamLagged, aeromatch.AeroMatchError)
    assert issubclass(aeromatch.UnknownNameError, LookupError)
    assert issubclass(aeromatch.RecordError, ValueError)
    assert issubclass(aeromatch.SnapshotError, ValueError)
