"""How far the provinces' audit of a period has come: who forwarded, returned, has not answered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars.deadlines import cycle_days
from ipgov.core.database import reading
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.intake import submissions
from ipgov.policy.rules import RuleVersion
from ipgov.procedures.audit_routes import TOLD, routes
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.province_audits import last_day, rule_of
from ipgov.procedures.snapshots import bodies, titled_too_short
from ipgov.registry.codes import province_name


@dataclass(frozen=True)
class AuditedBody:
    """A body that is expected to report; ``state``: of its route, empty while nothing of it counts."""

    unit: str
    name: str
    province: str
    state: str

    @property
    def told(self) -> str:
        """Return where it stands, in Chinese."""
        return TOLD.get(self.state, "尚无可审核的报送材料")


@dataclass(frozen=True)
class AuditLine:
    """One province, or those that send directly (empty code): how many stand where."""

    province: str
    expected: int
    counts: dict[str, int]

    @property
    def name(self) -> str:
        """Return what the line is called."""
        return province_name(self.province) if self.province else "直接报送单位"


@dataclass(frozen=True)
class AuditOverview:
    """The audit of a period at the end of a day; ``due_on``: its last day (without extensions)."""

    due_on: dt.date
    lines: Sequence[AuditLine]
    bodies: Sequence[AuditedBody]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def of_collection(connection: Connection, cycle: Cycle, rules: RuleVersion) -> AuditOverview | None:
    """Return where the audit stands at the end of ``cycle.as_of``; None: no province audits."""
    if rules.province_audit is None:
        return None
    end = dt.datetime.combine(cycle.as_of + dt.timedelta(days=1), dt.time(), tzinfo=SHANGHAI)
    then = Cycle(cycle.programme, cycle.period, cycle.as_of, min(cycle.known_at, end))
    days = cycle_days(rules.cycle, cycle.year)
    evaluated = Cycle(cycle.programme, cycle.period, days.evaluate_on.date, cycle.known_at)
    units = [u for u in bodies(connection, evaluated, rules) if not titled_too_short(u, rules, cycle.year)]
    counting = submissions.accepted_in_time(
        connection, cycle.programme, cycle.period, then.known_at, days.late_until.date
    )
    sent = {u.unit: (u, counting[u.unit]["id"]) for u in units if u.unit in counting}
    found = routes(connection, then, rules, sent)
    listed = [
        AuditedBody(
            u.unit,
            u.name,
            "" if u.route == "direct" else u.province,
            found[u.unit].state if u.unit in found else "",
        )
        for u in units
    ]
    lines = []
    for code in sorted({b.province for b in listed}, key=lambda c: (c == "", c)):
        own = [b for b in listed if b.province == code]
        lines.append(AuditLine(code, len(own), dict(Counter(b.state for b in own if b.state))))
    return AuditOverview(last_day(rules, cycle), lines, listed)


def overview(programme: str, period: str, as_of: dt.date, known_at: dt.datetime) -> AuditOverview:
    """Return where the audit of an opened period stands; UnknownError where there is none."""
    cycle = Cycle(programme, period, as_of, known_at)
    with reading() as connection:
        rules = rules_of(connection, cycle).rules
        rule_of(rules)
        found = of_collection(connection, cycle, rules)
    assert found is not None  # noqa: S101 - the rules have an audit
    return found
