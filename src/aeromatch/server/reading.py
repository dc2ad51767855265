"""Long bodies take turns: of all connections that send one, one is read from each time the event loop comes round.

However many there are, and however fast they send, whoever sends a short request waits for one piece of a long one, and
not for a piece of each.
"""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

__all__ = ["PacedFlow", "Turns"]


class Turns:
    """Who waits to be read from, first come first served. For the thread of an event loop."""

    def __init__(self) -> None:
        self._waiting: dict[PacedFlow, None] = {}
        self._is_awake = False

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, flow: "PacedFlow") -> None:
        """Is read from when it is its turn. Who waits already keeps his place."""
        self._waiting[flow] = None
        if not self._is_awake:
            self._is_awake = True
            asyncio.get_running_loop().call_soon(self._next)

    def leave(self, flow: "PacedFlow") -> None:
        """Does not want to be read from any more."""
        self._waiting.pop(flow, None)

    def _next(self) -> None:
        self._is_awake = bool(self._waiting)
        if not self._waiting:
            return
        flow = next(iter(self._waiting))
        del self._waiting[flow]
        flow.read()
        asyncio.get_running_loop().call_soon(self._next)


class PacedFlow(FlowControl):
    """A connection's flow control. While `is_paced`, it goes on reading when it is its turn, and not at once."""

    def __init__(self, transport: asyncio.Transport, turns: Turns) -> None:
        super().__init__(transport)
        self._turns = turns
        self.is_paced = False

    def pause_reading(self) -> None:
        """Reads no more."""
        self._turns.leave(self)
        super().pause_reading()

    def resume_reading(self) -> None:
        """Reads on: now, or when it is its turn."""
        if self.is_paced and self.read_paused:
            self._turns.wait(self)
        else:
            self.read()

    def read(self) -> None:
        """Reads on now."""
        if not self._transport.is_closing():
            super().resume_reading()
