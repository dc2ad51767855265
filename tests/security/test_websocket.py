"""Keys over a WebSocket: logging in, what ends with the connection, and connections that outlive their key."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.security.guarded import ORDER, Guarded, call, headers_of
from tests.server.process import WAIT_S, Server, serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from aeromatch.server.admission.keys import NewKey


def opened(server: Server) -> ClientConnection:
    return connect(server.address.replace("http", "ws") + "/ws", open_timeout=WAIT_S)


def ask(socket: ClientConnection, op: str, **fields: Any) -> dict[str, Any]:
    """Sends a request and waits for its answer; what channels bring meanwhile is left out."""
    socket.send(json.dumps({"op": op, "id": 1, **fields}))
    while True:
        answer: dict[str, Any] = json.loads(socket.recv(WAIT_S))
        if "channel" not in answer:
            return answer


def login(made: NewKey) -> dict[str, Any]:
    signed = headers_of(made, "GET", "/ws", b"")
    return {
        "key": signed["x-aeromatch-key"],
        "timestamp": int(signed["x-aeromatch-timestamp"]),
        "nonce": signed["x-aeromatch-nonce"],
        "signature": signed["x-aeromatch-signature"],
    }


def drained(socket: ClientConnection) -> None:
    """Reads until the server ends the connection."""
    while True:
        socket.recv(WAIT_S)


def test_a_login_is_signed_and_good_once(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        with opened(server) as socket:
            assert ask(socket, "order.new", order=ORDER)["problem"]["slug"] == "missing_credentials"
            signed = login(guarded.alice)
            assert ask(socket, "login", **signed)["result"]["account"] == "alice"
            assert ask(socket, "order.new", order=ORDER)["result"]["account"] == "alice"
            refused = ask(socket, "order.new", order={**ORDER, "account": "bob"})
            assert refused["problem"]["slug"] == "not_permitted"
        with opened(server) as socket:
            assert ask(socket, "login", **signed)["problem"]["slug"] == "replayed_nonce"
            assert ask(socket, "login", token=guarded.reader.token)["result"]["roles"] == ["read"]
            assert ask(socket, "order.new", order=ORDER)["problem"]["slug"] == "not_permitted"
        assert server.stop() == 0


def test_orders_end_with_the_connection_that_says_so(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        with opened(server) as socket:
            ask(socket, "login", **login(guarded.alice), cancel_on_disconnect=True)
            placed = ask(socket, "order.new", order=ORDER)["result"]
        server.logged("cancel_on_disconnect")
        canceled = call(server, "DELETE", f"/order/{placed['order_id']}", None, guarded.alice)
        assert canceled.slug == "unknown_order"
        # Also where the server, and not the client, goes without a word.
        with opened(server) as socket:
            ask(socket, "login", **login(guarded.alice), cancel_on_disconnect=True)
            placed = ask(socket, "order.new", order=ORDER)["result"]
            server.process.kill()
            server.process.wait(WAIT_S)
    with serving("--config", guarded.config) as server:
        server.logged("cancel_on_disconnect")
        server.ready()
        assert call(server, "DELETE", f"/order/{placed['order_id']}", None, guarded.alice).slug == "unknown_order"
        assert server.stop() == 0


def test_who_may_only_read_does_not_cancel_by_going_away(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        with opened(server) as trading, opened(server) as reading:
            assert "result" in ask(trading, "login", token=guarded.alice.token)
            placed = ask(trading, "order.new", order=ORDER)["result"]
            refused = ask(reading, "login", token=guarded.reader.token, cancel_on_disconnect=True)
            assert refused["problem"]["slug"] == "not_permitted"
            reading.close()
            assert ask(trading, "order.cancel", order_id=placed["order_id"])["result"]["reason"] == "requested"
        assert server.stop() == 0


def test_a_connection_does_not_outlive_its_key(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        with opened(server) as asking, opened(server) as listening, opened(server) as other:
            for socket, key in ((asking, guarded.alice), (listening, guarded.alice), (other, guarded.bob)):
                assert "result" in ask(socket, "login", token=key.token)
            assert "result" in ask(listening, "subscribe", channel="orders")
            guarded.keys.revoke("alice-1")
            server.tell(signal.SIGHUP)
            server.logged("keys were read")
            assert ask(asking, "order.new", order=ORDER)["problem"]["slug"] == "invalid_key"
            with pytest.raises(ConnectionClosed, match=r"1008 .*invalid_key"):
                drained(listening)
            assert ask(other, "order.new", order=ORDER)["result"]["account"] == "bob"
        assert server.stop() == 0


def test_another_login_does_not_go_on_with_the_orders_of_the_one_before(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        with opened(server) as socket:
            ask(socket, "login", token=guarded.alice.token)
            ask(socket, "subscribe", channel="orders")
            # Another key of the same account goes on.
            ask(socket, "login", token=guarded.reader.token)
            assert ask(socket, "subscribe", channel="orders")["problem"]["slug"] == "already_subscribed"
            ask(socket, "login", token=guarded.bob.token)
            ask(socket, "login", token=guarded.alice.token)
            assert ask(socket, "subscribe", channel="orders")["problem"] is None
        assert server.stop() == 0
