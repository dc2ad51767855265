"""R33 for recordings: any bytes are read, or refused line by line with a reason."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replay.untrusted import CHECKS, SAMPLES, mutate


@pytest.mark.parametrize("kind", CHECKS)
def test_R33_the_samples_are_read_in_full(kind: str) -> None:
    read, refused = CHECKS[kind](SAMPLES[kind])
    assert (read, refused) == ({"messages": 5, "rows": 3, "orders": 3}[kind], 0)


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_R33_any_bytes_are_read_or_refused(kind: str, data: bytes) -> None:
    CHECKS[kind](data)


@pytest.mark.parametrize("kind", CHECKS)
def test_R33_damaged_recordings_are_read_or_refused(kind: str) -> None:
    random = Random(kind)
    refusals = 0
    for _ in range(2_000):
        refusals += CHECKS[kind](mutate(random, SAMPLES[kind]))[1]
    assert refusals > 0


def test_R33_a_line_without_end_is_refused_once() -> None:
    assert CHECKS["messages"](b"1" * (3 << 20) + b"\n" + SAMPLES["messages"]) == (5, 1)
