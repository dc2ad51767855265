"""Measures the engine from inside (a native loop) and from Python (batches, single calls)."""

from aeromatch.bench.measure import Case, Measurement, measure_in_turns
from aeromatch.bench.report import as_json, as_markdown, as_rows

__all__ = ["Case", "Measurement", "as_json", "as_markdown", "as_rows", "measure_in_turns"]
