"""Monthly exports to the provinces (2022-985#24): each its own bodies as of the month's last day.

As known when the month ended, so that the same month gives the same bytes whenever it is made. A body that
changed provinces within the month is the one's where it was on the last day; what is entered later about the
month is in the next one.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects, province_roles
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, StepResult
from ipgov.core.tables import province_export
from ipgov.documents import dispatch, province_book, register, templates
from ipgov.documents.model import SIMULATION_BANNER, date_zh
from ipgov.policy.correspondence import correspondence
from ipgov.procedures import province_data
from ipgov.procedures.province_data import Data
from ipgov.registry.codes import province_name, province_office

KIND = "province_export"
CLAUSE = "2022-985#24"
CHANNELS = ("outbox",)


def month_before(day: dt.date) -> str:
    """Return the month that ended last before a day: 2026-10."""
    last = day.replace(day=1) - dt.timedelta(days=1)
    return f"{last:%Y-%m}"


def last_day(month: str) -> dt.date:
    """Return the last day of a month; UnknownError for what is none."""
    try:
        first = dt.datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        raise UnknownError(f"“{month}”不是月份，应为 2026-10 的形式") from None
    if f"{first:%Y-%m}" != month:
        raise UnknownError(f"“{month}”不是月份，应为 2026-10 的形式")
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def end_of(day: dt.date) -> dt.datetime:
    """Return the moment at which a day is over and a month's export knows everything that it tells."""
    return dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=SHANGHAI)


def export_due(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Export the month before a day to every province that has none of it yet: what the daily run does."""
    month = month_before(as_of)
    with reading() as connection:
        done = {row["province"] for row in _made(connection, month)}
        opened = _opened(connection)
    return export(month, known_at, [code for code in opened if code not in done])


def export(month: str, known_at: dt.datetime, provinces: Sequence[str] | None = None) -> StepResult:
    """Export a month to these provinces (default: all whose view is open).

    Made again it is the same, and nothing is sent twice; where the record now says otherwise of the month
    (facts entered late with an earlier moment), another one is made and says so. Raises RefusedError for a
    month that has not ended, and as ``province_data.read``.
    """
    day = last_day(month)
    known = end_of(day)
    if known_at < known:
        raise RefusedError(f"{month} 尚未结束：{date_zh(day)}之后才可导出")
    if provinces is None:
        with reading() as connection:
            provinces = _opened(connection)
    told: dict[str, Any] = {}
    written = 0
    for code in sorted(set(provinces)):
        data = province_data.read(code, day, known)
        new = _keep(data, month, known_at)
        written += new
        told[code] = {"rows": sum(data.counts.values()), "folder": _folder(month, code), "new": new}
    return StepResult(
        read=sum(t["rows"] for t in told.values()),
        written=written,
        skipped=len(told) - written,
        output={"month": month, "as_of": day.isoformat(), "exported": told},
    )


def _opened(connection: Connection) -> list[str]:
    return [c for c, row in province_roles.newest(connection).items() if row["state"] != "revoked"]


def _made(connection: Connection, month: str) -> list[RowMapping]:
    query = select(province_export).where(province_export.c.month == month).order_by(province_export.c.id)
    return list(connection.execute(query).mappings())


def files(data: Data, month: str) -> dict[str, bytes]:
    """Return the three files by ending: the same data, the same bytes."""
    tables = province_data.shown(data)
    rules = [
        f"{province_data.programme_title(r['programme'])} {r['version']}（SHA-256 {r['sha256'][:12]}）"
        for r in province_data.rule_versions(data.programmes, data.as_of)
    ]
    cover = province_book.Cover(
        province=province_name(data.province),
        month=month,
        as_of=data.as_of,
        known_at=data.known_at,
        rules=rules,
        fingerprint=data.fingerprint,
        issuer=correspondence().issuer.name,
        banner=SIMULATION_BANNER if data.simulation else "",
    )
    return {
        "xlsx": province_book.workbook(cover, tables),
        "zip": province_book.tables_zip(tables),
        "json": province_book.data_json(data.as_dict()),
    }


def again(row: RowMapping) -> bytes | None:
    """Make the workbook of a filed export again from the record; None where the view was closed since."""
    with reading() as connection:
        if row["recipient"] not in _opened(connection):
            return None
    day = last_day(row["period"])
    return files(province_data.read(row["recipient"], day, end_of(day)), row["period"])["xlsx"]


def _keep(data: Data, month: str, known_at: dt.datetime) -> bool:
    """Record, file and send an export; return whether it is a new one."""
    made = files(data, month)
    name = f"{data.province}-{month}-本省数据"
    for ending in ("zip", "json"):  # beside the workbook, which is sent as a document
        objects.store().put(f"{_folder(month, data.province)}{name}.{ending}", made[ending])
    with transaction() as connection:
        lock(connection, KIND, data.province, month)
        earlier = [r for r in _made(connection, month) if r["province"] == data.province]
        if any(r["fingerprint"] == data.fingerprint for r in earlier):
            return False
        document_id = _file(connection, data, month, made["xlsx"], known_at, name, again=bool(earlier))
        connection.execute(
            province_export.insert().values(
                province=data.province,
                month=month,
                as_of=data.as_of,
                fingerprint=data.fingerprint,
                counts=data.counts,
                book_sha256=objects.put_content(made["xlsx"]),
                tables_sha256=objects.put_content(made["zip"]),
                data_sha256=objects.put_content(made["json"]),
                document_id=document_id,
                known_at=known_at,
            )
        )
    return True


def _file(
    connection: Connection,
    data: Data,
    month: str,
    book: bytes,
    known_at: dt.datetime,
    name: str,
    *,
    again: bool,
) -> int:
    rules, province = correspondence(), province_name(data.province)
    letter, template_sha256 = templates.render(
        KIND,
        {
            "province": province,
            "month": f"{month[:4]}年{int(month[5:])}月",
            "counted_to": data.as_of,
            "rows": sum(data.counts.values()),
            "again": again,
            "contact": rules.contact.name,
        },
        kind=KIND,
        issuer=rules.issuer.name,
        recipients=(province_office(data.province),),
        date=known_at.astimezone(SHANGHAI).date(),
        basis=(CLAUSE,),
        banner=SIMULATION_BANNER if data.simulation else "",
        trace=data.fingerprint,
    )
    document_id = register.file_document(
        connection,
        key=f"{KIND}/{month}/{data.province}/{data.fingerprint[:16]}",
        kind=KIND,
        programme=KIND,
        period=month,
        unit=None,
        recipient=data.province,
        document=letter,
        template_sha256=template_sha256,
        number=None,
        round_id=None,
        known_at=known_at,
        formats=("pdf",),
        files={"xlsx": book},
        filename=f"{name}-{data.fingerprint[:8]}" if again else name,
    )
    for channel in CHANNELS:
        dispatch.queue(connection, document_id, data.province, channel, known_at)
    return document_id


def _folder(month: str, province: str) -> str:
    return f"outbox/{KIND}/{month}/{province}/"
