"""From bytes to structures: bodies, queries, and what is wrong with them in plain sentences."""

import re
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.problems import FieldProblem

__all__ = ["body_of", "malformed", "query_of"]

Form = TypeVar("Form", bound=msgspec.Struct)

AT: Final = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
FIELD: Final = re.compile(r"field `(?P<name>[^`]*)`")
STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<place>\d+|\.\.\.)\]")
MAX_PARAMETERS: Final = 64


def _pointer(path: str) -> str:
    """A JSON pointer (RFC 6901) from msgspec's path."""
    steps = [match["name"] or match["place"] for match in STEP.finditer(path)]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def malformed(error: Exception, *, where: str = "") -> RefusedError:
    """What msgspec complains about, as a refusal that says where it is.

    Arguments:
        error: What was raised.
        where: Put before the pointer; for a query's parameters, whose names stand for themselves, "query".
    """
    if isinstance(error, RecursionError):
        return refusal("malformed", "the body is nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        return refusal("malformed", f"the body is no JSON: {error}")
    found = AT.match(str(error))
    assert found is not None, "the pattern takes any text"
    problem, pointer = found["problem"], _pointer(found["path"] or "")
    name = FIELD.search(problem)
    if name is not None:
        # A field that is missing, or that nobody knows, is told at the object that it belongs to.
        pointer += "/" + name["name"]
    detail = problem.replace("`", "").replace("Object missing required field", "missing required field")
    detail = detail.replace("Object contains unknown field", "unknown field")
    detail = detail[:1].lower() + detail[1:]
    if where:
        pointer = pointer.lstrip("/")
    field = FieldProblem(pointer=pointer, detail=detail)
    return refusal("malformed", f"{pointer or 'the body'}: {detail}", errors=(field,))


def body_of(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The body's structure. Raises RefusedError (400)."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None


def query_of(form: type[Form], query: bytes) -> Form:
    """The query's parameters; each may be there once, and no other. Raises RefusedError (400)."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise refusal("malformed", "the query is no list of parameters in percent-encoded UTF-8") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        field = FieldProblem(pointer=twice, detail="is there more than once")
        raise refusal("malformed", f"{twice}: is there more than once", errors=(field,))
    try:
        return msgspec.convert(values, form, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(error, where="query") from None
