"""Generate a market that crashes, replay it, and draw it: writes three files into the current folder.

Give it a LOBSTER message file instead and it replays that one: python examples/watch_a_crash.py MESSAGES ORDERBOOK
"""

import sys
from pathlib import Path

import numpy as np

from aeromatch.analytics import Tape, draw
from aeromatch.replay import LobsterReplay
from aeromatch.replay.generate import LobsterWriter, Mood, Session

MESSAGES, ORDERBOOK, PICTURE = Path("crash_message.csv"), Path("crash_orderbook.csv"), Path("crash.png")


def main() -> None:
    """Generate (unless files are given), replay, draw."""
    if len(sys.argv) == 3:
        messages, orderbook = Path(sys.argv[1]), Path(sys.argv[2])
    else:
        messages, orderbook = MESSAGES, ORDERBOOK
        with messages.open("wb") as message_stream, orderbook.open("wb") as row_stream:
            LobsterWriter(Session(Mood.CRASH, 8_000, seed=7), 10, message_stream, row_stream).run()

    tape = Tape()
    result = LobsterReplay(messages, orderbook, observer=tape).run()
    print(f"{result.messages:,} messages, state {result.state.ratio:.2%}, executions {result.executions.ratio:.2%}")

    spread_ticks = tape.asks - tape.bids  # NaN where a side was empty
    print(f"widest spread: {np.nanmax(spread_ticks):,.0f} ticks, trades: {len(tape.trade_prices):,}")
    draw(tape, PICTURE, title="A crash", subtitle=f"{result.messages:,} messages", tick_size=0.0001)
    print(f"picture: {PICTURE}")


if __name__ == "__main__":
    main()
