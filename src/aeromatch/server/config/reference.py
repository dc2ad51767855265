"""The configuration described: docs/configuration.md, a commented file to begin with, and the values in force."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from aeromatch.server.config.load import PREFIX, SEPARATOR, Loaded
from aeromatch.server.config.sections import Config, Section
from aeromatch.server.config.tree import Path, dotted
from aeromatch.server.config.types import Field, fields_of, kind_of

__all__ = ["as_markdown", "as_template", "effective"]

MASK: Final = "********"
DEFAULT: Final = "default"
PAGE: Final = re.compile(r"\(docs/([a-z-]+\.md)\)")

HEAD: Final = """\
# Configuration

Every value that `aeromatch serve` can be given, in one YAML file: `aeromatch config init config.yaml` writes one to
begin with, `aeromatch config check config.yaml` says what is wrong with it, and `aeromatch serve --config config.yaml`
uses it. `aeromatch config show config.yaml` prints the values in force, and where each comes from.

What is not in the file has its default. A key that nobody knows is refused, with its line and what was probably meant.
A variable of the environment goes over the file: its name is in the tables, and its value is read as YAML. An option
of `aeromatch serve` goes over both. An entry that a list has is named by its number:
`AEROMATCH_INSTRUMENTS__0__TICK_SIZE`; a list that is not there is given as a whole: `AEROMATCH_ASSETS='[{name: USD}]'`.
Only `true` and `false` are truth values; decimals are taken as they are written, and are exact.

A value that **reloads** is applied when the server gets SIGHUP (`systemctl reload aeromatchd`); of any other the log
says that it needs a restart. Relative paths are meant from the directory of the file.

Rules such as R25 are those of [rules.md](rules.md). This page is made by `aeromatch config reference`.
"""

EXAMPLE: Final = """\
## An example

```yaml
server:
  data_dir: /var/lib/aeromatch
auth:
  mode: keys
schedules:
  weekdays:
    timezone: America/New_York
    days: [mon, tue, wed, thu, fri]
    phases: {"09:00": pre_open, "09:30": continuous, "16:00": closed}
instruments:
  - symbol: BTC-USD
    tick_size: 0.01
    lot_size: 0.0001
    settlement: true
    base: BTC
    quote: USD
    taker_fee_bps: 5
  - symbol: ACME
    tick_size: 0.01
    schedule: weekdays
    self_trade_prevention: cancel_oldest
events:
  - name: Election
    outcomes: [Yes, No]
    currency: USD
accounts:
  - name: alice
    deposits: [{asset: USD, amount: 100000}]
```
"""


def as_markdown() -> str:
    """The page docs/configuration.md."""
    parts = [HEAD, EXAMPLE]
    for title, section, path in _sections():
        parts.append(_linked(f"## {title}\n\n{_prose(section)}\n\n{_table(section, path)}"))
    return "\n".join(parts)


def _linked(text: str) -> str:
    """Pages that are named in brackets, as links from this one beside them."""
    return PAGE.sub(r"([\1](\1))", text)


def _sections() -> Iterator[tuple[str, type[Section], str]]:
    """Every structure, with its title and the beginning of its variables' names."""
    waiting: list[tuple[str, type[Section], str]] = [("The file", Config, PREFIX)]
    while waiting:
        title, section, path = waiting.pop(0)
        yield title, section, path
        inner = []
        for field in fields_of(section):
            below, steps = field.kind, [field.name.upper()]
            name = field.name if section is Config else f"{title.strip('`')}.{field.name}"
            while below.base in (list, dict):
                name += "[]" if below.base is list else ".*"
                steps.append("0" if below.base is list else "NAME")
                below = kind_of(below.arguments[-1])
            if below.section is not None:
                inner.append((f"`{name}`", below.section, path + SEPARATOR.join([*steps, ""])))
        waiting[:0] = inner


