"""What a session is set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_MESSAGE_BYTES", "Profile"]

MAX_MESSAGE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One side of all sessions of an acceptor.

    Attributes:
        comp_id: Who we are: TargetCompID of what comes, SenderCompID of what goes.
        heartbeat_s: The shortest and the longest HeartBtInt that a client may ask for. 0 as the shortest also lets it
            ask for none at all.
        accuracy_s: How far SendingTime may be from our time.
        logout_timeout_s: How long the answer to a Logout of ours is waited for.
        reset_on_logon: Numbers begin at 1 with every Logon. For tests of the protocol: nothing is sent again then.
        max_message_bytes: A longer message is garbled.
        max_ahead_messages: So many messages that came before their turn are kept until the gap is filled; more are
            asked for again.
        max_ahead_bytes: The same, in bytes.
        resend_messages: So many messages are sent again by one call at most; the rest when `Session.more` is called.
    """

    comp_id: str
    heartbeat_s: tuple[int, int] = (1, 300)
    accuracy_s: float = 120.0
    logout_timeout_s: float = 2.0
    reset_on_logon: bool = False
    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_ahead_messages: int = 1000
    max_ahead_bytes: int = 1 << 20
    resend_messages: int = 500
