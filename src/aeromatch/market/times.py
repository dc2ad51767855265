"""When events happened: only a command's answer has the time, in its `other`."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core

__all__ = ["event_times"]

ACCEPTED: Final = _core.CODES["EventKind"]["accepted"]
REJECTED: Final = _core.CODES["EventKind"]["rejected"]


def event_times(records: NDArray[np.void], before_ns: int) -> NDArray[np.uint64]:
    """The time of each event.

    Arguments:
        records: Events of whole commands of one shard, in order (EVENT_DTYPE).
        before_ns: The time of the last answer before them: what was answered on another shard happens then.

    Returns:
        Nanoseconds since the Unix epoch, one for each event.
    """
    # Only columns are taken out of records: whole ones would be copied.
    kinds, sequences = records["kind"], records["sequence"]
    answers = np.flatnonzero((kinds == ACCEPTED) | (kinds == REJECTED))
    times = np.concatenate((np.array([before_ns], dtype=np.uint64), records["other"][answers]))
    numbers = sequences[answers]
    # Effects of time stand before the answer that tells it (R6): so a command's first answer counts for all its events.
    first = numbers.searchsorted(sequences, side="left")
    has_answer = first < len(numbers)
    has_answer[has_answer] = numbers[first[has_answer]] == sequences[has_answer]
    return times[first + has_answer]
