"""An answer in JSON, of which only what is asked for is looked at: decoding it all would cost more than sending it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["JsonAnswer"]

SLUG = b'"slug":"'


class JsonAnswer(NamedTuple):
    """As `Answer`; the server writes no spaces."""

    status: int
    """Of HTTP; over a WebSocket the one of the problem, or 200."""
    body: bytes

    def slugs(self) -> list[str]:
        """Every one there is, in its order."""
        found, at = [], self.body.find(SLUG)
        while at >= 0:
            end = self.body.find(b'"', at + len(SLUG))
            found.append(self.body[at + len(SLUG) : end].decode("ascii", "replace"))
            at = self.body.find(SLUG, end)
        return found

    def order_id(self) -> str:
        """The first one there is."""
        return self._text(b'"order_id":"')

    def is_resting(self) -> bool:
        """Whether an order of it is open."""
        return b'"status":"open"' in self.body

    def is_live(self) -> bool:
        """Whether it is open, or partially filled."""
        return self.is_resting() or b'"status":"partially_filled"' in self.body

    def price(self) -> str:
        """The first average price there is."""
        return self._text(b'"average_price":"')

    def trades(self) -> int:
        """How many fills it has."""
        return self.body.count(b'"trade_id":')

    def _text(self, name: bytes) -> str:
        """The text behind a field's name."""
        at = self.body.find(name)
        if at < 0:
            return ""
        begin = at + len(name)
        return self.body[begin : self.body.index(b'"', begin)].decode()
