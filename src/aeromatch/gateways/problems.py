"""Every way in which a request can be refused: its slug, its HTTP status, and what it means.

What the exchange refuses has R8's slugs. docs/rest.md has this table; a test compares them.
"""

from typing import Final

from aeromatch.gateways.services import RefusedError
from aeromatch.schema.problems import FieldProblem, Problem, type_of

__all__ = ["PROBLEMS", "problem_of", "refusal", "unknown_instrument", "unknown_order"]

PROBLEMS: Final[dict[str, tuple[int, str]]] = {
    "malformed": (400, "The request has not the form that it must have; `errors` says where and why."),
    "invalid_cursor": (400, "The cursor is none that an answer to the same question gave."),
    "account_needed": (400, "The request has to name an account."),
    "invalid_parameter": (400, "A parameter is not what it can be."),
    "unknown_period": (400, "Candles are not kept of this period."),
    "unauthenticated": (401, "A WebSocket that has to log in has not."),
    "missing_credentials": (401, "The request does not say who sends it (docs/security.md)."),
    "invalid_key": (401, "There is no such key, or the secret is not its."),
    "invalid_signature": (401, "The signature is not the key's over this request."),
    "expired_timestamp": (401, "The request was signed too long ago, or in the future."),
    "replayed_nonce": (401, "A request with this nonce came before."),
    "not_permitted": (403, "The key has not the role that this needs, or it acts for another account."),
    "kill_switch": (403, "The kill switch of the account, or of the venue, is on."),
    "unknown_path": (404, "There is nothing at this path."),
    "unknown_instrument": (404, "There is no such instrument (R8)."),
    "unknown_account": (404, "There is no such account (R8)."),
    "unknown_order": (404, "There is no such order, it has ended, or it is somebody else's (R8, R23)."),
    "unknown_asset": (404, "There is no such asset (R8)."),
    "unknown_group": (404, "There is no such clearing group (R8)."),
    "unknown_event": (404, "There is no such event market (R8)."),
    "unknown_outcome": (404, "The event market has no such outcome (R8)."),
    "not_subscribed": (404, "This connection does not follow this channel."),
    "method_not_allowed": (405, "The path does not take this method; the header Allow says which it takes."),
    "request_timeout": (408, "The request did not arrive in time."),
    "duplicate_client_order_id": (409, "The account used this client order id for another order (R5)."),
    "duplicate_transfer": (409, "A movement of money with this id was made before (R8): nothing moves twice."),
    "already_exists": (409, "There is something with this name, or number (R8)."),
    "no_connection": (409, "What ends with a connection was asked for over none."),
    "profile_running": (409, "Another profile is being taken."),
    "already_settled": (409, "The event market is settled (R8, R32)."),
    "already_subscribed": (409, "This connection follows this channel already."),
    "already_logged_on": (409, "This session is logged on over another connection (FIX)."),
    "sequence_not_kept": (410, "What happened since then is not kept any more."),
    "body_too_large": (413, "The body has more bytes than the server takes."),
    "unsupported_media_type": (415, "The body is not JSON, or says that it is something else."),
    "invalid_quantity": (422, "The quantity is not a whole number of lots in 1 .. 2^48, or its sides contradict (R8)."),
    "invalid_price": (422, "The price is not a whole number of ticks, or does not fit (R8)."),
    "invalid_time": (422, "`expire_at` is outside 1 .. 2^63 - 1 (R8)."),
    "invalid_client_order_id": (422, "The client order id is not 1 to 36 printable ASCII characters (R5)."),
    "invalid_combination": (422, "The order's terms exclude one another (docs/rules.md)."),
    "invalid_name": (422, "The name is not one that things may have (R8)."),
    "not_allowed_in_phase": (422, "The instrument's phase does not take this command (R26)."),
    "expired": (422, "`expire_at` is past (R17)."),
    "price_out_of_band": (422, "The price is outside the static band (R28)."),
    "insufficient_funds": (422, "The account has not enough available for this (R30)."),
    "post_only_would_take": (422, "A post-only order would trade on arrival (R13)."),
    "upgrade_required": (426, "There is a WebSocket at this path, and the request asks for none."),
    "rate_limited": (429, "Too many requests; the headers say when there is room again."),
    "too_many_connections": (429, "Too many connections from there."),
    "too_many_subscriptions": (429, "This connection, or stream, follows as much as it may."),
    "headers_too_large": (431, "The request's headers have more bytes than the server takes."),
    "internal_error": (500, "The server made a mistake; its log has the request's id."),
    "capacity": (503, "The exchange has no room for this now (R8); try again."),
    "not_ready": (503, "The server has not recovered yet; try again."),
    "draining": (503, "The server is about to end; nothing new is taken."),
    "slow_consumer": (503, "Too much waits for a client that reads too slowly: its stream, or connection, is ended."),
    "unavailable": (503, "The exchange has stopped: what was acknowledged is safe, nothing new is taken."),
}
"""Status and meaning by slug."""

RETRY_MS: Final = {"capacity": 50, "not_ready": 1000, "draining": 5000}
"""Where trying again can help: when."""


def refusal(slug: str, detail: str = "", *, errors: tuple[FieldProblem, ...] = ()) -> RefusedError:
    """The error of a slug, with the status that goes with it."""
    status, meaning = PROBLEMS.get(slug, (422, slug.replace("_", " ")))
    return RefusedError(slug, status, detail or meaning, errors=errors, retry_after_ms=RETRY_MS.get(slug))


def unknown_instrument(symbol: str) -> RefusedError:
    """No instrument has this symbol."""
    return refusal("unknown_instrument", f"there is no instrument {symbol!r}")


def unknown_order(order_id: str | int) -> RefusedError:
    """No order has this id, for whoever asks."""
    return refusal("unknown_order", f"there is no such order: {order_id}")


def problem_of(error: RefusedError, instance: str = "") -> Problem:
    """What a gateway answers; `instance` is the request's id."""
    return Problem(
        type=type_of(error.slug),
        title=error.slug.replace("_", " ").capitalize(),
        status=error.status,
        slug=error.slug,
        detail=error.detail,
        instance=instance,
        errors=list(error.errors),
        retry_after_ms=error.retry_after_ms,
    )
