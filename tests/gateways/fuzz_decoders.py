"""Fuzzes what reads a client's bytes for a while: python -m tests.gateways.fuzz_decoders --seconds 60 --seed 1.

Inputs that came to something new are kept and damaged further, so that the search moves on. The first input on which a
check fails is printed with its seed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from random import Random

from tests.gateways.untrusted import CHECKS, SAMPLES, mutate

KEPT = 1_000
LONGEST_BYTES = 4_096


def fuzz(kind: str, seconds: float, seed: int) -> bool:
    """Fuzz one decoder; whether every check held."""
    random, check = Random(f"{kind} {seed}"), CHECKS[kind]
    corpus, runs = list(SAMPLES[kind]), 0
    seen = {check(data) for data in corpus}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = mutate(kind, random, random.choice(corpus))[:LONGEST_BYTES]
        runs += 1
        try:
            outcome = check(data)
        except Exception:
            traceback.print_exc()
            print(f"{kind}: fault after {runs:,} inputs with seed {seed} on {data!r}", file=sys.stderr)
            return False
        if outcome not in seen and len(corpus) < KEPT:
            seen.add(outcome)
            corpus.append(data)
    print(f"{kind}: {runs:,} inputs, {len(seen):,} different outcomes, no fault")
    return True


def main() -> int:
    """Fuzz every decoder in turn."""
    parser = argparse.ArgumentParser(description="Fuzz what reads a client's bytes.")
    parser.add_argument("--seconds", type=float, default=30, help="for each decoder (default: 30)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=CHECKS, action="append", help="this decoder; may be given again")
    arguments = parser.parse_args()
    faults = [kind for kind in arguments.only or CHECKS if not fuzz(kind, arguments.seconds, arguments.seed)]
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
