"""Times the native admission table from Python: `python -m tests.security.measure`. Prints; promises nothing."""

import hashlib
import time
from collections.abc import Callable, Sequence

from tests.security.desk import sign

from aeromatch._core import Admission, AdmissionRefusal

CALLS = 2_000
ROUNDS = 100
SECRET = "s" * 43
BODY = b"x" * 150
NONE = (None, None, None, None, None)


def table(*, required: bool) -> Admission:
    made = Admission(required=required)
    rate = (100_000_000, 100_000_000)
    made.set_limits(
        address_orders=rate,
        address_requests=rate,
        venue_orders=rate,
        failures=(1, 20),
        connections=10,
        connections_per_address=10,
    )
    hashed = hashlib.sha256(SECRET.encode()).digest()
    made.set_keys([("k1", [(hashed, 0)], "trade", "alice", rate, rate)])
    return made


def best_ns(calls: Sequence[Callable[[], object]]) -> float:
    """Nanoseconds a call, of the fastest round; each round makes all calls."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        for call in calls:
            call()
        took.append((time.perf_counter_ns() - start) / len(calls))
    return min(took)


def main() -> None:
    """Prints the table of docs/security.md."""
    open_table, guarded = table(required=False), table(required=True)
    token = f"Bearer k1.{SECRET}"
    rows = {
        "an empty call of Python's": best_ns([lambda: None] * CALLS),
        "kill switch": best_ns([lambda: guarded.is_killed("alice")] * CALLS),
        "no key needed": best_ns(
            [lambda: open_table.admit("127.0.0.1:5", "trade", 1, *NONE, "POST", b"/order", BODY)] * CALLS
        ),
        "again, over a connection that logged in": best_ns(
            [lambda: guarded.admit_again("127.0.0.1:1", "k1", "trade", 1)] * CALLS
        ),
        "bearer token": best_ns(
            [lambda: guarded.admit("127.0.0.1:5", "trade", 1, token, *NONE[1:], "POST", b"/order", BODY)] * CALLS
        ),
        f"signature, body of {len(BODY)} bytes": signed_ns(guarded),
    }
    for name, cost_ns in rows.items():
        print(f"{name:<42}{cost_ns:>8.0f} ns")


def signed_ns(guarded: Admission) -> float:
    """Each signature is good once, so each round signs anew, before the clock runs."""
    best = float("inf")
    for turn in range(ROUNDS):
        now_ms = time.time_ns() // 1_000_000
        nonces = [f"{turn}-{number}" for number in range(CALLS // 10)]
        signatures = [
            sign(SECRET, timestamp_ms=now_ms, nonce=nonce, method="POST", target="/order", body=BODY)
            for nonce in nonces
        ]
        timestamp = str(now_ms)
        start = time.perf_counter_ns()
        for nonce, signature in zip(nonces, signatures, strict=True):
            passed = guarded.admit(
                "127.0.0.1:5", "trade", 1, None, "k1", timestamp, nonce, signature, "POST", b"/order", BODY
            )
        best = min(best, (time.perf_counter_ns() - start) / len(nonces))
        if isinstance(passed, AdmissionRefusal):
            raise RuntimeError(f"refused: {passed!r}")
    return best


if __name__ == "__main__":
    main()
