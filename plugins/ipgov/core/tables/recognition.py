"""Recognition: what reviewers judged of the conditions, and the list that was put before the office."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# A workbook of conditions as it was handed to a reviewer; what comes back is held against it.
gate_sheet = fact(
    "gate_sheet",
    words("programme"),
    words("period"),
    words("reviewer"),  # login
    words("fingerprint"),  # of what is asked
    words("sha256"),
    UniqueConstraint("fingerprint"),
    Index("ix_gate_sheet_programme_period", "programme", "period", "reviewer"),
)

# One row per workbook that came back and could be told, whatever came of it.
gate_return = fact(
    "gate_return",
    refers("sheet_id", "gate_sheet.id"),
    words("filename"),
    words("sha256"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    words("outcome"),
    Column("problems", JSONB, nullable=False),
    one_of("outcome", "accepted", "returned"),
    UniqueConstraint("sheet_id", "sha256", "received_at"),
)

# What a reviewer found of one condition of one application; the newest of a reviewer counts.
gate_judgement = fact(
    "gate_judgement",
    refers("return_id", "gate_return.id"),
    words("unit"),
    words("gate"),
    refers("submission_id", "submission.id"),  # that was looked at
    Column("met", Boolean, nullable=False),
    words("reason"),
    words("sheet"),
    words("cell"),
    UniqueConstraint("return_id", "unit", "gate"),
)

# A list of a round of recognition, with the workbook that shows it; the newest of a result set counts.
recognition_list = fact(
    "recognition_list",
    refers("result_set_id", "result_set.id"),
    words("fingerprint"),
    words("list_sha256"),
    UniqueConstraint("result_set_id", "fingerprint"),
    Index("ix_recognition_list_list_sha256", "list_sha256"),
)

# Every condition of every applicant that was looked at.
recognition_gate = fact(
    "recognition_gate",
    refers("list_id", "recognition_list.id"),
    words("unit"),
    words("gate"),
    Column("met", Boolean, nullable=False),
    words("found"),  # the values, or the reviewers' reasons, as people read them
    words("judged_by"),  # logins; empty: computed
    Column("judgements", JSONB, nullable=False),  # ids of the rows it rests on
    UniqueConstraint("list_id", "unit", "gate"),
)

# What is proposed of every applicant, and why.
recognition_proposal = fact(
    "recognition_proposal",
    refers("list_id", "recognition_list.id"),
    words("unit"),
    words("name"),  # applied for
    words("industry"),  # as the applicant names it
    words("proposal"),
    Column("place", Integer, nullable=True),  # among those proposed for the title
    words("reason"),
    Column("submission_id", BigInteger, nullable=True),
    one_of("proposal", "list", "refuse", "absent"),  # absent: never came to the office
    UniqueConstraint("list_id", "unit"),
)
