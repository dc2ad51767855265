"""A book, four orders, and what happened to them."""

from aeromatch import Instrument, OrderBook


def main() -> None:
    """Trade a little and print everything."""
    book = OrderBook(Instrument("BTC-USD", tick_size="0.01", lot_size="0.0001"))
    book.submit("sell", quantity="1.5", price="100.25", account="alice", client_order_id="a-1")
    book.submit("sell", quantity="0.5", price="100.20", account="bob")
    book.submit("buy", quantity="2", price="99.90", account="carol")

    report = book.submit("buy", quantity="1", price="100.25", account="dave", time_in_force="ioc")
    print(f"{report.status}: {report.filled_quantity} at {report.average_price} on average")
    for trade in report.trades:
        print(f"  trade {trade.trade_id}: {trade.quantity} at {trade.price} against order {trade.maker_order_id}")

    late = book.cancel(client_order_id="a-1", account="bob")
    print(f"someone else's order: {late.status}, {late.reject_reason}")

    for level in book.depth(5).bids + book.depth(5).asks:
        print(f"{level.side:>4} {level.quantity} at {level.price} ({level.order_count} order)")


if __name__ == "__main__":
    main()
