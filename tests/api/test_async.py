"""`AsyncExchange`: the commands of an Exchange, awaited; nothing polls, nothing is lost, nothing leaks."""

import asyncio
import gc
import inspect
import os
import selectors
import shutil
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.api.test_streams import plain, records
from tests.sharded import PLAIN, batch, books, by_instrument, holdings, setup, told, trade, venue

from aeromatch import (
    EVENT_DTYPE,
    AeroMatchError,
    AsyncEventStream,
    AsyncExchange,
    Events,
    Exchange,
    Instrument,
    JournalError,
    RecordError,
    Report,
    Shards,
    StreamLagged,
    UnknownNameError,
)

COUNTS = [1, 2]
WAITS_S = 30


def played(main: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that an event loop runs."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(main(), WAITS_S))

    return test


async def make(ex: AsyncExchange) -> None:
    """Makes the instruments of `batch`."""
    for symbol in PLAIN:
        await ex.create_instrument(Instrument(symbol))


async def buy(ex: AsyncExchange, price: int, symbol: str = "P0") -> Report:
    return await ex.submit(symbol, "buy", quantity=1, price=price)


def left_over(ex: AsyncExchange) -> tuple[int, int]:
    """Commands that it still has something of: those that were sent, those that wait for room."""
    return len(ex._waiting), len(ex._queue)


def test_it_has_what_an_exchange_has() -> None:
    def names(of: type) -> set[str]:
        return {name for name in dir(of) if not name.startswith("_")}

    # Those are of one log, or another way in.
    assert names(Exchange) - names(AsyncExchange) == {"sequence", "durable_sequence", "recovery", "restore"}
    # What only gateways need, who have many orders at once.
    assert names(AsyncExchange) - names(Exchange) == {"submit_many", "send_many"}
    for name in ("submit", "cancel", "create_event", "transfer", "process", "balance", "open"):
        ours, theirs = getattr(AsyncExchange, name), getattr(Exchange, name)
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert ours.__doc__ == theirs.__doc__


@pytest.mark.parametrize("count", COUNTS)
def test_what_is_awaited_is_answered_as_it_is_without_waiting(count: int) -> None:
    async def main() -> None:
        async with AsyncExchange(shards=count) as ex:
            with Exchange() as alone:
                for place, command in enumerate([*setup(), *trade()]):
                    assert told(await command(ex)) == told(command(alone)), place
                assert holdings(ex) == holdings(alone)
                assert books(ex) == books(alone)
                assert (ex.accounts(), ex.now, ex.shards) == (alone.accounts(), alone.now, count)
                if count == 1:
                    assert await ex.digest() == alone.digest()
                    assert await ex.snapshot() == alone.snapshot()

    asyncio.run(main())


@played
async def test_many_are_under_way_at_once_and_a_full_window_waits() -> None:
    async with AsyncExchange(shards=Shards(2, window=8, intake_capacity=2, batch_commands=3)) as ex:
        await make(ex)
        before = sum(counters.commands for counters in ex.counters())
        reports = await asyncio.gather(*(buy(ex, 1 + number % 50, PLAIN[number % 4]) for number in range(1_000)))
        assert all(report.accepted for report in reports)
        for place in range(4):
            # The order in which the tasks ran is the order in which each shard saw them.
            numbers = [report.order_id or 0 for report in reports[place::4]]
            assert numbers == sorted(set(numbers))
        assert sum(len(ex.book(symbol)) for symbol in PLAIN) == 1_000
        assert left_over(ex) == (0, 0)
        assert sum(counters.commands for counters in ex.counters()) == before + 1_000


@played
async def test_an_intake_that_others_have_filled_is_waited_for() -> None:
    async with AsyncExchange(shards=Shards(1, intake_capacity=2, window=64)) as ex:
        await make(ex)
        crowd = [AsyncExchange._over(ex._exchange.port()) for _ in range(8)]
        tasks = [asyncio.create_task(buy(one, 5)) for _ in range(50) for one in (ex, *crowd)]
        assert all(report.accepted for report in await asyncio.gather(*tasks))
        assert len(ex.book("P0")) == 450
        for one in crowd:
            assert left_over(one) == (0, 0)
            await one.close()


@played
async def test_a_cancelled_wait_takes_nothing_back_that_was_sent() -> None:
    async with AsyncExchange(shards=Shards(1, window=2)) as ex:
        await make(ex)
        tasks = [asyncio.create_task(buy(ex, price)) for price in range(1, 7)]
        await asyncio.sleep(0)
        assert left_over(ex) == (2, 4)
        tasks[0].cancel()
        tasks[3].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each).__name__ for each in done] == [
            *("CancelledError", "Report", "Report", "CancelledError", "Report", "Report")
        ]
        # The first was sent, and is there; the fourth waited for room, and was never sent.
        assert sorted(int(order.price or 0) for order in ex.book("P0").orders()) == [1, 2, 3, 5, 6]
        assert left_over(ex) == (0, 0)


