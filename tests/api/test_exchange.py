"""`Exchange` in memory: its locked methods, exact amounts, names that are not there, views that stay live."""

import copy
import threading
from decimal import Decimal
from typing import Any

import pytest

from aeromatch import (
    AeroMatchError,
    BookView,
    Commands,
    Exchange,
    Instrument,
    OrderBook,
    RecordError,
    RejectReason,
    Side,
    SnapshotError,
    UnknownNameError,
    commands,
)

BTC: dict[str, Any] = {"tick_size": "0.01", "lot_size": "0.001", "base": "BTC", "quote": "USD", "settlement": True}


def funded(**settings: Any) -> Any:
    """A spot market in which alice has money and bob has coins."""
    ex: Any = Exchange()
    assert ex.create_instrument(Instrument("BTC-USD", **(BTC | settings))).accepted
    for account, asset, amount in (("alice", "USD", "1000"), ("bob", "BTC", "5")):
        assert ex.create_account(account).accepted
        assert ex.deposit(account, asset, amount).accepted
    return ex


def test_the_methods_of_an_exchange_are_locked() -> None:
    shown = {name for name in dir(Exchange) if not name.startswith("_")}
    orders = {"submit", "cancel", "amend", "mass_cancel", "set_phase", "advance_time", "process"}
    made = {"create_asset", "create_group", "create_account", "create_instrument", "create_event"}
    moved = {"deposit", "withdraw", "transfer", "mint", "redeem", "settle", "void"}
    read = {"balance", "balances", "positions", "book", "instruments", "accounts", "groups", "assets", "events"}
    read |= {"account_number", "account_name", "instrument_number", "sequence", "now", "memory_bytes", "digest"}
    kept = {"open", "close", "compact", "snapshot", "restore", "durability", "durable_sequence", "recovery"}
    sharded = {"shards", "stream", "port", "counters", "sequences", "durable_sequences", "recoveries"}
    assert shown == orders | made | moved | read | kept | sharded


def test_what_the_interface_promises_works_as_it_is_written(tmp_path: Any) -> None:
    for ex in (Exchange(), Exchange.open(tmp_path / "data", durability="disk")):
        ex.create_instrument(Instrument("BTC-USD", **BTC))
        ex.create_account("alice")
        ex.deposit("alice", "USD", "1000")
        r = ex.submit("BTC-USD", Side.BUY, quantity="0.5", price="100", account="alice")
        assert r.status == "open"
        assert r.order_id is not None
        assert ex.balance("alice", "USD").available == Decimal(950)
        assert ex.balance("alice", "USD").held == Decimal(50)
        assert ex.book("BTC-USD").depth(10).bids[0].quantity == Decimal("0.5")
        order = ex.book("BTC-USD").order(r.order_id)
        assert order is not None
        assert order.remaining_quantity == Decimal("0.5")
        assert ex.amend("BTC-USD", r.order_id, quantity="0.25").status == "open"
        assert ex.cancel("BTC-USD", r.order_id).status == "canceled"
        batch = commands(
            side="sell", price_ticks=5, quantity_lots=1, instrument=ex.instrument_number("BTC-USD"), account=99
        )
        assert [str(event.kind) for event in ex.process(batch)] == ["rejected"]
        assert ex.positions("alice") == ()
        ex.create_event("rain-tomorrow", outcomes=["yes", "no"], currency="USD")
        assert ex.mint("rain-tomorrow", "alice", 3).accepted
        assert ex.redeem("rain-tomorrow", "alice", 1).accepted
        assert ex.settle("rain-tomorrow", outcome="yes").accepted
        assert ex.balance("alice", "USD").available == Decimal(1000)
        assert len(ex.digest()) == 64
        assert ex.snapshot()
        ex.close()
    with Exchange.open(tmp_path / "data", durability="disk") as ex:
        assert ex.balance("alice", "USD").available == Decimal(1000)


