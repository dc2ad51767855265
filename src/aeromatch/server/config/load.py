"""From a file, the environment and options to a checked Config; every mistake with the place where it was written."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path as FilePath
from typing import Any, Final, Literal

import msgspec

from aeromatch import AeroMatchError
from aeromatch.server.config.check import check
from aeromatch.server.config.sections import Config, Section
from aeromatch.server.config.tree import Node, Path, Problem, dotted, parse, put, scalar, sources_of
from aeromatch.server.config.types import Kind, fields_of, kind_of

__all__ = ["ConfigError", "Loaded", "load"]

PREFIX: Final = "AEROMATCH_"
SEPARATOR: Final = "__"
SUGGESTED: Final = 0.6
CLOSE: Final = 0.8


class ConfigError(AeroMatchError):
    """The configuration cannot be used.

    Attributes:
        problems: All that is wrong with it, in the order in which it is written.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where its values come from.

    Attributes:
        config: The values.
        sources: "config.yaml:12", a variable or an option, by path; what is not there has its default.
        file: The file; None: there was none.
        base: The directory that relative paths are meant from: the file's, else the current one.
        again: Reads it anew, from the same places. Raises what `load` does.
    """

    config: Config
    sources: Mapping[Path, str]
    file: FilePath | None
    base: FilePath
    again: Callable[[], "Loaded"]

    @property
    def data_dir(self) -> FilePath:
        """The data directory."""
        return self.path(self.config.server.data_dir)

    def path(self, text: str) -> FilePath:
        """A path that the configuration names."""
        return self.base / FilePath(text).expanduser()


def load(
    file: FilePath | None, environ: Mapping[str, str], options: Mapping[str, tuple[Path, Any]] | None = None
) -> Loaded:
    """Reads, overrides and checks.

    Arguments:
        file: The YAML file; None: defaults only.
        environ: The environment: `AEROMATCH_SERVER__PORT=80` is `server.port`.
        options: What overrides both: by name of the option, the path and the value.

    Raises:
        ConfigError: Something is wrong with it: all of it.
        OSError: The file cannot be read.
    """
    problems: list[Problem] = []
    root = Node({}, "defaults") if file is None else _read(file, problems)
    if not isinstance(root.value, dict):
        problems.append(Problem(root.source, "", "the file begins with sections, such as `server:`"))
        root = Node({}, root.source)
    for name in sorted(environ):
        if name.startswith(PREFIX):
            _override(root, name, environ[name], problems)
    for option, (path, value) in (options or {}).items():
        put(root, path, scalar(str(value), option))
    reader = _Reader(problems)
    config = reader.section(root, Config, ())
    if problems or config is None:
        raise ConfigError(problems)
    sources = sources_of(root)
    base = FilePath.cwd() if file is None else file.absolute().parent
    wrong = [Problem(_nearest(sources, path), dotted(path), text) for path, text in check(config)]
    if wrong:
        raise ConfigError(wrong)
    return Loaded(config, sources, file, base, partial(load, file, environ, options))


def _read(file: FilePath, problems: list[Problem]) -> Node:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problems.append(Problem(str(file), "", f"no UTF-8: {error.reason} at byte {error.start}"))
        return Node({}, str(file))
    return parse(text, str(file), problems)


def _nearest(sources: Mapping[Path, str], path: Path) -> str:
    """Where a value was written, or what it stands in; "defaults" if nothing of it was."""
    while path and path not in sources:
        path = path[:-1]
    return sources[path] if path else "defaults"


def _override(root: Node, name: str, text: str, problems: list[Problem]) -> None:
    rest = name.removeprefix(PREFIX)
    if SEPARATOR not in rest and rest.lower() not in Config.__struct_fields__:
        if (meant := _meant(rest)) is not None:
            problems.append(Problem(name, "", f"names no value; did you mean {PREFIX}{meant}?"))
        return
    path: Path = tuple(int(step) if step.isdigit() else step.lower() for step in rest.split(SEPARATOR))
    # An empty document has no keys; an empty variable is a value that is empty.
    node = parse(text, name, problems, has_lines=False) if text.strip() else scalar("", name)
    if (refused := put(root, path, node)) is not None:
        problems.append(Problem(name, dotted(path), refused))


def _meant(rest: str) -> str | None:
    """What a variable that names no value was to be; None: it may be somebody else's."""
    names = Config.__struct_fields__
    section = next((name for name in names if rest.lower().startswith(name + "_")), None)
    if section is not None:
        return section.upper() + SEPARATOR + rest[len(section) + 1 :]
    close = difflib.get_close_matches(rest.lower(), names, 1, CLOSE)
    return close[0].upper() if close else None


