"""What the structures say of their fields: type, limits, meaning, and whether SIGHUP applies a change."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from aeromatch.server.config.sections import RELOADS, SECRET, Section

__all__ = ["Field", "Kind", "fields_of", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be.

    Attributes:
        hint: As it was written, for msgspec.
        base: Without Annotated and None: a class, `list`, `dict` or Literal.
        arguments: What is inside a list or dict, or the words of a Literal.
        is_optional: Whether null is a value, too.
        metas: Limits and meanings, outermost first.
    """

    hint: Any
    base: Any
    arguments: tuple[Any, ...]
    is_optional: bool
    metas: tuple[msgspec.Meta, ...]

    @property
    def section(self) -> type[Section] | None:
        """The structure that it is, if it is one."""
        return self.base if isinstance(self.base, type) and issubclass(self.base, Section) else None

    def limit(self, name: str) -> Any:
        """A limit such as "ge"; None: there is none."""
        return next((found for meta in self.metas if (found := getattr(meta, name)) is not None), None)

    def words(self) -> str:
        """The type in words, for people."""
        if self.base is Literal:
            text = ", ".join(f"`{word}`" for word in self.arguments)
        elif self.base is list:
            text = f"list of {kind_of(self.arguments[0]).noun()}s"
        elif self.base is dict:
            text = f"{kind_of(self.arguments[1]).noun()}s by name"
        else:
            text = self.noun()
        low, high = self.limit("ge"), self.limit("le")
        if low is not None and high is not None:
            text += f", {low:,} to {high:,}"
        elif low is not None:
            text += f", at least {low:,}"
        elif (above := self.limit("gt")) is not None:
            text += f", above {above:,}" + (f", at most {high:,}" if high is not None else "")
        return f"{text}, or null" if self.is_optional else text

    def noun(self) -> str:
        """The type in a word."""
        if self.section is not None:
            return self.section.__name__.removesuffix("Config").lower()
        nouns = {int: "whole number", float: "number", str: "text", bool: "true or false", Decimal: "decimal"}
        return "word" if self.base is Literal else nouns.get(self.base, "value")


def kind_of(hint: Any) -> Kind:
    """Reads a type hint."""
    whole, metas, is_optional = hint, [], False
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            metas += [meta for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta)]
            hint = hint.__origin__
        elif origin in (Union, types.UnionType):
            is_optional = True
            hint = next(choice for choice in get_args(hint) if choice is not type(None))
        elif origin is None:
            return Kind(whole, hint, (), is_optional, tuple(metas))
        else:
            return Kind(whole, origin, get_args(hint), is_optional, tuple(metas))


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure."""

    name: str
    kind: Kind
    is_required: bool
    default: Any

    @property
    def about(self) -> str:
        """What it means."""
        text = next((meta.description for meta in self.kind.metas if meta.description), None)
        if text is None and self.kind.section is not None:
            text = (self.kind.section.__doc__ or "").split("\n")[0]
        return text or ""

    def has(self, mark: str) -> bool:
        """Whether it is marked, as RELOADS or SECRET."""
        return any((meta.extra or {}).get(mark, False) for meta in self.kind.metas)

    @property
    def reloads(self) -> bool:
        """Whether SIGHUP applies a change of it."""
        return self.has(RELOADS)

    @property
    def is_secret(self) -> bool:
        """Whether it is never shown."""
        return self.has(SECRET)


def fields_of(section: type[Section]) -> Iterator[Field]:
    """The fields of a structure, in order."""
    for info in msgspec.structs.fields(section):
        default = info.default_factory() if info.default_factory is not msgspec.NODEFAULT else info.default
        yield Field(info.name, kind_of(info.type), info.required, default)
