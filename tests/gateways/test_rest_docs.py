"""The program of docs/rest.md runs against the real server."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.gateways.binary_venue import WAIT_S
from tests.server.real_venue import real_venue
from tests.server.serving import played

from aeromatch.server.admission.keys import KeyStore

(PROGRAM,) = re.findall(
    r"```python no-run\n(.*?)```", (Path(__file__).parents[2] / "docs" / "rest.md").read_text(), re.DOTALL
)
CONFIG = """
exchange: {durability: memory}
views: {store: memory, periods: [1m]}
statistics: {enabled: false}
instruments:
  - {symbol: A/B, tick_size: 0.5, lot_size: 1}
accounts:
  - {name: alice}
  - {name: bob}
"""


async def run(folder: Path, port: int, *words: str) -> tuple[int | None, list[str], str]:
    file = folder / "trader.py"
    file.write_text(PROGRAM)
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        file,
        f"http://127.0.0.1:{port}",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong = await asyncio.wait_for(program.communicate(), WAIT_S)
    return program.returncode, said.decode().splitlines(), wrong.decode().strip()


@played
async def test_the_program_trades(tmp_path: Path) -> None:
    async with real_venue(tmp_path, CONFIG, None) as venue, venue.listening() as port:
        exchange = venue.venue.exchange
        for _ in range(2):
            await exchange.submit("A/B", "sell", quantity=1, price="99.5", account="bob")
            code, said, wrong = await run(tmp_path, port, "A/B", "100", "alice")
            assert (code, wrong) == (0, "")
            assert said[:5] == [
                "bought 1 at 99.5 - partially_filled",
                "fill 1 at 99.5",
                "changed to 2 of which 1 is left",
                "ended canceled requested",
                "best ask None",
            ]
        assert said[5] == "orders that have ended 2"
        # All of it is filled, and nothing is left to be changed; its orders fill two pages.
        await exchange.submit("A/B", "sell", quantity=4, price="100", account="bob")
        code, said, wrong = await run(tmp_path, port, "A/B", "100", "alice")
        assert (code, said[0], wrong) == (0, "bought 3 at 100.0 - filled", "")
        assert said[2:] == ["best ask 100.0", "orders that have ended 3"]


@played
async def test_the_program_says_what_is_refused(tmp_path: Path) -> None:
    made = KeyStore(tmp_path / "keys.yaml").create("trade", "alice")
    token = f"{made.record.id}.{made.secret}"
    variables = {"AEROMATCH_AUTH__MODE": "keys", "AEROMATCH_AUTH__KEYS_FILE": str(tmp_path / "keys.yaml")}
    async with real_venue(tmp_path, CONFIG, None, **variables) as venue, venue.listening() as port:
        code, said, wrong = await run(tmp_path, port, "NONE", "100", "alice", token)
        assert (code, said) == (1, [])
        assert wrong.startswith("POST /order: unknown_instrument: ")
        code, said, wrong = await run(tmp_path, port, "A/B", "100", "alice")
        assert (code, wrong.split(": ")[1]) == (1, "missing_credentials")
        code, said, _ = await run(tmp_path, port, "A/B", "100", "alice", token)
        assert (code, said[0]) == (0, "bought 0 at None - open")
