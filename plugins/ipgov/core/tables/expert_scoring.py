"""Experts, panels and what they scored."""

from __future__ import annotations

from sqlalchemy import (
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

# People who score what no figure measures; the newest row of a number counts. An empty list of organisations
# says that there are none (a recusal is computed from them).
expert = fact(
    "expert",
    words("number"),
    words("name"),
    Column("organisations", ARRAY(Text), nullable=False),  # 统一社会信用代码 of every one they belong to
    Column("fields", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False),
    Index("ix_expert_number", "number"),
)

# A recusal that somebody declared, beside the computed ones; the newest row of an expert and unit counts.
expert_recusal = fact(
    "expert_recusal",
    words("programme"),
    words("expert"),
    words("unit"),
    words("reason"),
    words("entered_by"),
    Column("stands", Boolean, nullable=False),  # false: taken back
    Index("ix_expert_recusal_programme_expert_unit", "programme", "expert", "unit"),
)

# One round of scoring of a panel. Changed before anything came in it is a new revision; the newest counts.
panel = fact(
    "panel",
    words("programme"),
    words("period"),
    Column("number", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("formed_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),  # scores received later are kept and do not count
    words("formed_by"),
    words("basis"),
    words("rule_sha256"),
    UniqueConstraint("programme", "period", "number", "round", "revision"),
)

panel_member = fact(
    "panel_member",
    refers("panel_id", "panel.id"),
    words("expert"),
    Column("place", Integer, nullable=False),  # the number by which results speak of the member
    words("role"),
    one_of("role", "chair", "member"),
    UniqueConstraint("panel_id", "expert"),
    UniqueConstraint("panel_id", "place"),
)

# What each member scores, recused or not.
panel_assignment = fact(
    "panel_assignment",
    refers("panel_id", "panel.id"),
    words("expert"),
    words("unit"),
    words("indicator"),
    UniqueConstraint("panel_id", "expert", "unit", "indicator"),
)

# A workbook as it was handed to a member; what comes back is held against it.
scoring_sheet = fact(
    "scoring_sheet",
    refers("panel_id", "panel.id"),
    words("expert"),
    words("fingerprint"),  # of what is to be scored and of the recusals known then
    words("sha256"),
    UniqueConstraint("panel_id", "expert", "fingerprint"),
    Index("ix_scoring_sheet_fingerprint", "fingerprint"),
)

# One row per workbook that came back and could be told; the newest accepted one of a member counts, whole.
scoring_return = fact(
    "scoring_return",
    refers("sheet_id", "scoring_sheet.id"),
    words("filename"),
    words("sha256"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    words("outcome"),
    Column("problems", JSONB, nullable=False),
    one_of("outcome", "accepted", "returned"),
    UniqueConstraint("sheet_id", "sha256", "received_at"),
)

expert_score = fact(
    "expert_score",
    refers("return_id", "scoring_return.id"),
    words("unit"),
    words("indicator"),
    Column("score", Numeric, nullable=True),
    words("abstained", null=True),  # why there is no score
    words("comment"),
    words("sheet"),
    words("cell"),
    CheckConstraint("(score IS NULL) <> (abstained IS NULL)", name="scored_or_abstained"),
    UniqueConstraint("return_id", "unit", "indicator"),
)
