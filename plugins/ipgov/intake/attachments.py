"""Attachments in the record: what came, what a workbook lists, which file stands for which row, and when.

A row of a list and a file belong together by name (``attachment_list.name_key``), whichever came first. Of
several kept files of one name the newest stands; one that was refused replaces nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import attachment, listed_attachment, submission
from ipgov.intake import content_type
from ipgov.intake.attachment_list import ListedRow, megabytes, name_key
from ipgov.intake.content_type import NAMES, SUFFIXES, NotAcceptableError
from ipgov.intake.inbox import InboxKey
from ipgov.intake.scanner import Scan
from ipgov.policy.rules import Attachments

Sort = Literal["workbook", "attachment"]
_WORKBOOK_MARKS = (
    b"xl/workbook.",
    b"application/vnd.oasis.opendocument.spreadsheet",
    *(name.encode("utf-16-le") for name in ("Workbook", "Book", "EncryptedPackage")),
)


def sort_of(head: bytes, data: bytes, filename: str) -> Sort:
    """Tell whether an object is the workbook or an attachment, by its content.

    Only where it is neither, and so will be refused, does the name decide how that is answered.
    """
    meant = name_key(filename).endswith(content_type.WORKBOOK_SUFFIXES)
    if content_type.media_type(head) is not None:
        return "workbook" if meant else "attachment"
    if content_type.may_be_workbook(head) and any(mark in data for mark in _WORKBOOK_MARKS):
        return "workbook"
    return "workbook" if meant else "attachment"


def too_large(size: int, asked: Attachments) -> str:
    """Return why a file may not be read at all; empty: it may."""
    if size <= asked.max_bytes:
        return ""
    return f"附件大小为 {megabytes(size)}，超过上限；应为：不超过 {megabytes(asked.max_bytes)}"


def refusal(data: bytes, filename: str, asked: Attachments) -> tuple[str | None, str]:
    """Return an attachment's media type and why it is refused (Chinese); empty: it is not."""
    types = "、".join(NAMES[t] for t in asked.media_types)
    if not data:
        return None, f"文件是空的；应为：{types}"
    type_ = content_type.media_type(data[: content_type.HEAD_BYTES])
    if type_ is None or type_ not in asked.media_types:
        what = f"是{NAMES[type_]}" if type_ else "不是可接收的类型"
        return type_, f"文件内容{what}；应为：{types}"
    if not name_key(filename).endswith(SUFFIXES[type_]):
        suffixes = "、".join(SUFFIXES[type_])
        return type_, f"文件内容是{NAMES[type_]}，与文件名后缀不符；应为：后缀 {suffixes}"
    try:
        content_type.examine(data, type_)
    except NotAcceptableError as error:
        return type_, error.message
    return type_, ""


def over_quota(connection: Connection, inbox: InboxKey, size: int, asked: Attachments) -> str:
    """Return why one more file is too much beside those that stand (one of its own name is replaced)."""
    standing = _standing(inbox.programme, inbox.period).where(attachment.c.unit == inbox.unit).subquery()
    others = select(func.count(), func.coalesce(func.sum(standing.c.bytes), 0)).where(
        standing.c.name_key != name_key(inbox.filename)
    )
    count, total = connection.execute(others).one()
    if count + 1 > asked.max_count:
        return f"附件数量超过上限；应为：不超过 {asked.max_count} 个"
    if total + size > asked.max_total_bytes:
        return (
            f"各附件合计 {megabytes(int(total) + size)}，超过上限；"
            f"应为：合计不超过 {megabytes(asked.max_total_bytes)}"
        )
    return ""


def record(
    connection: Connection,
    *,
    inbox: InboxKey,
    media_type: str | None,
    size: int,
    received_at: dt.datetime,
    reason: str,
    digest: str | None,
    sha256: str | None,
    scan: Scan,
    rule_sha256: str,
    known_at: dt.datetime,
) -> int:
    """Add an object and return its id; ``reason`` empty: it is kept. ``sha256`` names kept content."""
    return int(
        connection.execute(
            insert(attachment)
            .values(
                object_key=inbox.key,
                programme=inbox.programme,
                period=inbox.period,
                unit=inbox.unit,
                filename=inbox.filename,
                name_key=name_key(inbox.filename),
                media_type=media_type,
                bytes=size,
                received_at=received_at,
                outcome="refused" if reason else "kept",
                reason=reason or None,
                digest=digest,
                sha256=sha256,
                scan=scan.verdict,
                scanned_by=scan.scanned_by,
                scan_detail=scan.detail,
                rule_sha256=rule_sha256,
                known_at=known_at,
            )
            .returning(attachment.c.id)
        ).scalar_one()
    )


