"""A YAML file as a tree whose every value knows where it was written.

Scalars are read by YAML's core schema: only `true` and `false` are truth values, so that `off`, `no` and `09:30` are
the texts that they look like; a value that is wanted as a text or a decimal is taken as it was written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import yaml

__all__ = ["Node", "Path", "Problem", "dotted", "parse", "put", "scalar", "sources_of"]

Path: TypeAlias = tuple[str | int, ...]

INT: Final = re.compile(r"[-+]?[0-9](?:_?[0-9])*")
FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: where it was written, which value it is, and what to do about it."""

    source: str
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.text) if part)


@dataclass(slots=True)
class Node:
    """A value, and where it was written.

    Attributes:
        value: Nodes by key, a list of nodes, or what a scalar means.
        source: "config.yaml:12", the name of a variable or an option.
        text: A scalar as it was written; None for the others.
        keys: Where each key was written.
    """

    value: dict[str, "Node"] | list["Node"] | str | int | float | bool | None
    source: str
    text: str | None = None
    keys: dict[str, str] = field(default_factory=dict)


def scalar(text: str, source: str, *, is_quoted: bool = False) -> Node:
    """A scalar by the core schema."""
    return Node(text if is_quoted else _meaning(text), source, text)


def _meaning(text: str) -> str | int | float | bool | None:
    if text in NULLS:
        return None
    if text in TRUTHS:
        return TRUTHS[text]
    if INT.fullmatch(text):
        return int(text)
    return float(text) if FLOAT.fullmatch(text) else text


def parse(text: str, name: str, problems: list[Problem], *, has_lines: bool = True) -> Node:
    """Reads a document; what is no YAML, and keys that stand twice, become problems.

    Arguments:
        text: The document; an empty one has no keys.
        name: What it is called in problems: a file, or a variable.
        problems: Where they are added.
        has_lines: Whether the line belongs to a value's source.
    """
    try:
        found = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}" if mark is not None and has_lines else name
        problems.append(Problem(where, "", f"no YAML: {error.problem or error.context}"))
        return Node({}, name)
    except yaml.YAMLError as error:
        problems.append(Problem(name, "", f"no YAML: {str(error).splitlines()[0]}"))
        return Node({}, name)
    return Node({}, name) if found is None else _node(found, name if has_lines else None, name, problems, ())


def _node(found: yaml.Node, file: str | None, name: str, problems: list[Problem], path: tuple[yaml.Node, ...]) -> Node:
    source = name if file is None else f"{file}:{found.start_mark.line + 1}"
    if any(outer is found for outer in path):
        problems.append(Problem(source, "", "an alias of what it stands in"))
        return Node(None, source, "")
    inside = (*path, found)
    if isinstance(found, yaml.SequenceNode):
        return Node([_node(item, file, name, problems, inside) for item in found.value], source)
    if isinstance(found, yaml.MappingNode):
        node = Node(values := {}, source)
        for key, value in found.value:
            where = name if file is None else f"{file}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                problems.append(Problem(where, "", "a key is a text"))
            elif key.value in values:
                problems.append(Problem(where, key.value, f"stands twice; first at {node.keys[key.value]}"))
            else:
                child = values[key.value] = _node(value, file, name, problems, inside)
                node.keys[key.value] = where
                if child.text is None:
                    child.source = where  # A collection is where its name is, which may be some lines above.
        return node
    is_quoted = isinstance(found, yaml.ScalarNode) and found.style is not None
    return scalar(str(found.value), source, is_quoted=is_quoted)


def put(root: Node, path: Path, node: Node) -> str | None:
    """Puts a value at a place of the tree, over what is there, and makes what leads to it.

    Returns:
        Why it cannot be put there; None: it was.
    """
    here = root
    for place, step in enumerate(path):
        is_last = place == len(path) - 1
        if isinstance(here.value, list):
            if not isinstance(step, int) or not 0 <= step < len(here.value):
                return f"{dotted(path[:place])} has {len(here.value)} entries, and no {step!r}"
            if is_last:
                here.value[step] = node
            here = here.value[step]
            continue
        if here.value is None:
            here.value = {}
        if not isinstance(here.value, dict):
            return f"{dotted(path[:place])} is a single value"
        key = str(step)
        if is_last or key not in here.value:
            here.value[key] = node if is_last else Node({}, node.source)
            here.keys[key] = node.source
        here = here.value[key]
    return None


def dotted(path: Path) -> str:
    """`instruments[0].tick_size`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def sources_of(root: Node) -> Mapping[Path, str]:
    """Where each value of a tree was written."""
    found: dict[Path, str] = {}
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        found[path] = node.source
        if isinstance(node.value, dict):
            waiting += [((*path, key), value) for key, value in node.value.items()]
        elif isinstance(node.value, list):
            waiting += [((*path, place), value) for place, value in enumerate(node.value)]
    return found
