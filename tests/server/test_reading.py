"""Long bodies take turns: one connection is read from each time the event loop comes round."""

from __future__ import annotations

import asyncio

from tests.server.serving import played

from aeromatch.server.reading import PacedFlow, Turns


class Wire(asyncio.Transport):
    """Says when it is read from."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__()
        self._name, self._log = name, log
        self.is_closed = False

    def pause_reading(self) -> None:
        self._log.append(f"-{self._name}")

    def resume_reading(self) -> None:
        self._log.append(f"+{self._name}")

    def is_closing(self) -> bool:
        return self.is_closed


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@played
async def test_one_is_read_from_in_each_turn_in_the_order_of_their_coming() -> None:
    log: list[str] = []
    turns = Turns()
    flows = [PacedFlow(Wire(name, log), turns) for name in "abc"]
    for flow in flows:
        flow.is_paced = True
        flow.pause_reading()
    for flow in flows:
        flow.resume_reading()
    # Who asks twice is not served twice.
    flows[0].resume_reading()
    assert log == ["-a", "-b", "-c"]
    for expected in ("+a", "+b", "+c"):
        await rounds(1)
        assert log[-1] == expected
    # Whoever had his turn stands behind the others.
    for flow in (flows[0], flows[1], flows[0]):
        flow.pause_reading()
        flow.resume_reading()
    await rounds(3)
    assert log[-2:] == ["+b", "+a"]
    assert len(turns) == 0


@played
async def test_who_is_short_waits_for_nobody_and_who_has_gone_is_passed_over() -> None:
    log: list[str] = []
    turns = Turns()
    gone, short, long, stopped = (Wire(name, log) for name in ("gone", "short", "long", "stopped"))
    flows = {wire: PacedFlow(wire, turns) for wire in (gone, short, long, stopped)}
    for wire, flow in flows.items():
        flow.pause_reading()
        flow.is_paced = wire is not short
    del log[:]
    for flow in flows.values():
        flow.resume_reading()
    assert log == ["+short"]
    gone.is_closed = True
    flows[stopped].pause_reading()
    await rounds(5)
    assert log == ["+short", "+long"]
    assert len(turns) == 0
