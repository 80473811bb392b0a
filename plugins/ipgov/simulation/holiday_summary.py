"""How provisional due days became certain when the fictitious holiday notice was entered, told in Chinese."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text

from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.documents.calendar_file import uid
from ipgov.followup.obligations import Owed, owed
from ipgov.policy.holidays import calendars
from ipgov.procedures import work_plan
from ipgov.simulation import centres
from ipgov.simulation.fictitious_holidays import notice

_ONE_DAY = dt.timedelta(days=1)
_LETTERS = """
SELECT count(p.document_id) FROM obligation_paper p JOIN obligation_event e ON e.id = p.event_id
WHERE p.kind = 'due_day_changed' AND e.obligation_id = :id AND e.day = :day
"""


def holiday_summary(last: dt.date) -> list[str]:
    """Return each due day that waited for the notice: before, after, letters, what plan and file show."""
    known_at = dt.datetime.combine(last, dt.time(23, 59, 59), tzinfo=SHANGHAI)
    fictitious, head = notice(), "── 暂定期限与放假通知（虚构）──"
    entered = calendars(settings().calendars_folder).notices.get(fictitious.year)
    if entered != fictitious or fictitious.entered is None:
        return [head, f"  {fictitious.year} 年的放假安排已有真实通知，虚构通知未用，没有暂定期限可演示"]
    with reading() as connection:
        moved = [
            o
            for o in owed(connection, last, known_at)
            if o.programme != centres.TITLE and _set_on(o) is not None
        ]
        told = [line for o in moved for line in _told(connection, o, known_at)]
    return [
        head,
        f"  {fictitious.document}：{fictitious.entered} 录入，次日起据以推算；"
        f"此前 {fictitious.year} 年各日均为暂定",
        *told,
    ]


def _set_on(o: Owed) -> dt.date | None:
    """Return the day on which the due day ceased to be provisional; None where it never was or still is."""
    if o.provisional or not o.earlier_dues or not o.earlier_dues[-1].provisional:
        return None
    return max(e.day for e in o.events if e.event == "due_set")


def _told(connection: Connection, o: Owed, known_at: dt.datetime) -> list[str]:
    day = _set_on(o)
    assert day is not None  # noqa: S101 - only such are asked for
    letters = connection.execute(text(_LETTERS), {"id": o.id, "day": day}).scalar_one()
    ended = "按期办结" if o.state == "met" and not o.late else o.state_name
    earlier = "、".join(f"{d.due_on}" + ("（暂定）" if d.provisional else "") for d in o.earlier_dues)
    return [
        f"  {o.unit} {o.duty_name}：原期限 {earlier}（保留在案），{day} 重新推算为 {o.due_on}；"
        f"期限变更通知 {letters} 件；{ended}",
        *(line for on in (day - _ONE_DAY, day) for line in _shown(o, on, known_at)),
    ]


def _shown(o: Owed, on: dt.date, known_at: dt.datetime) -> list[str]:
    """Return the obligation's line of the work plan and its event of the calendar file, as of a day."""
    planned = [work_plan.line(r) for r in work_plan.outlook(on, known_at, within=60) if r["key"] == o.key]
    file = work_plan.calendar(o.owed_by, on, known_at).decode().replace("\r\n ", "")
    event = next(e for e in file.split("BEGIN:VEVENT")[1:] if f"UID:{uid(o.key)}\r\n" in e)
    fields = dict(line.split(":", 1) for line in event.split("BEGIN:VALARM")[0].splitlines() if ":" in line)
    start, state, version = (fields[k] for k in ("DTSTART;VALUE=DATE", "STATUS", "SEQUENCE"))
    return [
        *(f"    {on} 工作计划：{line}" for line in planned),
        f"    {on} 日历文件：{start} {state}，第 {version} 次变更",
    ]
