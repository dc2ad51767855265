"""A model checker in two hundred lines: every interleaving of tiny programs, stale reads included, by the C11 rules.

A program is a generator that yields what it does to memory (`Load`, `Store`, `Fence`) and gets back what it read. A
location keeps every value ever stored there; a thread's *view* says which of them it can no longer go behind. A relaxed
load may return any value from the view on. A release store carries its thread's view along; an acquire load that reads
it takes that view over. Fences do the same for the relaxed accesses behind or before them. As in loom, values are added
to a location in the order of execution, and a load is never run before what stands in front of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

RELAXED, ACQUIRE, RELEASE = "relaxed", "acquire", "release"
MOST_EXECUTIONS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Load:
    """Reads a location."""

    place: str
    ordering: str = RELAXED


@dataclass(frozen=True, slots=True)
class Store:
    """Writes a location."""

    place: str
    value: int
    ordering: str = RELAXED


@dataclass(frozen=True, slots=True)
class Fence:
    """Orders the relaxed accesses around it."""

    ordering: str


Action = Load | Store | Fence
View = dict[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an execution."""

    thread: str
    does: str
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """One way in which the programs can run."""

    steps: tuple[Step, ...]
    returned: dict[str, int | None]

    def complexity(self) -> tuple[int, int, int]:
        """Give what makes it hard to follow: stale reads, changes of thread, steps."""
        changes = sum(a.thread != b.thread for a, b in zip(self.steps, self.steps[1:], strict=False))
        return sum(step.is_stale for step in self.steps), changes, len(self.steps)


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of all executions."""

    executions: int
    broken: int
    simplest: Execution | None
    """Of the broken ones, the one that is easiest to follow."""


@dataclass(slots=True)
class _Message:
    value: int
    view: View


@dataclass(slots=True)
class _Thread:
    run: Generator[Action, int, int | None]
    todo: Action | None = None
    returned: int | None = None
    view: View = field(default_factory=dict)
    acquired: View = field(default_factory=dict)
    """What relaxed loads have read and an acquire fence would take over."""
    released: View = field(default_factory=dict)
    """The view at the last release fence."""


def _join(view: View, other: View) -> None:
    for place, time in other.items():
        view[place] = max(view.get(place, 0), time)


class _Machine:
    """One execution, steered by a list of choices; beyond its end always the first choice."""

    def __init__(self, programs: Mapping[str, Callable[[], Generator[Action, int, int | None]]], choices: list[int]):
        self._threads = {name: _Thread(program()) for name, program in programs.items()}
        self._memory: dict[str, list[_Message]] = {}
        self._choices = choices
        self.widths: list[int] = []
        self._steps: list[Step] = []

    def run(self) -> Execution:
        for thread in self._threads.values():
            self._go_on(thread, None)
        while waiting := [name for name, thread in self._threads.items() if thread.todo is not None]:
            self._step(waiting[self._choose(len(waiting))])
        return Execution(tuple(self._steps), {name: thread.returned for name, thread in self._threads.items()})

    def _choose(self, width: int) -> int:
        if width == 1:
            return 0
        place = len(self.widths)
        self.widths.append(width)
        if place == len(self._choices):
            self._choices.append(0)
        return self._choices[place]

    def _go_on(self, thread: _Thread, value: int | None) -> None:
        try:
            thread.todo = next(thread.run) if value is None else thread.run.send(value)
        except StopIteration as end:
            thread.todo, thread.returned = None, end.value

    def _step(self, name: str) -> None:
        thread = self._threads[name]
        todo, value = thread.todo, 0
        if isinstance(todo, Load):
            value, is_stale = self._load(thread, todo)
            self._steps.append(Step(name, f"reads {todo.place} = {value} ({todo.ordering})", is_stale))
        elif isinstance(todo, Store):
            self._store(thread, todo)
            self._steps.append(Step(name, f"writes {todo.place} = {todo.value} ({todo.ordering})", False))
        elif isinstance(todo, Fence):
            if todo.ordering == ACQUIRE:
                _join(thread.view, thread.acquired)
            else:
                thread.released = dict(thread.view)
            self._steps.append(Step(name, f"{todo.ordering} fence", False))
        self._go_on(thread, value)

    def _messages(self, place: str) -> list[_Message]:
        return self._memory.setdefault(place, [_Message(0, {})])

    def _load(self, thread: _Thread, load: Load) -> tuple[int, bool]:
        messages = self._messages(load.place)
        oldest = thread.view.get(load.place, 0)
        behind = self._choose(len(messages) - oldest)
        time = len(messages) - 1 - behind
        thread.view[load.place] = time
        _join(thread.view if load.ordering == ACQUIRE else thread.acquired, messages[time].view)
        return messages[time].value, behind > 0

    def _store(self, thread: _Thread, store: Store) -> None:
        messages = self._messages(store.place)
        thread.view[store.place] = len(messages)
        view = dict(thread.view if store.ordering == RELEASE else thread.released)
        view[store.place] = len(messages)
        messages.append(_Message(store.value, view))


def explore(
    programs: Mapping[str, Callable[[], Generator[Action, int, int | None]]],
    is_right: Callable[[Execution], bool],
) -> Explored:
    """Run programs in every way that the memory model allows.

    Args:
        programs: By the name of their thread; each run starts them anew, with all memory 0.
        is_right: Whether an execution is as it should be.

    Raises:
        ValueError: There are more than 200,000 executions: the programs are too long.
    """
    choices: list[int] = []
    executions = broken = 0
    simplest: Execution | None = None
    while True:
        machine = _Machine(programs, choices)
        execution = machine.run()
        executions += 1
        if not is_right(execution):
            broken += 1
            if simplest is None or execution.complexity() < simplest.complexity():
                simplest = execution
        while choices and choices[-1] + 1 == machine.widths[len(choices) - 1]:
            choices.pop()
        if not choices:
            return Explored(executions, broken, simplest)
        if executions == MOST_EXECUTIONS:
            raise ValueError(f"programs: more than {MOST_EXECUTIONS:,} executions")
        choices[-1] += 1