@played
async def test_an_answer_that_nobody_hears_is_forgotten() -> None:
    async with AsyncExchange(shards=2) as ex:
        await make(ex)
        for price in range(1, 101):
            task = asyncio.create_task(buy(ex, price, PLAIN[price % 4]))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        while left_over(ex) != (0, 0):
            await asyncio.sleep(0)
        assert sum(len(ex.book(symbol)) for symbol in PLAIN) == 100


class CountingSelector(selectors.DefaultSelector):
    """Counts how often the loop looks for something to do."""

    looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.looks += 1
        return super().select(timeout)


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts timers."""

    timers = 0

    def __init__(self) -> None:
        self.selector = CountingSelector()
        super().__init__(self.selector)
        loop: Any = self
        call_at = self.call_at

        def counted(*args: Any, **options: Any) -> asyncio.TimerHandle:
            self.timers += 1
            return call_at(*args, **options)

        loop.call_at = counted


def test_nothing_runs_while_nothing_happens() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        async with AsyncExchange(shards=2) as ex:
            await make(ex)
            stream = ex.stream()
            assert await everything(stream)
            reader = asyncio.create_task(stream.read())
            await asyncio.sleep(0.05)
            looks, timers = loop.selector.looks, loop.timers
            await asyncio.sleep(0.3)
            # Those of the sleep itself.
            assert (loop.selector.looks - looks, loop.timers - timers) in [(1, 1), (2, 1)]
            timers = loop.timers
            reports = [await buy(ex, price) for price in range(1, 101)]
            assert all(report.accepted for report in reports)
            assert await reader is not None
            assert loop.timers == timers

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("window", [1, 4, 100])
def test_a_close_answers_what_was_sent_and_refuses_the_rest(tmp_path: Path, window: int) -> None:
    async def main() -> int:
        ex = await AsyncExchange.open(tmp_path, durability="os", shards=Shards(2, window=window))
        await make(ex)
        tasks = [asyncio.create_task(buy(ex, 1 + number, PLAIN[number % 4])) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(ex.close(), ex.close())
        await ex.close()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        answered = [each for each in done if isinstance(each, Report)]
        assert len(answered) >= min(window, 50)
        assert done[: len(answered)] == answered
        assert {str(each) for each in done[len(answered) :]} <= {"this AsyncExchange was closed"}
        assert left_over(ex) == (0, 0)
        with pytest.raises(AeroMatchError, match=r"^this AsyncExchange was closed$"):
            await buy(ex, 1)
        with pytest.raises(AeroMatchError, match=r"^this AsyncExchange was closed$"):
            ex.stream()
        return len(answered)

    answered = asyncio.run(main())
    with Exchange.open(tmp_path) as again:
        assert sum(len(again.book(symbol)) for symbol in PLAIN) == answered


def test_a_journal_is_there_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncExchange.open(tmp_path, durability="disk", shards=2) as ex:
            for command in setup():
                await command(ex)
            assert ex.durable_sequences == ex.sequences
            digest = await ex.digest()
            assert (await ex.compact(1)) is not None
            with pytest.raises(JournalError) as caught:
                await AsyncExchange.open(tmp_path)
            assert caught.value.kind == "directory_in_use"
        async with AsyncExchange.open(tmp_path) as ex:
            assert (ex.shards, await ex.digest(), ex.durability) == (2, digest, "disk")
            assert ex.recoveries is not None
            assert [recovery.clean for recovery in ex.recoveries] == [True, True]

    asyncio.run(main())


def test_a_shard_that_cannot_write_ends_every_wait(tmp_path: Path) -> None:
    async def main() -> None:
        ex = await AsyncExchange.open(tmp_path, durability="os", snapshot_interval_s=0, segment_bytes=4096, shards=2)
        await make(ex)
        stream = ex.stream()
        assert await stream.read() is not None
        # The directory of one goes away: its next segment cannot be made.
        shutil.rmtree(tmp_path / "shard-001")
        done = await asyncio.gather(*(buy(ex, 1, PLAIN[number % 4]) for number in range(2_000)), return_exceptions=True)
        failed = [each for each in done if isinstance(each, JournalError)]
        assert failed
        assert {each.kind for each in failed} <= {"io", "stopped"}
        answered = [each for each in done if isinstance(each, Report)]
        assert len(answered) + len(failed) == 2_000
        assert left_over(ex) == (0, 0)
        for symbol in PLAIN:
            with pytest.raises(JournalError) as caught:
                await buy(ex, 1, symbol)
            assert caught.value.kind == "stopped"
        # Reads go on, and streams end.
        assert sum(len(ex.book(symbol)) for symbol in PLAIN) >= len(answered)
        seen = [event.order_id async for events in stream for event in events]
        assert {each.order_id for each in answered} <= set(seen)
        with pytest.raises(JournalError) as caught:
            await ex.close()
        assert caught.value.kind == "stopped"
        with pytest.raises(AeroMatchError, match=r"was closed$"):
            await buy(ex, 1)

    asyncio.run(main())


@played
async def test_what_takes_its_time_leaves_the_loop_alone() -> None:
    async with AsyncExchange(shards=2) as ex:
        await make(ex)
        ticks = 0
        work = asyncio.gather(*(ex.process(batch(60_000, seed)) for seed in range(3)))
        while not work.done():
            await asyncio.sleep(0)
            ticks += 1
        assert ticks > 10
        with Exchange() as alone:
            plain(alone)
            expected = [by_instrument(alone.process(batch(60_000, seed))) for seed in range(3)]
        assert [by_instrument(events) for events in await work] == expected
        slots = batch(5).slots.copy()
        slots["kind"][2] = 99
        with pytest.raises(RecordError):
            await ex.process(slots)


@played
async def test_what_is_wrong_is_raised_where_it_is_awaited() -> None:
    async with AsyncExchange() as ex:
        await make(ex)
        anything: Any = ex
        for wrong in (
            anything.submit("P0", "buy", quantity=1, price=[]),
            anything.submit("P0", "up", quantity=1, price=1),
            anything.create_account(5),
            anything.process("no commands"),
        ):
            with pytest.raises((TypeError, ValueError)):
                await wrong
        assert (await ex.submit("NONE", "buy", quantity=1, price=1)).reject_reason == "unknown_instrument"
        with pytest.raises(UnknownNameError):
            ex.book("NONE")
        assert left_over(ex) == (0, 0)
        assert (await buy(ex, 1)).accepted
        assert repr(ex) == "AsyncExchange(instruments=4, accounts=0, sequence=6)"


def test_it_belongs_to_its_event_loop() -> None:
    ex = asyncio.run(opened())
    with pytest.raises(AeroMatchError, match=r"^this AsyncExchange belongs to the event loop that it was opened in"):
        asyncio.run(buy_one(ex))
    with pytest.raises(AeroMatchError, match=r"^this AsyncExchange belongs to the event loop that it was opened in"):
        asyncio.run(ex.close())
    with pytest.raises(RuntimeError, match=r"^no running event loop$"):
        AsyncExchange()
    ex._exchange.close()


async def opened() -> AsyncExchange:
    return AsyncExchange(shards=2)


async def buy_one(ex: AsyncExchange) -> Report:
    return await buy(ex, 1)


@played
async def test_a_forked_process_cannot_touch_it() -> None:
    async with AsyncExchange(shards=2) as ex:
        await make(ex)
        child = os.fork()
        if child == 0:
            refused = 0
            for use in (lambda: ex.book("P0").best_bid, lambda: ex.sequences, lambda: asyncio.run(buy_one(ex))):
                try:
                    use()
                except AeroMatchError:
                    refused += 1
            os._exit(refused)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 3
        assert (await buy(ex, 1)).accepted


async def everything(stream: AsyncEventStream) -> list[Events]:
    """What is there now."""
    seen = []
    while (events := await stream.read(timeout_s=0)) is not None:
        seen.append(events)
    return seen


async def follow(ex: AsyncExchange, done: asyncio.Event, limit: int) -> tuple[list[Events], int]:
    """Reads everything until the exchange goes no further; also how often it had to begin again."""
    seen: list[Events] = []
    position: int | tuple[int, ...] = 0
    lags = 0
    while True:
        stream = ex.stream(position)
        try:
            while True:
                events = await stream.read(limit, timeout_s=0.02)
                if events is not None:
                    seen.append(events)
                elif done.is_set():
                    assert stream.position == tuple(number + 1 for number in ex.sequences)
                    return seen, lags
        except StreamLagged as lagged:
            lags += 1
            position = lagged.position


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("ring", [64, 65536])
def test_every_follower_sees_every_event_once(tmp_path: Path, count: int, ring: int) -> None:
    async def main() -> None:
        shards = Shards(count, stream_events=ring)
        async with AsyncExchange.open(tmp_path, durability="memory", shards=shards) as ex:
            await make(ex)
            done = asyncio.Event()
            answers = [await ex.process(batch(2_000))]
            followers = [asyncio.create_task(follow(ex, done, limit)) for limit in (1, 64, 4096)]
            for seed in range(20):
                answers.append(await ex.process(batch(300, seed)))
            # One by one, for what comes live.
            lone = [await buy(ex, 10 + price, PLAIN[price % 4]) for price in range(100)]
            done.set()
            singles = {report.order_id for report in lone}
            expected = records(answers)
            for seen, lags in await asyncio.gather(*followers):
                got = records(seen)
                last = {event.order_id for each in seen for event in each if event.order_id in singles}
                assert last == singles
                assert ring == 64 or lags == 0
                for number, events in expected.items():
                    assert got[number].startswith(events)
                    later = sum(len(report.events) for report in lone if report.events[0].instrument == number)
                    assert len(got[number]) == len(events) + later * EVENT_DTYPE.itemsize

    asyncio.run(main())


@played
async def test_a_follower_ends_with_the_exchange() -> None:
    ex = AsyncExchange(shards=2)
    await make(ex)
    seen: list[Events] = []
    stream = ex.stream()

    async def read() -> None:
        async for events in stream:
            seen.append(events)

    reader = asyncio.create_task(read())
    made = await ex.process(batch(500))
    await ex.close()
    await reader
    assert stream.ended
    assert await stream.read() is None
    assert records(seen) == records([made])


@played
async def test_a_follower_that_does_not_read_slows_nobody_and_is_told() -> None:
    async with AsyncExchange(shards=Shards(1, stream_events=64)) as ex:
        await make(ex)
        stream = ex.stream()
        assert await stream.read() is not None
        await ex.process(batch(2_000))
        with pytest.raises(StreamLagged) as caught:
            await everything(stream)
        events = await ex.stream(caught.value.position).read()
        assert events is not None
        assert events.to_numpy()["sequence"][0] == caught.value.position[0]


@played
async def test_what_nobody_reads_is_not_complained_of() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with AsyncExchange(shards=Shards(1, stream_events=64)) as ex:
        await make(ex)
        await ex.process(batch(2_000))
        for _ in range(3):
            # It has lagged already, and whoever wanted it never asks.
            ex.stream(1)
        while ex._openings:
            await asyncio.sleep(0.001)
        gc.collect()
        with pytest.raises(StreamLagged):
            await ex.stream(1).read()
    assert complaints == []


def test_a_cancelled_read_loses_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        shards = Shards(2, stream_events=64)
        async with AsyncExchange.open(tmp_path, durability="memory", shards=shards) as ex:
            await make(ex)
            made = await ex.process(batch(3_000))
            stream = ex.stream()
            seen: list[Events] = []
            cancelled = 0
            while stream.position < tuple(number + 1 for number in ex.sequences):
                read = asyncio.create_task(stream.read(100))
                for _ in range(cancelled % 4):
                    await asyncio.sleep(0)
                if cancelled < 200 and not read.done():
                    read.cancel()
                    cancelled += 1
                await asyncio.wait((read,))
                if not read.cancelled() and (events := read.result()) is not None:
                    seen.append(events)
            assert cancelled == 200
            assert records(seen) == records([made])

    asyncio.run(main())


@played
async def test_a_stream_is_read_by_one_task_at_a_time() -> None:
    async with AsyncExchange(shards=2) as ex:
        await make(ex)
        stream = ex.stream()
        assert repr(stream) == "AsyncEventStream(position=(1, 1))"
        await everything(stream)
        assert stream.position[0] == ex.sequences[0] + 1
        assert await stream.read(timeout_s=0.01) is None
        first = asyncio.create_task(stream.read())
        await asyncio.sleep(0.01)
        with pytest.raises(AeroMatchError, match="is being read by another task"):
            await stream.read()
        await buy(ex, 5)
        events = await first
        assert events is not None
        assert events.commands == 1
        # Closed, it wakes who waits.
        last = asyncio.create_task(stream.read())
        await asyncio.sleep(0.01)
        stream.close()
        stream.close()
        assert await last is None
        assert stream.ended


@played
async def test_what_cannot_be_is_refused_as_it_is_without_waiting() -> None:
    async with AsyncExchange(shards=2) as ex:
        alone = ex._exchange.stream()
        begins: list[Any] = [(1,), "1", 1.5, [1, 2], -1, 2**64, True, (1, "x"), (1, 2.5), (1, -1), (1, None)]
        for begin in begins:
            assert refused(partial(ex.stream, begin)) == refused(partial(ex._exchange.stream, begin))
        anything: Any = ex
        with pytest.raises(TypeError, match=r"^from_sequence must be an int or a tuple of int, not NoneType$"):
            anything.stream(None)
        with pytest.raises(ValueError, match=r"^limit must"):
            await ex.stream().read(0)
        waits: list[Any] = [-1, -0.5, float("nan"), float("inf"), "x", b"1", 10**400, [1]]
        for timeout_s in waits:
            with pytest.raises((TypeError, ValueError), match=r"^timeout_s must be ") as caught:
                await ex.stream().read(timeout_s=timeout_s)
            assert (type(caught.value), str(caught.value)) == refused(partial(alone.read, timeout_s=timeout_s))
        stream = ex.stream()
        await everything(stream)
        anything = np.float32(0)
        assert await stream.read(timeout_s=anything) is None


def refused(call: Callable[[], object]) -> tuple[type, str]:
    """How misuse is told."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return type(caught.value), str(caught.value)


