from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_TYPE_UNSPECIFIED: _ClassVar[OrderType]
    ORDER_TYPE_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_MARKET: _ClassVar[OrderType]
    ORDER_TYPE_STOP: _ClassVar[OrderType]
    ORDER_TYPE_STOP_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_TRAILING_STOP: _ClassVar[OrderType]
    ORDER_TYPE_TRAILING_STOP_LIMIT: _ClassVar[OrderType]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_DAY: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTD: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IOC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK: _ClassVar[TimeInForce]
    TIME_IN_FORCE_AON: _ClassVar[TimeInForce]

class PostOnly(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POST_ONLY_UNSPECIFIED: _ClassVar[PostOnly]
    POST_ONLY_REJECT: _ClassVar[PostOnly]
    POST_ONLY_SLIDE: _ClassVar[PostOnly]

class SelfTradePrevention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_PREVENTION_UNSPECIFIED: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_NONE: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_NEWEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_OLDEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_BOTH: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_DECREMENT: _ClassVar[SelfTradePrevention]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_DORMANT: _ClassVar[OrderStatus]
    ORDER_STATUS_OPEN: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELED: _ClassVar[OrderStatus]

class Liquidity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIQUIDITY_UNSPECIFIED: _ClassVar[Liquidity]
    LIQUIDITY_MAKER: _ClassVar[Liquidity]
    LIQUIDITY_TAKER: _ClassVar[Liquidity]

class OrderFilter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_FILTER_UNSPECIFIED: _ClassVar[OrderFilter]
    ORDER_FILTER_LIVE: _ClassVar[OrderFilter]
    ORDER_FILTER_DONE: _ClassVar[OrderFilter]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ORDER_TYPE_UNSPECIFIED: OrderType
ORDER_TYPE_LIMIT: OrderType
ORDER_TYPE_MARKET: OrderType
ORDER_TYPE_STOP: OrderType
ORDER_TYPE_STOP_LIMIT: OrderType
ORDER_TYPE_TRAILING_STOP: OrderType
ORDER_TYPE_TRAILING_STOP_LIMIT: OrderType
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_GTC: TimeInForce
TIME_IN_FORCE_DAY: TimeInForce
TIME_IN_FORCE_GTD: TimeInForce
TIME_IN_FORCE_IOC: TimeInForce
TIME_IN_FORCE_FOK: TimeInForce
TIME_IN_FORCE_AON: TimeInForce
POST_ONLY_UNSPECIFIED: PostOnly
POST_ONLY_REJECT: PostOnly
POST_ONLY_SLIDE: PostOnly
SELF_TRADE_PREVENTION_UNSPECIFIED: SelfTradePrevention
SELF_TRADE_PREVENTION_NONE: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_NEWEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_OLDEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_BOTH: SelfTradePrevention
SELF_TRADE_PREVENTION_DECREMENT: SelfTradePrevention
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_DORMANT: OrderStatus
ORDER_STATUS_OPEN: OrderStatus
ORDER_STATUS_PARTIALLY_FILLED: OrderStatus
ORDER_STATUS_FILLED: OrderStatus
ORDER_STATUS_CANCELED: OrderStatus
LIQUIDITY_UNSPECIFIED: Liquidity
LIQUIDITY_MAKER: Liquidity
LIQUIDITY_TAKER: Liquidity
ORDER_FILTER_UNSPECIFIED: OrderFilter
ORDER_FILTER_LIVE: OrderFilter
ORDER_FILTER_DONE: OrderFilter

class NewOrder(_message.Message):
    __slots__ = ("symbol", "side", "quantity", "type", "price", "time_in_force", "account", "client_order_id", "expire_at", "post_only", "protection_price", "budget", "stop_price", "trail_offset", "trail_offset_bps", "display_quantity", "min_quantity", "self_trade_prevention", "self_trade_group")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AT_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_PRICE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    TRAIL_OFFSET_BPS_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_GROUP_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: Side
    quantity: str
    type: OrderType
    price: str
    time_in_force: TimeInForce
    account: str
    client_order_id: str
    expire_at: int
    post_only: PostOnly
    protection_price: str
    budget: str
    stop_price: str
    trail_offset: str
    trail_offset_bps: int
    display_quantity: str
    min_quantity: str
    self_trade_prevention: SelfTradePrevention
    self_trade_group: int
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., quantity: _Optional[str] = ..., type: _Optional[_Union[OrderType, str]] = ..., price: _Optional[str] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., expire_at: _Optional[int] = ..., post_only: _Optional[_Union[PostOnly, str]] = ..., protection_price: _Optional[str] = ..., budget: _Optional[str] = ..., stop_price: _Optional[str] = ..., trail_offset: _Optional[str] = ..., trail_offset_bps: _Optional[int] = ..., display_quantity: _Optional[str] = ..., min_quantity: _Optional[str] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., self_trade_group: _Optional[int] = ...) -> None: ...

