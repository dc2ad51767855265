"""A notation for scenarios of a whole exchange, on top of `notation.py`.

    asset USD 2 ; group main ; account alice          -- an asset has decimals
      accepted
      created asset USD
    instrument OIL window=100 number=7 index=heap     -- nothing is settled; `mode`, `band` and so on as behind `book`
    instrument BTC-USD base=BTC/8 quote=USD/2 lot=100 tick=1 maker=-5 taker=20 group=main fees=fees
    event rain yes no currency=USD/2 unit=100         -- ticks in one unit of cash; the rest as for an instrument
    deposit alice USD 1000 id=a-1 group=main          -- group and id can be left out; `withdraw` likewise
    transfer alice USD 10 main other id=a-2
    mint rain alice 5 ; redeem rain alice 5
    settle rain yes ; settle rain scalar 25 75 ; settle rain void 50 50
    on BTC-USD new buy 5 @ 101 account=alice budget=9 -- what stands behind the symbol is `notation.py`
    everywhere mass-cancel account=alice ; everywhere time 500
    ! deposit alice USD 1000                          -- its events are not written down; it has to be accepted
      funds alice USD 900 + 100                       -- available and held; `in other` if that is not the first group
      settled rain full yes ; settled rain void 50    -- what the first outcome is paid

Amounts are whole units; lots and ticks are one unit where nothing else is said. `?eve` is a name that leads nowhere.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from tests.rules.notation import COUNTER_BITS, event_line, read_command, read_setup

from aeromatch.market.reference import (
    AdminCommand,
    AdminKind,
    Command,
    EventKind,
    Made,
    ReferenceEvent,
    ReferenceExchange,
    Rules,
    SettlementMode,
    Side,
    Terms,
)
from aeromatch.market.reference.bands import band_of

NOWHERE = 2**32 - 1
UNKNOWN_SYMBOL = 2**24
ALL = 2**32 - 1
U64_MAX = 2**64 - 1
INDEXES = ("ladder", "btree", "skiplist", "heap")
TERMS = {"lot": "lot_base_units", "tick": "tick_lot_units", "maker": "maker_fee_bps", "taker": "taker_fee_bps"}


def read_lines(text: str) -> list[str]:
    """The lines of a scenario without comments and blanks."""
    lines = []
    for raw in textwrap.dedent(text).splitlines():
        words = raw.split("--")[0].split()
        if words:
            lines.append(("  " if raw.startswith(" ") else "") + " ".join(words))
    return lines


@dataclass
class Words:
    """The words of a line: plain ones, and name=value pairs."""

    plain: list[str]
    pairs: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Words:
        words = text.split()
        return cls([word for word in words if "=" not in word], dict(w.split("=", 1) for w in words if "=" in w))

    def take(self, name: str, default: str) -> str:
        """A pair's value, which is then gone."""
        return self.pairs.pop(name, default)


