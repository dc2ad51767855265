"""SecurityListRequest: what can be traded."""

import time
from collections.abc import Iterator

from aeromatch import Exchange, Instrument
from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.message import Group, Message
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.trading import Trading, decimal_text

__all__ = ["security_lists"]

ONE, ALL = "0", "4"
"""SecurityListRequestType (559)."""
VALID, UNSUPPORTED, NOTHING, UNAVAILABLE = "0", "1", "2", "4"
"""SecurityRequestResult (560)."""


async def security_lists(message: Message, trading: Trading, most: int) -> list[Message]:
    """The answer to a SecurityListRequest: messages with so many instruments at most."""
    kind, symbol = message[tags.SECURITY_LIST_REQUEST_TYPE], message.text(tags.SYMBOL)
    if kind not in (ONE, ALL) or (kind == ONE) != (symbol is not None):
        return [_list(message, UNSUPPORTED)]

    def look(exchange: Exchange) -> list[Group]:
        found = [each for each in exchange.instruments() if symbol in (None, each.symbol)]
        return [_entry(each, exchange) for each in found]

    try:
        entries = await trading.reads.read(look)
    except RefusedError:
        return [_list(message, UNAVAILABLE)]
    if not entries:
        return [_list(message, NOTHING)]
    return list(_pages(message, entries, most))


def _pages(message: Message, entries: list[Group], most: int) -> Iterator[Message]:
    for start in range(0, len(entries), most):
        page = _list(message, VALID).set(tags.TOT_NO_RELATED_SYM, len(entries))
        page.set(tags.LAST_FRAGMENT, start + most >= len(entries))
        page.set_groups(tags.NO_RELATED_SYM, entries[start : start + most])
        yield page


def _list(message: Message, result: str) -> Message:
    request_id = message[tags.SECURITY_REQ_ID]
    answer = Message("y").set(tags.SECURITY_REQ_ID, request_id)
    return answer.set(tags.SECURITY_RESPONSE_ID, f"{time.time_ns()}").set(tags.SECURITY_REQUEST_RESULT, result)


def _entry(instrument: Instrument, exchange: Exchange) -> Group:
    """FIX 4.4 has no field for a tick's size: it stands in the text."""
    phase = exchange.book(instrument.symbol).phase.value
    entry = Group()
    entry.set(tags.SYMBOL, instrument.symbol).set_optional(tags.CURRENCY, instrument.quote)
    entry.set(tags.ROUND_LOT, decimal_text(instrument.lot_size))
    entry.set(tags.TEXT, f"tick_size={decimal_text(instrument.tick_size)} phase={phase}")
    return entry
