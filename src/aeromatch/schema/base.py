"""What all structures have in common."""

from typing import Annotated, Any, TypeAlias

import msgspec

__all__ = ["Amount", "Answer", "ClientOrderId", "DecimalText", "Name", "Nanoseconds", "OrderId", "Request", "Symbol"]

Amount: TypeAlias = Annotated[str, msgspec.Meta(max_length=48, description="an exact decimal, in money or units")] | int
"""A decimal as it is sent: text, or a whole number. A JSON number with a fraction is refused: it is not exact."""

DecimalText: TypeAlias = Annotated[str, msgspec.Meta(description="an exact decimal, in money or units")]
"""A decimal as it is answered."""

Nanoseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, description="nanoseconds since 1970, UTC")]

Symbol: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=48, description="an instrument", examples=["BTC-USD"])
]

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=48)]

OrderId: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,20}$", description="an order's number, one in the venue", examples=["1099511627776"]
    ),
]
"""Order ids are 64-bit numbers; as text they survive readers whose numbers are floats."""

ClientOrderId: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=36, pattern=r"^[ -~]+$", description="the sender's own id (R5)")
]


class Request(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Something that is sent: a field that nobody knows is refused, one that is not there has its default."""


class Answer(msgspec.Struct, kw_only=True):
    """Something that is answered. Fields that do not apply are null.

    Whoever reads an answer passes over fields that it does not know: later versions may have more.
    """

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as JSON has them."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain
