"""Documents: numbers, files, dispatch, what took effect."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, UniqueConstraint

from ipgov.core.tables.shape import bound_to_round, fact, one_of, refers, words

document_number = fact(
    "document_number",
    words("series"),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    words("reserved_for", null=False),
    UniqueConstraint("series", "year", "serial"),
    UniqueConstraint("reserved_for"),
)

# Of a series that an office keeps in a register of its own: what waits for a number, and who entered which.
awaited_number = fact(
    "awaited_number",
    words("reserved_for"),
    words("series"),
    words("subject"),  # title and recipient, as the office's register asks for them
    Column("asked_on", Date, nullable=False),
    UniqueConstraint("reserved_for"),
)

entered_number = fact(
    "entered_number",
    refers("number_id", "document_number.id"),
    words("entered_by"),
    UniqueConstraint("number_id"),
)

# The templates that stood when a round was approved: its documents are made with these, whenever they are.
round_templates = fact(
    "round_templates",
    refers("round_id", "review_round.id"),
    words("templates_sha256"),
    UniqueConstraint("round_id"),
)

document = fact(
    "document",
    words("key"),  # what it is for: one document per key
    words("kind"),
    words("programme"),
    words("period"),
    words("unit", null=True),
    words("recipient"),
    words("title"),
    refers("number_id", "document_number.id", null=True),
    words("number", null=True),
    Column("issued_on", Date, nullable=False),
    words("seal_code", null=True),
    refers("round_id", "review_round.id", null=True),
    words("data_sha256"),  # canonical JSON of the document model
    words("template_sha256"),
    words("layout_sha256", null=True),  # the layouts, and what they printed of the model; null: not yet kept
    words("printed_sha256", null=True),
    words("renderer"),  # versions and font hashes that made the bytes
    refers("corrects", "document.id", null=True),
    refers("withdraws", "document.id", null=True),
    UniqueConstraint("key"),
)

document_file = fact(
    "document_file",
    refers("document_id", "document.id"),
    words("format"),
    words("filename"),
    words("sha256"),
    UniqueConstraint("document_id", "format"),
    one_of("format", "docx", "pdf", "html", "xlsx", "txt"),
)

dispatch = fact(
    "dispatch",
    refers("document_id", "document.id"),
    words("recipient"),
    words("channel"),
    words("message_id"),
    UniqueConstraint("document_id", "recipient", "channel"),
    CheckConstraint("channel IN ('outbox', 'mail', 'folder', 'publication')", name="channel_known"),
)

# Written before a message leaves: where no attempt names it, nobody knows whether it arrived.
dispatch_begun = fact(
    "dispatch_begun",
    refers("dispatch_id", "dispatch.id"),
    Column("number", Integer, nullable=False),  # of the attempt that is to follow
    words("target"),  # an address or place, without secrets
    UniqueConstraint("dispatch_id", "number"),  # two senders never let one leave at a time
)

dispatch_attempt = fact(
    "dispatch_attempt",
    refers("dispatch_id", "dispatch.id"),
    Column("succeeded", Boolean, nullable=False),
    words("detail"),
)

# Of an attempt that failed: whether it is tried again by itself.
dispatch_failure = fact(
    "dispatch_failure",
    refers("attempt_id", "dispatch_attempt.id"),
    words("kind"),
    UniqueConstraint("attempt_id"),
    # uncertain: it may have arrived; it is not sent again unless a person says so
    one_of("kind", "temporary", "permanent", "uncertain"),
)

# What a person decided of a row that is not tried again by itself; it stands in the row's attempts as one.
dispatch_settlement = fact(
    "dispatch_settlement",
    refers("attempt_id", "dispatch_attempt.id"),
    words("answer"),
    words("settled_by"),
    words("reason"),
    UniqueConstraint("attempt_id"),
    one_of("answer", "again", "arrived", "given_up"),
)

# The address to which a recipient (a body's or a province's code) is written; the newest row valid on a day
# counts, and one without an address says that there is none any more.
contact = fact(
    "contact",
    words("recipient"),
    words("name"),
    words("address", null=True),
    Column("valid_from", Date, nullable=False),
    words("source"),
    words("entered_by"),
    Index("ix_contact_recipient", "recipient"),
)

# What took effect: the issue of an approved round, once.
issue = fact(
    "issue",
    refers("round_id", "review_round.id"),
    words("fingerprint"),
    UniqueConstraint("round_id"),
    bound_to_round(),
)
