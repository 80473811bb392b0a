"""The database itself: what it is, steps that were done, seals, the clock."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import MODES, fact, one_of, words

database_identity = fact(
    "database_identity",
    words("kind"),
    words("note"),
    one_of("kind", "production", "simulation"),
    # one row for ever: what a database is cannot be changed later
    Index("uq_database_identity_one", text("(true)"), unique=True),
)

# A step's result under the fingerprint of its inputs; a second run with the same inputs finds it here.
step_run = fact(
    "step_run",
    words("programme"),
    words("period"),
    words("step"),
    words("mode"),
    words("fingerprint"),
    Column("result", JSONB, nullable=False),
    UniqueConstraint("programme", "period", "step", "mode", "fingerprint"),
    one_of("mode", *MODES),
)

# The chain over everything added since the last seal; the manifest lies write-once in the object store.
seal = fact(
    "seal",
    Column("sequence", BigInteger, nullable=False, unique=True),
    words("occasion"),
    words("subject"),
    words("manifest_sha256"),
    words("previous_chain_sha256"),
    words("chain_sha256"),
    Column("row_count", BigInteger, nullable=False),
    one_of("occasion", "freeze", "approval", "issue", "nightly", "manual"),
)

# A clock was fast for a time and was put right: records up to ``wrong_until`` may lie ahead of the clock.
clock_correction = fact(
    "clock_correction",
    Column("wrong_until", DateTime(timezone=True), nullable=False),
    words("accepted_by"),
    words("reason"),
)
