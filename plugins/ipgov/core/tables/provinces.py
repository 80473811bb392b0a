"""The provinces' own view (2022-985#24): who was let in by which role, and what was exported to whom."""

from __future__ import annotations

from sqlalchemy import Column, Date, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# The newest row of a role says whether, and which province, it is: the row policies ask this table.
# ``opened``: exports are made, nobody can sign in; ``login``: its people can, with a password set now.
province_access = fact(
    "province_access",
    words("province"),
    words("role"),
    words("state"),
    words("decided_by"),
    words("reason"),
    one_of("state", "opened", "login", "revoked"),
)

# A month's export to a province. Made again it is the same; what became known since makes another one.
province_export = fact(
    "province_export",
    words("province"),
    words("month"),  # 2026-10
    Column("as_of", Date, nullable=False),
    words("fingerprint"),  # of what it tells
    Column("counts", JSONB, nullable=False),  # rows by table
    words("book_sha256"),  # .xlsx
    words("tables_sha256"),  # .zip of one .csv per table
    words("data_sha256"),  # .json
    refers("document_id", "document.id", null=True),  # with which it was sent
    UniqueConstraint("province", "month", "fingerprint"),
)
