"""Why the binary gateway refuses something or ends a session: numbers, slugs, and the HTTP status of each slug."""

from typing import Final

from aeromatch import _core
from aeromatch.client.errors import RejectedError, rejection_of
from aeromatch.schema.problems import Problem, type_of

__all__ = ["CODES", "REJECTIONS", "STATUSES", "rejection"]

CODES: Final[dict[int, str]] = {
    1: "malformed",
    2: "bad_sequence",
    3: "body_too_large",
    4: "unauthenticated",
    5: "request_timeout",
    6: "idle",
    7: "slow_consumer",
    8: "logged_out",
    9: "draining",
    10: "unavailable",
    11: "sequence_not_kept",
    12: "internal_error",
    20: "missing_credentials",
    21: "invalid_key",
    22: "invalid_signature",
    23: "expired_timestamp",
    24: "replayed_nonce",
    25: "not_permitted",
    26: "rate_limited",
    27: "too_many_connections",
    28: "kill_switch",
    29: "capacity",
    30: "unknown_account",
    31: "unknown_instrument",
    32: "already_subscribed",
    33: "not_subscribed",
    34: "too_many_subscriptions",
}
"""Slugs by code."""

REJECTIONS: Final = {code: slug for slug, code in _core.CODES["RejectReason"].items()}
"""What the exchange itself refuses for (R8), by the code in an event's `reason`."""

STATUSES: Final[dict[str, int]] = {
    "malformed": 400,
    "unauthenticated": 401,
    "missing_credentials": 401,
    "invalid_key": 401,
    "invalid_signature": 401,
    "expired_timestamp": 401,
    "replayed_nonce": 401,
    "not_permitted": 403,
    "kill_switch": 403,
    "unknown_instrument": 404,
    "unknown_account": 404,
    "unknown_order": 404,
    "unknown_asset": 404,
    "unknown_group": 404,
    "unknown_event": 404,
    "unknown_outcome": 404,
    "not_subscribed": 404,
    "request_timeout": 408,
    "duplicate_client_order_id": 409,
    "duplicate_transfer": 409,
    "already_exists": 409,
    "already_settled": 409,
    "already_subscribed": 409,
    "sequence_not_kept": 410,
    "body_too_large": 413,
    "rate_limited": 429,
    "too_many_connections": 429,
    "too_many_subscriptions": 429,
    "internal_error": 500,
    "capacity": 503,
    "slow_consumer": 503,
    "draining": 503,
    "unavailable": 503,
}
"""The statuses that other gateways answer with; 422 where a slug is not here."""

REFUSED: Final = 422
NS_PER_MS: Final = 1_000_000


def rejection(slug: str, detail: str = "", retry_after_ns: int = 0) -> RejectedError:
    """The exception of a slug; `retry_after_ns` is 0 where trying again does not help."""
    return rejection_of(
        Problem(
            type=type_of(slug),
            title=slug.replace("_", " ").capitalize(),
            status=STATUSES.get(slug, REFUSED),
            slug=slug,
            detail=detail,
            retry_after_ms=-(-retry_after_ns // NS_PER_MS) or None,
        )
    )
