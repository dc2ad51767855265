"""A trading day: orders are collected, an auction opens the market, it trades, and a closing auction ends it."""

import random

from aeromatch import Instrument, OrderBook, Phase

OPENING, NOON, CLOSING, NIGHT = (hour * 3600 * 10**9 for hour in (9, 12, 17, 18))


def collect(book: OrderBook, rng: random.Random, orders: int, middle: int) -> None:
    """Send limit orders around a price, some of them icebergs, and print what an auction would do by now."""
    for number in range(1, orders + 1):
        side = rng.choice(("buy", "sell"))
        # Buyers are willing to pay a little more than sellers ask for: the book crosses.
        price = middle + (rng.randint(-12, 8) if side == "buy" else rng.randint(-8, 12))
        quantity = rng.randint(1, 40)
        book.submit(
            side,
            quantity=quantity,
            price=f"{price / 100:.2f}",
            time_in_force="day",
            display_quantity=max(1, quantity // 5) if rng.random() < 0.2 else None,
        )
        if number % 20 == 0:
            found = book.indicative()
            print(f"  {number:3} orders: {found.quantity} at {found.price}, surplus {found.surplus}")


def summary(book: OrderBook) -> str:
    """Best prices, and what has traded."""
    seen = book.statistics
    return f"{book.best_bid} to {book.best_ask}; {seen.trade_count} trades, last at {seen.last_price}"


def main() -> None:
    """Open, trade, close."""
    rng = random.Random(7)
    book = OrderBook(Instrument("AERO", tick_size="0.01", reference_price="100.00", static_band_bps=1_000))

    print("before the opening")
    book.set_phase(Phase.PRE_OPEN)
    book.submit("buy", quantity=50, order_type="market", account="eager")
    collect(book, rng, 80, middle=10_000)
    report = book.set_phase(Phase.CONTINUOUS, timestamp=OPENING)
    print(f"opened with {len(report.trades)} trades at {report.trades[0].price}; now {summary(book)}")

    book.advance_time(NOON)
    for _ in range(50):
        book.submit(rng.choice(("buy", "sell")), quantity=rng.randint(1, 5), order_type="market")
    print(f"by noon {summary(book)}")

    print("before the close")
    book.set_phase(Phase.AUCTION, timestamp=CLOSING)
    collect(book, rng, 40, middle=10_010)
    report = book.set_phase(Phase.CLOSED, timestamp=NIGHT)
    ended = sum(event.kind == "canceled" for event in report.events)
    print(f"closed with {len(report.trades)} trades at {report.trades[0].price}; {ended} DAY orders ended")
    print(f"{len(book)} orders are left")


if __name__ == "__main__":
    main()
