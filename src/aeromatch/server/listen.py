"""uvicorn in an event loop that is ours: signals and the end are the server's business.

`protocol` is what its connections speak: those of a `Door`, which counts them and ends those that are too slow, with a
limit of what stands before a request's body; what is no HTTP gets a problem like everything that is refused.
"""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.server.admission.connections import Door

__all__ = ["HttpServer", "protocol"]


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves the process's signals alone; `should_exit = True` ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured: whoever runs this server has its own handlers."""
        yield


class _Limited(HttpToolsProtocol):
    """Refuses targets and headers that are too long: they would be kept whole before anybody has seen them."""

    max_header_bytes: int
    _header_bytes = 0
    _refused: RefusedError | None = None

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        super().on_url(url)
        self._count_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        super().on_header(name, value)
        self._count_bytes(len(name) + len(value))

    def _count_bytes(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self.max_header_bytes:
            self._refused = refusal("headers_too_large", f"target and headers may have {self.max_header_bytes} bytes")
            raise self._refused  # The parser ends here, and `send_400_response` is called.

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP, or more than was wanted, if no answer is under way; and closes."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            error = self._refused or refusal("malformed", msg)
            body = msgspec.json.encode(problem_of(error))
            head = (
                f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
                f"content-type: application/problem+json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()


def protocol(door: Door, max_header_bytes: int) -> type[HttpToolsProtocol]:
    """The class for `uvicorn.Config(http=...)`."""
    return type("Connection", (_Limited, door.protocol), {"max_header_bytes": max_header_bytes})
