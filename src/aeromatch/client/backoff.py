"""How long to wait before trying again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Longer each time, up to a limit, and by chance between half and all of it: many clients do not come at once.

    Attributes:
        first_s: The first pause.
        limit_s: The longest.
    """

    first_s: float = 0.1
    limit_s: float = 10.0

    def delays_s(self) -> Iterator[float]:
        """One pause after the other, without end."""
        delay_s = self.first_s
        while True:
            yield delay_s * random.uniform(0.5, 1.0)
            delay_s = min(delay_s * 2, self.limit_s)
