"""Follow a server's market: a local book that verifies itself, beside the ticker.

Give the address of a running server, or none: then a demo server is started, and ended, by this example.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aeromatch.client import AsyncClient

SYMBOL = "BTC-USD"


@contextmanager
def demo_server() -> Iterator[str]:
    """A server with a market that trades by itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "aeromatch", "serve", "--demo", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


async def follow(url: str) -> None:
    """Watch the top of the book change."""
    async with AsyncClient(url, timeout_s=60, retries=100) as client:
        await client.instrument(SYMBOL)
        async with client.local_book(SYMBOL) as book, client.stream_tickers(SYMBOL) as tickers:
            for _ in range(5):
                await book.changed()
                print(book)
            print("the same as over REST:", await book.verify_now())
            ticker = await anext(tickers)
            print(f"ticker: {ticker.best_bid} / {ticker.best_ask}, last {ticker.last_price}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(follow(sys.argv[1]))
    else:
        with demo_server() as url:
            asyncio.run(follow(url))
