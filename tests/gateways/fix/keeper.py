"""The process that is killed: keeps messages and how far it is, each pair together, and says each once it is kept."""

from __future__ import annotations

import sys
from pathlib import Path

from aeromatch.gateways.fix.codec import decode
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore


def main() -> None:
    """Send until killed."""
    store = FixStore(Path(sys.argv[1]))
    kept = store.session("TW")
    session = Session(Profile(comp_id="ISLD"), "TW", kept, 0)
    position = int(kept.fact("position") or 0)
    while True:
        position += 1
        with kept.transaction():
            session.send(Message("8", {17: position}), position)
            kept.note("position", str(position))
            kept.expect(position + 1)
        print(position, flush=True)


def kept_positions(path: Path) -> tuple[list[int], str | None, int]:
    """What a killed process left: positions of the kept messages, the noted one, the expected number."""
    store = FixStore(path)
    try:
        kept = store.session("TW")
        frames = kept.frames(1, kept.next_out - 1, kept.next_out)
        assert [sequence for sequence, _ in frames] == list(range(1, kept.next_out))
        return [int(decode(frame)[0][17]) for _, frame in frames], kept.fact("position"), kept.next_in
    finally:
        store.close()


if __name__ == "__main__":
    main()
