"""Views of an exchange that is killed again and again are, in the end, those that its journal makes."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from tests.views.test_server_views import check_rebuilt
from tests.views.venue import dump, following, open_venue, options

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 6


def run_and_kill(directory: Path, file: Path, seed: int, steps: int) -> None:
    """Let a child trade, and kill it somewhere behind that many steps."""
    arguments = [sys.executable, "-m", "tests.views.child", str(directory), str(file), "--seed", str(seed)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            for _ in range(steps):
                assert child.stdout.readline(), "the child has ended by itself"
        finally:
            child.kill()


def test_rows_and_positions_survive_kills(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "v.sqlite"
    rng = random.Random(8)
    rows = []
    for kill in range(KILLS):
        run_and_kill(log, file, kill, rng.randint(1, 8))
        rows.append(len(dump(file)["orders"]))
        if kill % 3 == 1:
            # The journal has more than the file, or as much; never less.
            exchange = open_venue(log)
            for shard, sequence, *_ in dump(file)["positions"]:
                assert sequence <= exchange.sequences[shard]
            exchange.close()
    assert rows == sorted(rows)

    async def catch_up() -> None:
        exchange = open_venue(log)
        try:
            async with following(exchange, options(file), log):
                pass
        finally:
            exchange.close()

    asyncio.run(catch_up())
    check_rebuilt(tmp_path, log, file, has_all_names=True)
