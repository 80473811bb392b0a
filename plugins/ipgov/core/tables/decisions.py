"""What people decided: rounds, marks, answers, rules put in force."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

from ipgov.core.tables.shape import bound_to_round, fact, one_of, refers, words

# People of the office and what they may decide; the newest row of a login counts.
officer = fact(
    "officer",
    words("login"),
    words("name"),
    Column("roles", ARRAY(Text), nullable=False),
    words("organisation_code", null=True),
    Column("active", Boolean, nullable=False),
)

review_round = fact(
    "review_round",
    words("programme"),
    words("period"),
    Column("number", Integer, nullable=False),
    # null: the round is about a case (case_round), not about results
    refers("result_set_id", "result_set.id", null=True),
    words("fingerprint"),  # of exactly what is put before the reviewers
    words("rating_list_sha256"),  # the paper that was put before them
    words("rule_sha256"),
    UniqueConstraint("programme", "period", "number"),
    UniqueConstraint("programme", "period", "fingerprint"),
    UniqueConstraint("id", "fingerprint"),  # what decisions and issues are bound to
)

# The pages of charts that go to the reviewers with a rating list, which names their hash.
rating_chart = fact(
    "rating_chart",
    refers("result_set_id", "result_set.id"),
    words("rating_list_sha256"),
    words("charts_sha256"),
    UniqueConstraint("result_set_id", "rating_list_sha256"),
)

# A round that corrects what was issued: what it corrects, the sheet that compares both, why, and who asked.
correction = fact(
    "correction",
    refers("round_id", "review_round.id"),
    refers("corrects_round_id", "review_round.id"),
    words("comparison_sha256"),
    words("opened_by"),
    words("reason"),
    UniqueConstraint("round_id"),
)

# The bodies whose published result a correction changes; of the others what was issued before stands.
correction_unit = fact(
    "correction_unit",
    refers("correction_id", "correction.id"),
    words("unit"),
    UniqueConstraint("correction_id", "unit"),
)

review_mark = fact(
    "review_mark",
    refers("round_id", "review_round.id"),
    words("unit"),
    words("mark"),
    words("comment"),
    words("actor"),
    words("entry"),
    words("file_sha256", null=True),
    one_of("mark", "agree", "question"),
    one_of("entry", "airflow", "workbook", "console", "cli"),
    UniqueConstraint("round_id", "unit", "actor", "file_sha256"),
)

decision = fact(
    "decision",
    refers("round_id", "review_round.id"),
    words("step"),
    words("answer"),
    words("actor"),
    words("comment"),
    words("fingerprint"),
    words("entry"),
    words("file_sha256", null=True),
    Column("answered_at", DateTime(timezone=True), nullable=False),
    one_of("answer", "approve", "return", "reject"),
    one_of("entry", "airflow", "workbook", "console", "cli"),
    UniqueConstraint("round_id", "actor"),  # one person never fills two steps, nor two places of one
    bound_to_round(),
)

# A round that was taken back before its issue: no answer of it counts any more, and it is never issued.
round_recall = fact(
    "round_recall",
    refers("round_id", "review_round.id"),
    words("recalled_by"),
    words("reason"),
    UniqueConstraint("round_id"),
)

# An answer that did not count, and why: wrong role, same person twice, other fingerprint.
refused_decision = fact(
    "refused_decision",
    refers("round_id", "review_round.id"),
    words("step"),
    words("answer"),
    words("actor"),
    words("comment"),
    words("fingerprint"),
    words("entry"),
    words("file_sha256", null=True),
    Column("answered_at", DateTime(timezone=True), nullable=False),
    words("reason"),
    UniqueConstraint("round_id", "step", "answer", "actor", "answered_at"),  # one answer is refused once
)

# A rule file that is to govern live periods. ``initial``: it lay there when the database was made.
policy_change = fact(
    "policy_change",
    words("origin"),
    words("programme"),
    words("version"),
    Column("effective", Date, nullable=False),
    words("sha256"),
    words("replaces_sha256", null=True),  # the approved rules that governed its first day until then
    words("fingerprint"),  # of both hashes
    words("proposed_by"),
    words("note"),
    one_of("origin", "initial", "proposed"),
    UniqueConstraint("id", "fingerprint"),  # what an answer is bound to
    Index("ix_policy_change_programme_version", "programme", "version"),
)

policy_approval = fact(
    "policy_approval",
    refers("change_id", "policy_change.id"),
    words("fingerprint"),
    words("answer"),
    words("actor"),
    words("comment"),
    one_of("answer", "approve", "reject"),
    UniqueConstraint("change_id"),  # one answer ends a proposal
    ForeignKeyConstraint(["change_id", "fingerprint"], ["policy_change.id", "policy_change.fingerprint"]),
)

# A proposal or an answer that did not count, and why.
refused_policy_act = fact(
    "refused_policy_act",
    words("act"),
    words("programme"),
    words("version"),
    words("digest"),  # SHA-256 of the file that was proposed or answered
    words("actor"),
    words("comment"),
    words("reason"),
    one_of("act", "propose", "approve", "reject"),
)

# A round about one document of policies/papers.yaml that a person proposed.
paper_round = fact(
    "paper_round",
    refers("round_id", "review_round.id"),
    words("kind"),  # of policies/papers.yaml
    words("subject_sha256"),  # what it is about, as canonical JSON
    refers("earlier_id", "document.id", null=True),  # the document that it takes back or corrects, if any
    words("draft_sha256", null=True),  # the PDF that went to the reviewers; null: none was made then
    words("opened_by"),
    words("reason"),
    UniqueConstraint("round_id"),
)
