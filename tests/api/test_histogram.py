"""Histograms of latencies: known to so many digits, merged, corrected for what was not measured, and as bytes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeromatch._core import Histogram

LARGEST = 2**62 - 1
VALUES = st.one_of(st.integers(0, 5_000), st.integers(0, LARGEST))


def of(values: list[int], **options: int) -> Histogram:
    histogram = Histogram(**options)
    for value in values:
        histogram.record(value)
    return histogram


@given(st.lists(VALUES, min_size=1, max_size=200), st.floats(0, 100), st.integers(1, 5))
def test_percentiles_are_those_of_the_values_to_the_digits_asked_for(
    values: list[int], percent: float, digits: int
) -> None:
    histogram = of(values, significant_digits=digits)
    found = histogram.percentile(percent)
    # The definition, without a histogram: the smallest value that so many do not exceed. Where percent falls on the
    # boundary of two values, rounding may choose either.
    wanted = len(values) * percent / 100
    places = {max(math.ceil(wanted + nudge), 1) - 1 for nudge in (-1e-9, 0, 1e-9)}
    exact = [sorted(values)[min(place, len(values) - 1)] for place in places]
    # The lowest value is given as the lowest that is not told apart from it, all others as the highest.
    # A hundredth of the smallest floats is 0.
    low = 0 if percent / 100 else 1
    assert any(value - low * (value // 10**digits + 1) <= found <= value + value // 10**digits + 1 for value in exact)
    assert histogram.count == len(values)
    assert max(values) <= histogram.max <= max(values) + max(values) // 10**digits + 1
    assert min(values) - min(values) // 10**digits - 1 <= histogram.min <= min(values)


@given(st.lists(VALUES, max_size=100), st.lists(VALUES, max_size=100), st.integers(1, 5))
def test_merging_and_arrays_count_what_single_values_count(left: list[int], right: list[int], digits: int) -> None:
    one, other = of(left, significant_digits=digits), Histogram(significant_digits=digits)
    other.record_many(np.array(right, dtype=np.uint64))
    one.merge(other)
    assert one.to_bytes() == of(left + right, significant_digits=digits).to_bytes()
    assert sum(count for _, count in one.recorded()) == len(left) + len(right)


@given(st.lists(st.tuples(VALUES, st.integers(1, 2**40)), max_size=60), st.integers(1, 5))
def test_bytes_bring_everything_back(values: list[tuple[int, int]], digits: int) -> None:
    histogram = Histogram(significant_digits=digits)
    for value, count in values:
        histogram.record(value, count)
    again = Histogram.from_bytes(histogram.to_bytes())
    assert again.to_bytes() == histogram.to_bytes()
    assert again.recorded() == histogram.recorded()
    assert (again.count, again.min, again.max, again.mean, again.significant_digits) == (
        histogram.count,
        histogram.min,
        histogram.max,
        histogram.mean,
        histogram.significant_digits,
    )


@given(st.lists(VALUES, max_size=20), st.data())
def test_damaged_bytes_are_refused_or_a_histogram(values: list[int], data: Any) -> None:
    whole = of(values).to_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    for candidate in (bytes(damaged), whole[:place]):
        try:
            found = Histogram.from_bytes(candidate)
        except ValueError:
            continue
        assert found.to_bytes() == candidate


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "data: too short for a histogram"),
        (b"AMHX\1\3", "data: not a histogram"),
        (b"AMHG\2\3", "data: a histogram of version 2, this one knows 1"),
        (b"AMHG\1\0", "data: significant_digits must be in 1 .. 5, not 0"),
        (b"AMHG\1\3\5\0", "data: damaged at byte 6"),
        (b"AMHG\1\3\5\1\0\1", "data: damaged at byte 8"),
        (b"AMHG\1\3\5", "data: damaged at byte 6"),
        (b"AMHG\1\3\x85\0\1", "data: damaged at byte 6"),
        (b"AMHG\1\3\0" + b"\xff" * 9 + b"\1\1\1", "data: damaged at byte 17"),
    ],
)
def test_what_is_wrong_with_bytes_is_said(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace(".", r"\.")):
        Histogram.from_bytes(data)


def test_a_hold_up_counts_what_it_kept_from_being_measured() -> None:
    histogram = Histogram()
    histogram.record_correct(1_000, 300)
    assert [value for value, _ in histogram.recorded()] == [400, 700, 1_000]
    once = Histogram()
    once.record_many(np.array([1_000, 50], dtype=np.int64), interval=300)
    assert [value for value, _ in once.recorded()] == [50, 400, 700, 1_000]
    with pytest.raises(ValueError, match="leaves out"):
        histogram.record_correct(2**60, 1)


def test_columns_of_tables_are_arrays_too() -> None:
    table = np.zeros(4, dtype=[("before", "<u4"), ("match_ns", "<u8")])
    table["match_ns"] = (5, 1, 4, 2)
    histogram = Histogram()
    histogram.record_many(table["match_ns"])
    assert histogram.recorded() == [(1, 1), (2, 1), (4, 1), (5, 1)]
    assert (histogram.percentile(50), histogram.mean) == (2, 3.0)


@pytest.mark.parametrize(
    "values", [np.array([1.5]), np.array([1], dtype=np.uint32), [1, 2], "12345678", b"12345678", None]
)
def test_other_things_are_no_values(values: Any) -> None:
    with pytest.raises(TypeError, match="values must be an array of whole numbers of 64 bits"):
        Histogram().record_many(values)


def test_nothing_is_counted_of_an_array_with_a_bad_value() -> None:
    histogram = Histogram()
    for values in (np.array([1, -1], dtype=np.int64), np.array([1, 2**62], dtype=np.uint64)):
        with pytest.raises(ValueError, match="number 1 is not in"):
            histogram.record_many(values)
    with pytest.raises(ValueError, match="leaves out"):
        histogram.record_many(np.array([1, 2**60], dtype=np.uint64), interval=1)
    with pytest.raises(ValueError, match="value must be in"):
        histogram.record(2**62)
    with pytest.raises(ValueError, match="significant_digits"):
        Histogram(significant_digits=6)
    for percent in (-0.1, 100.1, math.nan):
        with pytest.raises(ValueError, match="percent must be in"):
            histogram.percentile(percent)
    assert (histogram.count, histogram.min, histogram.max, histogram.mean) == (0, 0, 0, 0.0)
    assert histogram.percentile(50) == 0
    assert repr(histogram) == "Histogram(count=0, median=0, max=0)"


def test_one_merges_with_itself() -> None:
    histogram = of([3, 7])
    histogram.merge(histogram)
    assert histogram.recorded() == [(3, 2), (7, 2)]
