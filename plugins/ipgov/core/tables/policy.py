"""Rule versions as frozen, and the periods that were opened under them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, UniqueConstraint

from ipgov.core.tables.shape import fact, refers, words

# The exact bytes of every rule version that governed anything (object store, by hash).
rule_version = fact(
    "rule_version",
    words("programme"),
    words("version"),
    words("sha256"),
    UniqueConstraint("programme", "version", "sha256"),
)

# A cycle is open once its rule version is frozen by hash.
cycle = fact(
    "cycle",
    words("programme"),
    words("period"),
    refers("rule_version_id", "rule_version.id"),
    Column("opened_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("evaluate_on", Date, nullable=False),
    Column("due_provisional", Boolean, nullable=False),
    words("calendar_version"),
    UniqueConstraint("programme", "period"),
)
