"""What every step of a case shares: its own transaction, done once, and who may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import reading
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.decisions.officers import officer, role_label
from ipgov.decisions.recusal import registered_conflicts
from ipgov.followup import cases
from ipgov.followup.cases import Case


def check_person(connection: Connection, case: Case, login: str, role: str, known_at: dt.datetime) -> None:
    """Refuse whoever has not the role or belongs to the body's own organisations."""
    check_officer(connection, case.programme, case.unit, login, role, known_at)


def check_officer(
    connection: Connection, programme: str, unit: str, login: str, role: str, known_at: dt.datetime
) -> None:
    """Refuse the same about a body of which there is no case yet."""
    person = officer(connection, login, known_at)
    if not person.active or role not in person.roles:
        raise RefusedError(f"“{login}”不能办理；应为在岗的{role_label(role)}人员")
    own = registered_conflicts(connection, programme, [unit], person, known_at)
    if own:
        bodies = "、".join(map(str, own))
        raise RefusedError(f"{person.name}的所属单位（{person.organisation_code}）是{bodies}，应当回避")


def moment(case: Case, day: dt.date, known_at: dt.datetime) -> Cycle:
    """Return the cycle under which a case's steps stand."""
    return Cycle(case.programme, case.round_period, day, known_at)


def case_step(
    case_id: int,
    step: str,
    inputs: Sequence[Any],
    day: dt.date,
    known_at: dt.datetime,
    work: Callable[[Connection, Case], StepResult],
) -> StepResult:
    """Do one step of a case in its own transaction.

    A step is the same again while nothing has been returned in between: after a return the same judgement may
    be made anew.
    """
    with reading() as connection:
        case = cases.get(connection, case_id, known_at)
        returned = sum(e.event == "return" for e in cases.events(connection, case_id))

    def done(connection: Connection) -> StepResult:
        return work(connection, cases.get(connection, case_id, known_at))

    key = fingerprint([case_id, returned, day if step != "case_notify" else None, *inputs])
    return run_step(moment(case, day, known_at), step, key, done)
