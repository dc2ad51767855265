"""Columns of any library as NumPy arrays: exact, or an error that names the column, the row and what is wrong.

A column is a scalar, a sequence, or a NumPy, Arrow, Polars or pandas column. Missing values (None, Arrow and Polars
nulls, pandas' NA, entries that a NumPy mask hides) mean "not given". None of those libraries is imported here: whoever
passes a column has done so.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "integers", "read", "texts", "words"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as NumPy sees it, or one value for every row."""

    name: str
    values: NDArray[Any]
    """One-dimensional; of length 1 if `scalar`. What stands in rows that are missing does not matter."""
    missing: NDArray[np.bool_] | None
    scalar: bool

    @property
    def rows(self) -> int | None:
        """Its number of rows, None for a scalar."""
        return None if self.scalar else len(self.values)


def read(name: str, value: Any) -> Column | None:
    """Reads an argument as a column; None where it is not given at all.

    Raises:
        TypeError: It is no scalar and no one-dimensional column.
    """
    if value is None:
        return None
    library = type(value).__module__.partition(".")[0]
    if library == "pyarrow":
        values, missing = _from_arrow(value)
    elif library == "polars":
        values, missing = _from_polars(value)
    elif library == "pandas":
        values, missing = _from_pandas(value)
    elif isinstance(value, np.ma.MaskedArray):
        values, missing = value.data, np.ma.getmaskarray(value)
    elif isinstance(value, (str, bytes, int, float, np.generic)):
        return Column(
            name, _objects([value]) if isinstance(value, (str, bytes, int)) else np.asarray([value]), None, scalar=True
        )
    elif isinstance(value, np.ndarray):
        values, missing = value, None
        if value.ndim == 0:
            return Column(name, value.reshape(1), None, scalar=True)
    elif isinstance(value, Iterable) and not isinstance(value, (Mapping, Set)):
        values, missing = _from_sequence(list(value))
    elif hasattr(value, "__array__"):
        values, missing = np.asarray(value), None
    else:
        raise TypeError(f"{name} must be a scalar or a column, not {type(value).__name__}")
    if values.ndim != 1:
        raise TypeError(f"{name} must have one dimension, not {values.ndim}")
    if values.dtype == object and missing is None:
        missing = np.fromiter((entry is None for entry in values), dtype=np.bool_, count=len(values))
    return Column(name, values, missing if missing is not None and missing.any() else None, scalar=False)


def _objects(entries: list[Any]) -> NDArray[Any]:
    values = np.empty(len(entries), dtype=object)
    values[:] = entries
    return values


