"""Send a whole session as one NumPy batch, and look at its trades as columns."""

import numpy as np

from aeromatch import Instrument, OrderBook
from aeromatch.replay.generate import Mood, flow


def main() -> None:
    """Generate a session, process it in two calls, and sum up what was traded where."""
    opening, session = flow(Mood.SWING, 20_000, seed=3)
    book = OrderBook(Instrument("SWING", tick_size="0.01"))
    book.process(opening)
    events = book.process(session)

    trades = events.to_numpy()
    trades = trades[trades["kind"] == 5]
    print(f"{len(session):,} commands, {len(events):,} events, {len(trades):,} trades")

    volume = trades["quantity_lots"].astype(np.float64)
    average = np.average(trades["price_ticks"], weights=volume) / 100
    print(
        f"traded {volume.sum():,.0f} between {trades['price_ticks'].min() / 100:.2f} and "
        f"{trades['price_ticks'].max() / 100:.2f}, {average:.2f} on average"
    )
    print(f"digest of the book: {book.digest()[:16]}...")


if __name__ == "__main__":
    main()
