"""Sessions of those who call: gRPC tells of calls, not of connections.

A client's address and port stand for its connection. Its session begins with the first call, and ends some time after
the last one; a stream of order entry has a session of its own, which ends with it.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from aeromatch.gateways.services import Admission, Stages

__all__ = ["Peers", "remote_of"]

GATEWAY: Final = "grpc"
LOOKS_IN_IDLE: Final = 4


def remote_of(peer: str) -> str:
    """Address and port as the other gateways have them: of "ipv6:%5B::1%5D:50051", "[::1]:50051"."""
    kind, _, address = peer.partition(":")
    return unquote(address) if kind in ("ipv4", "ipv6") else ""


@dataclass(slots=True)
class _Peer:
    """A client's address and port."""

    session: int
    calls: int = 0
    idle_since: float = 0.0


class Peers:
    """The sessions of all clients; in the event loop."""

    def __init__(self, admission: Admission, stages: Stages, idle_s: float) -> None:
        self._admission = admission
        self._stages = stages
        self._idle_s = idle_s
        self._peers: dict[str, _Peer] = {}
        self._look: asyncio.TimerHandle | None = None

    def enter(self, remote: str) -> int:
        """A call begins: the number of its session. Raises RefusedError (429) above the limits of connections."""
        peer = self._peers.get(remote)
        if peer is None:
            peer = self._peers[remote] = _Peer(self._admission.connect(remote))
            self._stages.count("aeromatch_gateway_connections", gateway=GATEWAY)
            if self._look is None:
                self._look_later()
        peer.calls += 1
        return peer.session

    def leave(self, remote: str) -> None:
        """The call has ended."""
        peer = self._peers.get(remote)
        if peer is None:
            return
        peer.calls -= 1
        if not peer.calls:
            peer.idle_since = asyncio.get_running_loop().time()

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._look = loop.call_later(self._idle_s / LOOKS_IN_IDLE, self._end_idle)

    def _end_idle(self) -> None:
        before = asyncio.get_running_loop().time() - self._idle_s
        for remote, peer in tuple(self._peers.items()):
            if not peer.calls and peer.idle_since <= before:
                self._end(remote, peer)
        self._look = None
        if self._peers:
            self._look_later()

    def _end(self, remote: str, peer: _Peer) -> None:
        del self._peers[remote]
        self._admission.disconnect(peer.session)
        self._stages.count("aeromatch_gateway_connections", -1, gateway=GATEWAY)

    def close(self) -> None:
        """Ends all sessions: no call is under way any more."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        for remote, peer in tuple(self._peers.items()):
            self._end(remote, peer)
