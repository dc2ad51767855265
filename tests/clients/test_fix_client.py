"""QuickFIX trades over FIX, is cut off, sees the server killed, and goes on: without a gap, and without a double."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clients.tools import program
from tests.server.process import Server, serving

from aeromatch.server.admission.keys import KeyStore

HERE = Path(__file__).parent
WAIT_S = 90
COUNT = 60

SETTINGS = """
[DEFAULT]
ConnectionType=initiator
BeginString=FIX.4.4
SenderCompID={comp_id}
TargetCompID=AEROMATCH
HeartBtInt=5
ReconnectInterval=1
StartTime=00:00:00
EndTime=00:00:00
NonStopSession=Y
FileStorePath={folder}/store
FileLogPath={folder}/log
UseDataDictionary=Y
DataDictionary={dictionary}
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
SocketNodelay=Y
[SESSION]
"""

CONFIG = """
exchange: {{durability: os, shards: {{count: 2}}}}
auth: {{mode: keys, keys_file: {keys}}}
statistics: {{enabled: false}}
views: {{periods: [1m]}}
gateways: {{fix: {{enabled: true, port: 0}}}}
instruments: [{{symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}}]
accounts: [{{name: alice}}, {{name: bob}}]
"""


@pytest.fixture(scope="module")
def quickfix(pytestconfig: pytest.Config) -> Path:
    """The Python of an environment that has QuickFIX."""
    python = sys.executable if sys.version_info[:2] == (3, 11) else program("python3.11")
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("quickfix") / "environment"
    found = folder / "bin" / "python"
    requirements = HERE / "fix_requirements.txt"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        install = [
            str(found),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]
        done = subprocess.run([*install, "-r", str(requirements)], capture_output=True, text=True, timeout=300)
        if done.returncode:
            if os.environ.get("AEROMATCH_NO_SKIP"):
                pytest.fail(f"QuickFIX cannot be installed: {done.stderr}")
            pytest.skip("QuickFIX cannot be installed")
        installed.write_text(requirements.read_text())
    return found


class Cable:
    """Connections to the server, which can be cut; the server may come back at another port."""

    def __init__(self) -> None:
        self.target = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                thread = threading.Thread(target=self._carry, args=(source, sink))
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            # Small pieces: a cut falls into the middle of messages.
            while data := source.recv(700):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Ends all connections that there are."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._open:
            end.close()


class Trader:
    """A process with QuickFIX."""

    def __init__(self, python: Path, folder: Path, comp_id: str, port: int, key: str, secret: str) -> None:
        folder.mkdir()
        dictionary = python.parent.parent / "share" / "quickfix" / "FIX44.xml"
        assert dictionary.exists()
        settings = folder / "settings.cfg"
        settings.write_text(SETTINGS.format(comp_id=comp_id, folder=folder, dictionary=dictionary, port=port))
        self.process = subprocess.Popen(
            [python, HERE / "fix_program.py", settings, key, secret],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.reports: list[dict[str, str]] = []
        self.logons = 0
        self.events: list[str] = []

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._waiting.put(json.loads(line))
        self._waiting.put(None)

    def until(self, condition: Callable[[], bool]) -> None:
        """Takes what comes until something is so."""
        while not condition():
            event = self._waiting.get(timeout=WAIT_S)
            assert event is not None, f"it has ended: {self.events}"
            self.events.append(event["event"])
            fields = dict(event.get("fields", ()))
            self.logons += event["event"] == "logon"
            # QuickFIX found nothing wrong with any message of ours.
            assert fields.get("35") not in ("3", "j"), fields
            if fields.get("35") == "8":
                self.reports.append(fields)

    def order(self, cl_ord_id: str, side: str, quantity: str, price: str) -> None:
        fields = [(11, cl_ord_id), (55, "BTC-USD"), (54, side), (38, quantity), (40, "2"), (44, price), (59, "1")]
        self._send("D", fields)

    def cancel(self, cl_ord_id: str, before: str, side: str) -> None:
        self._send("F", [(11, cl_ord_id), (41, before), (55, "BTC-USD"), (54, side)])

    def replace(self, cl_ord_id: str, before: str, side: str, quantity: str, price: str) -> None:
        fields = [(11, cl_ord_id), (41, before), (55, "BTC-USD"), (54, side), (38, quantity), (40, "2"), (44, price)]
        self._send("G", fields)

    def _send(self, kind: str, fields: list[tuple[int, str]]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"type": kind, "fields": fields}) + "\n")
        self.process.stdin.flush()

    def kinds(self) -> Counter[str]:
        return Counter(report["150"] for report in self.reports)

    def filled(self) -> dict[str, float]:
        """By ClOrdID, what was traded."""
        found: Counter[str] = Counter()
        for report in self.reports:
            if report["150"] == "F":
                found[report["11"]] += round(float(report["32"]) * 1000)
        return {cl_ord_id: lots / 1000 for cl_ord_id, lots in found.items()}

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.until(lambda: "stopped" in self.events)
        assert self.process.wait(WAIT_S) == 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def traders(python: Path, folder: Path, port: int) -> Iterator[tuple[Trader, Trader]]:
    store = KeyStore(folder / "keys.yaml")
    with contextlib.ExitStack() as stack:
        made = []
        for name in ("alice", "bob"):
            key = store.create("trade", account=name)
            trader = Trader(python, folder / name, name.upper(), port, key.record.id, key.secret)
            stack.callback(trader.close)
            made.append(trader)
        yield made[0], made[1]


def fix_port(server: Server) -> int:
    line = server.logged("ready")
    server.address = line["address"]
    return int(line["fix"].rpartition(":")[2])


def orders_of(server: Server, token: str) -> dict[str, float]:
    """By client order id, what the exchange says was traded."""
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.get(f"{server.address}/orders", params={"limit": 1000}, headers=headers)
    orders = answer.json()["orders"]
    return {it["client_order_id"]: float(it["filled_quantity"]) for it in orders if float(it["filled_quantity"])}


def test_it_trades_is_cut_off_and_goes_on(quickfix: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(keys=tmp_path / "keys.yaml"))
    token = KeyStore(tmp_path / "keys.yaml").create("admin").token
    arguments = ("--config", config, "--data-dir", tmp_path / "data")
    with contextlib.ExitStack() as stack:
        cable = Cable()
        stack.callback(cable.close)
        alice, bob = stack.enter_context(traders(quickfix, tmp_path, cable.port))
        with serving(*arguments) as server:
            cable.target = fix_port(server)
            trade(alice, bob)
            cut_off(alice, bob, cable)
            killed(alice, bob, server)
        with serving(*arguments) as server:
            cable.target = fix_port(server)
            back_again(alice, bob)
            both = alice.filled() | bob.filled()
            # The exchange knows an order by the first id of its chain.
            both["a-first"] = both.pop("a-second")
            assert orders_of(server, token) == both
            for trader in (alice, bob):
                executions = Counter(report["17"] for report in trader.reports)
                assert {exec_id for exec_id, count in executions.items() if count > 1} == set()
                trader.stop()
            assert server.stop() == 0


def trade(alice: Trader, bob: Trader) -> None:
    """Both log on; an order rests, is changed, is hit, and what is left is taken back."""
    alice.until(lambda: alice.logons == 1)
    bob.until(lambda: bob.logons == 1)
    alice.order("a-first", "1", "3", "100")
    alice.until(lambda: alice.kinds()["0"] == 1)
    alice.replace("a-second", "a-first", "1", "4", "101")
    alice.until(lambda: alice.kinds()["5"] == 1)
    bob.order("b-first", "2", "1", "99")
    bob.until(lambda: bob.kinds() == {"0": 1, "F": 1})
    alice.until(lambda: alice.kinds()["F"] == 1)
    trade = alice.reports[-1]
    assert (trade["11"], trade["31"], float(trade["151"])) == ("a-second", "101.00", 3)
    alice.cancel("a-third", "a-second", "1")
    alice.until(lambda: alice.kinds()["4"] == 1)
    assert (alice.reports[-1]["11"], alice.reports[-1]["41"]) == ("a-third", "a-second")


def cut_off(alice: Trader, bob: Trader, cable: Cable) -> None:
    """The line is cut while reports are on their way, twice."""
    for number in range(COUNT):
        alice.order(f"a-{number}", "1", "2", "50")
    alice.until(lambda: alice.kinds()["0"] >= 5)
    cable.cut()
    alice.until(lambda: alice.logons == 2)
    bob.until(lambda: bob.logons == 2)
    for number in range(COUNT):
        bob.order(f"b-{number}", "2", "1", "50")
    bob.until(lambda: bob.kinds()["F"] >= 5)
    cable.cut()
    alice.until(lambda: alice.logons == 3 and alice.kinds()["0"] == 1 + COUNT and alice.kinds()["F"] == 1 + COUNT)
    bob.until(lambda: bob.logons == 3 and bob.kinds()["0"] == 1 + COUNT and bob.kinds()["F"] == 1 + COUNT)


def killed(alice: Trader, bob: Trader, server: Server) -> None:
    """The server is killed while it answers."""
    for number in range(COUNT):
        alice.order(f"k-{number}", "1", "1", "60")
        bob.order(f"l-{number}", "2", "1", "60")
    before = bob.kinds()["F"]
    bob.until(lambda: bob.kinds()["F"] >= before + 3)
    server.process.kill()
    server.process.wait()


def has_logons(trader: Trader, count: int) -> bool:
    return trader.logons >= count


def has_answers(trader: Trader, prefix: str) -> bool:
    """Whether each order of such an id was taken or refused."""
    return sum(it["11"].startswith(prefix) and it["150"] in ("0", "8") for it in trader.reports) == COUNT


def back_again(alice: Trader, bob: Trader) -> None:
    """Each order has been answered once: taken, or refused as it was lost with the server."""
    for trader, prefix in ((alice, "k-"), (bob, "l-")):
        trader.until(partial(has_logons, trader, 4))
        trader.until(partial(has_answers, trader, prefix))
    # It goes on as before, and what is reported last has everything before it.
    alice.order("a-last", "1", "1", "10")
    alice.until(lambda: alice.reports[-1]["11"] == "a-last")
    bob.order("b-last", "2", "1", "900")
    bob.until(lambda: bob.reports[-1]["11"] == "b-last")
