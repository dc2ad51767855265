"""Instruments as every gateway tells of them."""

import aeromatch
from aeromatch._core import Exchange
from aeromatch.gateways.trading import decimal_text
from aeromatch.schema.market import Instrument

__all__ = ["instrument_of", "instruments_of"]


def instruments_of(exchange: Exchange) -> list[Instrument]:
    """All of them, in the order in which they were made; waits for their shards."""
    outcomes = _outcomes(exchange)
    return [_listed(instrument, exchange, outcomes) for instrument in exchange.instruments()]


def instrument_of(exchange: Exchange, symbol: str) -> Instrument:
    """One of them. Raises UnknownNameError."""
    return _listed(exchange.book(symbol).instrument, exchange, _outcomes(exchange))


def _listed(instrument: aeromatch.Instrument, exchange: Exchange, outcomes: dict[str, tuple[str, str]]) -> Instrument:
    book = exchange.book(instrument.symbol)
    event, outcome = outcomes.get(instrument.symbol, (None, None))
    reference = instrument.reference_price
    return Instrument(
        symbol=instrument.symbol,
        number=instrument.number,
        tick_size=decimal_text(instrument.tick_size),
        lot_size=decimal_text(instrument.lot_size),
        phase=book.phase.value,
        matching=instrument.matching.value,
        self_trade_prevention=instrument.self_trade_prevention.value,
        settlement=instrument.settlement,
        index=book.index,
        base=instrument.base,
        quote=instrument.quote,
        group=instrument.group,
        fee_account=instrument.fee_account,
        maker_fee_bps=instrument.maker_fee_bps,
        taker_fee_bps=instrument.taker_fee_bps,
        reference_price=None if reference is None else decimal_text(reference),
        static_band_ticks=instrument.static_band_ticks,
        static_band_bps=instrument.static_band_bps,
        circuit_breaker_ticks=instrument.circuit_breaker_ticks,
        circuit_breaker_bps=instrument.circuit_breaker_bps,
        halt_ns=instrument.halt_ns,
        event=event,
        outcome=outcome,
    )


def _outcomes(exchange: Exchange) -> dict[str, tuple[str, str]]:
    """Event and outcome by symbol."""
    return {
        symbol: (event.name, outcome)
        for event in exchange.events()
        for symbol, outcome in zip(event.symbols, event.outcomes, strict=True)
    }
