"""Two builds of the C interface in turns: `python benchmarks/before_after.py BEFORE.so AFTER.so [--rounds 15]`.

Each round runs both libraries once over each recorded flow of the yardstick, so that what disturbs the machine disturbs
both. Prints medians, quartiles and the median of the rounds' ratios. Run `make bench-check` once before: it builds the
driver and unpacks the flows into BENCH_BUILD.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from pathlib import Path


def one_run(driver: Path, flow: Path, library: Path) -> float:
    """Nanoseconds a message."""
    done = subprocess.run([driver, flow, library], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])


def described(times: list[float]) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:5.1f} ns ({low:.1f} to {high:.1f})"


def main() -> None:
    """Reads the arguments, runs, prints."""
    parser = argparse.ArgumentParser(description="times two builds of the C interface in turns")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    build = Path(os.environ.get("BENCH_BUILD") or Path(tempfile.gettempdir(), "bench-build"))
    for flow in sorted(build.glob("*.bin")):
        before, after = [], []
        for _ in range(arguments.rounds):
            before.append(one_run(build / "solo", flow, arguments.before.resolve()))
            after.append(one_run(build / "solo", flow, arguments.after.resolve()))
        ratio = statistics.median(b / a for a, b in zip(before, after, strict=True))
        print(f"{flow.stem:8} before {described(before)}  after {described(after)}  ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
