"""Trade with a server: an order that rests, one that trades, a batch, and a refusal.

Give the address of a running server, or none: then a demo server is started, and ended, by this example.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aeromatch.client import Client, RejectedError, new_order


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


def trade(url: str) -> None:
    """Send a few orders for alice."""
    # A server that is about to be there is asked again, for as long as timeout_s and retries say.
    with Client(url, account="alice", timeout_s=60, retries=100) as client:
        print("instruments:", ", ".join(instrument.symbol for instrument in client.instruments()))

        resting = client.submit("BTC-USD", "buy", quantity="0.01", price=50_000)
        print(f"a bid far below the market is {resting.status}")

        taken = client.submit(
            "BTC-USD", "buy", quantity="0.001", price=100_000, time_in_force="ioc", client_order_id="mine-1"
        )
        print(f"one far above it is {taken.status}, {taken.filled_quantity} of {taken.quantity} filled")

        again = client.submit(
            "BTC-USD", "buy", quantity="0.001", price=100_000, time_in_force="ioc", client_order_id="mine-1"
        )
        print(f"sent again it is the same order: {again.order_id == taken.order_id}")

        batch = client.submit_many(new_order("ETH-USD", "buy", quantity=1, price=1_000 + i) for i in range(10))
        print(f"of a batch {batch.accepted} were accepted, {batch.rejected} rejected")
        print(f"mass cancel ended {client.mass_cancel().canceled} orders")

        try:
            client.submit("BTC-USD", "buy", quantity="0.00001", price=50_000)
        except RejectedError as error:
            print(f"less than a lot is refused: {error.slug}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        trade(sys.argv[1])
    else:
        with demo_server() as url:
            trade(url)
