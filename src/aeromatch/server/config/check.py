"""What no single value shows: values that contradict one another, names that name nothing."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from aeromatch.market.periods import LONGEST_MS, duration_ms, duration_text
from aeromatch.server.config.sections import Config, InstrumentConfig
from aeromatch.server.config.tree import Path
from aeromatch.server.listing import as_instrument

__all__ = ["check", "is_loopback", "time_of_day"]

Wrong: TypeAlias = Iterator[tuple[Path, str]]

TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


def check(config: Config) -> Wrong:
    """Gives the path of each value that is wrong, and why."""
    parts: tuple[Callable[[Config], Wrong], ...] = (_server, _shards, _periods, _schedules, _market, _units, _names)
    for part in parts:
        yield from part(config)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def time_of_day(text: str) -> int:
    """Seconds since midnight of "09:30" or "09:30:15".

    Raises:
        ValueError: It is no time of day.
    """
    match = TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text}` is no time of day, such as 09:30 or 09:30:15")
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)


def _server(config: Config) -> Wrong:
    tls = config.server.tls
    if (tls.certificate is None) != (tls.private_key is None):
        missing = "private_key" if tls.private_key is None else "certificate"
        yield ("server", "tls", missing), "certificate and private_key belong together"
    if tls.client_ca is not None and tls.certificate is None:
        yield ("server", "tls", "client_ca"), "needs a certificate of the server's own"
    for host in _hosts(config):
        if config.auth.mode == "off" and not is_loopback(host):
            yield (
                ("auth", "mode"),
                f"`off` lets everybody trade: not where other machines come in ({host}); use `keys`",
            )
    gateways = config.gateways
    binary = gateways.binary
    if binary.enabled and binary.port is None and binary.socket is None:
        yield ("gateways", "binary", "enabled"), "needs a port or a socket"
    if binary.outbound_bytes < binary.max_frame_bytes:
        yield ("gateways", "binary", "outbound_bytes"), "is less than max_frame_bytes"
    fix = gateways.fix
    if fix.heartbeat_s > fix.most_heartbeat_s:
        yield ("gateways", "fix", "most_heartbeat_s"), f"is below heartbeat_s, {fix.heartbeat_s}"


def _hosts(config: Config) -> Iterator[str]:
    """The addresses that are listened on, each once."""
    gateways = config.gateways
    binary = gateways.binary
    hosts = [config.server.host]
    hosts += [binary.host] if binary.enabled and binary.port is not None and binary.host is not None else []
    hosts += [each.host for each in (gateways.grpc, gateways.fix) if each.enabled and each.host is not None]
    yield from dict.fromkeys(hosts)


def _shards(config: Config) -> Wrong:
    shards = config.exchange.shards
    if shards.count is None:
        return  # As many as the directory has: opening it will tell.
    if shards.cores is not None and len(shards.cores) != shards.count:
        yield ("exchange", "shards", "cores"), f"{shards.count} shards, and {len(shards.cores)} processors"
    for name in ("groups", "instruments"):
        for key, shard in getattr(shards, name).items():
            if not 0 <= shard < shards.count:
                yield ("exchange", "shards", name, key), f"there is no shard {shard}: they are numbered from 0"


def _periods(config: Config) -> Wrong:
    for section, periods in (("views", config.views.periods), ("statistics", config.statistics.periods)):
        for place, period in enumerate(periods):
            path = (section, "periods", place)
            try:
                if duration_ms(period) > LONGEST_MS:
                    yield path, f"longer than {duration_text(LONGEST_MS)}"
            except ValueError as error:
                yield path, str(error)
    for section, periods, retention in (
        ("views", config.views.periods, config.views.retention),
        ("statistics", config.statistics.periods, config.statistics.retention),
    ):
        counted = {_milliseconds(period) for period in periods}
        for period, kept in retention.items():
            key = (section, "retention", period)
            if _milliseconds(period) not in counted:
                yield key, f"is not one of {section}.periods"
            if kept is not None and _milliseconds(kept) is None:
                yield key, f"`{kept}` is no duration, such as 30d"
    if config.views.keep is not None and _milliseconds(config.views.keep) is None:
        yield ("views", "keep"), f"`{config.views.keep}` is no duration, such as 30d"


def _milliseconds(text: str) -> int | None:
    try:
        return duration_ms(text)
    except ValueError:
        return None


def _schedules(config: Config) -> Wrong:
    for title, schedule in config.schedules.items():
        path = ("schedules", title)
        try:
            ZoneInfo(schedule.timezone)
        except (ValueError, OSError, KeyError):
            yield (*path, "timezone"), f"`{schedule.timezone}` is no time zone, such as UTC or Europe/Berlin"
        seen: set[int] = set()
        for moment in schedule.phases:
            try:
                second = time_of_day(moment)
            except ValueError as error:
                yield (*path, "phases", moment), str(error)
                continue
            if second in seen:
                yield (*path, "phases", moment), "two phases begin at this time"
            seen.add(second)
        if not schedule.phases:
            yield (*path, "phases"), "needs at least one time of day"
    chosen = [("instruments", place, instrument.schedule) for place, instrument in enumerate(config.instruments)]
    chosen += [("events", place, event.schedule) for place, event in enumerate(config.events)]
    for section, place, name in chosen:
        if name is not None and name not in config.schedules:
            yield (section, place, "schedule"), f"there is no schedule `{name}`"


def _market(config: Config) -> Wrong:
    for place, instrument in enumerate(config.instruments):
        try:
            as_instrument(instrument)
        except (ValueError, TypeError) as error:
            yield ("instruments", place, *_argument_of(error)), str(error)
        if not instrument.settlement:
            for name in ("base", "quote"):
                if getattr(instrument, name) is not None:
                    yield ("instruments", place, name), "needs `settlement: true`"
    for place, account in enumerate(config.accounts):
        for number, deposit in enumerate(account.deposits):
            if deposit.amount <= 0:
                yield ("accounts", place, "deposits", number, "amount"), "is above 0"


def _units(config: Config) -> Wrong:
    """Settled amounts are whole numbers of an asset's units (R30), which are known of assets that are listed."""
    decimals = {asset.name: asset.decimals for asset in config.assets}
    needed: list[tuple[Path, str, str, Decimal]] = []
    for place, instrument in enumerate(config.instruments):
        if instrument.settlement and instrument.base is not None and instrument.quote is not None:
            needed.append((("instruments", place, "lot_size"), "one lot", instrument.base, instrument.lot_size))
            amount = instrument.tick_size * instrument.lot_size
            needed.append((("instruments", place, "tick_size"), "one tick of one lot", instrument.quote, amount))
    for place, event in enumerate(config.events):
        amount = event.tick_size * event.lot_size
        needed.append((("events", place, "tick_size"), "one tick of one lot", event.currency, amount))
    for path, what, asset, amount in needed:
        if asset in decimals and amount.scaleb(decimals[asset]) % 1:
            yield path, f"{what} is {amount.normalize():f} {asset}, and {asset} has {decimals[asset]} decimals"


def _argument_of(error: Exception) -> Path:
    """The field that a message begins with, if it does."""
    word = re.match(r"[a-z_]+", str(error))
    name = word[0].removesuffix("_ns") if word else ""
    for field in (name, f"{name}_s"):
        if field in InstrumentConfig.__struct_fields__:
            return (field,)
    return ()


def _names(config: Config) -> Wrong:
    named = (
        ("assets", [asset.name for asset in config.assets]),
        ("instruments", [instrument.symbol for instrument in config.instruments]),
        ("events", [event.name for event in config.events]),
        ("accounts", [account.name for account in config.accounts]),
    )
    for section, names in named:
        for place, name in enumerate(names):
            if name in names[:place]:
                yield (section, place), f"`{name}` stands twice"
    if config.demo.seconds is not None and not config.demo.enabled:
        yield ("demo", "seconds"), "needs `enabled: true`"