def test_R30_buys_hold_money_and_sales_hold_what_they_sell() -> None:
    ex = funded(maker_fee_bps=-2, taker_fee_bps=10)
    sale = ex.submit("BTC-USD", "sell", quantity=2, price=100, account="bob")
    assert (ex.balance("bob", "BTC").available, ex.balance("bob", "BTC").held) == (3, 2)
    buy = ex.submit("BTC-USD", "buy", quantity=3, price=101, account="alice")
    assert (sale.status, buy.status, buy.average_price) == ("open", "partially_filled", 100)
    # 200 for two coins and 0.2 of fees are gone; 101 and the worst fee are held for the third.
    assert ex.balance("alice", "USD").held == Decimal("101.101")
    assert ex.balance("alice", "USD").available == 1000 - Decimal("200.2") - Decimal("101.101")
    assert ex.balance("bob", "USD").total == Decimal("200.04")
    assert ex.balance("fees", "USD").available == Decimal("0.16")
    (position,) = ex.positions("alice")
    assert (position.symbol, position.account, position.quantity) == ("BTC-USD", "alice", 2)
    assert (position.bought_quantity, position.bought_notional, position.fees) == (2, 200, Decimal("0.2"))
    (other,) = ex.positions("bob")
    assert (other.sold_quantity, other.sold_notional, other.fees) == (2, 200, Decimal("-0.04"))
    assert [(b.account, b.asset, b.group, b.total) for b in ex.balances("bob")] == [
        ("bob", "BTC", "main", 3),
        ("bob", "USD", "main", Decimal("200.04")),
    ]
    assert ex.submit("BTC-USD", "buy", quantity=100, price=100, account="alice").reject_reason == "insufficient_funds"


def test_R30_a_market_buy_needs_a_bound() -> None:
    ex = funded()
    ex.submit("BTC-USD", "sell", quantity=5, price=100, account="bob")
    options: dict[str, Any] = {"order_type": "market", "account": "alice"}
    assert ex.submit("BTC-USD", "buy", quantity=1, **options).reject_reason == "invalid_combination"
    assert ex.submit("BTC-USD", "buy", quantity=1, protection_price=100, **options).status == "filled"
    assert ex.submit("BTC-USD", "buy", quantity=1, budget="100", **options).status == "filled"
    too_small = ex.submit("BTC-USD", "buy", quantity=1, budget="99.99", **options)
    assert (too_small.status, too_small.filled_quantity) == ("canceled", 0)
    # What it affords for the whole quantity: the ask costs 100 a coin, three for 250 are 83 each.
    assert ex.submit("BTC-USD", "buy", quantity=3, budget=250, **options).filled_quantity == 0
    assert ex.submit("BTC-USD", "buy", quantity=1, budget=2, **options).status == "canceled"
    # Finer than the money is, negative, or of an order that has none: refused, not rounded.
    for budget in ("100.000000001", -1, "1e30"):
        assert ex.submit("BTC-USD", "buy", quantity=1, budget=budget, **options).reject_reason == "invalid_price"
    assert ex.submit("BTC-USD", "sell", quantity=1, budget=5, **options).reject_reason == "invalid_combination"
    with pytest.raises(ValueError, match="budget and protection_price exclude one another"):
        ex.submit("BTC-USD", "buy", quantity=1, budget=1, protection_price=1, **options)


def test_R1_amounts_are_exact_or_refused() -> None:
    ex = funded()
    for amount in ("0.00000001", Decimal("0.1"), 0.1, 7, "1e2"):
        assert ex.deposit("alice", "USD", amount).accepted
    assert ex.balance("alice", "USD").available == Decimal("1107.20000001")
    for amount in ("0.000000001", 0, -1, "nan", "1e40", float("inf")):
        assert ex.deposit("alice", "USD", amount).reject_reason is RejectReason.INVALID_QUANTITY
        assert ex.withdraw("alice", "USD", amount).reject_reason is RejectReason.INVALID_QUANTITY
    large = 10**18 * 10**2
    assert ex.deposit("alice", "USD", large).accepted
    assert ex.balance("alice", "USD").available == Decimal(f"{large + 1107}.20000001")
    with pytest.raises(ValueError, match='amount is no decimal number: "ten"'):
        ex.deposit("alice", "USD", "ten")
    with pytest.raises(TypeError, match="amount must be a Decimal, str, int or float, not bool"):
        ex.deposit("alice", "USD", True)


