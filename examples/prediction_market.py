"""A prediction market from its creation to its settlement; what everybody has is printed after each step."""

from decimal import Decimal

from aeromatch import Exchange, Report, Side

EVENT, YES, NO = "rain-tomorrow", "rain-tomorrow/yes", "rain-tomorrow/no"
TRADERS = ("alice", "bob", "carol")


def main() -> None:
    """Create, fund, trade, mint, redeem, settle."""
    exchange = Exchange()
    exchange.create_asset("USD", decimals=2)
    exchange.create_event(EVENT, outcomes=["yes", "no"], currency="USD", taker_fee_bps=50)
    for trader in TRADERS:
        exchange.create_account(trader)
        exchange.deposit(trader, "USD", "1000")
    show(exchange, "everybody has 1000")

    trade(exchange, "alice bids 0.60 for 100 yes", YES, Side.BUY, 100, "0.60", "alice")
    trade(exchange, "bob bids 0.45 for 60 no: 0.60 and 0.40 reach 1, sets are minted", NO, Side.BUY, 60, "0.45", "bob")

    exchange.mint(EVENT, "carol", 50)
    show(exchange, "carol mints 50 full sets for 1.00 each")
    trade(exchange, "carol sells 40 yes to alice's bid: shares move", YES, Side.SELL, 40, "0.60", "carol")
    exchange.redeem(EVENT, "carol", 10)
    show(exchange, "carol redeems 10 full sets for 1.00 each")

    trade(exchange, "alice offers 20 yes at 0.70", YES, Side.SELL, 20, "0.70", "alice")
    trade(
        exchange,
        "bob sells 20 no at 0.30: both give up their shares, sets are burned",
        NO,
        Side.SELL,
        20,
        "0.30",
        "bob",
    )

    trade(exchange, "bob bids 0.20 for 50 more no, and nobody sells", NO, Side.BUY, 50, "0.20", "bob")
    exchange.settle(EVENT, outcome="yes")
    show(exchange, "it rains: a yes pays 1.00, a no nothing, what rests is canceled")

    again = exchange.settle(EVENT, outcome="no")
    print(f"a second settlement is {again.status}: {again.reject_reason}")
    total = sum((exchange.balance(account, "USD").total for account in exchange.accounts()), Decimal(0))
    print(f"all the USD there are: {total}")


def trade(exchange: Exchange, title: str, symbol: str, side: Side, quantity: int, price: str, account: str) -> Report:
    """Send an order, show its trades and what everybody has afterwards."""
    report = exchange.submit(symbol, side, quantity=quantity, price=price, account=account)
    traded = ", ".join(f"{fill.quantity} at {fill.price}" for fill in report.trades) or "nothing"
    show(exchange, f"{title}\n  {report.status}; traded {traded}")
    return report


def show(exchange: Exchange, title: str) -> None:
    """Print what everybody has."""
    print(title)
    for account in exchange.accounts():
        cash = exchange.balance(account, "USD")
        shares = {symbol: exchange.balance(account, symbol).total for symbol in (YES, NO)}
        print(
            f"  {account:<6} {cash.available:>8} USD and {cash.held:>6} held, {shares[YES]:>4} yes, {shares[NO]:>4} no"
        )
    print()


if __name__ == "__main__":
    main()
