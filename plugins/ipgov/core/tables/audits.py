"""The province's audit of what its bodies sent: what was asked, what came back, what counted."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Date, DateTime, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# An audit workbook as it went out, or back for correction; what returns is held against it.
province_audit_sheet = fact(
    "province_audit_sheet",
    words("programme"),
    words("period"),
    words("province"),
    words("fingerprint"),
    words("sha256"),
    Column("due_on", Date, nullable=False),
    UniqueConstraint("sha256"),
    Index("ix_province_audit_sheet_programme_period", "programme", "period", "province"),
)

# A file of a province's own folder that was read, whatever came of it.
province_audit_return = fact(
    "province_audit_return",
    words("object_key"),
    words("programme"),
    words("period"),
    words("province"),
    refers("sheet_id", "province_audit_sheet.id", null=True),
    words("sha256"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("late", Boolean, nullable=False),
    words("outcome"),
    Column("problems", JSONB, nullable=False),
    words("answer_sha256"),
    one_of("outcome", "accepted", "returned", "refused"),
    UniqueConstraint("object_key", "sha256", "received_at"),
)

# What a province answered about one submission; the newest answer about it counts, if it came in time.
province_audit = fact(
    "province_audit",
    refers("return_id", "province_audit_return.id"),
    words("programme"),
    words("period"),
    words("province"),
    words("unit"),
    refers("submission_id", "submission.id"),
    words("answer"),
    Column("forwards", Boolean, nullable=False),
    words("opinion"),
    Column("place", Integer, nullable=True),  # among the forwarded, where they are ranked
    words("auditor"),
    Column("audited_on", Date, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("late", Boolean, nullable=False),
    words("sheet"),
    words("cell"),
    CheckConstraint("place IS NULL OR forwards", name="place"),
    UniqueConstraint("return_id", "unit"),
    Index("ix_province_audit_programme_period", "programme", "period", "unit"),
)

# By which route a frozen body's file came to the office: its audit, or the copy to its province.
snapshot_audit = fact(
    "snapshot_audit",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    words("state"),
    refers("province_audit_id", "province_audit.id", null=True),
    Column("copied_on", Date, nullable=True),
    one_of("state", "forwarded", "returned", "late", "none", "copied", "not_copied"),
    UniqueConstraint("snapshot_id", "unit"),
)
