"""One sale of a single lot sets off a cascade of stops, which an iceberg takes up."""

from collections.abc import Iterable

from aeromatch import Event, Instrument, OrderBook


def tell(events: Iterable[Event]) -> None:
    """Print what happened, an event a line."""
    for event in events:
        if event.kind == "trade":
            print(f"  {event.quantity} traded at {event.price}: {event.other_order_id} met {event.order_id}")
        elif event.kind == "triggered":
            print(f"  stop {event.order_id} fires: {event.quantity} to sell")
        elif event.kind == "replenished":
            print(f"  iceberg {event.order_id} shows {event.quantity} more")


def main() -> None:
    """Build a book, look at it, and let it fall."""
    book = OrderBook(Instrument("AERO"))
    for price in (100, 99, 98):
        book.submit("buy", quantity=2, price=price)
    iceberg = book.submit("buy", quantity=12, price=97, display_quantity=4, account="patient")
    book.submit("buy", quantity=1, price=101)
    book.submit("sell", quantity=1, price=101)  # the last price is 101

    for stop_price in (100, 99, 98):
        book.submit("sell", quantity=3, order_type="stop", stop_price=stop_price)
    book.submit("sell", quantity=3, order_type="trailing_stop", trail_offset=4)

    print("bids:", ", ".join(f"{level.quantity} at {level.price}" for level in book.depth().bids))
    print("stops:", ", ".join(f"{order.remaining_quantity} at {order.stop_price}" for order in book.stops()))

    print("one lot is sold:")
    tell(book.submit("sell", quantity=1, order_type="market").events)

    left = book.order(iceberg.order_id)
    print(f"the iceberg has {left.remaining_quantity} left, and shows {left.shown_quantity}" if left else "it is gone")


if __name__ == "__main__":
    main()
