"""Public notices of lists, and what was objected: the facts on which a recognition rests."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# A public notice that was issued: the days as the public was told them, by the calendar known then.
publicity = fact(
    "publicity",
    words("programme"),
    refers("document_id", "document.id"),
    refers("round_id", "review_round.id"),  # that issued it
    Column("starts_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("runs", JSONB, nullable=False),  # how long it has to run, as policy said then
    words("calendar"),
    UniqueConstraint("document_id"),
    Index("ix_publicity_programme", "programme"),
)

# A body that a notice names, and the round that approved the list on which it stands.
publicity_unit = fact(
    "publicity_unit",
    refers("publicity_id", "publicity.id"),
    words("unit"),
    words("name"),  # as announced
    refers("list_round_id", "review_round.id", null=True),
    UniqueConstraint("publicity_id", "unit"),
    Index("ix_publicity_unit_unit", "unit"),
)

# A later last day: a calendar that was entered while the notice ran moved it.
publicity_day = fact(
    "publicity_day",
    refers("publicity_id", "publicity.id"),
    Column("last_on", Date, nullable=False),
    Column("earlier", Date, nullable=False),
    Column("set_on", Date, nullable=False),
    words("reason"),
    words("calendar"),
    UniqueConstraint("publicity_id", "set_on"),
)

# An objection that counts: it came in time, says something, and comes from another than the body itself.
objection = fact(
    "objection",
    refers("publicity_id", "publicity.id"),
    words("unit"),
    Column("received_on", Date, nullable=False),
    words("text_sha256"),  # of what it says: the words lie in the object store
    words("basis"),  # clause ids: what it says is not met
    words("recorded_by"),
    Index("ix_objection_publicity_id_unit", "publicity_id", "unit"),
)

# Who objected: personal data, kept apart from everything that is shown.
objector = fact(
    "objector",
    refers("objection_id", "objection.id"),
    words("name"),
    words("contact"),
    UniqueConstraint("objection_id"),
)

# A file that came with an objection: kept, or refused and why.
objection_file = fact(
    "objection_file",
    refers("objection_id", "objection.id"),
    words("filename"),
    words("media_type", null=True),
    Column("bytes", BigInteger, nullable=False),
    words("outcome"),
    words("reason", null=True),
    words("digest"),  # SHA-256 of what came
    words("sha256", null=True),  # of what is kept
    words("scan"),
    words("scanned_by", null=True),
    words("scan_detail", null=True),
    one_of("outcome", "kept", "refused"),
    one_of("scan", "clean", "infected", "not_scanned"),
    CheckConstraint("(outcome = 'kept') = (sha256 IS NOT NULL AND reason IS NULL)", name="kept"),
    CheckConstraint("outcome <> 'kept' OR scan <> 'infected'", name="clean"),
    UniqueConstraint("objection_id", "filename", "digest"),
)

# What came as an objection and does not count: too late, about a body that is not on the list, … and why.
# Who sent it stands only in what is kept under the hash.
refused_objection = fact(
    "refused_objection",
    refers("publicity_id", "publicity.id"),
    words("unit"),
    Column("received_on", Date, nullable=False),
    words("content_sha256"),
    words("reason"),
    words("recorded_by"),
    UniqueConstraint("publicity_id", "unit", "received_on", "content_sha256"),
)

# What was found of an objection: decided by the round that issued the reply to it.
objection_answer = fact(
    "objection_answer",
    refers("objection_id", "objection.id"),
    words("outcome"),
    words("reason"),
    words("answered_by"),  # who proposed the reply
    Column("answered_on", Date, nullable=False),
    refers("round_id", "review_round.id"),
    refers("document_id", "document.id"),  # the reply
    one_of("outcome", "upheld", "rejected"),
    UniqueConstraint("objection_id"),
)
