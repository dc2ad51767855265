"""When events happened: only answers say it."""

import random
from contextlib import closing

import pytest

from aeromatch import Exchange, Instrument
from aeromatch.market.times import event_times

BEGIN_NS = 10**18


@pytest.mark.parametrize("seed", range(3))
def test_R2_R6_the_events_of_a_command_have_the_time_of_its_answer(seed: int) -> None:
    rng = random.Random(seed)
    exchange = Exchange(shards=1)
    exchange.create_instrument(Instrument(symbol="A", tick_size="1", lot_size="1"))
    before_ns, now_ns = 0, BEGIN_NS
    with closing(exchange.stream()) as stream:
        for _ in range(20):
            by_hand = {}
            for _ in range(rng.randint(1, 30)):
                now_ns += rng.choice((0, 5, 1_000))
                # Some expire before a later command's answer, some are refused, some trade.
                ends = rng.random() < 0.3
                report = exchange.submit(
                    "A",
                    rng.choice(("buy", "sell")),
                    price=rng.randint(1, 5),
                    quantity=1,
                    post_only=rng.random() < 0.4,
                    time_in_force="gtd" if ends else "gtc",
                    expire_at=now_ns + 7 if ends else None,
                    timestamp=now_ns,
                )
                by_hand[report.sequence] = now_ns
            while (events := stream.read(rng.choice((1, 10, 1000)), 0)) is not None:
                records = events.to_numpy()
                times = event_times(records, before_ns)
                # The first command makes the instrument, at no time.
                told = [by_hand.get(sequence, 0) for sequence in records["sequence"].tolist()]
                assert times.tolist() == told
                before_ns = int(times[-1])
    assert len(set(by_hand.values())) > 1