def test_assets_get_the_decimals_that_the_grid_needs() -> None:
    ex: Any = Exchange()
    fine = Instrument("A", tick_size="1e-9", lot_size="0.01", base="A", quote="Q", settlement=True)
    assert [str(name) for _, name in ex.create_instrument(fine).created] == ["A", "Q", "main", "fees", "A"]
    assert [(asset.name, asset.decimals) for asset in ex.assets()] == [("A", 8), ("Q", 11)]
    # Its own decimals are taken from an asset that is there; where they cannot express the grid, it is refused.
    assert ex.create_asset("JPY", 0).accepted
    assert ex.create_instrument(Instrument("B", base="B", quote="JPY", settlement=True)).accepted
    cents = Instrument("C", tick_size="0.01", base="C", quote="JPY", settlement=True)
    assert ex.create_instrument(cents).reject_reason == "invalid_quantity"
    other = Instrument("D", base="D", quote="JPY", settlement=True, quote_decimals=2)
    assert ex.create_instrument(other).reject_reason == "invalid_quantity"
    assert ex.create_instrument(Instrument("E", base="E", quote="X", settlement=True, base_decimals=0)).accepted
    assert [asset.decimals for asset in ex.assets() if asset.name in "EX"] == [0, 8]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"settlement": True}, "settlement=True needs base"),
        ({"settlement": True, "base": "A"}, "settlement=True needs quote"),
        ({"settlement": True, "base": "A", "quote": "A"}, "base and quote must be two assets"),
        ({"base": "A"}, "base needs settlement=True"),
        ({"taker_fee_bps": 1}, "taker_fee_bps needs settlement=True"),
        ({**BTC, "maker_fee_bps": 10_001}, "maker_fee_bps must be in -10000 .. 10000, not 10001"),
        ({**BTC, "maker_fee_bps": -2, "taker_fee_bps": 1}, "must not sum to less than 0"),
        ({**BTC, "base_decimals": 2}, "base_decimals=2 cannot express lot_size 0.001"),
        ({**BTC, "quote_decimals": 4}, "quote_decimals=4 cannot express tick_size times lot_size 0.00001"),
        ({**BTC, "quote_decimals": 19}, "quote_decimals must be in 0 .. 18, not 19"),
        ({**BTC, "tick_size": "1e-17"}, "tick_size times lot_size"),
    ],
)
def test_settlements_that_cannot_be_are_errors(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Instrument("X", **settings)
    wrong: Any = 1
    with pytest.raises(TypeError, match="settlement must be a bool, not int"):
        Instrument("X", settlement=wrong)


def test_instruments_with_settlement_are_values() -> None:
    one = Instrument("BTC-USD", **BTC, group="spot", fee_account="house", maker_fee_bps=-1, taker_fee_bps=5)
    assert eval(repr(one), {"Instrument": Instrument}) == one
    assert copy.deepcopy(one) == one
    assert (one.base, one.quote, one.group, one.fee_account) == ("BTC", "USD", "spot", "house")
    assert (one.settlement, one.maker_fee_bps, one.taker_fee_bps, one.base_decimals) == (True, -1, 5, None)
    assert one != Instrument("BTC-USD", **BTC)
    plain = Instrument("X")
    assert (plain.settlement, plain.base, plain.group, plain.taker_fee_bps) == (False, None, None, None)
    with pytest.raises(ValueError, match="instrument: its settlement needs the accounts of an Exchange"):
        OrderBook(one)


def test_commands_that_name_what_is_not_there_are_rejected() -> None:
    ex = funded()
    before = ex.sequence
    order: dict[str, Any] = {"quantity": 1, "price": 1}
    assert ex.submit("ETH-USD", "buy", **order, account="alice").reject_reason == "unknown_instrument"
    assert ex.submit("BTC-USD", "buy", **order, account="carol").reject_reason == "unknown_account"
    assert ex.submit("BTC-USD", "buy", **order).reject_reason == "unknown_account"
    assert ex.cancel("ETH-USD", 1).reject_reason == "unknown_instrument"
    assert ex.cancel("BTC-USD", 1, account="carol").reject_reason == "unknown_account"
    assert ex.amend("BTC-USD", 1, quantity=1).reject_reason == "unknown_order"
    assert ex.mass_cancel(account="carol").reject_reason == "unknown_account"
    assert ex.mass_cancel(symbol="ETH-USD").reject_reason == "unknown_instrument"
    assert ex.set_phase("ETH-USD", "halted").reject_reason == "unknown_instrument"
    assert ex.deposit("carol", "USD", 1).reject_reason == "unknown_account"
    assert ex.deposit("alice", "EUR", 1).reject_reason == "unknown_asset"
    assert ex.deposit("alice", "USD", 1, group="other").reject_reason == "unknown_group"
    assert ex.mint("snow", "alice", 1).reject_reason == "unknown_event"
    assert ex.settle("snow", outcome="yes").reject_reason == "unknown_event"
    assert ex.void("snow", price="0.5").reject_reason == "unknown_event"
    assert ex.create_account("alice").reject_reason == "already_exists"
    assert ex.create_asset("USD").reject_reason == "already_exists"
    assert ex.create_group("main").reject_reason == "already_exists"
    assert ex.create_instrument(Instrument("BTC-USD", **BTC)).reject_reason == "already_exists"
    assert ex.create_account(" padded").reject_reason == "invalid_name"
    # Refusals are commands of the log, and change nothing else.
    assert ex.sequence == before + 20
    assert ex.accounts() == ("fees", "alice", "bob")


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("account", lambda ex: ex.balance("carol", "USD")),
        ("account", lambda ex: ex.balance(99, "USD")),
        ("asset", lambda ex: ex.balance("alice", "EUR")),
        ("group", lambda ex: ex.balance("alice", "USD", "other")),
        ("account", lambda ex: ex.balances("carol")),
        ("account", lambda ex: ex.positions("carol")),
        ("symbol", lambda ex: ex.book("ETH-USD")),
        ("symbol", lambda ex: ex.instrument_number("ETH-USD")),
        ("name", lambda ex: ex.account_number("carol")),
        ("account", lambda ex: ex.book("BTC-USD").orders(account="carol")),
        ("account", lambda ex: ex.book("BTC-USD").order(client_order_id="a", account="carol")),
    ],
)
def test_reads_of_what_is_not_there_raise(argument: str, read: Any) -> None:
    with pytest.raises(UnknownNameError, match=f"^{argument}: there is no ") as caught:
        read(funded())
    assert caught.value.argument == argument
    assert isinstance(caught.value, LookupError)


