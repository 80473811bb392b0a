"""Opening a cycle: its rules are frozen by hash, its days computed, its blank forms laid out."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, select

from ipgov.calendars.deadlines import CycleDays, cycle_days
from ipgov.core import objects
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.settings import settings
from ipgov.core.steps import Cycle, Mode, StepResult, run_step
from ipgov.core.tables import blank_form, rule_version
from ipgov.core.tables import cycle as cycle_table
from ipgov.decisions.policy_changes import require_approved
from ipgov.documents import register
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.intake import forms
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.registry.platforms import Unit, roster


def to_open(as_of: dt.date, asked: str | None = None) -> list[list[str]]:
    """Return the (programme, period) pairs that are to be opened on a day and are not open yet.

    A daily run opens what is due, not before ``settings().automatic_from``; ``asked`` names a period that
    a person wants opened, of every programme for which it is due. Raises RefusedError, with the reason of
    each, where it is due for none.
    """
    if asked and not (asked.isascii() and asked.isdigit() and len(asked) == 4):
        raise UnknownError(f"年度“{asked}”无效，应为四位年份，如 2026")
    years = [int(asked)] if asked else range(settings().automatic_from, as_of.year + 1)
    early = {(p, y): _not_due(p, y, as_of) for p in store.programmes() for y in years}
    if asked and all(early.values()):
        told = "；".join(f"{programme}：{reason}" for (programme, _), reason in early.items())
        raise RefusedError(f"{asked} 年度没有可以开启的业务：{told}")
    return [[p, str(y)] for (p, y), reason in early.items() if not reason and not opened(p, str(y))]


def _not_due(programme: str, year: int, as_of: dt.date) -> str:
    """Return why a period is not to be opened on a day; empty: it is."""
    try:
        rules = store.governing(programme, year).rules
        check_period(rules, year)
    except GovernanceError as error:
        return error.message
    opens = cycle_days(rules.cycle, year).opens.date
    return f"自 {opens} 起开启" if as_of < opens else ""


def open_cycle(cycle: Cycle) -> StepResult:
    """Open a period: freeze the rules in force on its last day, fix the days, lay out blank forms.

    Raises UnknownError where no rules cover the period; RefusedError before the opening day, before the
    first period that the rules name (2023-156#20 leaves it open; the operator's), in a year with which none
    ends, and where two people have not put these rules in force.
    """
    loaded = store.governing(cycle.programme, cycle.year)
    rules, days = loaded.rules, cycle_days(loaded.rules.cycle, cycle.year)
    check_period(rules, cycle.year)
    if cycle.as_of < days.opens.date:
        raise RefusedError(f"{cycle.period} 年度自 {days.opens.date} 起开启，基准日 {cycle.as_of} 尚早")

    def work(connection: Connection) -> StepResult:
        if cycle.mode is Mode.LIVE:
            require_approved(connection, loaded, dt.date(cycle.year, 12, 31), cycle.known_at)
        rule_id = _freeze_rules(connection, cycle, loaded)
        opened = _insert_cycle(connection, cycle, rule_id, days)
        units = [
            u
            for u in roster(connection, cycle.programme, cycle.as_of, cycle.known_at)
            if rules.cycle.ends_for(u.titled_on, cycle.year)
        ]
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        keys = [_lay_out(connection, cycle, loaded, unit, banner) for unit in units]
        return StepResult(
            read=len(units),
            written=len(keys) + opened,
            output={
                "rule_version": rules.version,
                "rule_sha256": loaded.sha256,
                "due_on": days.due.date.isoformat(),
                "evaluate_on": days.evaluate_on.date.isoformat(),
                "provisional": days.due.provisional,
                "forms": keys,
            },
        )

    return run_step(cycle, "open_cycle", loaded.sha256, work)


def _lay_out(connection: Connection, cycle: Cycle, loaded: store.Loaded, unit: Unit, banner: str) -> str:
    """Put a body's blank form into its folder, and on record what it was drawn from; return its key."""
    data = forms.blank(loaded.rules, loaded.sha256, cycle.period, unit, banner=banner)
    key = f"outbox/{cycle.programme}/{cycle.period}/{unit.unit}/{unit.unit}-{cycle.period}-报送表.xlsx"
    objects.store().put(key, data, once=True)
    connection.execute(
        blank_form.insert().values(
            object_key=key,
            programme=cycle.programme,
            period=cycle.period,
            unit=unit.unit,
            sha256=objects.put_content(data),
            rule_sha256=loaded.sha256,
            as_of=cycle.as_of,
            banner=banner,
            renderer=register.renderer(),
            known_at=cycle.known_at,
        )
    )
    return key


def _freeze_rules(connection: Connection, cycle: Cycle, loaded: store.Loaded) -> int:
    objects.put_content(loaded.data)
    where = (
        (rule_version.c.programme == cycle.programme)
        & (rule_version.c.version == loaded.rules.version)
        & (rule_version.c.sha256 == loaded.sha256)
    )
    there = connection.execute(select(rule_version.c.id).where(where)).scalar()
    if there is not None:
        return int(there)
    return int(
        connection.execute(
            rule_version.insert()
            .values(
                programme=cycle.programme,
                version=loaded.rules.version,
                sha256=loaded.sha256,
                known_at=cycle.known_at,
            )
            .returning(rule_version.c.id)
        ).scalar_one()
    )


def _insert_cycle(connection: Connection, cycle: Cycle, rule_id: int, days: CycleDays) -> int:
    there = connection.execute(
        select(cycle_table.c.id).where(
            cycle_table.c.programme == cycle.programme, cycle_table.c.period == cycle.period
        )
    ).scalar()
    if there is not None:
        return 0
    connection.execute(
        cycle_table.insert().values(
            programme=cycle.programme,
            period=cycle.period,
            rule_version_id=rule_id,
            opened_on=cycle.as_of,
            due_on=days.due.date,
            evaluate_on=days.evaluate_on.date,
            due_provisional=days.due.provisional,
            calendar_version=days.due.calendar,
            known_at=cycle.known_at,
        )
    )
    return 1


def rules_of(connection: Connection, cycle: Cycle) -> store.Loaded:
    """Return the rules that govern a cycle: frozen if it was opened, else (recalculating) the file's.

    Raises UnknownError for a live cycle that was never opened.
    """
    sha256 = connection.execute(
        select(rule_version.c.sha256)
        .join(cycle_table, cycle_table.c.rule_version_id == rule_version.c.id)
        .where(cycle_table.c.programme == cycle.programme, cycle_table.c.period == cycle.period)
    ).scalar()
    if sha256 is not None:
        return store.frozen(sha256)
    if cycle.mode is Mode.LIVE:
        raise UnknownError(f"“{cycle.programme}”{cycle.period} 年度尚未开启，不能办理；请先开启该年度")
    return store.governing(cycle.programme, cycle.year)


def evaluated_on(programme: str, year: int) -> dt.date:
    """Return a period's evaluation day: as fixed when it was opened, else as its rules reckon it.

    Raises UnknownError for a year before the first rules (naming their day); RefusedError for one before the
    first period that they name.
    """
    with reading() as connection:
        fixed = connection.execute(
            select(cycle_table.c.evaluate_on).where(
                cycle_table.c.programme == programme, cycle_table.c.period == str(year)
            )
        ).scalar()
    if fixed is not None:
        return fixed
    try:
        rules = store.governing(programme, year).rules
    except UnknownError as error:
        raise UnknownError(f"不办理 {year} 年度：{error.message}") from None
    check_period(rules, year)
    return cycle_days(rules.cycle, year).evaluate_on.date


def check_period(rules: RuleVersion, year: int) -> None:
    """Refuse a year before the first period that the rules name, and one with which no period ends."""
    first, length = rules.cycle.first_period, rules.cycle.length
    if year < first:
        raise RefusedError(f"{rules.title}自 {first} 年度起开展，不办理 {year} 年度")
    if not rules.cycle.has(year):
        before = year - (year - first) % length
        raise RefusedError(
            f"{rules.title}每 {length} 年一次，不办理 {year} 年度；其前后为 {before}、{before + length} 年度"
        )


def opened(programme: str, period: str) -> bool:
    """Tell whether a cycle is open."""
    with reading() as connection:
        return (
            connection.execute(
                select(cycle_table.c.id).where(
                    cycle_table.c.programme == programme, cycle_table.c.period == period
                )
            ).scalar()
            is not None
        )
