"""docs/fix.md: its messages are valid, its tables are the code's, and its program trades."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.test_fix_orders import play, port_of
from tests.server.real_venue import RealVenue

from aeromatch.gateways.fix import FixOptions
from aeromatch.gateways.fix.codec import decode
from aeromatch.gateways.fix.dictionary import FIX44
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.refusals import BUSINESS_REASONS, ORDER_REASONS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fix.md").read_text()
EXAMPLES = re.findall(r"```fix\n(.*?)\n```", PAGE, re.DOTALL)
WORDS = " ".join(PAGE.split())


def test_every_kind_of_example_is_there() -> None:
    assert [re.findall(r"\|35=(\w)\|", example) for example in EXAMPLES] == [["A"], ["D"], ["8"], ["V"], ["x"]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_message(example: str) -> None:
    message, pairs = decode(example.replace("|", "\x01").encode())
    assert FIX44.check(message, pairs) is None
    assert FIX44.describes(message.msg_type)


def test_the_reasons_are_those_of_the_code() -> None:
    (table,) = re.findall(r"\| OrdRejReason \(103\).*?\n((?:\|.*\n)+)", PAGE)
    told = {
        slug: code
        for code, slugs in re.findall(r"^\| `(\d+)` \| (.*) \|$", table, re.MULTILINE)
        for slug in re.findall(r"`(\w+)`", slugs)
    }
    assert told == ORDER_REASONS
    (sentence,) = re.findall(r"BusinessRejectReason \(380\) is (.*?), else `0`", WORDS)
    code, found = "", {}
    for word in re.findall(r"`(\w+)`", sentence):
        if word.isdigit():
            code = word
        else:
            found[word] = code
    assert found == BUSINESS_REASONS


def test_the_limits_that_the_page_names_are_the_defaults() -> None:
    options, profile = FixOptions(), Profile(comp_id="AEROMATCH")
    for text in (
        f"TargetCompID `{options.comp_id}`",
        f"HeartBtInt (108) from {options.heartbeat_s} to {options.most_heartbeat_s} seconds",
        f"Within {options.logon_timeout_s:g} seconds",
        f"SendingTime (52) may be {profile.accuracy_s:g} seconds",
        f"A message may have {options.max_message_bytes >> 10} KiB",
        f"{options.requests} order messages",
        f"more than {options.messages_per_s:g} messages a second ({options.burst_messages} at once)",
        f"while more than {options.buffer_bytes >> 10} KiB wait",
        f"has not read for {options.slow_timeout_s:g} seconds, or has {options.queue_bytes >> 20} MiB",
        f"A session follows {options.subscriptions} books and trades, a key has {options.sessions_per_key} sessions",
        f"in fragments of {options.list_instruments}",
    ):
        assert text in WORDS, text
    assert options.kept_messages == 1_000_000


def test_the_program_trades(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "fix_program"}
    exec(compile(code, "docs/fix.md", "exec"), names)

    async def test(venue: RealVenue, _client: object) -> None:
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        asked: tuple[Any, ...] = ("127.0.0.1", port_of(venue), "DEMO", "alice", "BTC-USD", "0.25", "101")
        for _ in range(2):
            reports = await asyncio.to_thread(lambda: names["buy"](*asked))
            if len(reports) == 1:
                # A session uses an id once, whatever its numbers are.
                assert (reports[0]["150"], reports[0]["103"]) == ("8", "6")
                break
            assert [(it["150"], it["39"], it["14"]) for it in reports] == [("0", "0", "0"), ("F", "2", "0.250")]
        assert len(reports) == 1

    play(tmp_path, test)
