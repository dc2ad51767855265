"""Requests: from messages to the structures that every gateway takes, checked by the same schema."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Self, TypeVar

import msgspec
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.rest.forms import malformed
from aeromatch.gateways.rest.handlers.market import BookQuery, CandlesQuery, TradesQuery
from aeromatch.schema.base import Amount, ClientOrderId, Name, Request, Symbol
from aeromatch.schema.orders import NewOrder

__all__ = [
    "NAMES",
    "AmendForm",
    "BookForm",
    "CandlesForm",
    "OrderForm",
    "StreamForm",
    "StreamOrdersForm",
    "SubmitForm",
    "TickerForm",
    "TradesForm",
    "decode",
    "form_of",
]

Form = TypeVar("Form", bound=msgspec.Struct)
Decoded = TypeVar("Decoded", bound=Message)

LARGEST: Final = 1_000_000
"""Of intervals in milliseconds, and of levels."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Sequence = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class SubmitForm(Request):
    """An order that is entered."""

    order: NewOrder


class BookForm(BookQuery, kw_only=True):
    """Which book, and how deep."""

    symbol: Symbol


class TickerForm(Request):
    """Which ticker."""

    symbol: Symbol


class TradesForm(TradesQuery, kw_only=True):
    """Which trades."""

    symbol: Symbol


class CandlesForm(CandlesQuery, kw_only=True):
    """Which candles."""

    symbol: Symbol


class OrderForm(Request):
    """Which order: by its id, or by symbol, account and client order id."""

    order_id: int | None = None
    client_order_id: ClientOrderId | None = None
    symbol: Symbol | None = None
    account: Name | None = None

    def checked(self) -> Self:
        """Itself, if it names an order in one way; RefusedError (400) else."""
        if self.order_id is None and (self.client_order_id is None or self.symbol is None):
            raise refusal("malformed", "order_id is needed, or client_order_id and symbol instead")
        if self.order_id is not None and self.client_order_id is not None:
            raise refusal("malformed", "order_id and client_order_id exclude one another")
        return self


class AmendForm(OrderForm):
    """Which order is changed, and how: see `schema.orders.AmendOrder`."""

    quantity: Amount | None = None
    price: Amount | None = None


class StreamForm(Request):
    """Which instruments are followed, and how. Fields that a stream has not are never set."""

    symbols: Annotated[list[Symbol], msgspec.Meta(min_length=1)]
    period: Annotated[str, msgspec.Meta(max_length=8)] = "1m"
    levels: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] = 0
    interval_ms: Milliseconds = 0
    from_sequence: Sequence | None = None


class StreamOrdersForm(Request):
    """Whose orders are followed, and from where on."""

    account: Name | None = None
    from_sequences: list[Sequence] = msgspec.field(default_factory=list)


def _names_of(enum: EnumDescriptor) -> dict[int, Any]:
    """By number, what the JSON interface calls the values of an enum; what is not said has no name."""
    first = enum.values_by_number[0].name
    prefix = first.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix).lower() for value in enum.values if value.number}


NAMES: Final[dict[str, dict[int, Any]]] = {
    # A boolean, and a name: of the first one the JSON interface has no name.
    name: {pb.POST_ONLY_REJECT: True, pb.POST_ONLY_SLIDE: "slide"} if name == "PostOnly" else _names_of(enum)
    for name, enum in pb.DESCRIPTOR.enum_types_by_name.items()
}


def decode(kind: Callable[[], Decoded], data: bytes) -> Decoded:
    """A request's message. Raises RefusedError (400)."""
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise refusal("malformed", f"the request is no {message.DESCRIPTOR.name}: {error}") from None
    return message


def plain(message: Message) -> dict[str, Any]:
    """The fields that are set, by name, as the JSON interface has them."""
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        # A number that nobody knows is left a number, which no field of a name takes.
        return NAMES[field.enum_type.name].get(value, value)
    if field.message_type is not None:
        return [plain(each) for each in value] if field.is_repeated else plain(value)
    return list(value) if field.is_repeated else value


def form_of(form: type[Form], message: Message) -> Form:
    """A message's fields in the form that a request must have. Raises RefusedError (400): it says where it is not."""
    try:
        return msgspec.convert(plain(message), form)
    except msgspec.ValidationError as error:
        raise malformed(error) from None