def _from_sequence(entries: list[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    kinds = set(map(type, entries))
    if kinds == {float} or kinds == {bool}:
        return np.asarray(entries), None
    # Objects: each entry is looked at before it is converted, so 2**64, True and 1.5 stay what they are.
    return _objects(entries), None


def _from_arrow(value: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if hasattr(value, "as_py"):
        return _objects([value.as_py()]), None
    if hasattr(value, "combine_chunks"):
        value = value.combine_chunks()
    if hasattr(value, "dictionary_decode"):
        value = value.dictionary_decode()
    missing = value.is_null().to_numpy(zero_copy_only=False) if value.null_count else None
    if missing is not None and str(value.type).startswith(("int", "uint")):
        value = value.fill_null(0)
    return value.to_numpy(zero_copy_only=False), missing


def _from_polars(value: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    missing = value.is_null().to_numpy() if value.null_count() else None
    if missing is not None and value.dtype.is_integer():
        value = value.fill_null(0)
    if value.dtype.is_numeric() or str(value.dtype) == "Boolean":
        return value.to_numpy(), missing
    return _objects(value.to_list()), missing


def _from_pandas(value: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if isinstance(value.dtype, np.dtype):
        return value.to_numpy(), None
    missing = value.isna().to_numpy()
    kind = getattr(value.dtype, "kind", "O")
    if kind in "iu" and hasattr(value.dtype, "numpy_dtype"):
        return value.to_numpy(dtype=value.dtype.numpy_dtype, na_value=0), missing
    if kind in "fb" and not missing.any():
        return value.to_numpy(dtype=value.dtype.numpy_dtype), None
    return value.astype(object).to_numpy(), missing


def fail(column: Column, row: int, why: str, error: type[Exception] = ValueError) -> Exception:
    """The exception that says which entry is wrong, and why."""
    return error(f"{column.name}: {why}" if column.scalar else f"{column.name}: row {row}: {why}")


def first(flags: NDArray[np.bool_]) -> int:
    """The first row that is flagged."""
    return int(np.argmax(flags))


def present(column: Column) -> NDArray[np.bool_]:
    """Which rows have a value."""
    return np.ones(len(column.values), dtype=np.bool_) if column.missing is None else ~column.missing


def integers(column: Column, dtype: str, low: int, high: int) -> NDArray[Any]:
    """The column as whole numbers of `low .. high`; missing rows are 0.

    Raises:
        TypeError: The column, or one entry, is no number.
        ValueError: An entry is out of range, NaN, or no whole number.
    """
    values = column.values
    if values.dtype == object:
        return _integers_of_objects(column, dtype, low, high)
    if values.dtype.kind == "f":
        checked = np.where(present(column), values, 0.0)
        wrong = np.isnan(checked)
        if wrong.any():
            raise fail(column, first(wrong), "is NaN (for a missing value use None, a mask or a nullable type)")
        wrong = ~np.isfinite(checked) | (checked != np.trunc(checked))
        if wrong.any():
            raise fail(column, first(wrong), f"{values[first(wrong)]} is no whole number")
        # Compared as floats: `high + 1` is a power of two, or far from what doubles hold exactly.
        wrong = (checked < float(low)) | (checked >= float(high + 1))
        if wrong.any():
            raise fail(column, first(wrong), f"{values[first(wrong)]} is outside {low} .. {high}")
        return checked.astype(dtype)
    if values.dtype.kind not in "iu":
        raise TypeError(f"{column.name} must hold whole numbers, not {values.dtype}")
    if column.missing is not None:
        values = np.where(column.missing, values.dtype.type(0), values)
    limits = np.iinfo(values.dtype)
    if limits.min < low or limits.max > high:
        wrong = (values < max(low, limits.min)) | (values > min(high, limits.max))
        if wrong.any():
            raise fail(column, first(wrong), f"{values[first(wrong)]} is outside {low} .. {high}")
    return values.astype(dtype, copy=False)


def _integers_of_objects(column: Column, dtype: str, low: int, high: int) -> NDArray[Any]:
    entries = column.values.tolist()
    try:
        if set(map(type, entries)) == {int} and min(entries) >= low and max(entries) <= high:
            return np.array(entries, dtype=dtype)
    except TypeError:  # an exotic entry that cannot be compared: the loop below says which
        pass
    result = np.zeros(len(entries), dtype=dtype)
    given = present(column)
    for row, entry in enumerate(entries):
        if not given[row]:
            continue
        if isinstance(entry, float) and entry == entry and abs(entry) != float("inf") and entry == int(entry):
            entry = int(entry)
        if isinstance(entry, float):
            raise fail(column, row, "is NaN" if entry != entry else f"{entry} is no whole number")
        if isinstance(entry, (bool, np.bool_)) or not hasattr(entry, "__index__"):
            raise fail(column, row, f"must be an int, not {type(entry).__name__}", TypeError)
        number = int(entry)
        if not low <= number <= high:
            raise fail(column, row, f"{number} is outside {low} .. {high}")
        result[row] = number
    return result


def words(column: Column, codes: Mapping[str, int], missing: int) -> NDArray[np.uint8]:
    """The column's words as the bytes of a record; whole numbers are taken for such bytes.

    Raises:
        TypeError: An entry is neither a word nor a whole number.
        ValueError: A word or byte is unknown.
    """
    values, given = column.values, present(column)
    if values.dtype.kind in "iu":
        known = np.isin(values, list(codes.values())) | ~given
        if not known.all():
            row = first(~known)
            raise fail(column, row, f"unknown code {values[row]}; known are {_choices(codes)}")
        return np.where(given, values, missing).astype(np.uint8)
    result = np.full(len(values), missing, dtype=np.uint8)
    if values.dtype.kind == "U":
        known = ~given
        for word, code in codes.items():
            hits = values == word
            result[hits] = code
            known |= hits
        if not known.all():
            row = first(~known)
            raise fail(column, row, f"unknown word {str(values[row])!r}; known are {_choices(codes)}")
        result[~given] = missing
        return result
    if values.dtype.kind not in "OT":
        raise TypeError(f"{column.name} must hold words, not {values.dtype}")
    for row, entry in enumerate(values.tolist()):
        if not given[row]:
            continue
        if isinstance(entry, str):
            found = codes.get(entry)
        elif isinstance(entry, (int, np.integer)) and not isinstance(entry, bool):
            found = int(entry) if int(entry) in codes.values() else None
        else:
            raise fail(column, row, f"must be a str, not {type(entry).__name__}", TypeError)
        if found is None:
            raise fail(column, row, f"unknown word {entry!r}; known are {_choices(codes)}")
        result[row] = found
    return result


def _choices(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{word!r} ({code})" for word, code in codes.items())


def texts(column: Column) -> tuple[NDArray[np.uint8], NDArray[np.bytes_]]:
    """The column's texts as client ids: lengths in bytes (255 for more than 36) and the first 36 bytes.

    Raises:
        TypeError: An entry is no str.
        ValueError: An entry cannot be written as UTF-8.
    """
    given = present(column)
    encoded: list[bytes] = []
    for row, entry in enumerate(column.values.tolist()):
        if not given[row]:
            encoded.append(b"")
        elif isinstance(entry, str):
            try:
                encoded.append(entry.encode())
            except UnicodeEncodeError:
                raise fail(column, row, "is no valid Unicode") from None
        else:
            raise fail(column, row, f"must be a str, not {type(entry).__name__}", TypeError)
    lengths = np.fromiter(
        (len(text) if len(text) <= 36 else 255 for text in encoded), dtype=np.uint8, count=len(encoded)
    )
    return lengths, np.array(encoded, dtype="S36")