def record_list(
    connection: Connection, submission_id: int, rows: Iterable[ListedRow], known_at: dt.datetime
) -> None:
    """Add the list of an accepted workbook, all of whose rows are sound."""
    values = [
        {
            "submission_id": submission_id,
            "name": row.name,
            "name_key": name_key(row.name),
            "kind": row.kind.code if row.kind else "",
            "fields": list(row.fields),
            "note": row.texts.get("说明", ""),
            "sheet": row.sheet,
            "cell": row.cell,
            "known_at": known_at,
        }
        for row in rows
    ]
    if values:
        connection.execute(insert(listed_attachment).on_conflict_do_nothing(), values)


def kept_names(
    connection: Connection, programme: str, period: str, unit: str, known_at: dt.datetime
) -> frozenset[str]:
    """Return the names, as they are compared, of the files that stand for a unit and period."""
    standing = _standing(programme, period, known_at).where(attachment.c.unit == unit).subquery()
    return frozenset(connection.execute(select(standing.c.name_key)).scalars())


def _standing(programme: str, period: str, known_at: dt.datetime | None = None) -> Select[Any]:
    """Select the newest kept file of every unit and name."""
    query = (
        select(attachment)
        .ext(distinct_on(attachment.c.unit, attachment.c.name_key))
        .where(
            attachment.c.programme == programme,
            attachment.c.period == period,
            attachment.c.outcome == "kept",
        )
        .order_by(
            attachment.c.unit, attachment.c.name_key, attachment.c.received_at.desc(), attachment.c.id.desc()
        )
    )
    return query if known_at is None else query.where(attachment.c.known_at <= known_at)


@dataclass(frozen=True)
class Standing:
    """A row of a workbook's list and the file that stands for it; ``attachment_id`` None: there is none.

    ``first_at`` is when a kept file of that name first came, ``received_at`` when the one that stands came;
    ``refused`` why the newest file of that name was refused, if it came after the one that stands.
    """

    listed_id: int | None  # None: of a list that is not recorded yet
    submission_id: int | None
    unit: str
    name: str
    kind: str
    fields: tuple[str, ...]
    sheet: str
    cell: str
    attachment_id: int | None
    sha256: str | None
    media_type: str | None
    size: int | None
    received_at: dt.datetime | None
    first_at: dt.datetime | None
    scan: str | None
    refused: str | None

    @property
    def present(self) -> bool:
        """Tell whether a file stands for the row."""
        return self.attachment_id is not None


def _files(programme: str, period: str, known_at: dt.datetime) -> Select[Any]:
    """Select, by unit and name, the file that stands, the first one, and why the newest was refused."""
    came = select(attachment).where(
        attachment.c.programme == programme, attachment.c.period == period, attachment.c.known_at <= known_at
    )
    every = came.subquery("every")
    names = (
        select(
            every.c.unit,
            every.c.name_key,
            func.min(every.c.received_at).filter(every.c.outcome == "kept").label("first_at"),
        )
        .group_by(every.c.unit, every.c.name_key)
        .subquery("names")
    )
    newest = (
        came.ext(distinct_on(attachment.c.unit, attachment.c.name_key))
        .order_by(
            attachment.c.unit, attachment.c.name_key, attachment.c.received_at.desc(), attachment.c.id.desc()
        )
        .subquery("newest")
    )
    file = _standing(programme, period, known_at).subquery("file")

    def same(table: Any) -> Any:
        return and_(names.c.unit == table.c.unit, names.c.name_key == table.c.name_key)

    return (
        select(
            names.c.unit,
            names.c.name_key,
            file.c.id.label("attachment_id"),
            file.c.sha256,
            file.c.media_type,
            file.c.bytes.label("size"),
            file.c.received_at,
            names.c.first_at,
            file.c.scan,
            newest.c.reason.label("refused"),  # null where the newest was kept
        )
        .outerjoin(file, same(file))
        .outerjoin(newest, same(newest))
    )


_FILE = ("attachment_id", "sha256", "media_type", "size", "received_at", "first_at", "scan", "refused")


