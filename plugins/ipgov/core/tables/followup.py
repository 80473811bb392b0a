"""Duties as obligations: due days, events, what came in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# Something that happened and opens a duty: a major matter, a finding of a forbidden branch, a public notice.
occurrence = fact(
    "occurrence",
    words("programme"),
    words("party"),  # a body's code, a province's code, or "office"
    words("kind"),
    words("subject"),  # tells two of the same kind and party apart
    Column("occurred_on", Date, nullable=False),
    # the day on which whoever owes the duty told of it; null: it became known otherwise, a report is due
    Column("reported_on", Date, nullable=True),
    words("reported_by"),
    words("note"),
    words("evidence_sha256", null=True),
    UniqueConstraint("programme", "party", "kind", "subject"),
)

# An occurrence that was recorded by mistake, taken back; what it opened and has not ended is withdrawn.
occurrence_retraction = fact(
    "occurrence_retraction",
    refers("occurrence_id", "occurrence.id"),
    words("retracted_by"),
    words("reason"),
    UniqueConstraint("occurrence_id"),
)

# Who owes what to whom. The rule that governs it to its end lies in the object store under ``rule_sha256``.
obligation = fact(
    "obligation",
    words("key"),  # programme/duty/party/subject: opened once, whoever looks when
    words("duty"),
    words("programme"),
    words("period", null=True),
    words("unit", null=True),  # the body concerned; null: a province's or the office's own
    words("owed_by"),
    words("owed_to"),
    Column("opened_on", Date, nullable=False),
    words("cause"),  # table:id of the fact that opened it, or the day of the rule
    words("rule_sha256"),
    refers("part_of_id", "obligation.id", null=True),
    UniqueConstraint("key"),
    Index("ix_obligation_programme_unit", "programme", "unit"),
)

# The due day as first reckoned and every later one, each with why; the newest counts.
obligation_due = fact(
    "obligation_due",
    refers("obligation_id", "obligation.id"),
    Column("due_on", Date, nullable=False),
    Column("provisional", Boolean, nullable=False),
    words("calendar_version"),
    words("reason"),
    Column("set_on", Date, nullable=False),
    one_of("reason", "opened", "calendar", "extension"),
    UniqueConstraint("obligation_id", "set_on", "reason"),
)

# What the daily advance did, once each: a day's events rest on what was known when the day began.
obligation_event = fact(
    "obligation_event",
    refers("obligation_id", "obligation.id"),
    Column("day", Date, nullable=False),
    words("event"),
    words("step"),  # of the ladder, or what tells two events of the same name apart
    Column("detail", JSONB, nullable=False),
    one_of(
        "event",
        "opened",
        "due_set",
        "reminded",
        "overdue",
        "escalated",
        "met",
        "lapsed",
        "withdrawn",
        "resumed",
    ),
    UniqueConstraint("obligation_id", "event", "step"),
)

# What came in for an obligation.
obligation_report = fact(
    "obligation_report",
    refers("obligation_id", "obligation.id"),
    Column("received_on", Date, nullable=False),
    words("reported_by"),
    words("note"),
    words("evidence_sha256", null=True),
    UniqueConstraint("obligation_id", "received_on", "reported_by", "note"),
)

# The acceptance that alone can end a rectification: met, or failed for good. The newest row counts; one that
# says ``withdrawn`` (the proposal that rested on it was returned) leaves none to count, until the next.
obligation_judgement = fact(
    "obligation_judgement",
    refers("obligation_id", "obligation.id"),
    Column("judged_on", Date, nullable=False),
    words("outcome"),
    words("judged_by"),
    words("note"),
    one_of("outcome", "met", "failed", "withdrawn"),
)

# More time, by a recorded decision.
obligation_extension = fact(
    "obligation_extension",
    refers("obligation_id", "obligation.id"),
    Column("until", Date, nullable=False),
    words("granted_by"),
    words("reason"),
    UniqueConstraint("obligation_id", "until", "granted_by"),
)

# The calendars that due days were reckoned with: the bytes of policies/calendars/ and the package's version.
calendar_edition = fact(
    "calendar_edition",
    words("version"),
    words("content_sha256"),
    UniqueConstraint("version"),
)


# What became of an event of an obligation for each who was to hear of it: a document, or why none was made.
obligation_paper = fact(
    "obligation_paper",
    refers("event_id", "obligation_event.id"),
    words("recipient"),
    words("kind"),
    Column("written_on", Date, nullable=False),
    Column("document_id", BigInteger, ForeignKey("document.id"), nullable=True),
    words("reason", null=True),
    CheckConstraint("(document_id IS NULL) = (reason IS NOT NULL)", name="document_or_reason"),
    UniqueConstraint("event_id", "recipient"),
)
