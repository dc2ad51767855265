"""One fill explained: who stood ahead of the order, what moved each of them, and what if one of them had stayed."""

import tempfile
from pathlib import Path

from aeromatch import Event, Exchange, Instrument
from aeromatch.replay import Timeline
from aeromatch.replay.timeline import Step, compare

SYMBOL = "BTC-USD"


def main() -> None:
    """Make a market, then look back into its journal."""
    with tempfile.TemporaryDirectory() as folder:
        order_id = make_market(Path(folder) / "data")
        timeline = Timeline(Path(folder) / "data")
        left_early = explain(timeline, order_id)
        what_if_it_had_stayed(timeline, left_early)


def make_market(directory: Path) -> int:
    """Write a short journal; gives the id of the order that is explained."""
    with Exchange.open(directory, durability="os") as exchange:
        exchange.create_instrument(Instrument(SYMBOL, tick_size="0.01", lot_size="0.001"))
        for account in ("alice", "bob", "carol", "dave", "erin", "frank", "grace"):
            exchange.create_account(account)
        ids = {
            account: exchange.submit(SYMBOL, "sell", quantity=quantity, price="100.00", account=account).order_id
            for account, quantity in (("alice", "2"), ("bob", "1"), ("carol", "3"), ("dave", "1.5"))
        }
        exchange.submit(SYMBOL, "sell", quantity="1", price="100.01", account="erin")
        exchange.submit(SYMBOL, "buy", quantity="0.5", price="100.00", account="frank")
        exchange.cancel(SYMBOL, ids["bob"])
        exchange.amend(SYMBOL, ids["carol"], quantity="4")
        exchange.submit(SYMBOL, "buy", quantity="2.5", price="100.00", account="grace")
        return ids["dave"] or 0


def explain(timeline: Timeline, order_id: int) -> Step:
    """Walk from the order's arrival to its first fill; gives the step in which somebody ahead of it canceled."""
    ahead: list[int] | None = None
    canceled: Step | None = None
    for step in timeline.steps():
        if ahead is not None:
            for event in step.events:
                print_if_it_matters(step, event, ahead, order_id)
            if any(event.kind == "canceled" and event.order_id in ahead for event in step.events):
                canceled = step
            if any(event.kind == "trade" and event.order_id == order_id for event in step.events):
                break
        order = timeline.book(SYMBOL).order(order_id)
        if order is None or order.price is None:
            continue
        queue = [standing.order_id for standing in timeline.book(SYMBOL).queue(order.side, order.price)]
        if ahead is None:
            print(f"{step}\n  it joins the queue at {order.price}, {queue.index(order_id)} orders stand ahead of it:")
            for standing in timeline.book(SYMBOL).queue(order.side, order.price)[: queue.index(order_id)]:
                print(f"    {standing.remaining_quantity} of {standing.account}")
        ahead = queue[: queue.index(order_id)]
    assert canceled is not None
    return canceled


def print_if_it_matters(step: Step, event: Event, ahead: list[int], order_id: int) -> None:
    """Print what moved the queue ahead of the order, or filled the order itself."""
    if event.order_id == order_id and event.kind == "trade":
        print(f"#{step.sequence}: everybody ahead is gone: the order trades {event.quantity} at {event.price}")
    elif event.order_id in ahead and event.kind == "trade":
        print(f"#{step.sequence}: {event.account}, ahead of it, trades {event.quantity}")
    elif event.order_id in ahead and event.kind == "canceled":
        print(f"#{step.sequence}: {event.account}, ahead of it, cancels {event.quantity}")
    elif event.order_id in ahead and event.kind == "amended" and not event.priority_kept:
        print(f"#{step.sequence}: {event.account}, ahead of it, asks for more and goes to the end of the queue")


def what_if_it_had_stayed(timeline: Timeline, left_early: Step) -> None:
    """Let everything else happen once more without that cancel, and show what would be different."""
    branch = timeline.seek(left_early.sequence - 1).fork()
    timeline.follow(branch, without={left_early.sequence})
    print(f"\nwithout #{left_early.sequence} (as it was | as it would be):\n{compare(timeline, branch)}")


if __name__ == "__main__":
    main()
