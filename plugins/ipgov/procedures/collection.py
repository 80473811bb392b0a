"""How far the collection of a period has come: every body's standing on a day, by province, day after day.

The bodies are those that hold the title on the evaluation day, as known at a moment. Each that is expected to
report stands in exactly one of six states, so that they add up:

    expected = accepted + accepted_late + late + returned + refused + missing
    titled   = expected + exempt

They are the states in which the data is frozen (``evaluation_cycle.freeze``); a refused file, there the same
as a returned one, is told apart. Days are calendar days in Asia/Shanghai.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, select, text

from ipgov.calendars.deadlines import CycleDays, cycle_days
from ipgov.calendars.working_days import day as calendar_day
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError
from ipgov.core.settings import settings
from ipgov.core.steps import Cycle
from ipgov.core.tables import cycle as cycle_table
from ipgov.policy.rules import RuleVersion
from ipgov.procedures import audit_overview
from ipgov.procedures.audit_overview import AuditOverview
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.snapshots import bodies, titled_too_short
from ipgov.registry.codes import province_name
from ipgov.registry.platforms import Unit

DIRECT, TOTAL = "direct", "total"
STATES = {
    "accepted": "按期受理",
    "accepted_late": "逾期受理",
    "late": "逾期过久",
    "returned": "已退回",
    "refused": "已拒收",
    "missing": "未报送",
}
GROUPS = {
    "titled": "在册",
    "exempt": "免报",
    "expected": "应报",
    "received": "已报",
    **STATES,
    "extended": "获准延期",
    "overdue": "逾期未受理",
}


@dataclass(frozen=True)
class Body:
    """A body of the roster, what it sent, and where it stands."""

    unit: str
    name: str
    kind: str
    line: str  # its province, or ``direct``
    expected: bool
    state: str  # one of STATES, or ``exempt``
    outcome: str | None  # of the file received last
    received_at: dt.datetime | None
    submission_id: int | None
    late: bool
    files: int
    superseded: int
    extended_until: dt.date | None  # None: no extension, or none beyond the due day
    due_on: dt.date  # with the extension
    overdue_days: int  # days since then, while nothing of it was accepted in time

    def belongs_to(self, group: str) -> bool:
        """Tell whether the body is one of those that a number counts (a key of GROUPS)."""
        return {
            "titled": True,
            "exempt": not self.expected,
            "expected": self.expected,
            "received": self.expected and self.state != "missing",
            "extended": self.expected and self.extended_until is not None,
            "overdue": self.overdue_days > 0,
        }.get(group, self.state == group)


@dataclass(frozen=True)
class Count:
    """How many bodies of a line are in each state; of the expected ones also how many files they sent."""

    line: str
    titled: int
    exempt: int
    expected: int
    received: int
    accepted: int
    accepted_late: int
    late: int
    returned: int
    refused: int
    missing: int
    extended: int
    overdue: int
    files: int
    superseded: int

    @property
    def name(self) -> str:
        """Return what the line is called."""
        return line_name(self.line)


@dataclass(frozen=True)
class Day:
    """Where the bodies of a line stood at the end of a day."""

    day: dt.date
    working: bool
    provisional: bool  # whether the day is worked is not announced yet
    received: int
    accepted: int
    accepted_late: int
    late: int
    returned: int
    refused: int
    missing: int
    extended: int
    files: int


@dataclass(frozen=True)
class Collection:
    """The collection of a period, seen on a day with what was known at a moment."""

    programme: str
    period: str
    title: str
    as_of: dt.date
    known_at: dt.datetime
    opened_on: dt.date
    due_on: dt.date
    late_until: dt.date
    evaluate_on: dt.date
    provisional: bool
    total: Count
    lines: Sequence[Count]
    bodies: Sequence[Body]
    days: Mapping[str, Sequence[Day]]  # by line, and under ``total``
    files_of_others: int  # from units that are not on the roster, or exempt
    audit: AuditOverview | None = None  # None: no province audits

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def line_name(line: str) -> str:
    """Return what a line is called: a province, those who report directly, the whole nation."""
    return {DIRECT: "直接报送单位", TOTAL: "全国"}.get(line) or province_name(line)


@cache
def _query(*names: str) -> TextClause:
    """Return the statement that files of ``sql/collection`` make, one after the other."""
    folder = settings().sql / "collection"
    return text("\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names))


def collection(programme: str, period: str, as_of: dt.date, known_at: dt.datetime) -> Collection:
    """Return where the collection of an opened period stands at the end of ``as_of``, as known at a moment.

    Raises UnknownError for a period that is not open, RefusedError for a day before it was opened.
    """
    with reading() as connection:
        rules = rules_of(connection, Cycle(programme, period, as_of, known_at)).rules
        opened_on = connection.execute(
            select(cycle_table.c.opened_on).where(
                cycle_table.c.programme == programme, cycle_table.c.period == period
            )
        ).scalar_one()
        if as_of < opened_on:
            raise RefusedError(f"{period} 年度自 {opened_on} 开启，{as_of} 尚无报送")
        days = cycle_days(rules.cycle, int(period))
        units = bodies(connection, Cycle(programme, period, days.evaluate_on.date, known_at), rules)
        given = _given(rules, days, units, period) | {
            "programme": programme, "period": period, "as_of": as_of, "known_at": known_at,
            "opened_on": opened_on,
        }  # fmt: skip
        found = _collect(connection, rules, days, given)
        cycle = Cycle(programme, period, as_of, known_at)
        return replace(found, audit=audit_overview.of_collection(connection, cycle, rules))


def _given(rules: RuleVersion, days: CycleDays, units: Sequence[Unit], period: str) -> dict[str, Any]:
    return {
        "units": [u.unit for u in units],
        "names": [u.name for u in units],
        "kinds": [u.kind for u in units],
        "lines": [DIRECT if u.route == "direct" else u.province for u in units],
        "expected": [not titled_too_short(u, rules, int(period)) for u in units],
        "due_on": days.due.date,
        "late_until": days.late_until.date,
    }


def _collect(
    connection: Connection, rules: RuleVersion, days: CycleDays, given: dict[str, Any]
) -> Collection:
    rest = connection.execute(_query("standing", "rest"), given).mappings().one()
    # the series ends where nothing moves any more: its last day shows what the bodies show
    last_day = min(given["as_of"], max(days.evaluate_on.date, rest["last_day"] or days.evaluate_on.date))
    counts = [
        Count(**row) for row in connection.execute(_query("standing", "bodies", "counts"), given).mappings()
    ]
    return Collection(
        programme=given["programme"],
        period=given["period"],
        title=rules.title,
        as_of=given["as_of"],
        known_at=given["known_at"],
        opened_on=given["opened_on"],
        due_on=days.due.date,
        late_until=days.late_until.date,
        evaluate_on=days.evaluate_on.date,
        provisional=days.evaluate_on.provisional,
        total=next(c for c in counts if c.line == TOTAL),
        lines=[c for c in counts if c.line != TOTAL],
        bodies=[
            Body(**row) for row in connection.execute(_query("standing", "bodies", "each"), given).mappings()
        ],
        days=_days(connection, given | {"last_day": last_day}),
        files_of_others=rest["of_others"],
    )


def _days(connection: Connection, given: Mapping[str, Any]) -> dict[str, list[Day]]:
    found: dict[str, dict[dt.date, Day]] = {}
    known = {}
    for row in connection.execute(_query("standing", "days"), given).mappings():
        date = row["day"]
        if date not in known:
            known[date] = calendar_day(date)
        stood = {f.name: row[f.name] for f in fields(Day) if f.name in row}
        received = sum(row[s] for s in STATES if s != "missing")
        made = Day(
            **stood, received=received, working=known[date].working, provisional=known[date].provisional
        )
        found.setdefault(row["line"], {})[date] = made  # rows of one day are peers: all tell the same
    return {line: [of_line[date] for date in sorted(of_line)] for line, of_line in found.items()}
