"""`aeromatch keys` and its file: secrets are shown once, hashes never; nobody else can read it; it is always whole."""

import contextlib
import hashlib
import io
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from aeromatch.cli.main import run
from aeromatch.server.admission import KeyFileError, KeyStore, Rate


def keys(path: Path, *arguments: str, code: int = 0) -> str:
    """Runs the command in this process: what it says on stdout, or why it failed."""
    told, complained = io.StringIO(), io.StringIO()
    command = ["aeromatch", "keys", arguments[0], "--keys-file", str(path), *arguments[1:]]
    with (
        mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(complained),
    ):
        assert run() == code, complained.getvalue()
    return told.getvalue() if code == 0 else complained.getvalue()


def test_a_secret_is_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    made = json.loads(keys(path, "create", "--role", "trade", "--account", "alice", "--label", "desk", "--json"))
    secret = made["secret"]
    assert made["token"] == f"{made['id']}.{secret}"
    assert (secret[:4], len(secret)) == ("ams_", 47)
    text = path.read_text()
    assert secret not in text
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert digest in text
    assert path.stat().st_mode & 0o777 == 0o600
    for told in (
        keys(path, "list"),
        keys(path, "list", "--json"),
        keys(path, "show", made["id"]),
        keys(path, "show", made["id"], "--json"),
        keys(path, "revoke", made["id"]),
    ):
        assert made["id"] in told
        assert secret not in told
        assert digest not in told
    assert json.loads(keys(path, "list", "--json")) == {"keys": []}


def test_keys_end_and_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    keys(path, "create", "--role", "admin", "--id", "ops", "--expires-in", "90d")
    shown = json.loads(keys(path, "show", "ops", "--json"))
    assert 89 * 86_400_000 < shown["expires_ms"] - time.time_ns() // 1_000_000 <= 90 * 86_400_000
    keys(path, "rotate", "ops", "--overlap", "1h")
    assert json.loads(keys(path, "show", "ops", "--json"))["state"] == "rotating"
    keys(path, "rotate", "ops")
    again = json.loads(keys(path, "show", "ops", "--json"))
    assert (again["state"], again["secrets"], again["expires_ms"]) == ("active", 1, shown["expires_ms"])
    store = KeyStore(path)
    store.create("read", key_id="old", expires_ms=1)
    assert store.find("old").state(2) == "expired"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("create", "--role", "trade"), "--role trade needs --account"),
        (("create", "--role", "root"), "is not one of"),
        (("create", "--role", "read", "--id", "a.b"), "not 1 to 64 letters"),
        (("create", "--role", "read", "--expires-in", "90"), "is not a number with s, m, h, d or w"),
    ],
)
def test_misuse_is_named(tmp_path: Path, arguments: tuple[str, ...], problem: str) -> None:
    assert problem in keys(tmp_path / "keys.yaml", *arguments, code=2)
    assert not (tmp_path / "keys.yaml").exists()


def test_what_is_wrong_with_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    assert "`aeromatch keys create` makes one" in keys(path, "list", code=1)
    keys(path, "create", "--role", "read", "--id", "one")
    assert "there is a key 'one' already" in keys(path, "create", "--role", "read", "--id", "one", code=1)
    assert "there is no key 'two'" in keys(path, "revoke", "two", code=1)
    assert "there is no key 'two'" in keys(path, "rotate", "two", code=1)
    path.chmod(0o640)
    keys(path, "list")
    for mode in (0o604, 0o660, 0o644):
        path.chmod(mode)
        assert f"others may use it (mode {mode:04o})" in keys(path, "list", code=1)
    path.chmod(0o600)
    good = path.read_text()
    for text, problem in (
        ("keys: [", "while parsing"),
        ("version: 2\nkeys: []\n", "version"),
        (good.replace("role: read", "role: root"), "role"),
        (good.replace("role: read", "role: trade"), "needs an account"),
        (good.replace("sha256: ", "sha256: x"), "sha256"),
        (good.replace("  role: read", "  role: read\n  hash: x"), "hash"),
        (good + "\n".join(good.splitlines()[3:]) + "\n", "two keys 'one'"),
    ):
        path.write_text(text)
        with pytest.raises(KeyFileError, match=problem):
            KeyStore(path).load()


def test_limits_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    keys(path, "create", "--role", "read", "--id", "one", "--orders-per-second", "10", "--requests-per-second", "0")
    record = KeyStore(path).find("one")
    assert (record.orders, record.requests) == ((10, 20), (0, 0))
    assert record.native(Rate(1, 1), Rate(1, 1))[4:] == ((10, 20), (0, 0))
    assert "10 a second, 20 at once" in keys(path, "show", "one")


def _create(path: Path, number: int) -> None:
    for _ in range(5):
        KeyStore(path).create("read", label=str(number))


def test_keys_that_are_made_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    # A lock is of an open file, and each opens its own: threads stand for processes here.
    with ThreadPoolExecutor(3) as pool:
        for made in [pool.submit(_create, path, number) for number in range(3)]:
            made.result()
    assert sorted(key.label for key in KeyStore(path).load()) == ["0"] * 5 + ["1"] * 5 + ["2"] * 5


def test_who_may_read_the_file_may_read_it_after_a_change(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.yaml")
    store.create("read", label="one")
    # Only root gives files away; whoever runs this keeps their own.
    owner = (4711, 4712) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(store.path, *owner)
    store.path.chmod(0o640)
    store.create("read", label="two")
    found = store.path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (*owner, 0o640)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.yaml"
    store = KeyStore(path)
    store.create("read", key_id="one")
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aeromatch.server.admission.files.os.fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        store.create("read", key_id="two")
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".keys.yaml.lock", "keys.yaml"]
