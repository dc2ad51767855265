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
        if before == after:
            continue
        names = _listed if field.reloads and _has_sections(before, after) else _names
        changed += [Changed(name, field.reloads) for name in names(before, after, here)]
    return type(old)(**values)


def _has_sections(before: Any, after: Any) -> bool:
    return (
        isinstance(before, list)
        and isinstance(after, list)
        and any(isinstance(item, Section) for item in before + after)
    )


def _listed(before: list[Section], after: list[Section], path: Path) -> list[str]:
    """The entries that are new or gone, and of others what can change.

    The rest of what exists stays as it is, restart or not: whoever makes what is listed finds the difference, and says
    so.
    """
    known = {_name_of(item): item for item in before}
    found = []
    for place, item in enumerate(after):
        other = known.pop(_name_of(item), None)
        if other is None:
            found.append(dotted((*path, place)))
            continue
        fields = [field.name for field in fields_of(type(item)) if field.reloads]
        found += [dotted((*path, place, name)) for name in fields if getattr(item, name) != getattr(other, name)]
    return found + [dotted((*path, place)) for place, item in enumerate(before) if _name_of(item) in known]


def _name_of(item: Section) -> Any:
    """What an entry of a list is known by stands first in it."""
    return getattr(item, item.__struct_fields__[0])


def _names(before: Any, after: Any, path: Path) -> Iterator[str]:
    """The entries that differ, where there are entries; else the value."""
    if _has_sections(before, after):
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
