"""Extensions of the due day: a recorded decision of who, why, until when."""

from __future__ import annotations

import datetime as dt

from ipgov.core.database import reading, transaction
from ipgov.core.steps import Cycle
from ipgov.intake import submissions
from ipgov.procedures.cycles import rules_of
from ipgov.registry.platforms import unit as registered_unit


def grant(
    programme: str,
    period: str,
    unit: str,
    until: dt.date,
    granted_by: str,
    reason: str,
    known_at: dt.datetime,
) -> None:
    """Grant a body more time in an opened cycle; UnknownError for a period not opened or an unknown body."""
    with transaction() as connection:
        cycle = Cycle(programme, period, known_at.date(), known_at)
        rules_of(connection, cycle)
        registered_unit(connection, programme, unit, known_at.date(), known_at)
        submissions.grant_extension(connection, programme, period, unit, until, granted_by, reason, known_at)


def grant_once(
    programme: str,
    period: str,
    unit: str,
    until: dt.date,
    granted_by: str,
    reason: str,
    known_at: dt.datetime,
) -> None:
    """Grant an extension unless the body already has one until that day or later."""
    with reading() as connection:
        there = submissions.extension_until(connection, programme, period, unit, known_at)
    if there is None or there < until:
        grant(programme, period, unit, until, granted_by, reason, known_at)
