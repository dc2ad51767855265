"""uvicorn in an event loop that is ours: signals and the end are the server's business."""

import contextlib
from collections.abc import Iterator

import uvicorn

__all__ = ["HttpServer"]


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves the process's signals alone; `should_exit = True` ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured: whoever runs this server has its own handlers."""
        yield
