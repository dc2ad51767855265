"""Which shards a stream of events has asked: in turn, each time from the one behind the last that had something."""

__all__ = ["Turns"]


class Turns:
    """Follows one stream, read by read, for those who must know that a shard has nothing more to say.

    What a command brings may be on other shards alone: no event ever leads a position past it on this one.
    """

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._next = 0

    def had(self, shard: int) -> list[int]:
        """A read has brought events of a shard: those that were asked before it and had none."""
        passed = [(self._next + step) % self._shards for step in range((shard - self._next) % self._shards)]
        self._next = (shard + 1) % self._shards
        return passed
