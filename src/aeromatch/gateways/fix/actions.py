"""What a session wants done, in the order it is to be done."""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.gateways.fix.message import Message

__all__ = ["Action", "Deliver", "Disconnect", "LoggedOn", "LoggedOut", "Rejected", "Send"]


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the other side: whole messages. What they need to be sent again is in the store."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """An application message: in order, each once, valid by the dictionary."""

    message: Message


@dataclass(frozen=True, slots=True)
class LoggedOn:
    """The session is up: from here on messages are sent at once.

    Attributes:
        message: The other side's Logon.
        was_reset: Both sides began their numbers anew (ResetSeqNumFlag, or the profile says so).
    """

    message: Message
    was_reset: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """The other side refused a message of ours (Reject, 35=3): a mistake of ours, to be logged."""

    message: Message


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The session is down. What is sent now is kept for its next logon.

    Attributes:
        reason: A slug: the one of the Disconnect, or `logout` where the other side asked for it.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection is to be closed, after what was sent before.

    Attributes:
        reason: A slug.
        detail: The same in words.
    """

    reason: str
    detail: str


Action = Send | Deliver | LoggedOn | Rejected | LoggedOut | Disconnect
