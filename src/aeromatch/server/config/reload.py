"""A configuration that is read again: what of it can be applied now, and what needs a restart."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from aeromatch.server.config.sections import Config, Section
from aeromatch.server.config.tree import Path, dotted
from aeromatch.server.config.types import fields_of

__all__ = ["Changed", "merge"]

S = TypeVar("S", bound=Section)


class Changed(NamedTuple):
    """A value that is another one now."""

    path: str
    is_applied: bool


def merge(old: Config, new: Config) -> tuple[Config, list[Changed]]:
    """The configuration in force from now on: the old one, with what of the new one can be applied.

    Returns:
        It, and every value that differs; what needs a restart differs again the next time.
    """
    changed: list[Changed] = []
    return _merged(old, new, (), changed), changed


def _merged(old: S, new: S, path: Path, changed: list[Changed]) -> S:
    values: dict[str, Any] = {}
    for field in fields_of(type(old)):
        before, after = getattr(old, field.name), getattr(new, field.name)
        here = (*path, field.name)
        if isinstance(before, Section):
            values[field.name] = _merged(before, after, here, changed)
            continue
        values[field.name] = after if field.reloads else before
        if before != after:
            changed += [Changed(name, field.reloads) for name in _names(before, after, here)]
    return type(old)(**values)


def _names(before: Any, after: Any, path: Path) -> Iterator[str]:
    """The entries that differ, where there are entries; else the value."""
    if (
        isinstance(before, list)
        and isinstance(after, list)
        and any(isinstance(item, Section) for item in before + after)
    ):
        for place in range(max(len(before), len(after))):
            if before[place : place + 1] != after[place : place + 1]:
                yield dotted((*path, place))
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                yield dotted((*path, key))
        return
    yield dotted(path)
