"""Keys, roles, accounts, switches and the audit on the real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.security.certificates import authority, needs_openssl
from tests.security.desk import NOW_MS
from tests.security.guarded import CONFIG, ORDER, Guarded, bearer, call, headers_of
from tests.server.process import WAIT_S, serving

from aeromatch.gateways.rest.handlers import ROUTES

AEROMATCH = [sys.executable, "-m", "aeromatch"]
SECURITY = Path(__file__).resolve().parents[2] / "docs" / "security.md"
RANKS = (None, "read", "trade", "admin")


def audit(guarded: Guarded, *arguments: str) -> list[dict[str, object]]:
    command = [*AEROMATCH, "audit", str(guarded.data), "--json", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in told.splitlines()]


def test_requests_are_let_in_by_key(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        assert call(server, "POST", "/order", ORDER).slug == "missing_credentials"
        placed = call(server, "POST", "/order", ORDER, guarded.alice)
        assert (placed.status, placed.body["account"]) == (201, "alice")
        assert call(server, "POST", "/order", ORDER, bearer(guarded.alice)).status == 201
        assert "ratelimit-remaining" in {name.lower() for name in placed.headers}

        body = json.dumps(ORDER).encode()
        signed = headers_of(guarded.alice, "POST", "/order", body)
        assert call(server, "POST", "/order", ORDER, signed).status == 201
        assert call(server, "POST", "/order", ORDER, signed).slug == "replayed_nonce"
        other = {**ORDER, "quantity": "2"}
        tampered = call(server, "POST", "/order", other, headers_of(guarded.alice, "POST", "/order", body))
        assert tampered.slug == "invalid_signature"
        assert tampered.headers["www-authenticate"].startswith("Bearer")
        old = {"x-aeromatch-timestamp": str(NOW_MS - 1_000_000_000_000)}
        assert call(server, "POST", "/order", ORDER, headers_of(guarded.alice, "POST", "/order", body, **old)).slug == (
            "expired_timestamp"
        )
        assert call(server, "GET", "/book/BTC-USD?levels=5", None, guarded.alice).status == 200
        assert server.stop() == 0


def test_everybody_has_their_own(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        theirs = call(server, "POST", "/order", ORDER, guarded.bob).body["order_id"]
        alice = guarded.alice
        assert call(server, "POST", "/order", {**ORDER, "account": "bob"}, alice).slug == "not_permitted"
        requests: tuple[tuple[str, str, object], ...] = (
            ("GET", f"/order/{theirs}", None),
            ("DELETE", f"/order/{theirs}", None),
            ("PATCH", f"/order/{theirs}", {"quantity": "2"}),
        )
        for method, target, body in requests:
            assert call(server, method, target, body, alice).slug == "unknown_order", method
        for number in (1 << 63, 1 << 64, 10**20 - 1):
            assert call(server, "GET", f"/order/{number}", None, alice).slug == "unknown_order"
        requests = (
            ("GET", "/orders?account=bob", None),
            ("GET", "/accounts/bob/balances", None),
            ("DELETE", "/orders?account=bob", None),
            ("PUT", "/accounts/bob/dead-man", {"timeout_ms": 1000}),
        )
        for method, target, body in requests:
            assert call(server, method, target, body, alice).slug == "not_permitted", target
        assert call(server, "GET", "/orders", None, alice).body["orders"] == []
        assert call(server, "DELETE", "/orders", None, alice).body["canceled"] == 0
        assert call(server, "GET", f"/order/{theirs}", None, guarded.operator).body["status"] == "open"
        assert call(server, "GET", f"/order/{theirs}", None, guarded.bob).body["status"] == "open"
        assert server.stop() == 0


def test_every_route_asks_for_its_role(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    keys = {None: None, "read": guarded.reader, "trade": guarded.alice}
    with serving("--config", guarded.config) as server:
        server.ready()
        refused = 0
        for route in ROUTES:
            target = re.sub(r"\{\w+\}", "1", route.path)
            for role in RANKS[: RANKS.index(route.role)]:
                answer = call(server, route.method, target, {} if route.request else None, keys[role])
                expected = "missing_credentials" if role is None else "not_permitted"
                assert answer.slug == expected, f"{route.method} {route.path} with role {role}"
                refused += 1
        assert refused > len(ROUTES)
        assert server.stop() == 0


def test_keys_change_on_sighup(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        rotated = guarded.keys.rotate("alice-1")
        guarded.keys.revoke("bob-1")
        assert call(server, "GET", "/me", None, guarded.alice).status == 200
        server.tell(signal.SIGHUP)
        server.logged("keys were read")
        assert [call(server, "GET", "/me", None, key).slug for key in (guarded.alice, guarded.bob)] == [
            "invalid_signature",
            "invalid_key",
        ]
        assert call(server, "GET", "/me", None, rotated).status == 200
        assert server.stop() == 0


def test_keys_that_cannot_be_read_keep_nothing_else_from_being_applied(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        more = (
            CONFIG + "  - {symbol: NEW, tick_size: 0.5}\nlimits: {key_requests_per_second: 7, key_requests_burst: 70}\n"
        )
        guarded.config.write_text(more)
        guarded.keys.path.write_text("keys: [broken")
        server.tell(signal.SIGHUP)
        assert "keys.yaml" in server.logged("not all was reloaded")["problem"]
        found = call(server, "GET", "/instruments/NEW", None, bearer(guarded.alice))
        assert (found.status, found.headers["ratelimit-limit"]) == (200, "70")
        assert server.stop() == 0


def test_the_audit_says_who_did_what_after_a_kill(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        placed = [call(server, "POST", "/order", ORDER, key).body for key in (guarded.alice, guarded.bob)]
        assert call(server, "POST", "/accounts", {"account": "carol"}, guarded.operator).status == 201
        assert call(server, "PUT", "/accounts/alice/dead-man", {"timeout_ms": 3_600_000}, guarded.alice).status == 200
        assert call(server, "PUT", "/accounts/alice/dead-man", {"timeout_ms": 3_600_000}, guarded.alice).status == 200
        stopped = call(
            server, "PUT", "/accounts/alice/kill-switch", {"engaged": True, "reason": "drill"}, guarded.operator
        )
        assert stopped.body == {"account": "alice", "killed": True}
        refused = call(server, "POST", "/order", ORDER, guarded.alice)
        assert (refused.status, refused.slug) == (403, "kill_switch")
        server.process.kill()
        server.process.wait(WAIT_S)
    found = audit(guarded)
    by_key = {(entry["key"], entry["kind"], entry["action"]) for entry in found if entry["tag"]}
    assert by_key == {
        ("alice-1", "new", ""),
        ("bob-1", "new", ""),
        ("ops", "create_account", "create_account"),
        ("ops", "mass_cancel", "set_kill_switch"),
        ("alice-1", "", "set_dead_man"),
    }
    assert [entry["time_ns"] for entry in found] == sorted(int(str(entry["time_ns"])) for entry in found)
    (cancel,) = (entry for entry in found if entry["kind"] == "mass_cancel")
    assert (cancel["events"], cancel["facts"]) == (
        {"canceled": 1},
        {"account": "alice", "engaged": True, "cancel_orders": True, "reason": "drill"},
    )
    assert all(str(entry["remote"]).startswith("127.0.0.1:") for entry in found if entry["tag"])
    assert len(audit(guarded, "--key", "alice-1")) == 1 + len(audit(guarded, "--key", "bob-1")) == 2
    assert {entry["action"] for entry in audit(guarded, "--actions")} == {action for _, _, action in by_key} - {""}
    # The switch is still on, and bob's order still there.
    with serving("--config", guarded.config) as server:
        server.ready()
        assert call(server, "POST", "/order", ORDER, bearer(guarded.alice)).slug == "kill_switch"
        assert (
            call(server, "GET", f"/order/{placed[1]['order_id']}", None, bearer(guarded.bob)).body["status"] == "open"
        )
        assert server.stop() == 0


def test_no_secret_is_told(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    told = ""
    signatures = []
    with serving("--config", guarded.config) as server:
        server.ready()
        secret = guarded.alice.secret
        for target in ("/order", f"/order?token={secret}", f"/{secret}", f"/book/{secret}"):
            for headers in (
                bearer(guarded.alice),
                {"authorization": f"Bearer alice-1.{secret}x"},
                {"authorization": f"Basic {secret}"},
                headers_of(guarded.alice, "POST", target, json.dumps(ORDER).encode()),
                headers_of(guarded.alice, "POST", target, b""),
            ):
                answer = call(server, "POST", target, ORDER, headers)
                signatures.append(headers.get("x-aeromatch-signature", secret))
                if secret not in target:
                    told += answer.text + str(answer.headers)
        told += call(server, "GET", "/me", None, guarded.alice).text
        told += call(server, "GET", "/stats", None, guarded.alice).text
        guarded.keys.path.write_text("keys: [broken")
        server.tell(signal.SIGHUP)
        server.logged("not all was reloaded")
        assert call(server, "GET", "/me", None, bearer(guarded.alice)).status == 200
        assert server.stop() == 0
    logged = "\n".join(json.dumps(line) for line in server.lines)
    kept = "\n".join(path.read_bytes().decode("latin-1") for path in guarded.data.rglob("*") if path.is_file())
    assert "keys.yaml" in logged
    for text in (*guarded.secrets(), *signatures):
        for place, content in (("answers", told), ("log", logged), ("data", kept)):
            assert text not in content, place


def test_tls_on_the_server(tmp_path: Path) -> None:
    root = authority(tmp_path / "ca")
    certificate, key = root.sign("server")
    tls = f"server: {{tls: {{certificate: {certificate}, private_key: {key}}}}}\n"
    guarded = Guarded(tmp_path, CONFIG + tls)
    context = ssl.create_default_context(cafile=root.certificate)
    with serving("--config", guarded.config) as server:
        address = server.ready().replace("127.0.0.1", "localhost")
        assert address.startswith("https://")
        request = urllib.request.Request(f"{address}/me", headers=bearer(guarded.alice))
        with urllib.request.urlopen(request, timeout=WAIT_S, context=context) as answer:
            assert answer.status == 200
        assert server.stop() == 0


test_tls_on_the_server = needs_openssl(test_tls_on_the_server)


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="there is no openssl or curl here")
def test_the_recipe_for_curl_works(tmp_path: Path) -> None:
    found = re.search(r"```sh\n(.*?)```", SECURITY.read_text(), re.DOTALL)
    assert found is not None
    guarded = Guarded(tmp_path)
    with serving("--config", guarded.config) as server:
        server.ready()
        environ = {
            **os.environ,
            "KEY": "alice-1",
            "SECRET": guarded.alice.secret,
            "SERVER": server.address,
            "no_proxy": "*",
        }
        told = subprocess.run(["sh", "-euc", found[1]], env=environ, capture_output=True, text=True, timeout=WAIT_S)
        assert (told.returncode, told.stderr) == (0, "")
        assert json.loads(told.stdout)["account"] == "alice"
        environ["SECRET"] = guarded.bob.secret
        told = subprocess.run(["sh", "-euc", found[1]], env=environ, capture_output=True, text=True, timeout=WAIT_S)
        assert json.loads(told.stdout)["slug"] == "invalid_signature"
        assert server.stop() == 0
