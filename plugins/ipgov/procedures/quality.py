"""Quality as operators work with it: the report of a check, the history of the rules, waivers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.core.tables import quality_check, waiver
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.procedures.cycles import rules_of
from ipgov.quality import findings, history, report, waivers
from ipgov.quality.history import History
from ipgov.quality.report import Check, Filter, Report
from ipgov.quality.waivers import Waiver


@dataclass(frozen=True)
class PeriodReport:
    """A period's report with what stands around it: rules, every check of the period, every waiver."""

    rules: RuleVersion
    report: Report
    checks: list[Check]
    waivers: list[Waiver]


def everything_until(now: dt.datetime) -> dt.datetime:
    """Return the moment up to which a page knows: now; in a simulation also what was played for later."""
    with reading() as connection:
        if not is_simulation(connection):
            return now
        played = [select(func.max(table.c.known_at)).scalar_subquery() for table in (quality_check, waiver)]
        last = connection.execute(select(func.greatest(*played))).scalar()
    return max(now, last) if last else now


def period_report(
    programme: str,
    period: str,
    known_at: dt.datetime,
    check_id: int | None = None,
    chosen: Filter | None = None,
    *,
    size: int | None = None,
    start: int = 0,
) -> PeriodReport:
    """Return the report of a period's newest check (or of ``check_id``), ``size`` findings from ``start``.

    Raises UnknownError for a period that is not open or was never checked, and for an unknown filter.
    """
    with reading() as connection:
        rules = rules_of(connection, _cycle(programme, period, known_at)).rules
        there = report.checks(connection, programme, period, known_at)
        check = report.choose(there, programme, period, check_id)
        made = report.report(connection, check, chosen or Filter(), size=size, start=start)
        return PeriodReport(rules, made, there, waivers.every(connection, programme, period, known_at))


def report_workbook(found: PeriodReport) -> bytes:
    """Return a report as .xlsx, every finding chosen in it; it names a simulation."""
    from ipgov.documents import quality_report

    rules, check = found.rules, found.report.check
    title = f"{rules.title} {check.period} 年度数据质量报告"
    with reading() as connection:
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    return quality_report.workbook(title, rules.issuer.name, found.report, found.waivers, banner)


def programme_title(programme: str) -> str:
    """Return what a programme's evaluation is called by its newest version in force."""
    newest_first = sorted(store.versions(programme), key=lambda v: v.rules.effective, reverse=True)
    in_force = [v for v in newest_first if v.rules.status == "in_force"]
    return (in_force or newest_first)[0].rules.title


def rule_history(programme: str, known_at: dt.datetime) -> History:
    """Return what each rule found in each period's last check; UnknownError for an unknown programme."""
    store.versions(programme)
    with reading() as connection:
        return history.history(connection, programme, known_at)


def waive(
    programme: str,
    period: str,
    unit: str,
    rule: str,
    until: dt.date,
    granted_by: str,
    reason: str,
    known_at: dt.datetime,
) -> int:
    """Let a rule's findings of a body (or ``*``) pass through ``until`` in an opened period; return the id.

    It counts from the next check on. Raises UnknownError for a period, body or rule that does not exist,
    RefusedError without person or reason or for a day that is over.
    """
    with transaction() as connection:
        rules_of(connection, _cycle(programme, period, known_at))
        lock(connection, "waiver", programme, period, unit, rule)
        return findings.waive(connection, programme, period, unit, rule, granted_by, reason, until, known_at)


def revoke(
    programme: str, period: str, unit: str, rule: str, revoked_by: str, reason: str, known_at: dt.datetime
) -> int:
    """End a waiver in force at once; return the id of the row that ends it. Raises as ``waivers.revoke``."""
    with transaction() as connection:
        rules_of(connection, _cycle(programme, period, known_at))
        return waivers.revoke(connection, programme, period, unit, rule, revoked_by, reason, known_at)


def period_waivers(programme: str, period: str, known_at: dt.datetime) -> list[Waiver]:
    """Return every waiver and revocation of an opened period, the newest first."""
    with reading() as connection:
        rules_of(connection, _cycle(programme, period, known_at))
        return waivers.every(connection, programme, period, known_at)


def _cycle(programme: str, period: str, known_at: dt.datetime) -> Cycle:
    return Cycle(programme, period, known_at.astimezone(SHANGHAI).date(), known_at)
