"""The client of the binary gateway without asyncio: the AsyncBinaryClient, run by a thread."""

from functools import partial
from typing import Self

from aeromatch.client.binary_client import AsyncBinaryClient
from aeromatch.client.waiting import WaitingBook, WaitingClient, making, streaming, waiting

__all__ = ["BinaryClient"]


class BinaryClient(WaitingClient[AsyncBinaryClient]):
    """A client of the binary gateway: `with BinaryClient("127.0.0.1:9191") as client`.

    It has the arguments and calls of an AsyncBinaryClient, and each waits for its answer. A thread keeps the
    connection; several threads may use one client.
    """

    __init__ = making(AsyncBinaryClient)

    connect = waiting(AsyncBinaryClient.connect)
    submit = waiting(AsyncBinaryClient.submit)
    submit_many = waiting(AsyncBinaryClient.submit_many)
    process = waiting(AsyncBinaryClient.process)
    amend = waiting(AsyncBinaryClient.amend)
    cancel = waiting(AsyncBinaryClient.cancel)
    mass_cancel = waiting(AsyncBinaryClient.mass_cancel)
    symbols = waiting(AsyncBinaryClient.symbols)
    instrument_number = waiting(AsyncBinaryClient.instrument_number)

    stream_orders = streaming(AsyncBinaryClient.stream_orders)
    stream_reports = streaming(AsyncBinaryClient.stream_reports)
    stream_trades = streaming(AsyncBinaryClient.stream_trades)

    def local_book(self, symbol: str, levels: int = 0) -> WaitingBook:
        """As `AsyncBinaryClient.local_book`."""
        return WaitingBook(self._runner, self._runner.call(partial(self._client.local_book, symbol, levels)))

    @property
    def positions(self) -> list[int]:
        """As `AsyncBinaryClient.positions`."""
        return self._runner.call(lambda: self._client.positions)

    @property
    def account(self) -> str | None:
        """As `AsyncBinaryClient.account`."""
        return self._client.account

    def __enter__(self) -> Self:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self