def test_an_unknown_number_is_no_name() -> None:
    with pytest.raises(UnknownNameError, match=r"^account: there is no number 99$") as caught:
        funded().balance(99, "USD")
    assert caught.value.name == "99"
    with pytest.raises(UnknownNameError, match=r"^account: there is no '99'$"):
        funded().balance("99", "USD")


def test_balances_and_positions_as_dicts() -> None:
    ex = funded()
    ex.submit("BTC-USD", "sell", quantity=2, price=100, account="bob")
    ex.submit("BTC-USD", "buy", quantity=1, price=100, account="alice")
    for thing in (ex.balance("bob", "BTC"), *ex.positions("alice")):
        shown = {name for name in dir(thing) if not name.startswith("_")} - {"as_dict"}
        assert thing.as_dict() == {name: getattr(thing, name) for name in shown}
    assert list(ex.balance("bob", "BTC").as_dict().items()) == [
        ("account", "bob"),
        ("asset", "BTC"),
        ("group", "main"),
        ("available", 3),
        ("held", 1),
        ("total", 4),
    ]
    (bought,) = ex.positions("alice")
    assert list(bought.as_dict())[:2] == ["account", "symbol"]
    assert (bought.as_dict()["bought_quantity"], bought.as_dict()["bought_notional"]) == (1, 100)


