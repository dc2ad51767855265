"""aeromatchd as a process: it recovers, serves, stops when it is told, and says in one line why it cannot start."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.process import WAIT_S, Server, serving, write_config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from aeromatch import Exchange, __version__

MARKET = """
exchange: {durability: os}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
"""
ORDER = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100"}


def head_of_order(content_length: int) -> bytes:
    lines = ["POST /order HTTP/1.1", "host: localhost", "content-type: application/json"]
    return "\r\n".join([*lines, f"content-length: {content_length}", "", ""]).encode()


def test_it_serves_and_stops_and_has_everything_when_it_starts_again(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET)
    with serving("--config", config) as server:
        server.ready()
        assert server.ask("/ready")[0] == 200
        status, order = server.ask("/order", ORDER)
        assert (status, order["status"]) == (201, "open")
        assert server.stop() == 0
        assert [line["message"] for line in server.lines][-3:] == ["told to stop", "draining", "stopped"]
    with serving("--config", config) as server:
        server.ready()
        status, book = server.ask("/book/BTC-USD")
        assert (status, book["bids"]) == (200, [["100.00", "1.000"]])
        assert not [line for line in server.lines if line["message"] == "made what was missing"]
        assert server.stop() == 0


@pytest.mark.parametrize("is_abstract", [False, True], ids=["file", "abstract"])
def test_a_service_manager_is_told_when_it_is_ready_and_when_it_stops(tmp_path: Path, is_abstract: bool) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path if is_abstract else path)
        manager.settimeout(WAIT_S)
        environ = {"NOTIFY_SOCKET": "@" + path if is_abstract else path}
        with serving("--config", write_config(tmp_path, MARKET), environ=environ) as server:
            assert manager.recv(100) == b"READY=1"
            server.ready()
            assert server.ask("/ready")[0] == 200
            assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_a_second_signal_does_not_wait_and_the_journal_is_whole(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET + "server: {drain_timeout_s: 3600}\n")
    with serving("--config", config) as server:
        address = server.ready()
        assert server.ask("/order", ORDER)[0] == 201
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half:
            # A request that never ends is waited for, until nobody wants to wait.
            half.sendall(head_of_order(9) + b"{")
            assert server.ask("/health")[0] == 200
            server.tell(signal.SIGTERM)
            server.logged("draining")
            server.tell(signal.SIGTERM)
            assert server.ended() == 1
            assert not [line for line in server.lines if "exception" in line]
    with Exchange.open(tmp_path / "data", shards=1) as exchange:
        assert exchange.book("BTC-USD").best_bid == 100


def test_requests_while_it_stops_are_refused_with_a_reason(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET + "server: {drain_timeout_s: 3600}\n")
    with serving("--config", config) as server:
        address = server.ready()
        host, port = address.removeprefix("http://").split(":")
        body = b'{"symbol":"BTC-USD","side":"buy","quantity":"1","price":"100"}'
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
            connection.sendall(head_of_order(len(body)) + body[:10])
            # Another connection's answer: the first one's beginning has been read.
            assert server.ask("/health")[0] == 200
            server.tell(signal.SIGINT)
            server.logged("draining")
            connection.sendall(body[10:])
            answer = connection.makefile("rb").read()
            assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 503"))
        assert server.ended() == 0


def test_a_request_that_does_not_arrive_whole_is_refused_in_the_end(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET + "server: {drain_timeout_s: 1}\n")
    with serving("--config", config) as server:
        host, port = server.ready().removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
            connection.sendall(head_of_order(9) + b"{")
            assert server.ask("/health")[0] == 200
            server.tell(signal.SIGTERM)
            answer = connection.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 503")
            assert b'"slug":"draining"' in answer
        assert server.ended() == 0
        assert not [line for line in server.lines if "exception" in line]


@pytest.mark.parametrize("more", [0, 40], ids=["ahead", "with other events"])
def test_views_of_a_log_that_lost_its_end_are_made_anew_where_nothing_was_promised(tmp_path: Path, more: int) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"

    def orders(server: Server, price: int, count: int) -> list[str]:
        made = []
        for number in range(count):
            side = "buy" if number % 2 else "sell"
            status, order = server.ask(
                "/order", {**ORDER, "side": side, "price": str(price), "client_order_id": f"{price}-{number}"}
            )
            assert status == 201
            made.append(order["order_id"])
        return made

    def lose_the_end() -> None:
        for file in (*data.glob("journal-*"), *data.glob("snapshot-*")):
            file.unlink()
        for file in kept.iterdir():
            shutil.copy(file, data)

    memory = write_config(tmp_path, MARKET.replace("durability: os", "durability: memory"))
    with serving("--config", memory) as server:
        server.ready()
        first = orders(server, 100, 11)
        assert server.stop() == 0
    kept.mkdir()
    for file in (*data.glob("journal-*"), *data.glob("snapshot-*")):
        shutil.copy(file, kept)
    with serving("--config", memory) as server:
        server.ready()
        lost = orders(server, 90, 20)
        assert server.stop() == 0
    lose_the_end()
    if more:
        # The log has gone on since, without its views.
        with Exchange.open(data, shards=1) as exchange:
            for _ in range(more):
                exchange.submit("BTC-USD", "buy", quantity="0.5", price="80")
    fails("--config", write_config(tmp_path, MARKET), code=1, word="aeromatch views rebuild")
    write_config(tmp_path, MARKET.replace("durability: os", "durability: memory"))
    with serving("--config", memory) as server:
        server.ready()
        (told,) = (line for line in server.lines if line["message"] == "views are made anew from the journal")
        assert ("log says" if more else "the log ends after") in told["reason"]
        assert Path(told["kept"]).exists()
        assert server.ask(f"/order/{first[0]}")[1]["client_order_id"] == "100-0"
        assert server.ask(f"/order/{first[0]}")[1]["status"] == "filled"
        if not more:
            assert server.ask(f"/order/{lost[-1]}")[0] == 404
        # From here on they are as if nothing had been.
        again = orders(server, 70, 3)
        assert server.stop() == 0
    with serving("--config", memory) as server:
        server.ready()
        assert not [line for line in server.lines if "anew" in line["message"]]
        assert server.ask(f"/order/{again[0]}")[1]["client_order_id"] == "70-0"
        assert server.stop() == 0


def read_on(client: ClientConnection) -> None:
    while True:
        client.recv(timeout=WAIT_S)


def test_a_server_whose_views_fail_tells_its_clients_and_ends(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET + "views: {flush_s: 0.01}\n")
    with serving("--config", config) as server:
        address = server.ready()
        with connect(address.replace("http", "ws") + "/ws") as client:
            with sqlite3.connect(tmp_path / "data" / "views.sqlite") as store:
                store.execute("DROP TABLE orders")
            store.close()
            status, _ = server.ask("/order", ORDER)
            # It is in the journal, whoever fails afterwards.
            assert status == 201
            # The feed reads on, and finds that its views have ended.
            with contextlib.suppress(OSError):
                while status in (200, 201, 503):
                    status, _ = server.ask("/order", ORDER)
            with pytest.raises(ConnectionClosed) as closed:
                read_on(client)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason[:11]) == (1011, "unavailable")
        assert server.ended() == 3
        failed = [line for line in server.lines if line["message"] == "failed"]
        assert len(failed) == 1
        assert "orders" in failed[0]["reason"]
    with Exchange.open(tmp_path / "data", shards=1) as exchange:
        assert exchange.book("BTC-USD").best_bid == 100


def fails(*arguments: object, code: int, word: str, environ: dict[str, str] | None = None) -> None:
    with serving(*arguments, environ=environ) as server:
        assert server.ended() == code, server.lines
        told = "\n".join(line["message"] for line in server.lines if line["level"] == "plain")
        assert word in told
        assert "Traceback" not in told
        assert len([line for line in server.lines if line["level"] == "plain"]) == 1


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        config = write_config(tmp_path, "")
        fails("--config", config, "--port", port, code=1, word=f"cannot listen on 127.0.0.1 port {port}")


def test_an_address_that_is_elsewhere(tmp_path: Path) -> None:
    environ = {"AEROMATCH_AUTH__MODE": "keys"}
    fails("--data-dir", tmp_path, "--host", "203.0.113.1", environ=environ, code=1, word="cannot listen on 203.0.113.1")


def test_a_data_directory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    fails("--config", write_config(tmp_path, ""), code=1, word="data cannot be made: File exists")


def test_a_data_directory_that_is_in_use(tmp_path: Path) -> None:
    with Exchange.open(tmp_path / "data", shards=1):
        fails("--config", write_config(tmp_path, ""), code=1, word="the directory is in use")


def test_a_listed_account_that_cannot_have_what_it_is_to_begin_with(tmp_path: Path) -> None:
    config = write_config(tmp_path, "accounts: [{name: carol, deposits: [{asset: NOPE, amount: 1}]}]")
    fails("--config", config, code=1, word="deposit of 1 NOPE for carol, which the configuration lists, cannot be made")


def test_a_damaged_journal(tmp_path: Path) -> None:
    with Exchange.open(tmp_path / "data", shards=1) as exchange:
        for number in range(50):
            exchange.create_account(f"account {number}")
    segment = next((tmp_path / "data").glob("journal-*.log"))
    content = bytearray(segment.read_bytes())
    content[200] ^= 0xFF
    segment.write_bytes(content)
    fails("--config", write_config(tmp_path, ""), code=1, word=segment.name)


def test_a_wrong_configuration(tmp_path: Path) -> None:
    fails("--config", write_config(tmp_path, "sever: {}\n"), code=2, word="config.yaml:2: sever: unknown key")


def test_missing_packages_are_named(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')")
    fails("--data-dir", tmp_path, environ={"PYTHONPATH": str(tmp_path)}, code=1, word="pip install 'aeromatch[server]'")


def test_aeromatchd_is_aeromatch_serve() -> None:
    def says(option: str) -> str:
        command = [sys.executable, "-c", "from aeromatch.cli.serve import main; main()", option]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=WAIT_S).stdout

    assert "--data-dir" in says("--help")
    assert says("--version") == f"aeromatch {__version__}\n"


def reloaded(server: Server) -> dict[str, list[str]]:
    server.tell(signal.SIGHUP)
    before = len(server.lines)
    server.logged("reloaded")
    found: dict[str, list[str]] = {}
    for line in server.lines[before:]:
        found.setdefault(line["message"], []).append(str(line.get("key", line.get("made", ""))))
    return found


def test_sighup_applies_what_can_change(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET)
    with serving("--config", config) as server:
        server.ready()
        write_config(
            tmp_path, MARKET + "  - {symbol: ETH-USD}\nlogging: {level: debug}\nmarket_data: {interval_ms: 50}\n"
        )
        said = reloaded(server)
        assert said["applied"] == ["instruments[1]", "logging.level"]
        assert said["needs a restart"] == ["market_data.interval_ms"]
        assert said["made what was missing"] == ["['instrument ETH-USD']"]
        assert server.ask("/instruments/ETH-USD")[0] == 200
        # What exists stays: that is said once, and nothing is called applied.
        write_config(tmp_path, MARKET.replace("tick_size: 0.01", "tick_size: 0.05") + "  - {symbol: ETH-USD}\n")
        said = reloaded(server)
        assert said["exists with another value, which stays"] == ["tick_size"]
        assert said["applied"] == ["logging.level"]
        assert "made what was missing" not in said
        write_config(tmp_path, "sever: {}\n")
        server.tell(signal.SIGHUP)
        assert "config.yaml:2: sever" in server.logged("not reloaded")["problem"]
        assert server.ask("/ready")[0] == 200
        assert server.stop() == 0


def test_no_sighup_is_forgotten(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET)
    with serving("--config", config) as server:
        server.logged("recovering")
        write_config(tmp_path, MARKET + "  - {symbol: EARLY}\n")
        server.tell(signal.SIGHUP)
        server.ready()
        server.logged("reloaded")
        assert server.ask("/instruments/EARLY")[0] == 200
        # The last of several is one that reads what the file has then.
        for number in range(5):
            write_config(tmp_path, MARKET + f"  - {{symbol: N{number}}}\n")
            server.tell(signal.SIGHUP)
        while server.ask("/instruments/N4")[0] != 200:
            server.logged("reloaded")
        assert server.stop() == 0


def test_keys_are_asked_for_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"

    def new_key(name: str) -> str:
        arguments = ["keys", "create", "--role", "admin", "--id", name, "--keys-file", str(file), "--json"]
        made = subprocess.run(
            [sys.executable, "-m", "aeromatch", *arguments], capture_output=True, text=True, check=True, timeout=WAIT_S
        )
        token: str = json.loads(made.stdout)["token"]
        return token

    config = tmp_path / "config.yaml"
    config.write_text(MARKET)
    fails("--config", config, code=1, word="keys.yaml: there are no keys yet")
    first = new_key("first")
    with serving("--config", config) as server:
        server.ready()
        assert server.ask("/instruments")[0] == 401
        assert server.ask("/instruments", token=first)[0] == 200
        second = new_key("second")
        assert server.ask("/instruments", token=second)[0] == 401
        reloaded(server)
        assert server.ask("/instruments", token=second)[0] == 200
        assert server.ask("/health")[0] == 200
        assert server.stop() == 0
        secrets = [token.partition(".")[2] for token in (first, second)]
        assert not [line for line in server.lines if any(secret in str(line) for secret in secrets)]


def test_a_scheduled_phase_that_was_missed_is_made_up_for(tmp_path: Path) -> None:
    schedule = 'schedules: {always: {phases: {"00:00": halted}}}\n'
    config = write_config(tmp_path, schedule + "instruments: [{symbol: A, schedule: always}]\n")
    with serving("--config", config) as server:
        server.ready()
        assert server.ask("/ticker/A")[1]["phase"] == "halted"
        assert server.stop() == 0


@pytest.mark.parametrize("kind", ["json", "console"])
def test_logs(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "server.log"
    environ = {
        "AEROMATCH_LOGGING__FILE": str(log),
        "AEROMATCH_LOGGING__FORMAT": kind,
        "AEROMATCH_LOGGING__ACCESS": "true",
    }
    with serving("--config", write_config(tmp_path, MARKET), "--seconds", "0.2", environ=environ) as server:
        assert server.ended() == 2  # The option is the demo's.
    text = MARKET + "demo: {enabled: true, seconds: 0.2}\n"
    with serving("--config", write_config(tmp_path, text), environ=environ) as server:
        assert server.ended() == 0
    lines = log.read_text().splitlines()
    assert [line for line in lines if "stopped" in line]
    assert all(line.startswith("{") for line in lines) == (kind == "json")
