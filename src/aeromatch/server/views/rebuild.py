"""Makes the rows of views from an exchange's journal, without an exchange at work."""

from collections.abc import Callable
from pathlib import Path

from aeromatch import Commands, Exchange, JournalError, _core
from aeromatch.market.times import event_times
from aeromatch.market.view_rows import Position, ViewStore
from aeromatch.server.views.collecting import Collector
from aeromatch.server.views.listed import Directory
from aeromatch.server.views.past import CHUNK_COMMANDS, Names, shard_paths
from aeromatch.server.views.seeds import rows_of_books

__all__ = ["count_commands", "rebuild"]


def count_commands(directory: Path) -> int:
    """How many commands the journals of a directory have.

    Raises:
        JournalError: It is no such directory, or its files do not belong together.
    """
    logs = [_core.JournalReader(path) for path in shard_paths(directory)]
    return sum(log.last_sequence - log.first_sequence for log in logs)


def rebuild(directory: Path, store: ViewStore, said: Callable[[int], object] = lambda _done: None) -> int:
    """Fill an empty store from the journals of a directory; an exchange may be at work there.

    Args:
        directory: Of the exchange.
        store: Empty.
        said: Told how many commands are done.

    Returns:
        How many commands were replayed.

    Raises:
        JournalError: There is no journal, or it is damaged; names the file.
        ValueError: The store is not empty.
    """
    if store.positions():
        raise ValueError("store: it is not empty")
    done = 0
    for shard, path in enumerate(shard_paths(directory)):
        before = done

        def tell(of_shard: int, before: int = before) -> None:
            said(before + of_shard)

        done += _rebuild_shard(path, shard, store, tell)
    return done


def _rebuild_shard(path: Path, shard: int, store: ViewStore, said: Callable[[int], object]) -> int:
    log = _core.JournalReader(path)
    if log.segment_count == 0:
        raise JournalError(f"{path}: there is no journal in this directory")
    first, last = log.first_sequence, log.last_sequence
    exchange = log.load_snapshot(first) if first else Exchange()
    tracker = _core.OrderTracker(exchange)
    collector = Collector(store)
    names = Names(path, first)
    directory = Directory(exchange)
    if first:
        # What went before was removed: what lived then is known by its book.
        orders, named = rows_of_books(exchange)
        tracker.load(orders)
        collector.seed(shard, Position(first, exchange.now), orders, named)
    while (chunk := log.commands(exchange.sequence, until=last, limit=CHUNK_COMMANDS)) is not None:
        records = exchange.process(Commands(chunk.slots)).to_numpy()
        orders, _ = tracker.apply(records)
        collector.name(names.of(records))
        before = collector.positions.get(shard, Position())
        collector.add(shard, records, event_times(records, before.time_ns), orders)
        collector.move(shard, collector.positions.get(shard, before)._replace(sequence=exchange.sequence))
        directory.learn()
        collector.note(directory.listed())
        store.write(collector.take())
        said(exchange.sequence - first)
    return last - first
