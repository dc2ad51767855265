"""Makes what the configuration says should be there: assets, accounts and their first funds, instruments, events.

What exists is never changed: instruments are part of the log, and orders rest on them. A difference is said.
"""

import logging
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any, Final

from aeromatch import AsyncExchange, Instrument, Receipt, RejectReason
from aeromatch.server.config.sections import (
    AccountConfig,
    AssetConfig,
    Config,
    DepositConfig,
    EventConfig,
    InstrumentConfig,
)
from aeromatch.server.errors import ServerError

__all__ = ["as_instrument", "list_all"]

log = logging.getLogger("aeromatch.server")

NS_PER_S: Final = 1_000_000_000


def as_instrument(config: InstrumentConfig) -> Instrument:
    """The instrument that a section describes.

    Raises:
        ValueError: A value is out of range, or two contradict one another; the message names the argument.
    """
    settled: dict[str, Any] = {}
    if config.settlement:
        settled = {
            name: getattr(config, name)
            for name in ("base", "quote", "group", "fee_account", "maker_fee_bps", "taker_fee_bps")
        }
    return Instrument(
        config.symbol,
        tick_size=config.tick_size,
        lot_size=config.lot_size,
        self_trade_prevention=config.self_trade_prevention,
        dedup_window_ns=round(config.dedup_window_s * NS_PER_S),
        matching=config.matching,
        fifo_share_bps=config.fifo_share_bps,
        reference_price=config.reference_price,
        static_band_ticks=config.static_band_ticks,
        static_band_bps=config.static_band_bps,
        circuit_breaker_ticks=config.circuit_breaker_ticks,
        circuit_breaker_bps=config.circuit_breaker_bps,
        halt_ns=None if config.halt_s is None else round(config.halt_s * NS_PER_S),
        settlement=config.settlement,
        **settled,
    )


async def list_all(exchange: AsyncExchange, config: Config) -> list[str]:
    """Makes what is missing, in an order in which each finds what it needs.

    Returns:
        What was made, in words: "instrument BTC-USD".

    Raises:
        ServerError: The exchange refuses to make something; what was made before stays.
    """
    made = []
    for section in (config.assets, config.groups, config.instruments, config.events, config.accounts):
        for item in section:
            made += await _list_one(exchange, item)
    return made


async def _list_one(
    exchange: AsyncExchange, item: AssetConfig | str | InstrumentConfig | EventConfig | AccountConfig
) -> list[str]:
    match item:
        case AssetConfig():
            return await _asset(exchange, item)
        case str():
            is_there = item in exchange.groups()
            return [] if is_there else await _make(f"clearing group {item}", exchange.create_group(item))
        case InstrumentConfig():
            return await _instrument(exchange, item)
        case EventConfig():
            return await _event(exchange, item)
        case AccountConfig():
            return await _account(exchange, item)


async def _make(what: str, command: Awaitable[Receipt]) -> list[str]:
    receipt = await command
    if receipt.reject_reason is None:
        return [what]
    raise _refused(what, receipt.reject_reason)


def _refused(what: str, reason: RejectReason) -> ServerError:
    return ServerError(f"{what}, which the configuration lists, cannot be made: {reason.value} (R8)")


async def _asset(exchange: AsyncExchange, asset: AssetConfig) -> list[str]:
    for other in exchange.assets():
        if other.name == asset.name:
            _compare(f"asset {asset.name}", {"decimals": (asset.decimals, other.decimals)})
            return []
    return await _make(f"asset {asset.name}", exchange.create_asset(asset.name, asset.decimals))


async def _instrument(exchange: AsyncExchange, config: InstrumentConfig) -> list[str]:
    wanted, what = as_instrument(config), f"instrument {config.symbol}"
    for other in exchange.instruments():
        if other.symbol == config.symbol:
            names = (name for name in COMPARED if getattr(wanted, name) is not None or not config.settlement)
            facts = {name: (getattr(wanted, name), getattr(other, name)) for name in names}
            facts["index"] = (config.index, exchange.book(config.symbol).index)
            _compare(what, facts)
            return []
    return await _make(what, exchange.create_instrument(wanted, index=config.index))


async def _event(exchange: AsyncExchange, config: EventConfig) -> list[str]:
    facts: dict[str, Any] = {
        name: getattr(config, name)
        for name in EventConfig.__struct_fields__
        if name not in ("name", "outcomes", "schedule")
    }
    for other in exchange.events():
        if other.name == config.name:
            compared = {name: (wanted, getattr(other, name)) for name, wanted in facts.items()}
            _compare(f"event {config.name}", {**compared, "outcomes": (tuple(config.outcomes), other.outcomes)})
            return []
    return await _make(f"event {config.name}", exchange.create_event(config.name, outcomes=config.outcomes, **facts))


async def _account(exchange: AsyncExchange, config: AccountConfig) -> list[str]:
    made = []
    if config.name not in exchange.accounts():
        made = await _make(f"account {config.name}", exchange.create_account(config.name))
    for deposit in config.deposits:
        made += await _deposit(exchange, config.name, deposit)
    return made


async def _deposit(exchange: AsyncExchange, account: str, deposit: DepositConfig) -> list[str]:
    what = f"deposit of {deposit.amount} {deposit.asset} for {account}"
    receipt = await exchange.deposit(
        account,
        deposit.asset,
        deposit.amount,
        group=deposit.group,
        id=deposit.id or f"opening-{deposit.asset}"[:36],
    )
    reason = receipt.reject_reason
    if reason is None:
        return [what]
    if reason == RejectReason.DUPLICATE_TRANSFER:
        return []
    raise _refused(what, reason)


COMPARED: Final = (
    "tick_size",
    "lot_size",
    "matching",
    "fifo_share_bps",
    "self_trade_prevention",
    "dedup_window_ns",
    "reference_price",
    "static_band_ticks",
    "static_band_bps",
    "circuit_breaker_ticks",
    "circuit_breaker_bps",
    "halt_ns",
    "settlement",
    "base",
    "quote",
    "group",
    "fee_account",
    "maker_fee_bps",
    "taker_fee_bps",
)


def _compare(what: str, facts: dict[str, tuple[Any, Any]]) -> None:
    for name, (wanted, found) in facts.items():
        if wanted != found:
            log.warning(
                "exists with another value, which stays",
                extra={"what": what, "key": name, "configured": _text(wanted), "exists": _text(found)},
            )


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
