"""Fills the small filesystem of one of two shards; run in a mount namespace of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.crash.disk_full_child import SEGMENT_BYTES, fill

from aeromatch import AeroMatchError, AsyncExchange, Exchange, Instrument

PATIENCE_S = 60.0


async def main(shard: Path) -> None:
    """Let a command for all shards wait for room on one of them; nothing else may wait for it for ever."""
    filler = shard / "filler"
    exchange = await AsyncExchange.open(shard.parent, durability="os", segment_bytes=SEGMENT_BYTES, shards=2)
    for symbol in ("A", "B"):
        await exchange.create_instrument(Instrument(symbol))
    fill(filler, shard)
    while (report := await exchange.submit("B", "buy", quantity=1, price=1)).reject_reason is None:
        pass
    assert report.reject_reason == "capacity", report
    making = asyncio.create_task(exchange.create_instrument(Instrument("C")))
    done, _ = await asyncio.wait([making], timeout=0.2)
    assert not done, "the other shard has no room for it"
    await asyncio.wait_for(exchange.close(), PATIENCE_S)
    (answer,) = await asyncio.gather(making, return_exceptions=True)
    assert isinstance(answer, AeroMatchError), answer
    filler.unlink()
    with Exchange.open(shard.parent, segment_bytes=SEGMENT_BYTES, shards=2) as again:
        assert [it.symbol for it in again.instruments()] == ["A", "B", "C"]
        assert [again.submit(symbol, "sell", quantity=1, price=2).status for symbol in "ABC"] == ["open"] * 3
    print("waited for room, closed, completed at the next opening")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
