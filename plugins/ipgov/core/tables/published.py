"""What was published before this system."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# A year's results as somebody published them before this system: one row per import of a filled-in workbook.
# A later one of the same year supersedes the earlier one, whole; the newest counts.
published_source = fact(
    "published_source",
    words("programme"),
    words("period"),
    words("document_number"),
    Column("published_on", Date, nullable=False),
    words("publisher"),
    words("found_at"),
    words("rule_version", null=True),  # as the published document names it; null: it does not
    words("filename"),
    words("sha256"),
    words("imported_by"),
    words("reason", null=True),  # why it supersedes
    refers("supersedes", "published_source.id", null=True),
    UniqueConstraint("supersedes"),
    CheckConstraint("(supersedes IS NULL) = (reason IS NULL)", name="reason"),
    Index("ix_published_source_programme_period", "programme", "period"),
)

published_result = fact(
    "published_result",
    refers("source_id", "published_source.id"),
    words("unit"),
    words("published_name"),
    Column("total", Numeric, nullable=True),
    Column("rank", Integer, nullable=True),
    words("grade", null=True),
    Column("passed", Boolean, nullable=True, comment="null: not evaluated, neither pass nor fail"),
    UniqueConstraint("source_id", "unit"),
)

# The change record: a row for every value that an import brought, changed or took back, with its cell.
published_value = fact(
    "published_value",
    refers("source_id", "published_source.id"),
    words("unit"),
    words("aspect"),
    words("code"),  # of the indicator; empty for a result
    words("change"),
    Column("value", Numeric, nullable=True),
    words("text_value", null=True),
    words("raw"),
    words("sheet"),
    words("cell"),
    Column("transforms", JSONB, nullable=False),
    refers("supersedes", "published_value.id", null=True),
    one_of("aspect", "total", "rank", "grade", "passed", "value", "score"),
    one_of("change", "imported", "changed", "removed"),
    CheckConstraint("(change = 'imported') = (supersedes IS NULL)", name="supersedes"),
    UniqueConstraint("source_id", "unit", "aspect", "code"),
    UniqueConstraint("supersedes"),
)