class Names:
    """Names as numbers and back, by what the reference model has made so far."""

    def __init__(self, exchange: ReferenceExchange) -> None:
        self.exchange = exchange

    @property
    def listed(self) -> dict[Made, dict[str, int]]:
        """The names of everything."""
        registry = self.exchange.registry
        return {
            Made.ASSET: {each.name: each.number for each in registry.assets},
            Made.GROUP: {each.name: each.number for each in registry.groups},
            Made.ACCOUNT: {each.name: each.number for each in registry.accounts},
            Made.INSTRUMENT: {each.symbol: each.number for each in registry.instruments.values()},
            Made.EVENT: {each.name: each.number for each in registry.events},
        }

    def number(self, what: Made, name: str) -> int:
        """The number of a name."""
        if name.startswith("?"):
            return UNKNOWN_SYMBOL if what == Made.INSTRUMENT else NOWHERE
        return int(name) if name.isdecimal() else self.listed[what][name]

    def name(self, what: Made, number: int) -> str:
        """The name of a number, or the number where it has none."""
        return {number: name for name, number in self.listed[what].items()}.get(number, str(number))

    # Commands.

    def read(self, line: str) -> Command | AdminCommand:
        """The command of a line."""
        first, rest = line.split(maxsplit=1)
        if first == "on":
            symbol, rest = rest.split(maxsplit=1)
            return self.order(self.number(Made.INSTRUMENT, symbol), rest)
        if first == "everywhere":
            return self.order(ALL, rest)
        words = Words.of(rest)
        common = {"timestamp_ns": words.take("time", "0"), "sequence": words.take("sequence", "0")}
        common["tag"] = words.take("tag", "0")
        makers = {"instrument": self.instrument, "event": self.event, "mint": self.sets, "redeem": self.sets}
        makers |= {"deposit": self.funds, "withdraw": self.funds, "transfer": self.funds, "settle": self.settle}
        command = makers.get(first, self.create)(first, words)
        assert not words.pairs, f"what is {words.pairs}?"
        for name, value in common.items():
            setattr(command, name, int(value))
        return command

    def order(self, instrument: int, text: str) -> Command:
        """A command to a book, or to all."""
        text = re.sub(r"account=(\S+)", lambda found: f"account={self.number(Made.ACCOUNT, found[1])}", text)
        budget = re.search(r" budget=(\d+)", text)
        command = read_command(text.replace(budget[0] if budget else "", ""), instrument)
        command.budget_units = int(budget[1]) if budget else None
        if command.order_id:
            settled = self.exchange.registry.instruments.get(instrument)
            home = instrument if settled is None else settled.book.instrument
            command.order_id = home << COUNTER_BITS | command.order_id % 2**COUNTER_BITS
        return command

    def create(self, first: str, words: Words) -> AdminCommand:
        decimals = int(words.plain[1]) if first == "asset" else 0
        return AdminCommand(AdminKind[f"CREATE_{first.upper()}"], decimals, texts=(words.plain[0],))

    def terms(self, words: Words, *decimals: str) -> Terms:
        terms = Terms(base_decimals=int(decimals[0]), quote_decimals=int(decimals[1]))
        terms.unit_ticks = int(words.take("unit", "0"))
        for name, attribute in TERMS.items():
            setattr(terms, attribute, int(words.take(name, str(getattr(terms, attribute)))))
        return terms

    def rules(self, words: Words) -> Rules:
        index = INDEXES.index(words.take("index", "ladder"))
        setup = read_setup([f"{name}={value}" for name, value in words.pairs.items()])
        words.pairs.clear()
        return Rules(
            self_trade_prevention=setup.self_trade_prevention,
            matching=setup.matching,
            index=index,
            fifo_share_bps=setup.fifo_share_bps or 0,
            dedup_window_ns=setup.dedup_window_ns,
            reference_price_ticks=setup.reference_price_ticks,
            static_band=band_of(setup.static_band_ticks, setup.static_band_bps),
            circuit_breaker=band_of(setup.circuit_breaker_ticks, setup.circuit_breaker_bps),
            halt_ns=setup.halt_ns or 0,
        )

    def instrument(self, _: str, words: Words) -> AdminCommand:
        (symbol,) = words.plain
        command = AdminCommand(AdminKind.CREATE_INSTRUMENT, texts=(symbol, "1", "1"))
        command.instrument = int(words.take("number", "0"))
        if "base" in words.pairs or "quote" in words.pairs:
            base, base_decimals = words.take("base", "").split("/")
            quote, quote_decimals = words.take("quote", "").split("/")
            group, fees = words.take("group", "main"), words.take("fees", "fees")
            command.texts += (base, quote, group, fees)
            command.settlement = self.terms(words, base_decimals, quote_decimals)
        command.rules = self.rules(words)
        return command

    def event(self, _: str, words: Words) -> AdminCommand:
        name, *outcomes = words.plain
        currency, decimals = words.take("currency", "USD/2").split("/")
        group, fees = words.take("group", "main"), words.take("fees", "fees")
        command = AdminCommand(AdminKind.CREATE_EVENT, texts=(name, "1", "1", currency, group, fees, *outcomes))
        command.settlement = self.terms(words, words.take("shares", "0"), decimals)
        command.rules = self.rules(words) if words.pairs else None
        return command

    def funds(self, first: str, words: Words) -> AdminCommand:
        account, asset, amount, *groups = words.plain
        groups = groups or [words.take("group", "1")]
        numbers = [self.number(Made.GROUP, group) for group in groups]
        both = numbers[0] | (numbers[1] << 32 if len(numbers) > 1 else 0)
        identity = words.take("id", "")
        return AdminCommand(
            AdminKind[first.upper()],
            instrument=self.number(Made.ASSET, asset),
            account=self.number(Made.ACCOUNT, account),
            price_ticks=both - 2**64 if both >= 2**63 else both,
            quantity_lots=int(amount) % 2**64,
            order_id=int(amount) >> 64,
            texts=(identity,) if identity else (),
        )

    def sets(self, first: str, words: Words) -> AdminCommand:
        event, account, lots = words.plain
        return AdminCommand(
            AdminKind[first.upper()],
            instrument=self.number(Made.EVENT, event),
            account=self.number(Made.ACCOUNT, account),
            quantity_lots=int(lots),
        )

    def settle(self, _: str, words: Words) -> AdminCommand:
        event, how, *payouts = words.plain
        command = AdminCommand(AdminKind.SETTLE, instrument=self.number(Made.EVENT, event))
        if how in ("scalar", "void"):
            command.order_type = SettlementMode[how.upper()]
            command.payouts = tuple(map(int, payouts)) or None
            return command
        market = self.exchange.registry.event(command.instrument)
        outcomes = [] if market is None else [outcome.symbol for outcome in market.outcomes]
        symbol = "" if market is None else f"{market.name}/{how}"
        command.quantity_lots = outcomes.index(symbol) if symbol in outcomes else U64_MAX
        return command

    # Events.

    def line(self, event: ReferenceEvent, command: Command | AdminCommand, index: int, sequence: int) -> str:
        """An event in the notation."""
        assert (event.index, event.sequence) == (index, sequence), event
        if event.kind == EventKind.CREATED:
            what = Made(event.reason)
            wanted = ReferenceEvent(EventKind.CREATED, what, order_id=event.order_id, index=index, sequence=sequence)
            wanted.instrument = event.order_id if what == Made.INSTRUMENT else 0
            wanted.account = event.order_id if what == Made.ACCOUNT else 0
            assert event == wanted
            return f"created {what.slug} {self.name(what, event.order_id)}"
        if event.kind == EventKind.FUNDS:
            return self.funds_line(event)
        if event.kind == EventKind.SETTLED:
            return self.settled_line(event)
        instrument = self.exchange.registry.instruments.get(command.instrument)
        home = command.instrument
        if isinstance(command, AdminCommand):  # what it names is no instrument
            home = home if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED) else 0
        elif instrument is not None:
            home = instrument.book.instrument
        line = event_line(event, home, index, sequence)
        line = re.sub(r"account=(\d+)", lambda found: f"account={self.name(Made.ACCOUNT, int(found[1]))}", line)
        line = re.sub(r"#(\d+):(\d+)", lambda found: f"{self.name(Made.INSTRUMENT, int(found[1]))}#{found[2]}", line)
        return re.sub(r"instrument=(\d+)", lambda found: f"on={self.name(Made.INSTRUMENT, int(found[1]))}", line)

    def funds_line(self, event: ReferenceEvent) -> str:
        """What somebody has now."""
        assert (event.reason, event.side) == (0, Side.NONE)
        available = event.price_ticks << 64 | event.quantity_lots
        held = event.other << 64 | event.order_id
        group = "" if event.detail == 1 else f" in {self.name(Made.GROUP, event.detail)}"
        account, asset = self.name(Made.ACCOUNT, event.account), self.name(Made.ASSET, event.instrument)
        return f"funds {account} {asset} {available} + {held}{group}"

    def settled_line(self, event: ReferenceEvent) -> str:
        """How an event ended."""
        mode, market = SettlementMode(event.reason), self.exchange.registry.event(event.order_id)
        assert market is not None
        assert (event.side, event.instrument, event.account, event.other, event.detail) == (Side.NONE, 0, 0, 0, 0)
        unit = market.settlement.terms.unit_ticks
        if mode == SettlementMode.FULL:
            assert event.price_ticks == (unit if event.quantity_lots == 0 else 0)
            outcome = market.outcomes[event.quantity_lots].symbol.removeprefix(f"{market.name}/")
            return f"settled {market.name} full {outcome}"
        assert event.quantity_lots == 0
        return f"settled {market.name} {mode.slug} {event.price_ticks}"
