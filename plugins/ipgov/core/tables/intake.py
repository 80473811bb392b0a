"""What was sent: submissions and their values, attachments, more time."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# One row per object of the inbox that was read (by content and by unit and period), whatever came of it.
submission = fact(
    "submission",
    words("object_key"),
    words("sha256"),
    words("programme"),
    words("period"),
    words("unit", null=True),
    words("form", null=True),
    Column("form_version", Integer, nullable=True),
    words("rule_sha256", null=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date, nullable=True),
    Column("late", Boolean, nullable=False),  # after the due day and after any extension
    words("outcome"),
    refers("supersedes", "submission.id", null=True),
    Column("problems", JSONB, nullable=False),
    words("answer_sha256"),  # receipt or correction workbook
    one_of("outcome", "accepted", "returned", "refused"),
    # the same content sent again later counts again: it may take back what came between
    UniqueConstraint("object_key", "sha256", "received_at"),
    Index("ix_submission_programme_period_unit", "programme", "period", "unit"),
)

submitted_value = fact(
    "submitted_value",
    refers("submission_id", "submission.id"),
    words("field"),
    Column("value", Numeric, nullable=True),
    words("text_value", null=True),
    words("raw"),
    words("sheet"),
    words("cell"),
    Column("transforms", JSONB, nullable=False),
    UniqueConstraint("submission_id", "field"),
)

# A blank form that was laid out for a body, and everything it was drawn from: it can be drawn again.
blank_form = fact(
    "blank_form",
    words("object_key"),
    words("programme"),
    words("period"),
    words("unit"),
    words("sha256"),
    words("rule_sha256"),
    Column("as_of", Date, nullable=False),  # whose registry
    words("banner"),
    words("renderer"),  # versions that made the bytes
    UniqueConstraint("object_key"),
)

extension = fact(
    "extension",
    words("programme"),
    words("period"),
    words("unit"),
    Column("until", Date, nullable=False),
    words("granted_by"),
    words("reason"),
)

unclaimed_object = fact(
    "unclaimed_object",
    words("object_key"),
    words("sha256", null=True),  # null: too large to be read, or quarantined, as the reason says
    words("reason"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("object_key", "sha256", "received_at"),
)

# An object of a unit's folder that was not read as its workbook: evidence and sealed scans, and what was
# refused before it could be read (too large, malware). A newer kept one of the same name replaces it.
attachment = fact(
    "attachment",
    words("object_key"),
    words("programme"),
    words("period"),
    words("unit"),
    words("filename"),
    words("name_key"),  # the name as names are compared
    words("media_type", null=True),  # by content; null: not one that is known
    Column("bytes", BigInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    words("outcome"),
    words("reason", null=True),
    words("digest", null=True),  # SHA-256 of what came; null: too large to be read
    words("sha256", null=True),  # of what is kept; null: not kept, or in quarantine
    words("scan"),
    words("scanned_by", null=True),  # the scanner and its version
    words("scan_detail", null=True),
    words("rule_sha256"),
    one_of("outcome", "kept", "refused"),
    one_of("scan", "clean", "infected", "not_scanned"),
    CheckConstraint("outcome <> 'kept' OR (sha256 IS NOT NULL AND scan <> 'infected')", name="kept"),
    CheckConstraint("outcome <> 'refused' OR reason IS NOT NULL", name="refused"),
    UniqueConstraint("object_key", "digest", "received_at"),
    Index("ix_attachment_programme_period_unit", "programme", "period", "unit"),
)

# A row of a submitted workbook's list of attachments: what is to come under which name, and what it proves.
listed_attachment = fact(
    "listed_attachment",
    refers("submission_id", "submission.id"),
    words("name"),
    words("name_key"),
    words("kind"),  # of form.attachments.kinds
    Column("fields", ARRAY(Text), nullable=False),
    words("note"),
    words("sheet"),
    words("cell"),
    UniqueConstraint("submission_id", "name_key"),
)