def test_withdrawals_take_what_is_available_and_nothing_that_is_held() -> None:
    ex = funded()
    ex.submit("BTC-USD", "buy", quantity=9, price=100, account="alice")
    assert ex.withdraw("alice", "USD", "100.00000001").reject_reason == "insufficient_funds"
    assert ex.withdraw("alice", "USD", "100").accepted
    assert (ex.balance("alice", "USD").available, ex.balance("alice", "USD").held) == (0, 900)
    assert ex.mass_cancel(account="alice").accepted
    assert ex.withdraw("alice", "USD", 900).accepted
    assert ex.balances("alice") == ()


def test_R30_transfers_happen_once_for_each_id() -> None:
    ex = funded()
    assert ex.create_group("margin").accepted
    arguments: dict[str, Any] = {"source": "main", "target": "margin", "id": "t-1"}
    assert ex.transfer("alice", "USD", 400, **arguments).accepted
    assert ex.transfer("alice", "USD", 400, **arguments).reject_reason == "duplicate_transfer"
    assert ex.deposit("alice", "USD", 1, id="t-1").reject_reason == "duplicate_transfer"
    assert ex.deposit("bob", "USD", 1, id="t-1").accepted
    assert ex.withdraw("alice", "USD", 400, id="t-1", group="margin").accepted  # D57: the group's own ids
    assert ex.deposit("alice", "USD", 400, group="margin").accepted
    assert ex.balance("alice", "USD", "margin").available == 400
    assert ex.transfer("alice", "USD", 1, source="main", target="main", id="t-2").reject_reason == "invalid_combination"
    assert ex.transfer("alice", "USD", 1, source="main", target="nowhere", id="t-2").reject_reason == "unknown_group"
    assert (
        ex.transfer("alice", "USD", 601, source="main", target="margin", id="t-2").reject_reason == "insufficient_funds"
    )
    for long in ("x" * 37, "x" * 64, "é" * 40):
        too_long = ex.transfer("alice", "USD", 1, source="main", target="margin", id=long)
        assert too_long.reject_reason == "invalid_name"
    assert ex.deposit("alice", "USD", 1, id="x" * 36).accepted
    for move in (ex.deposit, ex.withdraw):
        with pytest.raises(ValueError, match="id must have 1 to 36 bytes in UTF-8, not 0"):
            move("alice", "USD", 1, id="")


def test_receipts_say_what_was_made_and_what_accounts_have() -> None:
    ex: Any = Exchange()
    made = ex.create_instrument(Instrument("BTC-USD", **BTC), tag=7)
    assert [(str(what), name) for what, name in made.created] == [
        ("asset", "BTC"),
        ("asset", "USD"),
        ("group", "main"),
        ("account", "fees"),
        ("instrument", "BTC-USD"),
    ]
    assert (made.status, made.accepted, made.reject_reason, made.sequence) == ("accepted", True, None, 1)
    assert made.events[0].tag == 7
    assert [(str(event.created), event.name) for event in made.events[1:]] == [(str(w), n) for w, n in made.created]
    ex.create_account("alice")
    paid = ex.deposit("alice", "USD", "2.5", timestamp=11)
    funds = paid.events[-1]
    assert (funds.kind, funds.account, funds.asset, funds.group) == ("funds", "alice", "USD", "main")
    assert (funds.available, funds.held, funds.order_id) == (Decimal("2.5"), 0, None)
    assert (paid.timestamp, ex.now) == (11, 11)
    again = ex.create_account("alice")
    assert (again.status, again.reject_reason, again.created) == ("rejected", RejectReason.ALREADY_EXISTS, [])
    assert "available=2.50000000, held=0.00000000" in repr(funds)
    assert repr(again) == "Receipt(create_account status='rejected', reject_reason='already_exists', events=1)"
    assert copy.copy(paid) == paid


