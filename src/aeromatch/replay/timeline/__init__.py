"""Time travel through the journal of an exchange: any moment of it, the steps between, and what might have been."""

from aeromatch.replay.timeline.compare import Comparison, Difference, compare
from aeromatch.replay.timeline.export import FORMATS, export_tables
from aeromatch.replay.timeline.following import Followed
from aeromatch.replay.timeline.inspection import (
    Inspection,
    SegmentSummary,
    SnapshotSummary,
    Verification,
    inspect_journal,
    verify_journal,
)
from aeromatch.replay.timeline.parting import Parting, first_difference
from aeromatch.replay.timeline.timeline import Batch, Step, Timeline

__all__ = [
    "FORMATS",
    "Batch",
    "Comparison",
    "Difference",
    "Followed",
    "Inspection",
    "Parting",
    "SegmentSummary",
    "SnapshotSummary",
    "Step",
    "Timeline",
    "Verification",
    "compare",
    "export_tables",
    "first_difference",
    "inspect_journal",
    "verify_journal",
]
