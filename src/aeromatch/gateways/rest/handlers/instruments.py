"""Instruments, and the phases of their books."""

from typing import Any, Final

import aeromatch
from aeromatch.gateways.instruments import instrument_of, instruments_of
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.rest.handlers.orders import BODY
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.gateways.trading import answered
from aeromatch.schema.admin import AdminResult, NewInstrument, SetPhase
from aeromatch.schema.market import Instrument
from aeromatch.schema.problems import FieldProblem

__all__ = ["ROUTES"]

LISTED: Final = {
    "symbol": "BTC-USD",
    "number": 1,
    "tick_size": "0.01",
    "lot_size": "0.001",
    "phase": "continuous",
    "matching": "fifo",
    "self_trade_prevention": "none",
    "settlement": True,
    "index": "ladder",
    "base": "BTC",
    "quote": "USD",
    "group": "main",
    "fee_account": "fees",
    "maker_fee_bps": -1,
    "taker_fee_bps": 5,
    "reference_price": None,
    "static_band_ticks": None,
    "static_band_bps": None,
    "circuit_breaker_ticks": None,
    "circuit_breaker_bps": None,
    "halt_ns": None,
    "event": None,
    "outcome": None,
}
DONE: Final = {"sequence": 44, "timestamp": 1767225600000000000, "created": []}


async def get_instruments(request: Request) -> list[Instrument]:
    """`GET /instruments`."""
    return await request.trading.reads.read(instruments_of)


async def get_instrument(request: Request) -> Instrument:
    """`GET /instruments/{pair}`."""
    symbol = request.trading.check_symbol(request.path["pair"])

    return await request.trading.reads.read(lambda exchange: instrument_of(exchange, symbol))


async def new_instrument(request: Request) -> AdminResult:
    """`POST /instruments`."""
    body: NewInstrument = request.body
    tag = request.services.admission.audit(request.principal, "create_instrument", symbol=body.symbol)
    receipt = await answered(request.services.exchange.create_instrument(_of(body), index=body.index, tag=tag))
    return AdminResult(
        sequence=receipt.sequence, timestamp=receipt.timestamp, created=[name for _, name in receipt.created]
    )


def _of(body: NewInstrument) -> aeromatch.Instrument:
    facts: dict[str, Any] = {
        name: value
        for name in NewInstrument.__struct_fields__
        if name not in ("symbol", "index") and (value := getattr(body, name)) is not None
    }
    try:
        return aeromatch.Instrument(body.symbol, **facts)
    except (ValueError, TypeError) as error:
        name, _, _ = str(error).partition(" ")
        pointer = f"/{name}" if name in NewInstrument.__struct_fields__ else ""
        raise refusal("malformed", str(error), errors=(FieldProblem(pointer=pointer, detail=str(error)),)) from error


async def set_phase(request: Request) -> AdminResult:
    """`PUT /instruments/{pair}/phase`."""
    symbol, phase = request.path["pair"], request.body.phase
    tag = request.services.admission.audit(request.principal, "set_phase", symbol=symbol, phase=phase)
    report = await answered(request.services.exchange.set_phase(symbol, phase, tag=tag))
    return AdminResult(sequence=report.sequence, timestamp=report.timestamp)


ROUTES: Final = (
    Route(
        method="GET",
        path="/instruments",
        handler=get_instruments,
        summary="List instruments",
        description="Everything that can be traded, by number, with its rules and its phase.",
        tag="instruments",
        answer=list[Instrument],
        answer_example=[LISTED],
    ),
    Route(
        method="GET",
        path="/instruments/{pair}",
        handler=get_instrument,
        summary="Read an instrument",
        description="One instrument with its rules and its phase.",
        tag="instruments",
        answer=Instrument,
        problems=("unknown_instrument",),
        answer_example=LISTED,
    ),
    Route(
        method="POST",
        path="/instruments",
        handler=new_instrument,
        role="admin",
        summary="Make an instrument",
        description=(
            "Makes an instrument and its book; with settlement also the assets, the clearing group and the fee account "
            "that it names, where they are not there yet. `created` names all that was made."
        ),
        tag="instruments",
        request=NewInstrument,
        answer=AdminResult,
        status=201,
        problems=(*BODY, "already_exists", "invalid_name", "invalid_quantity", "capacity"),
        example={"symbol": "BTC-USD", "tick_size": "0.01", "lot_size": "0.001"},
        answer_example={**DONE, "created": ["BTC-USD"]},
    ),
    Route(
        method="PUT",
        path="/instruments/{pair}/phase",
        handler=set_phase,
        role="admin",
        summary="Change an instrument's phase",
        description="Changes the trading phase of an instrument's book (R26, R27); the same again has no effect.",
        tag="instruments",
        request=SetPhase,
        answer=AdminResult,
        problems=(*BODY, "unknown_instrument", "not_allowed_in_phase", "capacity"),
        example={"phase": "auction"},
        answer_example=DONE,
    ),
)
