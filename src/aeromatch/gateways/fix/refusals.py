"""What a refusal's slug is in FIX: the code of the reason, and a text that begins with the slug.

FIX 4.4 has a code for some of the ways in which something can be refused, the slug tells all of them: whoever needs to
know reads the Text up to its colon.
"""

from typing import Final

from aeromatch.gateways.services import RefusedError

__all__ = [
    "BUSINESS_REASONS",
    "CANCEL_REASONS",
    "ORDER_REASONS",
    "business_reason",
    "cancel_reason",
    "order_reason",
    "text_of",
]

OTHER: Final = "99"
BUSINESS_OTHER: Final = "0"
TEXT_CHARACTERS: Final = 500

ORDER_REASONS: Final = {
    "unknown_instrument": "1",
    "not_allowed_in_phase": "2",
    "insufficient_funds": "3",
    "expired": "4",
    "unknown_order": "5",
    "duplicate_client_order_id": "6",
    "invalid_combination": "11",
    "invalid_quantity": "13",
    "unknown_account": "15",
    "account_needed": "15",
}
"""OrdRejReason (103); all others are 99."""

CANCEL_REASONS: Final = {
    "unknown_order": "1",
    "duplicate_client_order_id": "6",
}
"""CxlRejReason (102); 0 where the order had ended, which the session knows; all others are 99."""

BUSINESS_REASONS: Final = {
    "unknown_instrument": "2",
    "unavailable": "4",
    "not_ready": "4",
    "draining": "4",
    "capacity": "4",
    "not_permitted": "6",
    "invalid_key": "6",
    "missing_credentials": "6",
}
"""BusinessRejectReason (380); all others are 0."""


def text_of(refused: RefusedError) -> str:
    """The slug, a colon, and what there is to say: printable, in Latin letters, not long."""
    words = f"{refused.slug}: {refused.detail}" if refused.detail and refused.detail != refused.slug else refused.slug
    return "".join(letter if " " <= letter <= "~" else "?" for letter in words[:TEXT_CHARACTERS])


def order_reason(refused: RefusedError) -> str:
    """OrdRejReason (103)."""
    return ORDER_REASONS.get(refused.slug, OTHER)


def cancel_reason(refused: RefusedError, *, has_ended: bool) -> str:
    """CxlRejReason (102)."""
    if has_ended and refused.slug == "unknown_order":
        return "0"
    return CANCEL_REASONS.get(refused.slug, OTHER)


def business_reason(refused: RefusedError) -> str:
    """BusinessRejectReason (380)."""
    return BUSINESS_REASONS.get(refused.slug, BUSINESS_OTHER)
