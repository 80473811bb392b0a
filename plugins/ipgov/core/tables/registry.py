"""Who is governed: organisations, titled bodies, titles."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Text, UniqueConstraint

from ipgov.core.tables.shape import fact, one_of, refers, words

organisation = fact(
    "organisation",
    words("code"),  # 统一社会信用代码
    words("name"),
    words("province"),  # GB/T 2260, two digits; the operator's own for 新疆生产建设兵团
    Column("central_enterprise", Boolean, nullable=False),
    Column("valid_from", Date, nullable=False),
    words("source"),
    Column("code_confirmed_by", Text, comment="who confirmed a code whose check character fails"),
    Index("ix_organisation_code", "code"),
)

organisation_succession = fact(
    "organisation_succession",
    words("predecessor"),
    words("successor"),
    words("kind"),
    Column("effective_on", Date, nullable=False),
    words("source"),
    one_of("kind", "renamed", "merged", "split", "restructured"),
)

# A titled body names its host unit and its operating unit; most are no legal persons (2023-156#25).
titled_body = fact(
    "titled_body",
    words("unit"),
    words("programme"),
    words("name"),
    words("kind"),
    words("province"),
    words("route"),
    words("host_code"),
    words("operator_code"),
    Column("valid_from", Date, nullable=False),
    words("source"),
    one_of("route", "province", "direct"),
    Index("ix_titled_body_programme_unit", "programme", "unit"),
)

title_event = fact(
    "title_event",
    words("programme"),
    words("unit"),
    words("event"),  # of the programme's lifecycle (policies/lifecycles/)
    Column("effective_on", Date, nullable=False),
    words("basis"),  # clause id or operator
    words("document_number", null=True),
    Column("document_id", BigInteger, nullable=True),
    refers("round_id", "review_round.id", null=True),  # that approved it
    words("note"),
    UniqueConstraint("programme", "unit", "event", "effective_on"),
)