def test_views_are_live_and_read_only() -> None:
    ex = funded()
    book: Any = ex.book("BTC-USD")
    assert [type(book), issubclass(OrderBook, BookView)] == [BookView, True]
    assert (len(book), book.best_bid, book.last_trade_price) == (0, None, None)
    ex.submit("BTC-USD", "buy", quantity=1, price=99, account="alice", client_order_id="a")
    ex.submit("BTC-USD", "sell", quantity=1, price=101, account="bob")
    assert len(book) == 2
    assert (book.best_bid, book.best_ask, book.spread, book.mid_price) == (99, 101, 2, 100)
    assert [order.account for order in book.orders()] == ["alice", "bob"]
    assert [order.price for order in book.orders(account="bob")] == [101]
    order = book.order(client_order_id="a", account="alice")
    assert order is not None
    assert order.client_order_id == "a"
    level = book.level("buy", 99)
    assert level is not None
    assert level.order_count == 1
    assert (book.instrument.symbol, book.instrument.number, book.instrument.base_decimals) == ("BTC-USD", 1, 8)
    assert book.statistics.orders_accepted == 2
    assert book.indicative().price is None
    assert (book.phase, book.index, book.halt_end, book.stops()) == ("continuous", "ladder", None, [])
    ex.set_phase("BTC-USD", "halted")
    assert book.phase == "halted"
    assert repr(book).startswith("BookView(Instrument('BTC-USD'")
    del ex
    assert len(book) == 2


def test_time_of_all_and_of_one() -> None:
    ex: Any = Exchange()
    for symbol in ("A", "B"):
        ex.create_instrument(Instrument(symbol))
        ex.submit(symbol, "buy", quantity=1, price=1, time_in_force="gtd", expire_at=100)
    one = ex.advance_time(150, "A")
    assert [str(event.kind) for event in one.events] == ["canceled", "accepted"]
    assert (len(ex.book("A")), len(ex.book("B"))) == (0, 1)
    every = ex.advance_time(150)
    assert [(str(event.kind), event.instrument) for event in every.events][:1] == [("canceled", 2)]
    assert (every.status, every.accepted, ex.now) == (None, True, 150)


def test_R24_mass_cancel_over_all_instruments() -> None:
    ex: Any = Exchange()
    for account in ("alice", "bob"):
        ex.create_account(account)
    for symbol in ("A", "B"):
        ex.create_instrument(Instrument(symbol, tick_size="0.5"))
        for account in ("alice", "bob"):
            ex.submit(symbol, "buy", quantity=2, price=1, account=account)
    report = ex.mass_cancel(account="alice")
    assert [(str(e.kind), e.instrument, e.price) for e in report.events if e.kind == "canceled"] == [
        ("canceled", 1, 1),
        ("canceled", 2, 1),
    ]
    assert [(c.instrument, str(c.side), c.price, c.quantity) for c in report.level_changes] == [
        (1, "buy", 1, 2),
        (2, "buy", 1, 2),
    ]
    assert ex.mass_cancel(symbol="A", side="sell").level_changes == []
    assert len(ex.mass_cancel(symbol="A").level_changes) == 1
    assert (len(ex.book("A")), len(ex.book("B"))) == (0, 1)


