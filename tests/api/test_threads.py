"""A book used from two threads at once says so; nothing waits, nothing is half done."""

import threading
from typing import Any

import numpy as np
import pytest

from aeromatch import AeroMatchError, Commands, Instrument, OrderBook, _core, commands


def large_batch(count: int = 400_000) -> Commands:
    rng = np.random.default_rng(5)
    return commands(
        side=rng.integers(0, 2, count),
        price_ticks=rng.integers(990, 1010, count),
        quantity_lots=rng.integers(1, 99, count),
    )


def test_a_second_thread_gets_an_error_and_the_first_is_not_disturbed() -> None:
    batch = large_batch()
    book, alone = OrderBook(Instrument("X")), OrderBook(Instrument("X"))
    refused: list[str] = []
    lengths: list[int] = []
    worker = threading.Thread(target=lambda: lengths.append(book.process(batch).commands))
    worker.start()
    # The interpreter is free while the batch runs, so this thread comes through, and is refused.
    while worker.is_alive():
        try:
            book.cancel(1)
        except AeroMatchError as error:
            refused.append(str(error))
            break
    worker.join()
    assert lengths == [len(batch)]
    assert refused == ["this OrderBook is in use by another thread; let them take turns, with a lock"]
    alone.process(batch)
    if book.sequence == alone.sequence:
        assert book.digest() == alone.digest()
    assert book.submit("buy", quantity=1, price=1).accepted


def test_books_of_their_own_run_side_by_side() -> None:
    batch = large_batch(50_000)
    books = [OrderBook(Instrument("X")) for _ in range(4)]
    workers = [threading.Thread(target=book.process, args=(batch,)) for book in books]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({book.digest() for book in books}) == 1


def test_writable_memory_may_change_while_a_batch_runs() -> None:
    slots = large_batch(100_000).slots.copy()
    book, undisturbed = OrderBook(Instrument("X")), OrderBook(Instrument("X"))
    undisturbed.process(slots.copy())
    worker = threading.Thread(target=book.process, args=(slots,))
    worker.start()
    while worker.is_alive():
        if book_is_busy(book):
            slots["kind"] = 99
    worker.join()
    assert book.digest() == undisturbed.digest()


def book_is_busy(book: OrderBook) -> bool:
    try:
        return book.sequence < 0
    except AeroMatchError:
        return True


@pytest.mark.parametrize("index", ["ladder", "btree", "skiplist", "heap"])
def test_the_native_loop_measures_what_it_says(index: str) -> None:
    batch = large_batch(20_000)
    whole = _core.bench_native(batch, index=index)
    assert (whole["commands"], whole["events"]) == (20_000, len(OrderBook(Instrument("X")).process(batch)))
    assert "p50_ns" not in whole
    single = _core.bench_native(batch, index=index, mode="latency", warmup=15_000)
    assert single["commands"] == 5_000
    assert 0 < single["p50_ns"] <= single["p99_ns"] <= single["p999_ns"] <= single["max_ns"] <= single["elapsed_ns"]
    assert single["resting_orders"] == whole["resting_orders"] > 0
    assert whole["memory_bytes"] > 64 * whole["resting_orders"]


def test_the_native_loop_counts_allocations() -> None:
    # One order in, one order out: once the book has its memory it needs no more.
    kinds = np.array(["new", "cancel"] * 5_000)
    ids = np.repeat(np.arange(1, 5_001), 2)
    steady = commands(kind=kinds, side="buy", price_ticks=5, quantity_lots=1, order_id=ids)
    assert _core.bench_native(steady, warmup=5_000)["allocations"] == 0
    growing = commands(side="buy", price_ticks=np.arange(20_000), quantity_lots=1)
    assert _core.bench_native(growing, index="btree")["allocations"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "pile"}, "^index must be one of 'ladder', 'btree', 'skiplist', 'heap'; got"),
        ({"mode": "fast"}, "^mode must"),
        ({"warmup": 10**9}, "^warmup leaves"),
    ],
)
def test_the_native_loop_refuses_misuse(options: dict[str, Any], message: str) -> None:
    bench_native: Any = _core.bench_native
    with pytest.raises(ValueError, match=message):
        bench_native(large_batch(10), **options)
    empty_call: Any = _core.empty_call
    assert empty_call() is None


@pytest.mark.parametrize("index", ["ladder", "btree", "skiplist", "heap"])
def test_depth_is_measured_after_changes_that_leave_the_book_as_it_was(index: str) -> None:
    batch = commands(side=["buy"] * 30 + ["sell"] * 5, price_ticks=np.arange(35), quantity_lots=1)
    read = _core.bench_depth(batch, index=index, times=3)
    assert read["levels"] == 35
    assert read["top_ns"] > 0
    assert read["depth_ns"] > 0
    assert read["index_bytes"] > 35 * 12
    with pytest.raises(ValueError, match=r"^times must"):
        _core.bench_depth(batch, index=index, times=0)
