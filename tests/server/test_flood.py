"""Floods of garbage: whoever trades meanwhile loses nothing, and no garbage is taken for something."""

from __future__ import annotations

from pathlib import Path

from tests.server.flood import CONFIG, lost, measure
from tests.server.garbage import kinds_of
from tests.server.listening import listening

from aeromatch.bench.gateways import PORTS

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
# Of the gateways with ports of their own: they end the connection, whatever they say before.
ENDS = {"ended by the server", "closed"}

# uvicorn calls an error what a client has done wrong.
OF_CLIENTS = {"Invalid UTF-8 sequence received from client."}


def test_good_clients_lose_nothing_beside_garbage(tmp_path: Path) -> None:
    kinds = kinds_of(["http", *PORTS])
    with listening(tmp_path, CONFIG, PORTS) as server:
        quiet = measure(server, "quiet", [], 1.0)
        flooded = measure(server, "flooded", kinds, 5.0)
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
    assert answered.keys() == set(kinds)
    unexpected = {kind: answers - ANSWERS.get(kind, ENDS) - {"gave up"} for kind, answers in answered.items()}
    assert {kind: answers for kind, answers in unexpected.items() if answers} == {}