@played
async def test_a_stream_knows_its_place_before_the_first_read() -> None:
    async with AsyncExchange(shards=2) as ex:
        await make(ex)
        made = await ex.process(batch(200))
        for begin in (0, 1, (0, 1)):
            assert ex.stream(begin).position == (1, 1)
        assert ex.stream((3, 2)).position == (3, 2)
        # Given up before it is open: nothing comes twice, nothing is missed.
        stream = ex.stream()
        read = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        read.cancel()
        await asyncio.wait((read,))
        assert (read.cancelled(), stream.position) == (True, (1, 1))
        seen = await everything(ex.stream(stream.position))
        assert records(seen) == records([made])


def test_a_close_while_a_thread_reads_gives_what_it_brings_and_its_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncExchange.open(tmp_path, durability="memory", shards=Shards(1, stream_events=64)) as ex:
            await make(ex)
            made = await ex.process(batch(3_000))
            stream = ex.stream()
            read = asyncio.create_task(stream.read(100))
            while stream._past is None:
                await asyncio.sleep(0)
            stream.close()
            events = await read
            assert events is not None
            assert stream.position != (1,)
            seen = [events, *await everything(ex.stream(stream.position))]
            assert records(seen) == records([made])

    asyncio.run(main())


def test_an_async_exchange_beside_threads() -> None:
    """The loop and threads with ports of their own use one exchange at the same time."""

    async def main() -> None:
        async with AsyncExchange(shards=2) as ex:
            for command in setup():
                await command(ex)

            def work(port: Exchange) -> int:
                with port:
                    return sum(port.submit("P1", "buy", quantity=1, price=1).accepted for _ in range(300))

            threads = [asyncio.create_task(asyncio.to_thread(work, ex._exchange.port())) for _ in range(2)]
            mine = await asyncio.gather(*(buy(ex, 1, "P1") for _ in range(300)))
            assert [*await asyncio.gather(*threads), sum(report.accepted for report in mine)] == [300] * 3
            assert len(ex.book("P1")) == 900

    asyncio.run(main())
    with venue(shards=2) as ex:
        assert ex.accounts()
