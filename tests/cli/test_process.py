"""The command as a process: exit codes, streams, pipes and signals, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

AEROMATCH = (sys.executable, "-m", "aeromatch")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*AEROMATCH, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=120)


def assert_failed(result: subprocess.CompletedProcess[str], code: int, word: str) -> None:
    assert result.returncode == code, result.stderr
    assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    messages = tmp_path / "X_message_3.csv"
    assert run("generate", "lobster", messages, "--steps", 200, "--levels", 3).returncode == 0
    return messages


def test_done() -> None:
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")


def test_misuse() -> None:
    assert_failed(run("nonsense"), 2, "No such command")
    assert_failed(run("replay", "lobster", "missing.csv"), 2, "does not exist")
    assert_failed(run("replay", "orders", "."), 2, "is a directory")


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe" * 1000, b"a,b;c\n" * 10, b"\n" * 10, b"," * 5000])
def test_files_of_no_use(recording: Path, content: bytes) -> None:
    rows = recording.with_name("X_orderbook_3.csv")
    broken = recording.with_name("broken.csv")
    broken.write_bytes(content)
    assert_failed(run("replay", "lobster", broken, "--orderbook", rows), 1, "no LOBSTER message")
    assert_failed(run("replay", "lobster", recording, "--orderbook", broken), 1, "no usable row")
    assert_failed(run("replay", "orders", broken), 1, "no order in it")
    assert_failed(run("replay", "itch", broken, "--symbol", "A"), 1, "broken.csv: ")


@pytest.mark.parametrize(
    "command", [("bench", "server"), ("bench", "binary"), ("bench", "feed"), ("serve",), ("load",), ("config", "show")]
)
def test_packages_that_are_not_there(command: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("httptools", "uvicorn", "msgspec"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')")
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    arguments = [sys.executable, "-m", "aeromatch", *command]
    result = subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path, timeout=60
    )
    assert_failed(result, 1, "pip install 'aeromatch[server]'")


def test_strict(recording: Path) -> None:
    lines = recording.read_text().splitlines()
    lines[3] = "rubbish"
    recording.write_text("\n".join(lines))
    assert_failed(run("replay", "lobster", recording, "--strict"), 1, "malformed line 4: 1 fields")


def test_unwritable_outputs(recording: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "such" / "folder" / "message.png"
    assert_failed(run("replay", "lobster", recording, "--plot", nowhere), 1, "cannot write")
    assert_failed(run("generate", "lobster", nowhere.with_suffix(".csv")), 1, "cannot write")
    assert_failed(run("generate", "orders", nowhere), 1, "cannot write")
    assert_failed(run("generate", "itch", nowhere), 1, "cannot write")
    assert_failed(run("demo", "--steps", 10, "--plot", nowhere), 1, "cannot write")
    assert_failed(run("generate", "orders", tmp_path), 2, "is a directory")


def test_no_space_left() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs a device that is always full")
    assert_failed(run("generate", "orders", full, "--steps", 500), 1, "No space left")
    assert_failed(run("generate", "itch", full, "--steps", 500), 1, "No space left")
    with full.open("w") as stdout:
        result = subprocess.run([*AEROMATCH, "--help"], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_reader_that_leaves_early_is_no_traceback(recording: Path) -> None:
    process = subprocess.Popen(
        [*AEROMATCH, "replay", "lobster", str(recording), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == ""


def test_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    process = subprocess.Popen(
        [*AEROMATCH, "generate", "orders", str(path), "--steps", "10000000"], stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not (path.exists() and path.stat().st_size):
        pass
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "interrupted"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2_000))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(data)
    lobster, itch = ("replay", "lobster", path, "--orderbook", path), ("replay", "itch", path, "--symbol", "A")
    for command in (lobster, itch, ("replay", "orders", path), ("demo", path)):
        result = run(*command)
        assert result.returncode in (0, 1)
        assert "Traceback" not in result.stderr


def test_closed_streams() -> None:
    command = f'"{sys.executable}" -m aeromatch --version >&-'
    result = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "Error: stdout is closed\n")
    command = f'"{sys.executable}" -m aeromatch nonsense 2>&-'
    result = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")


@pytest.mark.parametrize("name", ["_message.csv", "é ü_message.csv", "x\udcff_message.csv", "a" * 200 + "message.csv"])
def test_any_file_name_on_a_terminal_without_unicode(recording: Path, name: str) -> None:
    messages = recording.with_name(name)
    messages.write_bytes(recording.read_bytes())
    rows = recording.with_name("X_orderbook_3.csv")
    orders = recording.with_name("orders " + name)
    assert run("generate", "orders", orders, "--steps", 50).returncode == 0
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for command in (("replay", "lobster", str(messages), "--orderbook", str(rows)), ("replay", "orders", str(orders))):
        result = subprocess.run([*AEROMATCH, *command], capture_output=True, env=environment, check=False)
        assert result.returncode == 0, result.stderr
        assert result.stderr == b""
