"""Opens the views, and makes them anew where the log may have lost its end and nobody was promised it."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from aeromatch import Exchange
from aeromatch.aio import AsyncExchange
from aeromatch.server.views.beginning import OtherLogError
from aeromatch.server.views.options import ViewOptions
from aeromatch.server.views.views import ServerViews

__all__ = ["open_views"]

log = logging.getLogger("aeromatch.views")

V = TypeVar("V", bound=ServerViews)


async def open_views(make: Callable[[Exchange], V], exchange: AsyncExchange, options: ViewOptions) -> V:
    """Opens views, in a thread: that reads files.

    Under durability `memory` a process that is killed leaves views that are ahead of its log: what they have more was
    never promised to anybody, and the log is what happened. So they begin anew, and the file is kept beside the new
    one. Under `os` and `disk` the log has all that the views can have; there it is somebody's mistake, and his to mend.

    Args:
        make: Opens them with a port, which is theirs to close.
        exchange: Whose views they are.
        options: Where they are.

    Raises:
        ViewsError: They are not of this log.
        StoreError: The file cannot be used.
        JournalError: The journal cannot be read.
    """
    try:
        return await _made(make, exchange)
    except OtherLogError as error:
        if exchange.durability != "memory" or options.path is None:
            raise
        old = _put_aside(options.path)
        log.warning("views are made anew from the journal", extra={"reason": error.reason, "kept": str(old)})
    return await _made(make, exchange)


async def _made(make: Callable[[Exchange], V], exchange: AsyncExchange) -> V:
    port = exchange.port()
    try:
        return await asyncio.to_thread(make, port)
    except BaseException:
        port.close()
        raise


def _put_aside(path: Path) -> Path:
    """Closed files have nothing beside them that is still to be written into them."""
    old = path.with_name(f"{path.name}.old")
    path.replace(old)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return old
