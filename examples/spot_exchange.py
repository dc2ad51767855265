"""A spot exchange with funded accounts, fees and a durable directory; closed, opened again, and still the same."""

import tempfile
from pathlib import Path

from aeromatch import Exchange, Instrument, Side

BTC_USD = Instrument(
    "BTC-USD",
    tick_size="0.01",
    lot_size="0.0001",
    base="BTC",
    quote="USD",
    settlement=True,
    maker_fee_bps=-1,
    taker_fee_bps=5,
)


def main() -> None:
    """Trade, close, open again."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "data"
        with Exchange.open(directory, durability="disk") as exchange:
            fund(exchange)
            trade(exchange)
            before, digest = holdings(exchange), exchange.digest()
            print("\nat the end")
            show(exchange)

        with Exchange.open(directory, durability="disk") as exchange:
            print("\nopened again")
            show(exchange)
            print(
                f"\nthe same balances: {holdings(exchange) == before}, the same digest: {exchange.digest() == digest}"
            )
            print(f"bob's order is still there: {exchange.book('BTC-USD').orders(account='bob')[0].remaining_quantity}")


def fund(exchange: Exchange) -> None:
    """Make the market and bring money into it."""
    exchange.create_instrument(BTC_USD)
    for account in ("alice", "bob"):
        exchange.create_account(account)
    exchange.deposit("alice", "USD", "100000", id="wire-1")
    exchange.deposit("bob", "BTC", "2", id="chain-1")
    again = exchange.deposit("bob", "BTC", "2", id="chain-1")
    print(f"the same deposit once more: {again.status}, {again.reject_reason}")


def trade(exchange: Exchange) -> None:
    """Rest, cross, be refused."""
    exchange.submit("BTC-USD", Side.SELL, quantity="1.5", price="60000.00", account="bob")
    report = exchange.submit(
        "BTC-USD", Side.BUY, quantity="0.25", price="60000.00", account="alice", time_in_force="ioc"
    )
    for fill in report.trades:
        print(f"alice bought {fill.quantity} BTC at {fill.price}")

    with_budget = exchange.submit(
        "BTC-USD", Side.BUY, order_type="market", quantity="0.1", budget="6100", account="alice"
    )
    print(f"a market order with a budget: {with_budget.status}, {with_budget.filled_quantity} BTC")

    too_much = exchange.submit("BTC-USD", Side.BUY, quantity="2", price="60000.00", account="alice")
    print(f"more than she can pay: {too_much.status}, {too_much.reject_reason}")
    held = exchange.withdraw("bob", "BTC", "1")
    print(f"bob withdraws what his order holds: {held.status}, {held.reject_reason}")


def holdings(exchange: Exchange) -> dict[tuple[str, str], object]:
    """Give every balance by account and asset."""
    return {
        (account, asset.name): exchange.balance(account, asset.name)
        for account in exchange.accounts()
        for asset in exchange.assets()
    }


def show(exchange: Exchange) -> None:
    """Print every balance; the makers' rebate comes out of the takers' fee, the rest is in `fees`."""
    for (account, asset), balance in holdings(exchange).items():
        if balance.total:
            print(f"  {account:<6} {balance.available:>17f} {asset} and {balance.held:f} held")


if __name__ == "__main__":
    main()