def test_batches_of_every_kind_and_their_events() -> None:
    ex = funded()
    symbol, alice = ex.instrument_number("BTC-USD"), ex.account_number("alice")
    batch = commands(side=["buy", "buy"], price_ticks=[100, 101], quantity_lots=5, instrument=symbol, account=alice)
    events = ex.process(batch)
    assert [str(event.kind) for event in events] == ["accepted", "funds", "accepted", "funds"]
    assert (events[0].price, events[0].account, events[1].asset) == (1, "alice", "USD")
    assert events.commands == 2
    assert len(ex.book("BTC-USD")) == 2
    assert ex.account_name(alice) == "alice"
    assert ex.account_name(77) is None
    wrong = bytearray(batch.slots.tobytes())
    wrong[64] = 99
    with pytest.raises(RecordError, match="slot 1") as caught:
        ex.process(bytes(wrong))
    assert (caught.value.slot, len(ex.book("BTC-USD"))) == (1, 2)
    assert len(ex.process(b"")) == 0


def test_slots_of_commands_to_the_exchange_itself() -> None:
    # docs/records.md: create_account, one text.
    create = bytearray(128)
    create[0:8] = bytes([18, 1, 32, 255, 0, 0, 1, 0])
    create[64:70] = b"\x05carol"
    ex: Any = Exchange()
    batch = Commands(bytes(create))
    assert len(batch) == 1
    events = ex.process(batch)
    assert [(str(event.kind), event.name) for event in events] == [("accepted", None), ("created", "carol")]
    assert list(events.columns()["reason"]) == ["", "account"]
    assert ex.accounts() == ("carol",)
    assert ex.submit("X", "buy", quantity=1, price=1, account="carol").reject_reason == "unknown_instrument"
    with pytest.raises(ValueError, match="extension slots are missing"):
        Commands(bytes(create[:64]))


