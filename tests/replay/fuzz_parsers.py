"""Fuzzes the readers of recordings for a while: python -m tests.replay.fuzz_parsers --seconds 60 --seed 1.

Inputs that gave a new count of read and refused lines are kept and damaged further, so that the search moves on. The
first input on which a check fails is printed with its seed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from random import Random

from tests.replay.untrusted import CHECKS, SAMPLES, mutate

KEPT = 500
LONGEST_BYTES = 4_096


def fuzz(kind: str, seconds: float, seed: int) -> bool:
    """Fuzz one reader; whether every check held."""
    random = Random(f"{kind} {seed}")
    corpus, seen, runs = [SAMPLES[kind]], {(0, 0)}, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = mutate(random, random.choice(corpus))[:LONGEST_BYTES]
        runs += 1
        try:
            outcome = CHECKS[kind](data)
        except Exception:
            traceback.print_exc()
            print(f"{kind}: fault after {runs:,} inputs with seed {seed} on {data!r}", file=sys.stderr)
            return False
        if outcome not in seen and len(corpus) < KEPT:
            seen.add(outcome)
            corpus.append(data)
    print(f"{kind}: {runs:,} inputs, {len(corpus):,} kept, no fault")
    return True


def main() -> int:
    """Fuzz every reader in turn."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of recordings.")
    parser.add_argument("--seconds", type=float, default=30, help="for each reader (default: 30)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    faults = [kind for kind in CHECKS if not fuzz(kind, arguments.seconds, arguments.seed)]
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
