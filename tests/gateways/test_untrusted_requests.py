"""Any bytes that come in through a gateway are read, or refused; `make fuzz-decoders SECONDS=60` tries more of them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateways.untrusted import CHECKS, SAMPLES, mutate

from aeromatch.bench.gateways.fix import framed
from aeromatch.gateways.fix.codec import Framer

# What the samples come to: they are read, and none of them is refused.
READ = {
    "rest": 7,
    "websocket": 6,
    "grpc": 9,
    "fix_codec": 2,
    "fix_session": 5,
}


@pytest.mark.parametrize("kind", CHECKS)
def test_the_samples_come_to_different_things(kind: str) -> None:
    outcomes = {CHECKS[kind](sample) for sample in SAMPLES[kind]}
    assert len(outcomes) == READ[kind]
    assert not any("malformed" in str(outcome) for outcome in outcomes)


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(kind: str, data: bytes) -> None:
    CHECKS[kind](data)


@pytest.mark.parametrize("kind", CHECKS)
def test_damaged_requests_are_read_or_refused(kind: str) -> None:
    random, outcomes = Random(kind), set()
    for _ in range(1_500):
        outcomes.add(CHECKS[kind](mutate(kind, random, random.choice(SAMPLES[kind]))))
    assert len(outcomes) > READ[kind]


def test_a_good_message_behind_noise_is_found_however_it_comes() -> None:
    good = framed(b"0", b"34=1\x01", b"")
    for noise in (b"48=\x019=2\x01", b"x8=FI", b"8", b"\x018=\x01"):
        for size in range(1, 12):
            framer, frames, stream = Framer(), [], noise + good + good
            for begin in range(0, len(stream), size):
                framer.feed(stream[begin : begin + size])
                while (frame := framer.next()) is not None:
                    frames.append(frame)
            assert frames == [good, good], (noise, size)
