"""What the people who run it do and are told: backups, rehearsals, restores; alerts and their sending."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from ipgov.core.tables.shape import fact, one_of, refers, words

# A backup that was taken (whole, or with gaps), tried in a restore, or restored into this database.
backup_event = fact(
    "backup_event",
    words("kind"),
    words("backup"),
    words("place"),
    Column("snapshot_at", DateTime(timezone=True), nullable=False),
    Column("seconds", Numeric, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    words("head", null=True),
    Column("detail", JSONB, nullable=False),
    words("performed_by"),
    one_of("kind", "made", "incomplete", "rehearsed", "rehearsal_failed", "restored"),
)

# Something that needs a person: open until it is seen to be over. One open alert per key at a time.
alert = fact(
    "alert",
    words("key"),
    words("kind"),
    words("subject"),
    words("message"),
    Index("ix_alert_key", "key"),
)

alert_end = fact(
    "alert_end",
    refers("alert_id", "alert.id"),
    UniqueConstraint("alert_id"),
)

# How an alert (number 1) and its reminders (2, 3, …) were sent on a channel; what failed is tried again.
alert_notice = fact(
    "alert_notice",
    refers("alert_id", "alert.id"),
    words("channel"),
    Column("number", Integer, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    words("detail"),
    Index("ix_alert_notice_alert_id", "alert_id"),
    Index(
        "uq_alert_notice_sent",
        "alert_id",
        "channel",
        "number",
        unique=True,
        postgresql_where=text("succeeded"),
    ),
    one_of("channel", "webhook", "mail"),
)
