"""Floods of garbage: whoever trades meanwhile loses nothing, and no garbage is taken for something."""

from __future__ import annotations

from pathlib import Path

from tests.server.flood import CONFIG, lost, measure
from tests.server.garbage import KINDS
from tests.server.listening import listening

# What each kind of garbage may be answered; "closed" is a connection that ended without an answer. Any may also give
# up, having waited long enough.
ANSWERS = {
    "bad_json": {"400", "422"},
    "wrong_types": {"400", "404", "422"},
    "invalid_utf8": {"400", "404"},
    "bad_auth": {"400", "401"},
    "huge_body": {"413", "closed"},
    "endless_body": {"413", "closed"},
    "no_http": {"400", "closed"},
    "half_open": {"ended by the server", "closed"},
    "slow_sender": {"400", "closed"},
    "websocket": {"ended by the server", "closed"},
}

# uvicorn calls an error what a client has done wrong.
OF_CLIENTS = {"Invalid UTF-8 sequence received from client."}


def test_a_good_client_loses_nothing_beside_garbage(tmp_path: Path) -> None:
    with listening(tmp_path, CONFIG) as server:
        quiet = measure(server, "quiet", [], 1.0)
        flooded = measure(server, "flooded", list(KINDS), 6.0)
        after = measure(server, "after", [], 0.5)
        assert server.server.stop() == 0
        errors = [line for line in server.server.lines if line["level"] in ("error", "plain")]
        errors = [line for line in errors if line["message"] not in OF_CLIENTS]
    assert errors == []
    assert lost([quiet, flooded, after], tmp_path) == []
    answered: dict[str, set[str]] = {}
    for outcome in flooded.garbage:
        kind, _, answer = outcome.partition(": ")
        answered.setdefault(kind, set()).add(answer)
    assert answered.keys() == KINDS.keys()
    unexpected = {kind: answers - ANSWERS[kind] - {"gave up"} for kind, answers in answered.items()}
    assert {kind: answers for kind, answers in unexpected.items() if answers} == {}