def _prose(section: type[Section]) -> str:
    return "\n".join(line.strip() for line in (section.__doc__ or "").strip().splitlines())


def _table(section: type[Section], path: str) -> str:
    rows = ["| key | what | default | reloads | variable |", "| --- | --- | --- | --- | --- |"]
    for field in fields_of(section):
        kind = field.kind.words().replace("|", "\\|")
        about = f"{field.about} *{kind[:1].upper()}{kind[1:]}.*" if field.kind.section is None else field.about
        default = (
            "" if field.kind.section is not None else "required" if field.is_required else f"`{_flow(field.default)}`"
        )
        variable = f"`{path}{field.name.upper()}`" if field.kind.section is None else ""
        reloads = "" if field.kind.section is not None else "yes" if field.reloads else "no"
        rows.append(f"| `{field.name}` | {about} | {default} | {reloads} | {variable} |")
    return "\n".join(rows) + "\n"


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return (
            value
            if value and value[0].isalpha() and ": " not in value and value not in ("true", "false", "null")
            else f'"{value}"'
        )
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flow(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, msgspec.Struct):
        return _flow({name: getattr(value, name) for name in value.__struct_fields__})
    return str(value)


def as_template() -> str:
    """A file to begin with: one instrument, and every other value as a comment with its default."""
    lines = [
        "# The configuration of aeromatchd. What stands in comments is the default.",
        "# docs/configuration.md explains every value; `aeromatch config check FILE` looks for mistakes.",
        "",
    ]
    for field in fields_of(Config):
        if field.kind.section is not None:
            lines += [*_comment(field.about, ""), f"{field.name}:", *_template_of(field.kind.section, "  "), ""]
        else:
            lines += [
                *_comment(field.about, ""),
                *BEGINNINGS.get(field.name, [f"# {field.name}: {_flow(field.default)}"]),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


BEGINNINGS: Final[dict[str, list[str]]] = {
    "instruments": ["instruments:", "  - symbol: BTC-USD", "    tick_size: 0.01", "    lot_size: 0.0001"],
    "schedules": [
        "# schedules:",
        "#   weekdays:",
        "#     timezone: America/New_York",
        "#     days: [mon, tue, wed, thu, fri]",
        '#     phases: {"09:00": pre_open, "09:30": continuous, "16:00": closed}',
    ],
    "events": ["# events:", "#   - name: Election", "#     outcomes: [Yes, No]", "#     currency: USD"],
    "accounts": ["accounts:", "  - name: alice", "    # deposits: [{asset: USD, amount: 100000}]"],
}


def _template_of(section: type[Section], indent: str) -> Iterator[str]:
    for field in fields_of(section):
        yield from _comment(_with_choices(field), indent)
        if field.kind.section is not None:
            yield f"{indent}{field.name}:"
            yield from _template_of(field.kind.section, indent + "  ")
        else:
            yield f"{indent}# {field.name}: {_flow(field.default)}"


def _with_choices(field: Field) -> str:
    return field.about if field.kind.section is not None else f"{field.about} ({field.kind.words()})"


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {text}"] if text else []


def effective(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Path, value and origin of each value in force; secrets are masked."""
    yield from _values(loaded.config, (), loaded)


def _values(value: Any, path: Path, loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Section):
        for field in fields_of(type(value)):
            inner = getattr(value, field.name)
            if field.is_secret and inner is not None:
                yield dotted((*path, field.name)), MASK, loaded.sources.get((*path, field.name), DEFAULT)
            else:
                yield from _values(inner, (*path, field.name), loaded)
    elif isinstance(value, list) and any(isinstance(item, Section) for item in value):
        for place, item in enumerate(value):
            yield from _values(item, (*path, place), loaded)
    elif isinstance(value, dict) and any(isinstance(item, Section) for item in value.values()):
        for key, item in value.items():
            yield from _values(item, (*path, key), loaded)
    else:
        yield dotted(path), _flow(value), loaded.sources.get(path, DEFAULT)
