"""What the data checks found, and what was waived."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index

from ipgov.core.tables.shape import fact, one_of, refers, words

# One run of a suite over a snapshot, whatever it found.
quality_check = fact(
    "quality_check",
    refers("snapshot_id", "snapshot.id"),
    words("suite"),
    words("suite_sha256"),
    Column("passed", Boolean, nullable=False),
    Index("ix_quality_check_snapshot_id", "snapshot_id"),
)

# ``unit`` is a body, or * for every body and the data as a whole; the newest row of a unit and rule counts.
waiver = fact(
    "waiver",
    words("programme"),
    words("period"),
    words("unit"),
    words("rule"),
    words("granted_by"),
    words("reason"),
    Column("until", Date, nullable=False),
)

finding = fact(
    "finding",
    refers("check_id", "quality_check.id"),
    words("rule"),
    words("severity"),
    words("basis"),
    words("unit", null=True),
    words("field", null=True),
    words("message"),
    words("found", null=True),
    words("sheet", null=True),
    words("cell", null=True),
    refers("submission_id", "submission.id", null=True),
    refers("waiver_id", "waiver.id", null=True),
    one_of("severity", "critical", "warning", "info"),
    Index("ix_finding_check_id", "check_id"),
)