class _Reader:
    """Makes structures of a tree; what is wrong becomes a problem, and the rest is read on."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def _refuse(self, source: str, path: Path, text: str) -> None:
        self._problems.append(Problem(source, dotted(path), text))

    def section(self, node: Node, section: type[Section], path: Path) -> Any:
        if node.value is None:
            node = Node({}, node.source)
        if not isinstance(node.value, dict):
            self._refuse(node.source, path, f"expected keys and values, such as `{section.__struct_fields__[0]}: ...`")
            return None
        known = {field.name: field for field in fields_of(section)}
        found = {}
        for key, value in node.value.items():
            if key in known:
                found[key] = self.value(value, known[key].kind, (*path, key))
            else:
                self._refuse(node.keys.get(key, value.source), (*path, key), "unknown key" + _suggestion(key, known))
        for field in known.values():
            if field.is_required and field.name not in found:
                self._refuse(node.source, path, f"`{field.name}` is missing: {field.about}")
        is_whole = all(value is not None or known[key].kind.is_optional for key, value in found.items())
        is_whole = is_whole and all(field.name in found for field in known.values() if field.is_required)
        return section(**found) if is_whole else None

    def value(self, node: Node, kind: Kind, path: Path) -> Any:
        if kind.section is not None:
            return self.section(node, kind.section, path)
        if node.value is None and node.text in ("", None) and kind.base in (list, dict):
            return kind.base()
        if node.value is None and kind.is_optional:
            return None
        if kind.base is list:
            return self._list(node, kind, path)
        if kind.base is dict:
            return self._dict(node, kind, path)
        return self._scalar(node, kind, path)

    def _list(self, node: Node, kind: Kind, path: Path) -> list[Any] | None:
        if not isinstance(node.value, list):
            self._refuse(node.source, path, f"expected a {kind.words()}")
            return None
        least, most = kind.limit("min_length"), kind.limit("max_length")
        if (least is not None and len(node.value) < least) or (most is not None and len(node.value) > most):
            limits = f"at least {least}" if most is None else f"{least} to {most}"
            self._refuse(node.source, path, f"expected {limits} entries, got {len(node.value)}")
            return None
        item = kind_of(kind.arguments[0])
        found = [self.value(value, item, (*path, place)) for place, value in enumerate(node.value)]
        return None if any(value is None for value in found) else found

    def _dict(self, node: Node, kind: Kind, path: Path) -> dict[str, Any] | None:
        if not isinstance(node.value, dict):
            self._refuse(node.source, path, f"expected {kind.words()}, such as `name: ...`")
            return None
        item = kind_of(kind.arguments[1])
        found = {key: self.value(value, item, (*path, key)) for key, value in node.value.items()}
        is_whole = item.is_optional or all(value is not None for value in found.values())
        return found if is_whole else None

    def _scalar(self, node: Node, kind: Kind, path: Path) -> Any:
        if node.text is None:
            self._refuse(node.source, path, f"expected a single value: {kind.words()}")
            return None
        # As it was written: 0.10 is a decimal with two places, and a symbol may look like a number.
        value = node.text if kind.base in (str, Decimal) or kind.base is Literal else node.value
        if kind.base is Literal and value not in kind.arguments:
            choices = ", ".join(kind.arguments)
            self._refuse(
                node.source, path, f"expected one of {choices}; got `{value}`{_suggestion(node.text, kind.arguments)}"
            )
            return None
        try:
            return msgspec.convert(value, kind.hint)
        except msgspec.ValidationError:
            self._refuse(node.source, path, f"expected {kind.words()}; got `{node.text}`")
            return None


def _suggestion(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word.lower(), names, 1, SUGGESTED)
    if close:
        return f"; did you mean `{close[0]}`?"
    elsewhere = [
        f"{field.name}.{word}"
        for field in fields_of(Config)
        if field.kind.section and word in field.kind.section.__struct_fields__
    ]
    if elsewhere and word not in names:
        return f"; did you mean `{elsewhere[0]}`?"
    return ""