class SubmitOrderRequest(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: NewOrder
    def __init__(self, order: _Optional[_Union[NewOrder, _Mapping]] = ...) -> None: ...

class SubmitOrdersRequest(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[NewOrder]
    def __init__(self, orders: _Optional[_Iterable[_Union[NewOrder, _Mapping]]] = ...) -> None: ...

class SubmitOrdersReply(_message.Message):
    __slots__ = ("accepted", "rejected", "results")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    rejected: int
    results: _containers.RepeatedCompositeFieldContainer[SubmitOrderResult]
    def __init__(self, accepted: _Optional[int] = ..., rejected: _Optional[int] = ..., results: _Optional[_Iterable[_Union[SubmitOrderResult, _Mapping]]] = ...) -> None: ...

class SubmitOrderResult(_message.Message):
    __slots__ = ("order", "problem")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    order: Order
    problem: Problem
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ..., problem: _Optional[_Union[Problem, _Mapping]] = ...) -> None: ...

class AmendOrderRequest(_message.Message):
    __slots__ = ("order_id", "quantity", "price", "client_order_id", "symbol", "account")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    quantity: str
    price: str
    client_order_id: str
    symbol: str
    account: str
    def __init__(self, order_id: _Optional[int] = ..., quantity: _Optional[str] = ..., price: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("order_id", "client_order_id", "symbol", "account")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    client_order_id: str
    symbol: str
    account: str
    def __init__(self, order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class CancelOrdersRequest(_message.Message):
    __slots__ = ("symbol", "side", "account")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: Side
    account: str
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., account: _Optional[str] = ...) -> None: ...

class CancelOrdersReply(_message.Message):
    __slots__ = ("canceled", "order_ids")
    CANCELED_FIELD_NUMBER: _ClassVar[int]
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    canceled: int
    order_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, canceled: _Optional[int] = ..., order_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("order_id", "client_order_id", "symbol", "account")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    client_order_id: str
    symbol: str
    account: str
    def __init__(self, order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("account", "symbol", "status", "limit", "cursor")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    account: str
    symbol: str
    status: OrderFilter
    limit: int
    cursor: str
    def __init__(self, account: _Optional[str] = ..., symbol: _Optional[str] = ..., status: _Optional[_Union[OrderFilter, str]] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListOrdersReply(_message.Message):
    __slots__ = ("orders", "next_cursor")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    next_cursor: str
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "symbol", "side", "type", "status", "quantity", "filled_quantity", "remaining_quantity", "price", "average_price", "stop_price", "display_quantity", "time_in_force", "post_only", "account", "client_order_id", "reason", "expire_at", "created_at", "updated_at", "sequence", "fills")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REMAINING_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    symbol: str
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: str
    filled_quantity: str
    remaining_quantity: str
    price: str
    average_price: str
    stop_price: str
    display_quantity: str
    time_in_force: TimeInForce
    post_only: PostOnly
    account: str
    client_order_id: str
    reason: str
    expire_at: int
    created_at: int
    updated_at: int
    sequence: int
    fills: _containers.RepeatedCompositeFieldContainer[Fill]
    def __init__(self, order_id: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., type: _Optional[_Union[OrderType, str]] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., quantity: _Optional[str] = ..., filled_quantity: _Optional[str] = ..., remaining_quantity: _Optional[str] = ..., price: _Optional[str] = ..., average_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., display_quantity: _Optional[str] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., post_only: _Optional[_Union[PostOnly, str]] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., reason: _Optional[str] = ..., expire_at: _Optional[int] = ..., created_at: _Optional[int] = ..., updated_at: _Optional[int] = ..., sequence: _Optional[int] = ..., fills: _Optional[_Iterable[_Union[Fill, _Mapping]]] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("trade_id", "price", "quantity", "liquidity", "sequence", "timestamp")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    price: str
    quantity: str
    liquidity: Liquidity
    sequence: int
    timestamp: int
    def __init__(self, trade_id: _Optional[int] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., liquidity: _Optional[_Union[Liquidity, str]] = ..., sequence: _Optional[int] = ..., timestamp: _Optional[int] = ...) -> None: ...

class TradeRequest(_message.Message):
    __slots__ = ("id", "submit_order", "submit_orders", "amend_order", "cancel_order", "cancel_orders", "cancel_on_disconnect")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_ORDER_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_ORDERS_FIELD_NUMBER: _ClassVar[int]
    AMEND_ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDERS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    id: int
    submit_order: SubmitOrderRequest
    submit_orders: SubmitOrdersRequest
    amend_order: AmendOrderRequest
    cancel_order: CancelOrderRequest
    cancel_orders: CancelOrdersRequest
    cancel_on_disconnect: CancelOnDisconnectRequest
    def __init__(self, id: _Optional[int] = ..., submit_order: _Optional[_Union[SubmitOrderRequest, _Mapping]] = ..., submit_orders: _Optional[_Union[SubmitOrdersRequest, _Mapping]] = ..., amend_order: _Optional[_Union[AmendOrderRequest, _Mapping]] = ..., cancel_order: _Optional[_Union[CancelOrderRequest, _Mapping]] = ..., cancel_orders: _Optional[_Union[CancelOrdersRequest, _Mapping]] = ..., cancel_on_disconnect: _Optional[_Union[CancelOnDisconnectRequest, _Mapping]] = ...) -> None: ...

class TradeReply(_message.Message):
    __slots__ = ("id", "order", "orders", "canceled", "cancel_on_disconnect", "problem")
    ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CANCELED_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    id: int
    order: Order
    orders: SubmitOrdersReply
    canceled: CancelOrdersReply
    cancel_on_disconnect: CancelOnDisconnectReply
    problem: Problem
    def __init__(self, id: _Optional[int] = ..., order: _Optional[_Union[Order, _Mapping]] = ..., orders: _Optional[_Union[SubmitOrdersReply, _Mapping]] = ..., canceled: _Optional[_Union[CancelOrdersReply, _Mapping]] = ..., cancel_on_disconnect: _Optional[_Union[CancelOnDisconnectReply, _Mapping]] = ..., problem: _Optional[_Union[Problem, _Mapping]] = ...) -> None: ...

class CancelOnDisconnectRequest(_message.Message):
    __slots__ = ("enabled", "account")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    account: str
    def __init__(self, enabled: _Optional[bool] = ..., account: _Optional[str] = ...) -> None: ...

class CancelOnDisconnectReply(_message.Message):
    __slots__ = ("enabled", "account")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    account: str
    def __init__(self, enabled: _Optional[bool] = ..., account: _Optional[str] = ...) -> None: ...

class GetBookRequest(_message.Message):
    __slots__ = ("symbol", "levels")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    levels: int
    def __init__(self, symbol: _Optional[str] = ..., levels: _Optional[int] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class Book(_message.Message):
    __slots__ = ("symbol", "last_update_id", "timestamp", "bids", "asks")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    last_update_id: int
    timestamp: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    def __init__(self, symbol: _Optional[str] = ..., last_update_id: _Optional[int] = ..., timestamp: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ...) -> None: ...

class GetTickerRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class Ticker(_message.Message):
    __slots__ = ("symbol", "timestamp", "best_bid", "best_bid_quantity", "best_ask", "best_ask_quantity", "last_price", "open_price", "high_price", "low_price", "volume", "notional", "trades", "phase", "sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    BEST_BID_FIELD_NUMBER: _ClassVar[int]
    BEST_BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BEST_ASK_FIELD_NUMBER: _ClassVar[int]
    BEST_ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_FIELD_NUMBER: _ClassVar[int]
    HIGH_PRICE_FIELD_NUMBER: _ClassVar[int]
    LOW_PRICE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    timestamp: int
    best_bid: str
    best_bid_quantity: str
    best_ask: str
    best_ask_quantity: str
    last_price: str
    open_price: str
    high_price: str
    low_price: str
    volume: str
    notional: str
    trades: int
    phase: str
    sequence: int
    def __init__(self, symbol: _Optional[str] = ..., timestamp: _Optional[int] = ..., best_bid: _Optional[str] = ..., best_bid_quantity: _Optional[str] = ..., best_ask: _Optional[str] = ..., best_ask_quantity: _Optional[str] = ..., last_price: _Optional[str] = ..., open_price: _Optional[str] = ..., high_price: _Optional[str] = ..., low_price: _Optional[str] = ..., volume: _Optional[str] = ..., notional: _Optional[str] = ..., trades: _Optional[int] = ..., phase: _Optional[str] = ..., sequence: _Optional[int] = ...) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsReply(_message.Message):
    __slots__ = ("instruments",)
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[Instrument]
    def __init__(self, instruments: _Optional[_Iterable[_Union[Instrument, _Mapping]]] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "number", "tick_size", "lot_size", "phase", "matching", "self_trade_prevention", "settlement", "index", "base", "quote", "group", "fee_account", "maker_fee_bps", "taker_fee_bps", "reference_price", "static_band_ticks", "static_band_bps", "circuit_breaker_ticks", "circuit_breaker_bps", "halt_ns", "event", "outcome")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    FEE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_BPS_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_BPS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATIC_BAND_TICKS_FIELD_NUMBER: _ClassVar[int]
    STATIC_BAND_BPS_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKER_TICKS_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKER_BPS_FIELD_NUMBER: _ClassVar[int]
    HALT_NS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    number: int
    tick_size: str
    lot_size: str
    phase: str
    matching: str
    self_trade_prevention: SelfTradePrevention
    settlement: bool
    index: str
    base: str
    quote: str
    group: str
    fee_account: str
    maker_fee_bps: int
    taker_fee_bps: int
    reference_price: str
    static_band_ticks: int
    static_band_bps: int
    circuit_breaker_ticks: int
    circuit_breaker_bps: int
    halt_ns: int
    event: str
    outcome: str
    def __init__(self, symbol: _Optional[str] = ..., number: _Optional[int] = ..., tick_size: _Optional[str] = ..., lot_size: _Optional[str] = ..., phase: _Optional[str] = ..., matching: _Optional[str] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., settlement: _Optional[bool] = ..., index: _Optional[str] = ..., base: _Optional[str] = ..., quote: _Optional[str] = ..., group: _Optional[str] = ..., fee_account: _Optional[str] = ..., maker_fee_bps: _Optional[int] = ..., taker_fee_bps: _Optional[int] = ..., reference_price: _Optional[str] = ..., static_band_ticks: _Optional[int] = ..., static_band_bps: _Optional[int] = ..., circuit_breaker_ticks: _Optional[int] = ..., circuit_breaker_bps: _Optional[int] = ..., halt_ns: _Optional[int] = ..., event: _Optional[str] = ..., outcome: _Optional[str] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("symbol", "limit", "cursor", "from_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    limit: int
    cursor: str
    from_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., from_sequence: _Optional[int] = ...) -> None: ...

class ListTradesReply(_message.Message):
    __slots__ = ("trades", "next_cursor")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[TradePrint]
    next_cursor: str
    def __init__(self, trades: _Optional[_Iterable[_Union[TradePrint, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class TradePrint(_message.Message):
    __slots__ = ("trade_id", "symbol", "price", "quantity", "side", "timestamp", "sequence")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    symbol: str
    price: str
    quantity: str
    side: Side
    timestamp: int
    sequence: int
    def __init__(self, trade_id: _Optional[int] = ..., symbol: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., timestamp: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class ListCandlesRequest(_message.Message):
    __slots__ = ("symbol", "period", "start", "end", "limit", "cursor")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    period: str
    start: int
    end: int
    limit: int
    cursor: str
    def __init__(self, symbol: _Optional[str] = ..., period: _Optional[str] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListCandlesReply(_message.Message):
    __slots__ = ("symbol", "period", "candles", "next_cursor")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    period: str
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    next_cursor: str
    def __init__(self, symbol: _Optional[str] = ..., period: _Optional[str] = ..., candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("start", "open", "high", "low", "close", "volume", "notional", "trades", "is_closed")
    START_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    IS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    start: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    notional: str
    trades: int
    is_closed: bool
    def __init__(self, start: _Optional[int] = ..., open: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., close: _Optional[str] = ..., volume: _Optional[str] = ..., notional: _Optional[str] = ..., trades: _Optional[int] = ..., is_closed: _Optional[bool] = ...) -> None: ...

class StreamTradesRequest(_message.Message):
    __slots__ = ("symbols", "from_sequence", "interval_ms")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    from_sequence: int
    interval_ms: int
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., from_sequence: _Optional[int] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class TradeMessage(_message.Message):
    __slots__ = ("symbol", "trades")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    trades: _containers.RepeatedCompositeFieldContainer[TradePrint]
    def __init__(self, symbol: _Optional[str] = ..., trades: _Optional[_Iterable[_Union[TradePrint, _Mapping]]] = ...) -> None: ...

class StreamTickersRequest(_message.Message):
    __slots__ = ("symbols", "interval_ms")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    interval_ms: int
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class TickerMessage(_message.Message):
    __slots__ = ("symbol", "ticker")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TICKER_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    ticker: Ticker
    def __init__(self, symbol: _Optional[str] = ..., ticker: _Optional[_Union[Ticker, _Mapping]] = ...) -> None: ...

class StreamDepthRequest(_message.Message):
    __slots__ = ("symbols", "levels", "interval_ms")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    levels: int
    interval_ms: int
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., levels: _Optional[int] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class DepthMessage(_message.Message):
    __slots__ = ("snapshot", "update")
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    snapshot: DepthSnapshot
    update: DepthUpdate
    def __init__(self, snapshot: _Optional[_Union[DepthSnapshot, _Mapping]] = ..., update: _Optional[_Union[DepthUpdate, _Mapping]] = ...) -> None: ...

class DepthSnapshot(_message.Message):
    __slots__ = ("symbol", "last_update_id", "timestamp", "bids", "asks")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    last_update_id: int
    timestamp: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    def __init__(self, symbol: _Optional[str] = ..., last_update_id: _Optional[int] = ..., timestamp: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ...) -> None: ...

class DepthUpdate(_message.Message):
    __slots__ = ("symbol", "first_update_id", "last_update_id", "timestamp", "bids", "asks")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    FIRST_UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    first_update_id: int
    last_update_id: int
    timestamp: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    def __init__(self, symbol: _Optional[str] = ..., first_update_id: _Optional[int] = ..., last_update_id: _Optional[int] = ..., timestamp: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ...) -> None: ...

class StreamCandlesRequest(_message.Message):
    __slots__ = ("symbols", "period", "interval_ms")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    period: str
    interval_ms: int
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., period: _Optional[str] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class CandleMessage(_message.Message):
    __slots__ = ("symbol", "period", "candle")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    CANDLE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    period: str
    candle: Candle
    def __init__(self, symbol: _Optional[str] = ..., period: _Optional[str] = ..., candle: _Optional[_Union[Candle, _Mapping]] = ...) -> None: ...

class StreamOrdersRequest(_message.Message):
    __slots__ = ("account", "from_sequences")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    account: str
    from_sequences: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, account: _Optional[str] = ..., from_sequences: _Optional[_Iterable[int]] = ...) -> None: ...

class OrderMessage(_message.Message):
    __slots__ = ("begun", "changed")
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    begun: StreamBegun
    changed: OrdersChanged
    def __init__(self, begun: _Optional[_Union[StreamBegun, _Mapping]] = ..., changed: _Optional[_Union[OrdersChanged, _Mapping]] = ...) -> None: ...

class StreamBegun(_message.Message):
    __slots__ = ("sequences",)
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sequences: _Optional[_Iterable[int]] = ...) -> None: ...

class OrdersChanged(_message.Message):
    __slots__ = ("account", "shard", "sequence", "orders")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    account: str
    shard: int
    sequence: int
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, account: _Optional[str] = ..., shard: _Optional[int] = ..., sequence: _Optional[int] = ..., orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("slug", "title", "status", "detail", "instance", "errors", "retry_after_ms")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    slug: str
    title: str
    status: int
    detail: str
    instance: str
    errors: _containers.RepeatedCompositeFieldContainer[FieldProblem]
    retry_after_ms: int
    def __init__(self, slug: _Optional[str] = ..., title: _Optional[str] = ..., status: _Optional[int] = ..., detail: _Optional[str] = ..., instance: _Optional[str] = ..., errors: _Optional[_Iterable[_Union[FieldProblem, _Mapping]]] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class FieldProblem(_message.Message):
    __slots__ = ("pointer", "detail")
    POINTER_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    pointer: str
    detail: str
    def __init__(self, pointer: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
