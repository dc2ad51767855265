"""Reads of the exchange that wait for a shard, in a thread of their own: the event loop goes on meanwhile.

A read waits until the shard is between two batches, which under durability "disk" includes a sync.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aeromatch._core import AeroMatchError, Exchange
from aeromatch.aio import AsyncExchange
from aeromatch.gateways.problems import refusal

__all__ = ["Reads"]

T = TypeVar("T")


class Reads:
    """One thread with a port to the exchange; what it is given to read, it reads in turn."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._port = exchange.port()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reads")

    async def read(self, look: Callable[[Exchange], T]) -> T:
        """What `look` finds. Raises RefusedError (503, `unavailable`) once the exchange is closed."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, look, self._port)
        except RuntimeError as error:
            raise refusal("draining") from error
        except LookupError:
            raise
        except AeroMatchError as error:
            raise refusal("unavailable", str(error)) from error

    async def close(self) -> None:
        """Ends the thread when it has done what it was given."""
        await asyncio.to_thread(self._thread.shutdown)
        self._port.close()
