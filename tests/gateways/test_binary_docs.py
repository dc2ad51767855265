"""The programs of docs/binary.md run against the real server."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from tests.gateways.binary_venue import CONFIG, WAIT_S, binary_venue, keyed_venue
from tests.server.serving import played

DOCUMENT = (Path(__file__).parents[2] / "docs" / "binary.md").read_text()


@played
async def test_the_client_in_c(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    found = re.search(r"```c\n(.*?)```\n.*?```text\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    program, printed = found.groups()
    (tmp_path / "client.c").write_text(program)
    built = await asyncio.create_subprocess_exec(
        compiler, "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "client", tmp_path / "client.c"
    )
    assert await built.wait() == 0
    async with binary_venue(tmp_path, CONFIG) as venue:

        async def run(symbol: str) -> tuple[int | None, str, str]:
            client = await asyncio.create_subprocess_exec(
                tmp_path / "client",
                str(venue.port),
                symbol,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            said, wrong = await asyncio.wait_for(client.communicate(), WAIT_S)
            return client.returncode, said.decode(), wrong.decode()

        assert await run("BTC-USD") == (0, printed, "")
        # An instrument that is not there has number 0 there: the exchange says so.
        code, said, _ = await run("NONE")
        assert (code, said.startswith("kind 2")) == (0, True)


@played
async def test_the_client_in_python(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python no-run\n(.*?)```", DOCUMENT, re.DOTALL)
    async with keyed_venue(tmp_path) as (venue, keys):
        # It would read for ever: here up to its first change.
        program = program.replace("127.0.0.1:9191", venue.address) + "            break\n"
        told: list[str] = []
        names = {
            "key_id": keys["alice"].key_id,
            "secret": keys["alice"].secret,
            "print": lambda *words: told.append(str(words[1])),
        }
        async with venue.client(credentials=keys["bob"]) as bob:

            async def sell() -> None:
                while not told:
                    await bob.submit("BTC-USD", "sell", quantity="0.001", price="100", time_in_force="ioc")
                    await asyncio.sleep(0.01)

            await asyncio.gather(asyncio.to_thread(exec, program, names), sell())
        assert told == ["partially_filled"]


def test_the_documented_port_is_the_default() -> None:
    from aeromatch.server.config.sections import BinaryConfig

    assert f"port {BinaryConfig().port}" in DOCUMENT
