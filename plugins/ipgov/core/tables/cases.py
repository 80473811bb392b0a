"""Rectifications: problems, events, evidence."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# An obligation with a record of its own: a rectification. The rules that govern it to its end lie in the
# object store: those of its cases, and the programme's (issuer, chain of approval).
rectification_case = fact(
    "rectification_case",
    refers("obligation_id", "obligation.id"),
    words("case_rules_sha256"),
    words("rule_sha256"),
    refers("round_id", "review_round.id", null=True),  # whose issued result its problems come from
    UniqueConstraint("obligation_id"),
)

# What is to be put right: a finding of the evaluation with its cells, or what a person entered.
case_problem = fact(
    "case_problem",
    refers("obligation_id", "obligation.id"),
    Column("number", Integer, nullable=False),
    words("kind"),
    words("code"),  # of the indicator or the quality rule; empty: none
    words("name"),
    words("found"),  # the figure and what is wrong with it, in Chinese
    words("basis"),
    Column("sources", JSONB, nullable=False),  # file, its SHA-256, sheet, cell, as it was filled in
    refers("submission_id", "submission.id", null=True),
    words("entered_by", null=True),  # null: from the evaluation
    one_of(
        "kind", "not_submitted", "veto", "deduction", "missing", "indicator", "quality", "waiver", "entered"
    ),
    UniqueConstraint("obligation_id", "number"),
)

# What happened in a case, in order; where it stands is what these rows come to.
case_event = fact(
    "case_event",
    refers("obligation_id", "obligation.id"),
    Column("sequence", Integer, nullable=False),
    words("event"),
    Column("day", Date, nullable=False),
    words("actor"),
    words("note"),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("obligation_id", "sequence"),
)

# A file that a body sent in a case: kept, or refused and why.
case_evidence = fact(
    "case_evidence",
    refers("obligation_id", "obligation.id"),
    refers("event_id", "case_event.id", null=True),  # null: refused
    words("filename"),
    words("media_type", null=True),
    Column("bytes", BigInteger, nullable=False),
    Column("problems", ARRAY(Integer), nullable=False),  # the numbers that it proves; empty: all
    words("outcome"),
    words("reason", null=True),
    words("digest"),  # SHA-256 of what came
    words("sha256", null=True),  # of what is kept; null: in quarantine
    words("scan"),
    words("scanned_by", null=True),
    words("scan_detail", null=True),
    one_of("outcome", "kept", "refused"),
    one_of("scan", "clean", "infected", "not_scanned"),
    CheckConstraint(
        "(outcome = 'kept') = (event_id IS NOT NULL AND sha256 IS NOT NULL AND reason IS NULL)", name="kept"
    ),
    CheckConstraint("outcome <> 'kept' OR scan <> 'infected'", name="clean"),
    UniqueConstraint("obligation_id", "filename", "digest"),
)

# The workbook of a case (整改台账) as it came through the inbox, and what became of it.
case_workbook = fact(
    "case_workbook",
    words("object_key"),
    words("programme"),
    words("unit"),  # whose folder it came into
    refers("obligation_id", "obligation.id", null=True),  # null: it names no case of this unit
    refers("event_id", "case_event.id", null=True),  # the plan that it is, also where it came again
    words("sha256"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    words("outcome"),
    Column("problems", JSONB, nullable=False),
    words("answer_sha256"),
    one_of("outcome", "accepted", "returned", "refused"),
    CheckConstraint("(outcome = 'accepted') = (event_id IS NOT NULL)", name="accepted"),
    CheckConstraint("event_id IS NULL OR obligation_id IS NOT NULL", name="of_a_case"),
    UniqueConstraint("object_key", "sha256", "received_at"),
)

# A round about a case: what it proposes to make of it, and who asked.
case_round = fact(
    "case_round",
    refers("round_id", "review_round.id"),
    refers("obligation_id", "obligation.id"),
    words("outcome"),
    words("opened_by"),
    words("reason"),
    UniqueConstraint("round_id"),
)

# A finding about a body, with what proves it: an occurrence that opens a case without rectification.
case_finding = fact(
    "case_finding",
    refers("occurrence_id", "occurrence.id"),
    words("name"),
    words("found"),
    words("found_by"),
    words("basis"),
    UniqueConstraint("occurrence_id"),
)

case_finding_file = fact(
    "case_finding_file",
    refers("finding_id", "case_finding.id"),
    words("filename"),
    words("media_type"),
    Column("bytes", BigInteger, nullable=False),
    words("sha256"),
    words("scan"),
    words("scanned_by", null=True),
    words("scan_detail", null=True),
    one_of("scan", "clean", "not_scanned"),
    UniqueConstraint("finding_id", "sha256"),
)
