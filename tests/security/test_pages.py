"""Without keys, web pages of others' are kept out: by their origin, and by the names that they give this machine."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest
from tests.server.process import WAIT_S, serving, write_config
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from aeromatch.server.admission.pages import foreign_page

ORDER = json.dumps({"symbol": "A", "side": "buy", "quantity": "1", "price": "1"})


@pytest.mark.parametrize(
    ("host", "origin", "is_taken"),
    [
        ("127.0.0.1:8080", None, True),
        ("localhost:8080", None, True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("localhost", "https://localhost", True),
        (None, None, True),
        ("127.0.0.1:8080", "http://127.0.0.1:9090", False),
        ("127.0.0.1:8080", "http://localhost:8080", False),
        ("127.0.0.1:8080", "https://evil.example", False),
        ("127.0.0.1:8080", "null", False),
        ("evil.example:8080", None, False),
        ("evil.example:8080", "http://evil.example:8080", False),
        ("localhost.evil.example", None, False),
        ("127.0.0.1.evil.example", None, False),
    ],
)
def test_whose_page_it_is(host: str | None, origin: str | None, is_taken: bool) -> None:
    named = ((b"host", host), (b"origin", origin))
    headers = [(name, value.encode()) for name, value in named if value is not None]
    for _ in range(2):
        assert (foreign_page({"headers": headers}) is None) == is_taken


def test_a_foreign_page_cannot_trade(tmp_path: Path) -> None:
    config = write_config(tmp_path, "instruments: [{symbol: A}]\n")
    with serving("--config", config) as server:
        place = server.ready().removeprefix("http://")

        def order(**headers: str) -> tuple[int, str | None]:
            connection = http.client.HTTPConnection(place, timeout=WAIT_S)
            try:
                connection.request("POST", "/order", ORDER, {"content-type": "application/json", **headers})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read()).get("slug")
            finally:
                connection.close()

        assert order(origin=f"http://{place}") == (201, None)
        assert order() == (201, None)
        assert order(origin="https://evil.example") == (403, "not_permitted")
        assert order(host="evil.example") == (403, "not_permitted")
        with connect(f"ws://{place}/ws", origin=None, open_timeout=WAIT_S):
            pass
        for origin in ("https://evil.example", "null"):
            with pytest.raises(InvalidStatus, match="403"):
                connect(f"ws://{place}/ws", additional_headers={"origin": origin}, open_timeout=WAIT_S)
        assert server.ask("/health")[0] == 200
        assert server.stop() == 0
