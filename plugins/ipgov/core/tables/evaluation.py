"""Results, scores, and what they would mean for a title."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import MODES, fact, one_of, refers, words

result_set = fact(
    "result_set",
    refers("snapshot_id", "snapshot.id"),
    words("programme"),
    words("period"),
    words("mode"),
    words("fingerprint"),
    words("rule_sha256"),
    words("engine_version"),
    words("scores_sha256"),  # Parquet of the explanation rows
    UniqueConstraint("programme", "period", "mode", "fingerprint"),
    one_of("mode", *MODES),
)

result = fact(
    "result",
    refers("result_set_id", "result_set.id"),
    words("unit"),
    words("group"),
    Column("total", Numeric, nullable=True),
    Column("rank", Integer, nullable=True),
    Column("group_rank", Integer, nullable=True),
    words("grade", null=True),
    Column("passed", Boolean, nullable=True, comment="null: not evaluated, neither pass nor fail"),
    Column("reasons", JSONB, nullable=False),  # vetoes, quota edges, exclusions, in Chinese with their basis
    UniqueConstraint("result_set_id", "unit"),
)

score = fact(
    "score",
    refers("result_set_id", "result_set.id"),
    words("unit"),
    words("node"),  # indicator, dimension or total
    words("parent", null=True),
    Column("value", Numeric, nullable=True),  # what went in, after denominators
    Column("normalised", Numeric, nullable=True),
    Column("weight", Numeric, nullable=True),
    Column("contribution", Numeric, nullable=True),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("result_set_id", "unit", "node"),
)

# What a result would mean for a title; nothing happens before approval.
proposed_outcome = fact(
    "proposed_outcome",
    refers("result_set_id", "result_set.id"),
    words("unit"),
    words("outcome"),
    words("basis"),
    words("explanation"),
    Column("evidence", JSONB, nullable=False),  # the results that led to it
    UniqueConstraint("result_set_id", "unit", "outcome"),
)
