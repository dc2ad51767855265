"""Fills a small filesystem through an exchange, then makes room; run in a mount namespace of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aeromatch import Exchange, Instrument

SEGMENT_BYTES = 64 * 1024
KEPT_FREE_BYTES = 8 * SEGMENT_BYTES


def main() -> int:
    """Fill, be refused, make room, go on, and compare; prints what was seen."""
    mount = Path(sys.argv[1])
    filler, directory = mount / "filler", mount / "data"
    with Exchange.open(directory, durability="disk", segment_bytes=SEGMENT_BYTES) as exchange:
        exchange.create_instrument(Instrument("X"))
        resting = exchange.submit("X", "buy", quantity=1, price=1)
        fill(filler, mount)
        accepted, refused = 0, None
        for _ in range(100_000):
            report = exchange.submit("X", "buy", quantity=1, price=1)
            if report.reject_reason is not None:
                refused = report
                break
            accepted += 1
        assert refused is not None, "the disk was never full"
        assert (refused.reject_reason, refused.sequence, refused.order_id) == ("capacity", 0, None)
        assert exchange.sequence == accepted + 2
        assert exchange.cancel("X", resting.order_id).status == "canceled", "there is room for cancels"
        sequence = exchange.sequence
        filler.unlink()
        again = exchange.submit("X", "buy", quantity=1, price=1)
        assert again.accepted, "there is room again"
        assert again.sequence == sequence + 1 == exchange.sequence
        digest = exchange.digest()
    with Exchange.open(directory, durability="disk") as exchange:
        assert exchange.digest() == digest
    print(f"{accepted} accepted, then capacity, then room")
    return 0


def fill(filler: Path, mount: Path) -> None:
    """Write until little is left."""
    with filler.open("wb") as stream:
        while free_bytes(mount) > KEPT_FREE_BYTES:
            stream.write(bytes(4096))
            stream.flush()


def free_bytes(mount: Path) -> int:
    """Bytes that are free on a filesystem."""
    status = os.statvfs(mount)
    return status.f_bavail * status.f_frsize


if __name__ == "__main__":
    sys.exit(main())
