"""aeromatchd as a process, for tests: started, waited for, asked, told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WAIT_S = 60.0
# Ports of the system's choice, so that several may run.
SETTINGS = {"AEROMATCH_LOGGING__FORMAT": "json", "AEROMATCH_GATEWAYS__GRPC__PORT": "0"}


class Server:
    """A running aeromatchd; its log is read as it is written."""

    def __init__(self, *arguments: object, environ: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "aeromatch", "serve", "--port", "0", *(str(part) for part in arguments)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AEROMATCH_")}
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A library that logs what a client sent it is to be seen, not to end the reading.
            errors="backslashreplace",
            env={**inherited, **SETTINGS, **(environ or {})},
        )
        self.lines: list[dict[str, Any]] = []
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self._waiting.put(json.loads(line))
            except ValueError:
                self._waiting.put({"message": line.rstrip("\n"), "level": "plain"})
        self._waiting.put(None)

    def logged(self, message: str) -> dict[str, Any]:
        """Wait for the next line of the log with this message."""
        while True:
            line = self._waiting.get(timeout=WAIT_S)
            assert line is not None, f"it ended without saying {message!r}: {self.lines}"
            self.lines.append(line)
            if line["message"] == message:
                return line

    def ready(self) -> str:
        """Wait until it may be used; its address."""
        address: str = self.logged("ready")["address"]
        self.address = address
        return address

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        while (line := self._waiting.get(timeout=WAIT_S)) is not None:
            self.lines.append(line)
        return code

    def stop(self) -> int:
        """Tell it to stop, and wait for it."""
        self.tell(signal.SIGTERM)
        return self.ended()

    def ask(self, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> tuple[int, Any]:
        """Ask something over HTTP: status and answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.address + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


@contextlib.contextmanager
def serving(*arguments: object, environ: dict[str, str] | None = None) -> Iterator[Server]:
    """A server that is not there any more afterwards, whatever happens."""
    server = Server(*arguments, environ=environ)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(WAIT_S)
        server._reader.join(WAIT_S)
        for stream in (server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()


def write_config(folder: Path, text: str) -> Path:
    """A configuration without keys, unless it has some, with its data beside it."""
    file = folder / "config.yaml"
    file.write_text(text if "auth:" in text else f"auth: {{mode: off}}\n{text}")
    return file
