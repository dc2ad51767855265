"""A market for asyncio: two shards, traders who await their answers, and a follower who sees every event."""

import asyncio
import random
import tempfile
from pathlib import Path

from aeromatch import AsyncExchange, EventKind, Instrument, Shards, StreamLagged

SYMBOLS = ("COPPER", "TIN")
TRADERS = ("alice", "bob", "carol")
ORDERS = 200


async def main() -> None:
    """Trade while somebody follows; then read it all again from the journal."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "data"
        async with AsyncExchange.open(directory, durability="os", shards=Shards(2)) as exchange:
            for symbol in SYMBOLS:
                await exchange.create_instrument(Instrument(symbol, tick_size="0.5"))
            await asyncio.gather(*(exchange.create_account(name) for name in TRADERS))
            follower = asyncio.create_task(follow(exchange))
            accepted = await asyncio.gather(*(trade(exchange, name) for name in TRADERS))
            print(f"orders accepted: {dict(zip(TRADERS, accepted, strict=True))}")
            for symbol in SYMBOLS:
                book = exchange.book(symbol)
                print(f"{symbol:<6} best bid {book.best_bid}, best ask {book.best_ask}, {len(book)} orders")
        # The follower ends with the exchange.
        live = await follower

        async with AsyncExchange.open(directory) as exchange:
            print(f"opened again with {exchange.shards} shards")
            from_the_journal = await read_until_now(exchange)
        print(f"trades seen live: {live}; in the journal: {from_the_journal}")


async def trade(exchange: AsyncExchange, name: str) -> int:
    """Send orders, many of them at once; an answer is there as soon as the order is in the journal."""
    dice = random.Random(name)
    answers = await asyncio.gather(
        *(
            exchange.submit(
                dice.choice(SYMBOLS),
                dice.choice(("buy", "sell")),
                quantity=dice.randint(1, 9),
                price=100 + dice.randint(-6, 6) / 2,
                account=name,
            )
            for _ in range(ORDERS)
        )
    )
    return sum(answer.accepted for answer in answers)


async def follow(exchange: AsyncExchange) -> int:
    """Count trades until the exchange is closed. Who is too slow goes on where it was, from the journal."""
    trades = 0
    position: int | tuple[int, ...] = 0
    while True:
        stream = exchange.stream(position)
        try:
            async for events in stream:
                trades += sum(event.kind is EventKind.TRADE for event in events)
        except StreamLagged as lagged:
            position = lagged.position
        else:
            return trades


async def read_until_now(exchange: AsyncExchange) -> int:
    """Count the trades of the past."""
    trades, stream = 0, exchange.stream()
    while (events := await stream.read(timeout_s=0)) is not None:
        trades += sum(event.kind is EventKind.TRADE for event in events)
    return trades


if __name__ == "__main__":
    asyncio.run(main())
