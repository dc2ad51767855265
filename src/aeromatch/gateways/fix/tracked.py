"""An order of a session, as its client knows it: what has been reported of it, and what is asked of it."""

from decimal import Decimal
from typing import Final, Literal

import msgspec

__all__ = ["Change", "Tracked"]

DONE: Final = ("2", "4", "8", "C")
"""OrdStatus (39) of what lives no more."""


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A cancel or a replacement that a client asked for, and that has not been reported yet.

    Attributes:
        kind: Which of them.
        cl_ord_id: Its own id, which becomes the order's if it is done.
        quantity, price: What a replacement asks for; None: that stays.
        sequence: The exchange's command that did it; 0: there is no answer yet.
        is_lost: There will be none: the process that sent it has ended. Whether it was done, the order's state says.
    """

    kind: Literal["amend", "cancel"]
    cl_ord_id: str
    quantity: str | None = None
    price: str | None = None
    sequence: int = 0
    is_lost: bool = False


class Tracked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order as its reports have told it.

    Attributes:
        number: The session's own count: an order that came later has a higher one.
        first: The ClOrdID that it was entered with: the exchange's client order id, which never changes (R5).
        cl_ord_id: The one that it has now.
        ids: All that it has had, and those that it is asked to have: the last ones.
        account: Whose it is; None: nobody's.
        side, ord_type, terms: As they were sent; terms are those of `requests.TERMS`, with their tags.
        quantity, price: As they are after what was reported.
        cum_quantity, notional: Of the fills that were reported.
        order_id: Its id in the venue; empty before it has one.
        sequence: The last command of which everything has been reported.
        is_dormant: A stop that sleeps.
        status: OrdStatus (39) of the last report.
        changes: What is asked of it, in the order in which it came.
    """

    number: int = 0
    first: str
    cl_ord_id: str
    symbol: str
    side: str
    quantity: str
    ord_type: str = "2"
    price: str | None = None
    account: str | None = None
    terms: list[tuple[int, str]] = []
    cum_quantity: str = "0"
    notional: str = "0"
    order_id: str = ""
    sequence: int = 0
    is_dormant: bool = False
    status: str = "A"
    changes: list[Change] = []
    ids: list[str] = []

    @property
    def is_done(self) -> bool:
        """Whether it is filled, canceled, expired or rejected."""
        return self.status in DONE

    @property
    def leaves_quantity(self) -> Decimal:
        """What may still be filled."""
        return Decimal(0) if self.is_done else max(Decimal(self.quantity) - Decimal(self.cum_quantity), Decimal(0))
