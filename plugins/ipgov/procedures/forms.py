"""Blank forms for whoever asks, and a check of filled ones that leaves no trace."""

from __future__ import annotations

import datetime as dt

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import Problem, UnknownError
from ipgov.core.steps import Cycle, Mode
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.intake import forms
from ipgov.intake import reading as reader
from ipgov.procedures.cycles import rules_of
from ipgov.registry.platforms import roster
from ipgov.registry.platforms import unit as registered_unit


def blank(
    programme: str, period: str, unit: str | None, as_of: dt.date, known_at: dt.datetime
) -> dict[str, bytes]:
    """Return the blank workbooks of one body or of all, by file name."""
    cycle = _cycle(programme, period, as_of, known_at)
    with reading() as connection:
        loaded = rules_of(connection, cycle)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        units = (
            [registered_unit(connection, programme, unit, as_of, known_at)]
            if unit
            else roster(connection, programme, as_of, known_at)
        )
    return {
        f"{u.unit}-{period}-报送表.xlsx": forms.blank(loaded.rules, loaded.sha256, period, u, banner=banner)
        for u in units
    }


def check(name: str, data: bytes, as_of: dt.date, known_at: dt.datetime) -> tuple[Problem, ...]:
    """Return every problem of a filled workbook, taken as sent by the body that its identity sheet names."""
    identity, problems = reader.identify(data, name)
    if identity is None:
        return problems
    cycle = _cycle(identity["programme"], identity["period"], as_of, known_at)
    with reading() as connection:
        loaded = rules_of(connection, cycle)
        sender = registered_unit(connection, cycle.programme, identity["unit"], as_of, known_at)
    expected = reader.Expected(programme=cycle.programme, period=cycle.period, unit=sender)
    return tuple(reader.read_submission(data, name, expected, loaded).problems)


def _cycle(programme: str, period: str, as_of: dt.date, known_at: dt.datetime) -> Cycle:
    if not (period.isascii() and period.isdigit() and len(period) == 4):
        raise UnknownError(f"年度“{period}”无效，应为四位年份，如 2025")
    return Cycle(programme, period, as_of, known_at, Mode.WHAT_IF)
