"""Instruments and accounts as the views print them: numbers to names, ticks to money."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from aeromatch import Exchange
from aeromatch.gateways.services import RefusedError
from aeromatch.market.view_rows import Listed

__all__ = ["Directory", "Market"]

EXACT: Final = Context(prec=120)
"""Products of sums and sizes: far below so many digits."""
DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Market:
    """An instrument and its units."""

    number: int
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    book: int
    """Number of the instrument in whose book it is traded."""
    unit_ticks: int
    """Ticks in one unit of cash if it is the second of two outcomes, else 0."""

    def listed(self) -> Listed:
        """As stores keep it."""
        sizes = f"{self.tick_size:f}", f"{self.lot_size:f}"
        return Listed(self.number, self.symbol, *sizes, self.book, self.unit_ticks)

    def price(self, ticks: int) -> str:
        """Ticks in money."""
        return f"{EXACT.multiply(Decimal(ticks), self.tick_size):f}"

    def quantity(self, lots: int) -> str:
        """Lots in units."""
        return f"{EXACT.multiply(Decimal(lots), self.lot_size):f}"

    def notional(self, tick_lots: int) -> str:
        """A sum of ticks times lots in money."""
        return f"{EXACT.multiply(EXACT.multiply(Decimal(tick_lots), self.tick_size), self.lot_size):f}"

    def average(self, notional: int, lots: int) -> str:
        """An average price: exact to 28 digits, half-even (R9)."""
        return f"{DIVISION.divide(EXACT.multiply(Decimal(notional), self.tick_size), Decimal(lots)):f}"

    def own_price(self, ticks: int) -> int:
        """A price of the book in the instrument's own terms."""
        return self.unit_ticks - ticks if self.unit_ticks else ticks


class Directory:
    """What there is by name and number. One thread learns, any may look."""

    def __init__(self, exchange: Exchange) -> None:
        """Read what there is.

        Args:
            exchange: Used by the thread that calls this and `learn`, and by no other.
        """
        self._exchange = exchange
        self._by_symbol: dict[str, Market] = {}
        self._by_number: dict[int, Market] = {}
        self._accounts: tuple[str, ...] = ()
        self._numbers: dict[str, int] = {}
        self.learn()

    def learn(self) -> list[Listed]:
        """Read what has come to be since the last time; the instruments among it."""
        seconds = {event.symbols[1]: event for event in self._exchange.events() if len(event.symbols) == 2}
        instruments = {each.symbol: each for each in self._exchange.instruments()}
        found = []
        for symbol, instrument in instruments.items():
            if symbol in self._by_symbol:
                continue
            book, unit_ticks = instrument.number, 0
            if symbol in seconds:
                book = instruments[seconds[symbol].symbols[0]].number
                # One unit of cash is a whole number of ticks (R32).
                unit_ticks = int(1 / instrument.tick_size)
            market = Market(instrument.number, symbol, instrument.tick_size, instrument.lot_size, book, unit_ticks)
            self._by_number[market.number] = self._by_symbol[symbol] = market
            found.append(market.listed())
        self._accounts = self._exchange.accounts()
        self._numbers = {name: number for number, name in enumerate(self._accounts, 1)}
        return found

    def listed(self) -> list[Listed]:
        """Every instrument, as stores keep them."""
        return [market.listed() for market in self.all()]

    def all(self) -> Iterable[Market]:
        """Every instrument."""
        return list(self._by_number.values())

    def find(self, symbol: str) -> Market:
        """The instrument of a symbol; RefusedError (404) where there is none."""
        market = self._by_symbol.get(symbol)
        if market is None:
            raise RefusedError("unknown_instrument", 404, f"there is no instrument {symbol!r}")
        return market

    def number(self, number: int) -> Market | None:
        """The instrument of a number."""
        return self._by_number.get(number)

    def account_number(self, name: str) -> int | None:
        """The number of an account's name."""
        return self._numbers.get(name)

    def account_name(self, number: int) -> str | None:
        """The name of an account's number."""
        return self._accounts[number - 1] if 0 < number <= len(self._accounts) else None
