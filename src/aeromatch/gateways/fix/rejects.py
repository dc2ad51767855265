"""Why a message is refused by the session: SessionRejectReason (373), with the standard's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Problem", "Reason"]


class Reason(IntEnum):
    """Values of SessionRejectReason that are used here."""

    INVALID_TAG_NUMBER = 0
    REQUIRED_TAG_MISSING = 1
    TAG_NOT_DEFINED_FOR_MESSAGE = 2
    TAG_WITHOUT_VALUE = 4
    VALUE_INCORRECT = 5
    INCORRECT_DATA_FORMAT = 6
    COMP_ID_PROBLEM = 9
    SENDING_TIME_ACCURACY = 10
    INVALID_MSG_TYPE = 11
    TAG_REPEATED = 13
    TAG_OUT_OF_ORDER = 14
    GROUP_OUT_OF_ORDER = 15
    GROUP_COUNT_INCORRECT = 16
    DELIMITER_IN_VALUE = 17

    @property
    def text(self) -> str:
        """The reason in the standard's words."""
        return TEXTS[self]


TEXTS = {
    Reason.INVALID_TAG_NUMBER: "Invalid tag number",
    Reason.REQUIRED_TAG_MISSING: "Required tag missing",
    Reason.TAG_NOT_DEFINED_FOR_MESSAGE: "Tag not defined for this message type",
    Reason.TAG_WITHOUT_VALUE: "Tag specified without a value",
    Reason.VALUE_INCORRECT: "Value is incorrect (out of range) for this tag",
    Reason.INCORRECT_DATA_FORMAT: "Incorrect data format for value",
    Reason.COMP_ID_PROBLEM: "CompID problem",
    Reason.SENDING_TIME_ACCURACY: "SendingTime accuracy problem",
    Reason.INVALID_MSG_TYPE: "Invalid MsgType",
    Reason.TAG_REPEATED: "Tag appears more than once",
    Reason.TAG_OUT_OF_ORDER: "Tag specified out of required order",
    Reason.GROUP_OUT_OF_ORDER: "Repeating group fields out of order",
    Reason.GROUP_COUNT_INCORRECT: "Incorrect NumInGroup count for repeating group",
    Reason.DELIMITER_IN_VALUE: "Non-data value includes field delimiter",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a message.

    Attributes:
        reason: SessionRejectReason.
        tag: RefTagID: the field that it is about; None where it is not about one.
    """

    reason: Reason
    tag: int | None = None