def standing(
    connection: Connection,
    programme: str,
    period: str,
    submission_ids: Collection[int],
    known_at: dt.datetime,
) -> list[Standing]:
    """Return the listed attachments of submissions with what stood for them, as known at a moment."""
    files = _files(programme, period, known_at).subquery("files")
    rows = connection.execute(
        select(
            listed_attachment.c.id.label("listed_id"),
            listed_attachment.c.submission_id,
            submission.c.unit,
            *(listed_attachment.c[n] for n in ("name", "kind", "fields", "sheet", "cell")),
            *(files.c[n] for n in _FILE),
        )
        .join(submission, submission.c.id == listed_attachment.c.submission_id)
        .outerjoin(
            files,
            and_(submission.c.unit == files.c.unit, listed_attachment.c.name_key == files.c.name_key),
        )
        .where(listed_attachment.c.submission_id.in_(submission_ids))
        .order_by(listed_attachment.c.submission_id, listed_attachment.c.id)
    ).mappings()
    return [Standing(**{**row, "fields": tuple(row["fields"])}) for row in rows]


def standing_for(
    connection: Connection, inbox: InboxKey, rows: Iterable[ListedRow], known_at: dt.datetime
) -> list[Standing]:
    """Return the same for a list that was read and is not recorded yet."""
    query = _files(inbox.programme, inbox.period, known_at).subquery("files")
    found = connection.execute(select(query).where(query.c.unit == inbox.unit)).mappings()
    files = {row["name_key"]: {n: row[n] for n in _FILE} for row in found}
    return [
        Standing(
            listed_id=None,
            submission_id=None,
            unit=inbox.unit,
            name=row.name,
            kind=row.kind.code if row.kind else "",
            fields=row.fields,
            sheet=row.sheet,
            cell=row.cell,
            **files.get(name_key(row.name), dict.fromkeys(_FILE)),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Clock:
    """The moments of a submission, as known at a moment; None: it has not come to that.

    ``complete_at``: the workbook and a file for each required kind are there. ``accepted_at``: the office
    accepted it; ``superseded_at``: the one that replaced it was received.
    """

    submission_id: int
    unit: str
    received_at: dt.datetime
    complete_at: dt.datetime | None
    accepted_at: dt.datetime | None
    superseded_at: dt.datetime | None

    def complete_by(self, day: dt.date) -> bool:
        """Tell whether it was complete on a day in Shanghai, or before."""
        return self.complete_at is not None and self.complete_at.astimezone(SHANGHAI).date() <= day


def clocks(
    connection: Connection,
    programme: str,
    period: str,
    known_at: dt.datetime,
    required: Mapping[str, Collection[str]],
    unit: str | None = None,
) -> list[Clock]:
    """Return the moments of every submission of a period (or of one unit in it), in order of receipt.

    ``required`` names, by unit, the kinds of attachment without which it is not complete; a unit that is not
    named needs none.
    """
    later = submission.alias("later")
    sent = (
        select(
            submission.c.id,
            submission.c.unit,
            submission.c.received_at,
            submission.c.outcome,
            submission.c.known_at,
            func.min(later.c.received_at).label("superseded_at"),
        )
        .outerjoin(later, and_(later.c.supersedes == submission.c.id, later.c.known_at <= known_at))
        .where(
            submission.c.programme == programme,
            submission.c.period == period,
            submission.c.unit.is_not(None),
            submission.c.known_at <= known_at,
        )
        .group_by(submission.c.id)
        .order_by(submission.c.received_at, submission.c.id)
    )
    rows = connection.execute(sent if unit is None else sent.where(submission.c.unit == unit)).all()
    listed: dict[int, list[Standing]] = {}
    for row in standing(connection, programme, period, [r.id for r in rows], known_at):
        listed.setdefault(row.submission_id or 0, []).append(row)
    return [
        Clock(
            r.id,
            r.unit,
            r.received_at,
            complete_at(r.received_at, listed.get(r.id, ()), required.get(r.unit, ()))
            if r.outcome == "accepted"
            else None,
            r.known_at if r.outcome == "accepted" else None,
            r.superseded_at,
        )
        for r in rows
    ]


def complete_at(
    received_at: dt.datetime, listed: Sequence[Standing], required: Collection[str]
) -> dt.datetime | None:
    """Return when a workbook and a file for each row of a required kind were there, or None."""
    moments = [received_at]
    for kind in required:
        firsts = [row.first_at for row in listed if row.kind == kind]
        if not firsts or any(first is None for first in firsts):
            return None
        moments += [first for first in firsts if first is not None]
    return max(moments)