def test_snapshots_hold_the_whole_exchange() -> None:
    ex = funded(taker_fee_bps=10)
    ex.submit("BTC-USD", "sell", quantity=2, price=100, account="bob")
    ex.submit("BTC-USD", "buy", quantity=1, price=100, account="alice")
    ex.create_event("rain", outcomes=["yes", "no"], currency="USD")
    other = Exchange.restore(ex.snapshot())
    for one in (ex, other):
        one.mint("rain", "alice", 5)
        one.submit("rain/no", "sell", quantity=2, price="0.3", account="alice")
    assert other.digest() == ex.digest()
    assert other.snapshot() == ex.snapshot()
    assert (other.accounts(), other.groups(), other.assets()) == (ex.accounts(), ex.groups(), ex.assets())
    assert (other.instruments(), other.events()) == (ex.instruments(), ex.events())
    assert (other.positions("alice"), other.balances("alice")) == (ex.positions("alice"), ex.balances("alice"))
    damaged = bytearray(ex.snapshot())
    damaged[len(damaged) // 2] ^= 1
    for bad in (bytes(damaged), b"", ex.snapshot()[:-1], b"AEROSNAP"):
        with pytest.raises(SnapshotError):
            Exchange.restore(bad)
    text: Any = "text"
    with pytest.raises(TypeError, match="blob must be"):
        Exchange.restore(text)


def test_in_memory_there_is_no_journal_and_close_ends_it() -> None:
    with funded() as ex:
        book = ex.book("BTC-USD")
        assert (ex.durability, ex.recovery, ex.durable_sequence) == (None, None, None)
        with pytest.raises(AeroMatchError, match="in memory: it has no journal"):
            ex.compact()
    ex.close()
    assert repr(ex) == "Exchange(instruments=1, accounts=3, closed=True)"
    for use in (lambda: ex.create_account("x"), ex.digest, lambda: book.best_bid, lambda: ex.process(b"\0" * 64)):
        with pytest.raises(AeroMatchError):
            use()


def test_a_second_thread_is_refused() -> None:
    ex: Any = Exchange()
    ex.create_instrument(Instrument("A"))
    batch = commands(side="buy", price_ticks=1, quantity_lots=1, instrument=[1] * 400_000)
    started = threading.Event()
    problems: list[str] = []

    def use() -> None:
        started.wait()
        while not problems and worker.is_alive():
            try:
                ex.submit("A", "sell", quantity=1, price=5)
            except AeroMatchError as error:
                problems.append(str(error))

    def work() -> None:
        started.set()
        ex.process(batch)

    worker, other = threading.Thread(target=work), threading.Thread(target=use)
    other.start()
    worker.start()
    worker.join()
    other.join()
    assert problems == ["this Exchange is in use by another thread; let them take turns, with a lock"]
    assert len(ex.book("A")) >= 400_000


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda ex: ex.submit(1, "buy", quantity=1, price=1), "symbol must be a str, not int"),
        (lambda ex: ex.submit("A", "up", quantity=1, price=1), "side must be one of"),
        (lambda ex: ex.book(None), "symbol must be a str, not NoneType"),
        (lambda ex: ex.balance(1.5, "USD"), "account must be a str"),
        (lambda ex: ex.balance("alice", 5), "asset must be a str, not int"),
        (lambda ex: ex.create_instrument("A"), "instrument must be an Instrument, not str"),
        (lambda ex: ex.create_instrument(Instrument("A"), index="tree"), "index must be one of"),
        (lambda ex: ex.create_instrument(Instrument("A" * 64)), "symbol must have 1 to 63 bytes in UTF-8, not 64"),
        (lambda ex: ex.create_account(""), "name must have 1 to 63 bytes in UTF-8, not 0"),
        (lambda ex: ex.create_asset("A", 19), "decimals must be in 0 .. 18, not 19"),
        (
            lambda ex: ex.create_event("e", outcomes="yes", currency="A"),
            "outcomes must be a sequence of str, not one str",
        ),
        (lambda ex: ex.create_event("e", outcomes=5, currency="A"), "outcomes must be a sequence of str, not int"),
        (
            lambda ex: ex.create_event("e", outcomes={"yes", "no"}, currency="A"),
            "outcomes must be a sequence of str, not set: a set has no order",
        ),
        (lambda ex: ex.create_event("e", outcomes=frozenset("ab"), currency="A"), "not frozenset: a set has no order"),
        (
            lambda ex: ex.create_event("e", outcomes=["a", None], currency="A"),
            r"outcomes\[1\] must be a str, not NoneType",
        ),
        (lambda ex: ex.create_event("e", outcomes=["", "b"], currency="A"), r"outcomes\[0\] must have 1 to 63 bytes"),
        (lambda ex: ex.deposit("", "USD", 1), "^account must not be empty$"),
        (lambda ex: ex.balance("", "USD"), "^account must not be empty$"),
        (lambda ex: ex.mass_cancel("alice"), "positional argument"),
        (lambda ex: ex.create_event("e", outcomes=["a"], currency="A"), "outcomes must be 2 to 15 names, not 1"),
        (
            lambda ex: ex.create_event("e", outcomes=["a", "b"], currency="A", tick_size="0.03"),
            "tick_size 0.03 must go into one unit of cash a whole number of times",
        ),
        (lambda ex: ex.settle("e"), "settle needs exactly one of outcome, value, payouts"),
        (lambda ex: ex.settle("e", outcome="a", value=1), "settle needs exactly one of outcome, value, payouts"),
        (lambda ex: ex.settle("e", payouts=[1]), "payouts must be a dict of outcomes and amounts, not list"),
        (lambda ex: ex.void("e"), "void needs exactly one of price, payouts"),
        (lambda ex: ex.process(5), "batch must be an object with the buffer protocol, not int"),
        (lambda ex: ex.account_name(-1), "number must be in 0 .. 4294967295, not -1"),
    ],
)
def test_wrong_arguments_are_named_and_use_no_sequence_number(call: Any, problem: str) -> None:
    ex = funded()
    before = ex.sequence
    with pytest.raises((TypeError, ValueError), match=problem):
        call(ex)
    assert ex.sequence == before
