"""Measures the engine from inside (a native loop) and from Python (batches, single calls)."""

from aeromatch.bench.indexes import Trial, trials_as_json, trials_as_markdown, trials_as_tables, try_in_turns
from aeromatch.bench.journal import JournalReport, journal_as_json, limits, measure_journal, parts
from aeromatch.bench.measure import Case, Measurement, measure_in_turns
from aeromatch.bench.report import as_json, as_markdown, as_rows

__all__ = [
    "Case",
    "JournalReport",
    "Measurement",
    "Trial",
    "as_json",
    "as_markdown",
    "as_rows",
    "journal_as_json",
    "limits",
    "measure_in_turns",
    "measure_journal",
    "parts",
    "trials_as_json",
    "trials_as_markdown",
    "trials_as_tables",
    "try_in_turns",
]
