"""Extensions of the due day: a recorded decision of who, why, until when."""

from __future__ import annotations

import datetime as dt

from ipgov.core.database import lock, transaction
from ipgov.core.steps import SHANGHAI, Cycle
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
) -> bool:
    """Grant a body more time in an opened cycle; return False where it has time until that day already.

    Raises UnknownError for a period that is not open or an unknown body, RefusedError without person or
    reason.
    """
    day = known_at.astimezone(SHANGHAI).date()
    with transaction() as connection:
        lock(connection, "extension", programme, period, unit)
        rules_of(connection, Cycle(programme, period, day, known_at))
        registered_unit(connection, programme, unit, day, known_at)
        if submissions.extension_until(connection, programme, period, unit, known_at) == until:
            return False
        submissions.grant_extension(connection, programme, period, unit, until, granted_by, reason, known_at)
        return True
