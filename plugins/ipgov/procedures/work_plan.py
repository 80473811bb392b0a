"""What is owed by whom and until when, as of a day: for lists, the work plan and calendar files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars.working_days import WorkingDays, known
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.documents import calendar_file, work_plan
from ipgov.documents.model import SIMULATION_BANNER, date_zh, printable
from ipgov.documents.templates import cite
from ipgov.documents.work_plan import Item, WorkPlan
from ipgov.followup.events import TURNS, end_of
from ipgov.followup.obligations import Owed, State, owed
from ipgov.followup.reminders import reckoner
from ipgov.policy.correspondence import correspondence
from ipgov.policy.duty_store import DutyRule
from ipgov.policy.store import clauses
from ipgov.procedures.follow_up_papers import has_operator, working_days_left
from ipgov.procedures.parties import OFFICE, Parties
from ipgov.registry.asof import listed

OPEN: tuple[State, ...] = ("open", "overdue")
_WEEK = 7


@dataclass(frozen=True)
class Desk:
    """What every list of obligations needs."""

    as_of: dt.date
    known_at: dt.datetime
    parties: Parties
    days: WorkingDays
    banner: str

    @classmethod
    def open(cls, connection: Connection, as_of: dt.date, known_at: dt.datetime) -> Desk:
        """Read the registry as of the day."""
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        return cls(as_of, known_at, Parties.read(connection, as_of, known_at), known(as_of), banner)

    def name(self, code: str) -> str:
        """Return a party's name, with its code where it has one that people use."""
        name = self.parties.name(code)
        return name if code == OFFICE or len(code) != 4 else f"{name}（{code}）"

    def item(self, o: Owed) -> Item:
        """Return an obligation as lists show it."""
        return Item(
            reference=o.reference,
            duty=_title(o, self.parties.about(vars(o), body=False)),
            owner=o.owed_by,
            owner_name=self.name(o.owed_by),
            owed_to=self.name(o.owed_to),
            concerns=self.name(o.unit) if o.unit else "",
            basis=_basis(o.rule),
            opened_on=o.opened_on,
            due_on=o.due_on,
            provisional=o.provisional,
            days_left=working_days_left(self.as_of, o.due_on, self.days),
            operator=has_operator(o.rule),
        )


def _title(o: Owed, about: str) -> str:
    return f"{o.duty_name}（{printable(about)}）" if about else o.duty_name


def _basis(rule: DutyRule) -> str:
    """Return the clauses briefly, as lists name them: document number and section."""
    found = (clauses()[c] for c in rule.duty.clause)
    return "、".join(dict.fromkeys(f"{c['doc_no']}{c['section']}" for c in found))


def plan(as_of: dt.date, known_at: dt.datetime, weeks: int | None = None) -> tuple[WorkPlan, str]:
    """Return everything late and what is due within ``weeks`` (default: the rules'), and the banner.

    Raises UnknownError for a number of weeks that is not between 1 and 104.
    """
    lists = correspondence().lists
    weeks = lists.plan_weeks if weeks is None else weeks
    if not 1 <= weeks <= 104:
        raise UnknownError(f"周数 {weeks} 无效，应为 1 至 104")
    until = as_of + dt.timedelta(days=_WEEK * weeks)
    with reading() as connection:
        desk = Desk.open(connection, as_of, known_at)
        found = sorted(owed(connection, as_of, known_at, states=OPEN), key=_order)
    items = [desk.item(o) for o in found if o.due_on <= until]
    later = len(found) - len(items)
    return WorkPlan(as_of, until, lists.soon_working_days, items, later), desk.banner


def workbook(as_of: dt.date, known_at: dt.datetime, weeks: int | None = None) -> bytes:
    """Return the work plan's .xlsx."""
    planned, banner = plan(as_of, known_at, weeks)
    return work_plan.write(planned, correspondence().issuer.name, banner)


def outlook(as_of: dt.date, known_at: dt.datetime, within: int | None = None) -> list[dict[str, Any]]:
    """Return what is late, due within so many working days, or provisional: plain data, by due day."""
    soon = correspondence().lists.soon_working_days if within is None else within
    if soon < 0:
        raise UnknownError(f"工作日数 {soon} 无效，应为 0 或正整数")
    with reading() as connection:
        desk = Desk.open(connection, as_of, known_at)
        found = sorted(owed(connection, as_of, known_at, states=OPEN), key=_order)
    items = [(o.key, desk.item(o)) for o in found]
    return [as_dict(i, soon) | {"key": k} for k, i in items if i.days_left <= soon or i.provisional]


def _order(o: Owed) -> tuple[dt.date, str, str]:
    return o.due_on, o.owed_by, o.key


def as_dict(item: Item, soon: int) -> dict[str, Any]:
    """Return an item as plain data with its state in words."""
    return {
        "reference": item.reference,
        "duty": item.duty,
        "waiting_for": item.owner_name,
        "concerns": item.concerns,
        "owed_to": item.owed_to,
        "basis": item.basis,
        "opened_on": item.opened_on,
        "due_on": item.due_on,
        "provisional": item.provisional,
        "days_left": item.days_left,
        "late": item.late,
        "state": work_plan.state_of(item, soon),
    }


def line(row: dict[str, Any]) -> str:
    """Return a row of ``outlook`` or of a plan as one line for people."""
    about = (
        f"（所涉：{row['concerns']}）" if row["concerns"] and row["concerns"] != row["waiting_for"] else ""
    )
    mark = "，暂定" if row["provisional"] else ""
    said = f"{row['state']}  {row['waiting_for']}：{row['duty']}{about}"
    return f"{row['reference']}  {row['due_on']}{mark}  {said}"


def calendar(party: str, as_of: dt.date, known_at: dt.datetime) -> bytes:
    """Return a responsible unit's .ics: everything it owes or owed, as of a day.

    Raises UnknownError for a code that owes nothing and never did, naming those that do.
    """
    with reading() as connection:
        desk = Desk.open(connection, as_of, known_at)
        found = owed(connection, as_of, known_at, owed_by=party)
        if not found:
            codes = sorted({o.owed_by for o in owed(connection, as_of, known_at)})
            raise UnknownError(f"“{party}”没有承担过任何事项；有事项的单位：{listed(codes)}")
    name = f"{desk.parties.name(party)} 待办与期限"
    return calendar_file.write(name, [_entry(desk, o) for o in found], desk.banner)


def _entry(desk: Desk, o: Owed) -> calendar_file.Entry:
    item = desk.item(o)
    end = end_of(o.events)
    days = [due.set_on for due in o.earlier_dues] + [e.day for e in o.events if e.event == "due_set"]
    changed_on = end.day if end is not None else max(days, default=o.opened_on)
    lines = [
        f"事项：{item.duty}",
        f"期限：{date_zh(item.due_on)}（含当日）" + ("，暂定" if item.provisional else ""),
        f"责任单位：{item.owner_name}",
        f"报送对象：{item.owed_to}",
        *dict.fromkeys(f"依据：{cite(c)}" for c in o.rule.duty.clause),
        *(["运行方自定：期限、提醒等文件未作规定的部分"] if item.operator else []),
        *([f"{o.state_name}：{date_zh(end.day)}"] if end is not None else []),
        f"编号：{item.reference}",
        *([desk.banner] if desk.banner else []),
    ]
    return calendar_file.Entry(
        key=o.key,
        summary=item.duty,
        description=lines,
        due_on=item.due_on,
        provisional=item.provisional,
        changes=len(o.earlier_dues) + sum(e.event in TURNS for e in o.events),
        changed_at=dt.datetime.combine(changed_on, dt.time(), tzinfo=SHANGHAI),
        ended=end is not None,
        withdrawn=o.state == "withdrawn",
        late=item.late,
        categories=tuple(o.rule.duty.clause) or ("运行方自定",),
        alarms=[calendar_file.alarm_at(d) for d in _alarms(desk, o)],
    )


def _alarms(desk: Desk, o: Owed) -> Sequence[dt.date]:
    """Return the days of the ladder's reminders up to the due day; without a ladder the due day."""
    ladder = o.rule.ladder
    if ladder is None:
        return (o.due_on,)
    opened_day = next((e.day for e in o.events if e.event == "opened"), o.opened_on)
    days = reckoner(desk.days).steps(o.rule, opened_day, o.opened_on, o.due_on)
    found = {d for d, rung in zip(days, ladder.rungs, strict=True) if not rung.overdue and d <= o.due_on}
    return sorted(found) or (o.due_on,)
