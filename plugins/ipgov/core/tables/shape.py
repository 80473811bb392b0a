"""What every table has in common."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def fact(name: str, *items: SchemaItem) -> Table:
    """Return a table of facts: these columns between the common ones."""
    return Table(
        name,
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        *items,
        Column("known_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )


def words(name: str, *, null: bool = False) -> Column[str]:
    """Return a column of text."""
    return Column(name, Text, nullable=null)


def refers(name: str, target: str, *, null: bool = False) -> Column[int]:
    """Return a column that names a row of another table (``table.id``)."""
    return Column(name, BigInteger, ForeignKey(target), nullable=null)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the rule that a column holds one of these values."""
    listed = ", ".join(f"'{v}'" for v in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def bound_to_round() -> ForeignKeyConstraint:
    """No decision and no issue of anything but exactly what the round put before the reviewers."""
    return ForeignKeyConstraint(["round_id", "fingerprint"], ["review_round.id", "review_round.fingerprint"])


MODES = ("live", "recalculate", "what_if")
