"""How things are refused: problem details (RFC 9457)."""

import msgspec

from aeromatch.schema.base import Answer

__all__ = ["FieldProblem", "Problem", "type_of"]

TYPE_BASE = "urn:aeromatch:problem:"


def type_of(slug: str) -> str:
    """The problem's `type`, which is a name and not an address: nothing is to be fetched from it."""
    return TYPE_BASE + slug


class FieldProblem(Answer):
    """What is wrong with one field.

    Attributes:
        pointer: Where it is, as a JSON pointer into the request's body (RFC 6901), or the parameter's name.
        detail: What is wrong with it.
    """

    pointer: str
    detail: str


class Problem(Answer, omit_defaults=True):
    """Why a request was refused.

    Attributes:
        type: `urn:aeromatch:problem:<slug>`.
        title: The slug in words.
        status: The HTTP status that goes with it, over any gateway.
        slug: A stable name: R8's for what the exchange refuses, else one of docs/rest.md.
        detail: What was wrong this time, in a sentence.
        instance: The id of the request, which the log has too.
        errors: The fields that are wrong, where the request's form is.
        retry_after_ms: When to try again, where trying again can help.
    """

    type: str
    title: str
    status: int
    slug: str
    detail: str = ""
    instance: str = ""
    errors: list[FieldProblem] = msgspec.field(default_factory=list)
    retry_after_ms: int | None = None
