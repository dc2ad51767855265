"""A free list with and without version stamps: the interleaving that breaks it, and how often it happens."""

from __future__ import annotations

from typing import Any, Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

CASES: Final = {"unstamped": False, "stamped": True}


def _run(seconds: float) -> Result:
    cases: dict[str, dict[str, Any]] = {
        name: {**_core.lab_aba_race(stamped=stamped, seconds=seconds / 2), "script": _steps(stamped)}
        for name, stamped in CASES.items()
    }
    shares = tuple(1e6 * case["broken_rounds"] / max(case["rounds"], 1) for case in cases.values())
    race = Table(
        "Two real threads",
        ("free list", "rounds", "broken", "slots taken"),
        tuple((name, case["rounds"], case["broken_rounds"], case["takes"]) for name, case in cases.items()),
    )
    return Result(
        name="aba",
        title="ABA: a free list with and without version stamps",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="First a script: the steps of two threads on a lock-free free list of three slots, one by one in an order "
        "chosen to break it. Then two real threads take and give back the slots of a list of four, in rounds of 400 "
        "turns; a round is broken if a slot had two users at once or the list was not whole at the end.",
        tables=(*(_script(name, case["script"]) for name, case in cases.items()), race),
        bars=(
            Bars(
                title="Broken rounds",
                unit="rounds of a million",
                names=tuple(CASES),
                values=shares,
                is_logarithmic=True,
                highlighted=frozenset({"unstamped"}),
                note="no bar: none",
            ),
        ),
        learned=(
            "A compare-exchange compares values. That the head is slot 0 again does not mean that nothing happened: "
            "what stands behind it was changed, and A installs what it remembers of that.",
            "A stamp that counts every change makes each head a word that was never there before: A's stale commit "
            "fails, A looks again, and nothing is handed out twice.",
            "No memory ordering is at fault, so no processor hides it. Slot and stamp have to be one word.",
            "In 32 bits a stamp comes round after four billion changes between one look and its commit: that is "
            "the price, and next to nothing.",
        ),
        figures=cases,
    )


def _steps(stamped: bool) -> list[dict[str, Any]]:
    names = ("thread", "action", "stamp", "free", "used")
    return [dict(zip(names, step, strict=True)) for step in _core.lab_aba_script(stamped=stamped)]


def _script(name: str, steps: list[dict[str, Any]]) -> Table:
    return Table(
        f"Step by step, {name}",
        ("step", "thread", "does", "stamp", "free", "in use"),
        tuple(
            (
                number,
                step["thread"],
                step["action"],
                step["stamp"],
                " ".join(map(str, step["free"])) or "none",
                _users(step["used"]),
            )
            for number, step in enumerate(steps, 1)
        ),
    )


def _users(used: list[tuple[int, str]]) -> str:
    """Show who uses what; a slot with two users is called out."""
    slots = [slot for slot, _ in used]
    shown = ", ".join(f"{slot} by {user}" for slot, user in used) or "none"
    twice = sorted({slot for slot in slots if slots.count(slot) > 1})
    return shown + "".join(f"  << slot {slot} twice" for slot in twice)


EXPERIMENT: Final = Experiment(
    "aba",
    "ABA: a free list with and without stamps",
    "The head of the list is what it was. Is the list what it was?",
    _run,
)
