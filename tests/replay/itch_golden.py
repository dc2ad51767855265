"""Every type of ITCH 5.0 message, its bytes written out by hand from the offsets of NASDAQ's specification."""

from __future__ import annotations

HEADER = b"\x00\x07\x00\x02\x1f\x1a\xce\xd9\xf0\x01"
"""Stock locate 7, tracking number 2, 09:30:00.000000001."""
COMMON: dict[str, str | int] = {"stock_locate": 7, "tracking_number": 2, "timestamp": 34_200_000_000_001}

# Type, length by the specification, bytes behind the header, what they say.
GOLDEN: list[tuple[str, int, bytes, dict[str, str | int]]] = [
    ("S", 12, b"Q", {"event_code": "Q"}),
    (
        "R",
        39,
        b"BRK.A   " + b"N" + b"D" + b"\x00\x00\x00\x0a" + b"Y" + b"C" + b"Z " + b"P" + b"N" + b"N" + b"1" + b"Y"
        b"\x00\x00\x00\x03" + b"Y",
        {
            "stock": "BRK.A",
            "market_category": "N",
            "financial_status": "D",
            "round_lot_size": 10,
            "round_lots_only": "Y",
            "issue_classification": "C",
            "issue_sub_type": "Z",
            "authenticity": "P",
            "short_sale_threshold": "N",
            "ipo_flag": "N",
            "luld_reference_price_tier": "1",
            "etp_flag": "Y",
            "etp_leverage_factor": 3,
            "inverse_indicator": "Y",
        },
    ),
    (
        "H",
        25,
        b"ABC     " + b"P" + b" " + b"LUDP",
        {"stock": "ABC", "trading_state": "P", "reserved": "", "reason": "LUDP"},
    ),
    ("Y", 20, b"ABC     1", {"stock": "ABC", "reg_sho_action": "1"}),
    (
        "L",
        26,
        b"AERO" + b"ABC     " + b"Y" + b"N" + b"A",
        {
            "mpid": "AERO",
            "stock": "ABC",
            "primary_market_maker": "Y",
            "market_maker_mode": "N",
            "market_participant_state": "A",
        },
    ),
    (
        "V",
        35,
        b"\x00\x00\x00\x6c\x44\x4c\x14\x00" + b"\x00\x00\x00\x00\x00\x00\x01\x00" + b"\x00\x00\x00\x00\x00\x00\x00\x01",
        {"level_1": 0x6C44_4C14_00, "level_2": 256, "level_3": 1},
    ),
    ("W", 12, b"2", {"breached_level": "2"}),
    (
        "K",
        28,
        b"ABC     " + b"\x00\x00\x89\x1c" + b"A" + b"\x00\x01\x86\xa0",
        {
            "stock": "ABC",
            "ipo_quotation_release_time": 35_100,
            "ipo_quotation_release_qualifier": "A",
            "ipo_price": 100_000,
        },
    ),
    (
        "J",
        35,
        b"ABC     " + b"\x00\x01\x86\xa0" + b"\x00\x01\xad\xb0" + b"\x00\x01\x5f\x90" + b"\x00\x00\x00\x02",
        {
            "stock": "ABC",
            "auction_collar_reference_price": 100_000,
            "upper_auction_collar_price": 110_000,
            "lower_auction_collar_price": 90_000,
            "auction_collar_extension": 2,
        },
    ),
    ("h", 21, b"ABC     BH", {"stock": "ABC", "market_code": "B", "operational_halt_action": "H"}),
    (
        "A",
        36,
        b"\x01\x02\x03\x04\x05\x06\x07\x08" + b"B" + b"\x00\x00\x01\x2c" + b"ABC     " + b"\x77\x35\x94\x00",
        {
            "order_reference_number": 0x0102_0304_0506_0708,
            "buy_sell_indicator": "B",
            "shares": 300,
            "stock": "ABC",
            "price": 2_000_000_000,
        },
    ),
    (
        "F",
        40,
        b"\x00\x00\x00\x00\x00\x00\x00\x09" + b"S" + b"\x00\x00\x00\x64" + b"ABCDEFGH" + b"\x00\x01\x86\xa1" + b"MTC ",
        {
            "order_reference_number": 9,
            "buy_sell_indicator": "S",
            "shares": 100,
            "stock": "ABCDEFGH",
            "price": 100_001,
            "attribution": "MTC",
        },
    ),
    (
        "E",
        31,
        b"\xff\xff\xff\xff\xff\xff\xff\xff" + b"\x00\x00\x00\x05" + b"\x00\x00\x00\x00\x00\x01\x00\x00",
        {"order_reference_number": 2**64 - 1, "executed_shares": 5, "match_number": 65_536},
    ),
    (
        "C",
        36,
        b"\x00\x00\x00\x00\x00\x00\x00\x09" + b"\x00\x00\x00\x05" + b"\x00\x00\x00\x00\x00\x00\x00\x0b" + b"N"
        b"\x00\x01\x86\xa2",
        {
            "order_reference_number": 9,
            "executed_shares": 5,
            "match_number": 11,
            "printable": "N",
            "execution_price": 100_002,
        },
    ),
    (
        "X",
        23,
        b"\x00\x00\x00\x00\x00\x00\x00\x09" + b"\x00\x00\x00\x07",
        {"order_reference_number": 9, "canceled_shares": 7},
    ),
    ("D", 19, b"\x00\x00\x00\x00\x00\x00\x01\x09", {"order_reference_number": 265}),
    (
        "U",
        35,
        b"\x00\x00\x00\x00\x00\x00\x00\x09" + b"\x00\x00\x00\x00\x00\x00\x00\x0a" + b"\x00\x00\x00\x07\x00\x01\x86\xa3",
        {
            "original_order_reference_number": 9,
            "new_order_reference_number": 10,
            "shares": 7,
            "price": 100_003,
        },
    ),
    (
        "P",
        44,
        b"\x00\x00\x00\x00\x00\x00\x00\x00" + b"B" + b"\x00\x00\x00\x07" + b"ABC     " + b"\x00\x01\x86\xa4"
        b"\x00\x00\x00\x00\x00\x00\x00\x0c",
        {
            "order_reference_number": 0,
            "buy_sell_indicator": "B",
            "shares": 7,
            "stock": "ABC",
            "price": 100_004,
            "match_number": 12,
        },
    ),
    (
        "Q",
        40,
        b"\x00\x00\x00\x01\x00\x00\x00\x00"
        + b"ABC     "
        + b"\x00\x01\x86\xa5"
        + b"\x00\x00\x00\x00\x00\x00\x00\x0d"
        + b"O",
        {"shares": 2**32, "stock": "ABC", "cross_price": 100_005, "match_number": 13, "cross_type": "O"},
    ),
    ("B", 19, b"\x00\x00\x00\x00\x00\x00\x00\x0d", {"match_number": 13}),
    (
        "I",
        50,
        b"\x00\x00\x00\x00\x00\x00\x00\x64" + b"\x00\x00\x00\x00\x00\x00\x00\xc8" + b"S" + b"ABC     "
        b"\x00\x01\x86\xa6" + b"\x00\x01\x86\xa7" + b"\x00\x01\x86\xa8" + b"C" + b"L",
        {
            "paired_shares": 100,
            "imbalance_shares": 200,
            "imbalance_direction": "S",
            "stock": "ABC",
            "far_price": 100_006,
            "near_price": 100_007,
            "current_reference_price": 100_008,
            "cross_type": "C",
            "price_variation_indicator": "L",
        },
    ),
    ("N", 20, b"ABC     A", {"stock": "ABC", "interest_flag": "A"}),
    (
        "O",
        48,
        b"ABC     " + b"Y" + b"\x00\x01\x00\x00" + b"\x00\x02\x00\x00" + b"\x00\x01\x86\xa0"
        b"\x00\x00\x1f\x1a\xce\xd9\xf0\x01" + b"\x00\x01\x5f\x90" + b"\x00\x01\xad\xb0",
        {
            "stock": "ABC",
            "open_eligibility_status": "Y",
            "minimum_allowable_price": 65_536,
            "maximum_allowable_price": 131_072,
            "near_execution_price": 100_000,
            "near_execution_time": 34_200_000_000_001,
            "lower_price_range_collar": 90_000,
            "upper_price_range_collar": 110_000,
        },
    ),
]


def golden(letter: str) -> bytes:
    """The bytes of the message of a type."""
    return next(kind.encode() + HEADER + body for kind, _, body, _ in GOLDEN if kind == letter)


def framed(framing: str, *messages: bytes) -> bytes:
    """A file of those messages."""
    if framing == "bare":
        return b"".join(messages)
    return b"".join((len(m) if framing == "lengths" else 0).to_bytes(2, "big") + m for m in messages)
