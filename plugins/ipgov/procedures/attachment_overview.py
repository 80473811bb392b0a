"""Where a body stands with its attachments: what is listed, what came, when it was complete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.tables import attachment
from ipgov.intake import attachments, submissions
from ipgov.intake.attachments import Clock, Standing
from ipgov.policy.rules import RuleVersion
from ipgov.procedures.attachment_intake import complete_by, required_kinds

SCANS = {"clean": "未发现恶意代码", "infected": "含恶意代码，已隔离", "not_scanned": "未扫描"}


@dataclass(frozen=True)
class Overview:
    """A body's attachments of a period, as known at a moment.

    ``listed``: the rows of the newest accepted workbook; ``arrivals``: every object that came, the newest
    first; ``unlisted``: required kinds that it does not list; ``clocks``: of every workbook, in order;
    ``complete_by``: until when the attachments are in time.
    """

    listed: Sequence[Standing]
    arrivals: Sequence[Mapping[str, Any]]
    unlisted: Sequence[str]
    clocks: Mapping[int, Clock]
    complete_by: dt.date | None

    def in_time(self, submission_id: int) -> bool | None:
        """Tell whether a workbook was complete in time; None: it is not complete, or no day is set."""
        clock = self.clocks.get(submission_id)
        if clock is None or clock.complete_at is None or self.complete_by is None:
            return None
        return clock.complete_by(self.complete_by)


def overview(
    connection: Connection,
    programme: str,
    period: str,
    unit: str,
    kind: str,
    rules: RuleVersion,
    due_on: dt.date,
    known_at: dt.datetime,
) -> Overview | None:
    """Return where a body of a kind stands; None where its form asks for no attachments and none came."""
    came = [
        dict(row)
        for row in connection.execute(
            select(attachment)
            .where(
                attachment.c.programme == programme,
                attachment.c.period == period,
                attachment.c.unit == unit,
                attachment.c.known_at <= known_at,
            )
            .order_by(attachment.c.received_at.desc(), attachment.c.id.desc())
        ).mappings()
    ]
    if rules.form.attachments is None and not came:
        return None
    required = required_kinds(rules, kind)
    clocks = attachments.clocks(connection, programme, period, known_at, {unit: tuple(required)}, unit)
    accepted = [c.submission_id for c in clocks if c.accepted_at is not None]
    listed = attachments.standing(connection, programme, period, accepted[-1:], known_at)
    named = {row.kind for row in listed}
    until = submissions.extension_until(connection, programme, period, unit, known_at)
    return Overview(
        listed=listed,
        arrivals=came,
        unlisted=[name for code, name in required.items() if code not in named] if accepted else [],
        clocks={c.submission_id: c for c in clocks},
        complete_by=complete_by(rules, due_on, until),
    )


def kept_file(connection: Connection, attachment_id: int) -> Mapping[str, Any]:
    """Return a kept attachment that may be handed out.

    Raises UnknownError where there is none of that number, RefusedError for one that was refused.
    """
    row = connection.execute(select(attachment).where(attachment.c.id == attachment_id)).mappings().first()
    if row is None:
        raise UnknownError(f"没有编号为 {attachment_id} 的附件")
    if row["outcome"] != "kept":
        raise RefusedError(f"附件 {attachment_id} 未予接收，不提供下载：{row['reason']}")
    return dict(row)
