"""Who is let in: signatures, tokens, roles, accounts, limits, by a clock that the tests turn."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.security.desk import NOW_MS, Desk, bearer, desk, refusal, signed, slug

from aeromatch.gateways.services import Credentials, RefusedError
from aeromatch.server.admission import Rate


def run(folder: Path, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with desk(folder) as made:
            await test(made)

    asyncio.run(main())


def test_a_signed_request_is_let_in_once(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            request = signed(at.alice)
            gate = table.admit(0, "10.0.0.1:5", request, "trade")
            assert (gate.principal.key_id, gate.principal.account) == ("alice-1", "alice")
            assert gate.principal.roles == {"read", "trade"}
            assert slug(table, request) == "replayed_nonce"
            at.clock.now_ms += 4_000
            assert slug(table, request) == "replayed_nonce"
            at.clock.now_ms += 2_000
            assert slug(table, request) == "expired_timestamp"
            assert slug(table, signed(at.alice, NOW_MS + 6_000, "n2")) is None

    run(tmp_path, test)


def test_what_a_signature_covers_cannot_be_changed(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            good = signed(at.alice)
            for changed in (
                replace(good, body=b'{"symbol":"B"}'),
                replace(good, body=b""),
                replace(good, target=b"/order?x=1"),
                replace(good, target=b"/orders"),
                replace(good, method="DELETE"),
                replace(good, nonce="n2"),
                replace(good, timestamp=str(NOW_MS + 1)),
                replace(good, signature="0" * 64),
                replace(good, signature="no hexadecimal digits"),
                replace(good, signature=None),
                replace(good, nonce="two\nlines"),
                replace(good, key="ops"),
            ):
                assert slug(table, changed) == "invalid_signature", changed
            assert slug(table, replace(good, key="nobody")) == "invalid_key"
            # None of these has used up the nonce.
            assert slug(table, good) is None

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("skew_ms", "expected"),
    [(0, None), (-5_000, None), (-5_001, "expired_timestamp"), (1_000, None), (1_001, "expired_timestamp")],
)
def test_clocks_may_differ_so_much(tmp_path: Path, skew_ms: int, expected: str | None) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            assert slug(table, signed(at.alice, NOW_MS + skew_ms)) == expected

    run(tmp_path, test)


def test_bearer_tokens(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            assert slug(table, bearer(at.alice.token)) is None
            assert slug(table, bearer(at.alice.token[:-1])) == "invalid_key"
            assert slug(table, bearer(f"ops.{at.alice.secret}")) == "invalid_key"
            # The hash that the file has is not the secret.
            assert slug(table, bearer(f"alice-1.{at.alice.record.secrets[0].sha256}")) == "invalid_key"
            assert slug(table, bearer("")) == "invalid_key"
            missing = refusal(table, Credentials())
            assert missing is not None
            assert (missing.slug, missing.status) == ("missing_credentials", 401)
            assert dict(missing.headers)[b"www-authenticate"].startswith(b"Bearer")

    run(tmp_path, test)


def test_roles_and_accounts(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            allowed = {
                name: [role for role in ("read", "trade", "admin") if slug(table, bearer(key.token), role) is None]
                for name, key in (("reader", at.reader), ("trader", at.alice), ("operator", at.operator))
            }
            assert allowed == {
                "reader": ["read"],
                "trader": ["read", "trade"],
                "operator": ["read", "trade", "admin"],
            }
            refused = refusal(table, bearer(at.reader.token), "trade")
            assert refused is not None
            assert (refused.slug, refused.status) == ("not_permitted", 403)
            alice = table.admit(0, "", bearer(at.alice.token), "read").principal
            operator = table.admit(0, "", bearer(at.operator.token), "read").principal
            assert table.account_for(alice, None) == table.account_for(alice, "alice") == "alice"
            with pytest.raises(RefusedError, match="for account 'alice' only"):
                table.account_for(alice, "bob")
            assert (table.account_for(operator, "bob"), table.account_for(operator, None)) == ("bob", None)

    run(tmp_path, test)


def test_a_reader_without_an_account_has_none(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        nobody = at.keys.create("read")
        async with at.table() as table:
            principal = table.admit(0, "", bearer(nobody.token), "read").principal
            for account in (None, "alice"):
                with pytest.raises(RefusedError, match="acts for no account"):
                    table.account_for(principal, account)

    run(tmp_path, test)


def test_a_key_has_limits_of_orders_and_of_requests(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(key_orders=Rate(10, 5), key_requests=Rate(1, 2)) as table:
            token = bearer(at.alice.token)
            gate = table.admit(0, "", token, "trade", 3)
            assert dict(gate.headers) == {
                b"ratelimit-limit": b"5",
                b"ratelimit-remaining": b"2",
                b"ratelimit-reset": b"1",
            }
            refused = refusal(table, token, "trade", 3)
            assert refused is not None
            assert (refused.slug, refused.status, refused.retry_after_ms) == ("rate_limited", 429, 100)
            assert dict(refused.headers)[b"retry-after"] == b"1"
            assert dict(refused.headers)[b"ratelimit-remaining"] == b"2"
            assert slug(table, token, "read") is None
            at.clock.now_ms += 100
            assert slug(table, token, "trade", 3) is None
            at.clock.now_ms += 500
            assert slug(table, token, "trade", 5) is None

    run(tmp_path, test)


def test_no_batch_is_larger_than_the_limits_let_in_at_once(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        token = bearer(at.alice.token)
        for limits in ({"key_orders": Rate(10, 5)}, {"address_orders": Rate(10, 5)}, {"venue_orders": Rate(10, 5)}):
            async with at.table(**limits) as table:
                at.clock.now_ms += 10_000
                refused = refusal(table, token, "trade", 6)
                assert refused is not None
                assert (refused.slug, refused.status) == ("body_too_large", 413)
                assert refused.detail == "the limits let in 5 orders at once: send smaller batches"
                at.clock.now_ms += 10_000
                assert slug(table, token, "trade", 5) is None
        async with at.table() as table:
            assert slug(table, token, "trade", 1_000) is None

    run(tmp_path, test)


def test_a_key_can_have_a_limit_of_its_own(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        slow = at.keys.create("trade", "bob", orders=Rate(1, 1))
        async with at.table() as table:
            assert [slug(table, bearer(slow.token), "trade") for _ in range(2)] == [None, "rate_limited"]
            assert [slug(table, bearer(at.alice.token), "trade") for _ in range(2)] == [None, None]

    run(tmp_path, test)


def test_a_connection_that_is_logged_in_has_its_addresss_limit(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(address_orders=Rate(1, 3)) as table:
            principal = table.admit(0, "10.0.0.1:5", bearer(at.alice.token), "trade").principal
            assert dict(table.admit_again(principal, "trade").headers)[b"ratelimit-remaining"] == b"1"
            table.admit_again(principal, "trade")
            with pytest.raises(RefusedError, match="this address has used up its limit"):
                table.admit_again(principal, "trade")
            # Whether the key is still good can be asked all the same.
            table.admit_again(principal, "trade", 0)
            table.admit_again(principal, "read")

    run(tmp_path, test)


def test_addresses_and_the_venue_have_limits(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(address_orders=Rate(1, 2), venue_orders=Rate(1, 3)) as table:

            def ask(remote: str) -> str:
                try:
                    table.admit(0, remote, bearer(at.alice.token), "trade")
                except RefusedError as refused:
                    return refused.detail
                return ""

            assert [ask("10.0.0.1"), ask("10.0.0.1:9")] == ["", ""]
            assert ask("10.0.0.1") == "this address has used up its limit"
            assert [ask("10.0.0.2"), ask("10.0.0.2")] == ["", "the venue has used up its limit"]

    run(tmp_path, test)


def test_a_flood_of_bad_keys_harms_nobody_else(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(failures=Rate(1, 20)) as table:
            answers = [slug(table, bearer(f"guess-{number}.secret")) for number in range(1_000)]
            assert answers == ["invalid_key"] * 20 + ["rate_limited"] * 980
            # At the same address, in the midst of it.
            assert slug(table, bearer(at.alice.token), "trade") is None
            assert slug(table, signed(at.alice), "trade") is None
            at.clock.now_ms += 1_000
            assert [slug(table, bearer("guess.secret")) for _ in range(2)] == ["invalid_key", "rate_limited"]

    run(tmp_path, test)


def test_keys_are_replaced_while_connections_stay(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            session = table.connect("10.0.0.1:5")
            first = table.admit(session, "10.0.0.1:5", bearer(at.alice.token), "trade").principal
            assert first.session == session
            rotated = at.keys.rotate("alice-1")
            at.keys.revoke("reader")
            assert slug(table, bearer(rotated.token)) == "invalid_key"
            table.reload()
            assert [slug(table, bearer(key.token)) for key in (at.alice, at.reader)] == ["invalid_key"] * 2
            again = table.admit(session, "10.0.0.1:5", bearer(rotated.token), "trade").principal
            assert (again.account, again.session > session) == ("alice", True)
            # A connection that had logged in goes on if its key is still there.
            assert table.admit_again(first, "trade").principal == again
            at.keys.revoke("alice-1")
            table.reload()
            with pytest.raises(RefusedError, match="no longer good"):
                table.admit_again(again, "read")
            table.disconnect(session)
            assert table.connection_count == 0

    run(tmp_path, test)


def test_a_rotated_secret_is_good_for_a_while(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        at.clock.now_ms = at.alice.record.created_ms
        rotated = at.keys.rotate("alice-1", overlap_ms=3_600_000)
        async with at.table() as table:
            assert [slug(table, bearer(key.token)) for key in (at.alice, rotated)] == [None, None]
            at.clock.now_ms += 4_000_000
            assert [slug(table, bearer(key.token)) for key in (at.alice, rotated)] == ["invalid_key", None]

    run(tmp_path, test)


def test_two_keys_over_one_connection_are_two_sessions(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table() as table:
            session = table.connect("10.0.0.1:5")
            alice, operator, again = (
                table.admit(session, "10.0.0.1:5", bearer(key.token), "trade").principal
                for key in (at.alice, at.operator, at.alice)
            )
            assert alice.session == again.session == session != operator.session

    run(tmp_path, test)


def test_connections_are_limited(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(connections=3, connections_per_address=2) as table:
            first = table.connect("10.0.0.1:1")
            table.connect("10.0.0.1:2")
            with pytest.raises(RefusedError) as refused:
                table.connect("10.0.0.1:3")
            assert (refused.value.slug, refused.value.status) == ("too_many_connections", 429)
            table.connect("10.0.0.2:1")
            with pytest.raises(RefusedError) as refused:
                table.connect("10.0.0.3:1")
            assert (refused.value.slug, refused.value.status) == ("too_many_connections", 503)
            table.disconnect(first)
            table.disconnect(first)
            assert table.connection_count == 2
            assert table.connect("10.0.0.1:3") > first

    run(tmp_path, test)


def test_without_keys_everybody_may_do_everything(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        async with at.table(keys_file=None) as table:
            principal = table.admit(0, "127.0.0.1:5", Credentials(), "admin").principal
            assert (principal.key_id, principal.account) == (None, None)
            assert principal.roles == {"read", "trade", "admin"}
            assert table.account_for(principal, "bob") == "bob"
            assert table.admit_again(principal, "trade").principal == principal

    run(tmp_path, test)


def test_signatures_of_the_run_before_are_refused(tmp_path: Path) -> None:
    async def test(at: Desk) -> None:
        request = signed(at.alice)
        async with at.table() as table:
            assert slug(table, request) is None
        notes = at.folder / "audit.jsonl"
        # As after a crash: the run's end is not noted.
        notes.write_bytes(b"\n".join(notes.read_bytes().splitlines()[:-1]) + b"\n")
        async with at.table() as table:
            assert slug(table, request) == "expired_timestamp"
            assert slug(table, signed(at.alice, NOW_MS + 1_000, "n2")) == "expired_timestamp"
            at.clock.now_ms += 1_001
            assert slug(table, signed(at.alice, NOW_MS + 1_001, "n3")) is None

    run(tmp_path, test)
