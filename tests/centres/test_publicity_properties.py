"""No path of days and objections leads to a recognition too early, or against an objection."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from announced_list import CENTRE, CONTACT, Listed, at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.calendars.working_days import is_working_day
from ipgov.core import tables
from ipgov.core.database import transaction
from ipgov.core.errors import RefusedError
from ipgov.decisions import publicities
from ipgov.procedures import objections, publicity
from ipgov.registry.titles import record_title_event
from sqlalchemy import select

FIRST = dt.date(2026, 9, 21)  # Mid-Autumn and National Day lie within most of the periods
NUMBERS = count(1)


@dataclass(frozen=True)
class Objection:
    """Received, recorded and answered so many days after the start; None: never answered."""

    received: int
    recorded: int
    answered: int | None
    upheld: bool


OBJECTIONS = st.builds(
    lambda received, late, answered, upheld: Objection(
        received, received + late, None if answered is None else received + late + answered, upheld
    ),
    st.integers(-2, 14), st.integers(0, 3), st.none() | st.integers(0, 8), st.booleans(),
)  # fmt: skip


@pytest.fixture
def listed(database: Path) -> Listed:
    made = Listed(())
    made.register()
    return made


def insert(connection: Any, table: Any, **values: Any) -> int:
    return int(connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one())


def announced(unit: str, start: dt.date) -> tuple[int, int]:
    """Put a body in publicity as the issue of a notice does; return the notice and an issued round."""
    one = Listed((unit,))
    one.register()
    known_at = at(start)
    with transaction() as connection:
        round_id = insert(
            connection, tables.review_round, programme=CENTRE, period="2026", number=next(NUMBERS),
            result_set_id=None, fingerprint=f"f{unit}", rating_list_sha256="0", rule_sha256="0",
            known_at=known_at,
        )  # fmt: skip
        insert(connection, tables.issue, round_id=round_id, fingerprint=f"f{unit}", known_at=known_at)
        document_id = insert(
            connection, tables.document, key=unit, kind="public_notice", programme=CENTRE, period="2026",
            recipient="public", title="公示", issued_on=start, round_id=round_id, data_sha256="0",
            template_sha256="0", renderer="0", known_at=known_at,
        )  # fmt: skip
        told = start
        for _ in range(5):
            told += dt.timedelta(1)
            while not is_working_day(told):
                told += dt.timedelta(1)
        notice = insert(
            connection, tables.publicity, programme=CENTRE, document_id=document_id, round_id=round_id,
            starts_on=start, last_on=told, runs={"working_days": 5}, calendar="0", known_at=known_at,
        )  # fmt: skip
        insert(
            connection, tables.publicity_unit, publicity_id=notice, unit=unit, name=unit, known_at=known_at
        )
        record_title_event(
            connection, CENTRE, unit, "publicised", start, "2024-1155#32", "试", known_at,
            by="issuer", round_id=round_id, document_id=document_id,
        )  # fmt: skip
    return notice, round_id


def answer(objection: int, unit: str, day: dt.date, round_id: int, *, upheld: bool) -> None:
    with transaction() as connection:
        document_id = connection.execute(select(tables.document.c.id).limit(1)).scalar_one()
        insert(
            connection, tables.objection_answer, objection_id=objection,
            outcome="upheld" if upheld else "rejected", reason="试", answered_by="试", answered_on=day,
            round_id=round_id, document_id=document_id, known_at=at(day),
        )  # fmt: skip
        if upheld:
            record_title_event(
                connection, CENTRE, unit, "objection_upheld", day, "2024-1155#33", "试", at(day),
                by="issuer", round_id=round_id,
            )  # fmt: skip


def recognise(unit: str, day: dt.date, round_id: int) -> bool:
    """Try to confer the title, past everything that asks before; return whether it was possible."""
    try:
        with transaction() as connection:
            record_title_event(
                connection, CENTRE, unit, "recognised", day, "2024-1155#33", "试", at(day),
                by="issuer", round_id=round_id,
            )  # fmt: skip
    except RefusedError:
        return False
    return True


def last_day(start: dt.date) -> dt.date:
    """Count the days as the clause says it: the first is not one of them, and only worked days count."""
    worked = [d for n in range(1, 40) if is_working_day(d := start + dt.timedelta(n))]
    return worked[4]


@pytest.mark.clause("2024-1155#32", "2024-1155#33")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, 12),
    objected=st.lists(OBJECTIONS, max_size=3),
    runs=st.sets(st.integers(0, 22)),
    tries=st.sets(st.integers(0, 24), min_size=3),
)
def test_nobody_is_recognised_before_the_end_or_against_an_objection(
    listed: Listed, start: int, objected: list[Objection], runs: set[int], tries: set[int]
) -> None:
    unit = f"IC{next(NUMBERS) + 100}"
    begin = FIRST + dt.timedelta(start)
    notice, round_id = announced(unit, begin)
    last = last_day(begin)
    given_number: dict[Objection, int] = {}
    recognised, upheld, expired = False, False, False
    for n in range(25):
        day = begin + dt.timedelta(n)
        for o in set(objected):
            if o.recorded == n:
                received = begin + dt.timedelta(o.received)
                taken = objections.record(
                    notice, unit, f"不实{o}", "某人", CONTACT, received, "经办", (), day, at(day)
                ).output
                in_time = begin <= received <= last
                assert (taken["objection"] is not None) == (in_time and not recognised)
                if taken["objection"] is not None:
                    given_number[o] = int(taken["objection"])
        for o, number in list(given_number.items()):
            if o.answered == n and (not o.upheld or not upheld):
                answer(number, unit, day, round_id, upheld=o.upheld)
                upheld |= o.upheld
                del given_number[o]
        if n in runs:
            publicity.advance(day, at(day))
            publicity.advance(day, at(day))
            expired |= (day > last and not (upheld and not expired)) or expired
        if n in tries:
            possible = recognise(unit, day, round_id)
            assert not possible or (day > last and not given_number and not upheld)
            assert possible == (expired and not given_number and not upheld and not recognised)
            recognised |= possible
    with transaction() as connection:
        assert publicities.get(connection, notice, at(begin)).on(last).over_on is None
