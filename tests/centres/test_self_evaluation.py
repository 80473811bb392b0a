"""A year's self-evaluation: files, the province's audit, an assessment without grades or sanction."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import YEARLY
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import Mode
from self_evaluating_centres import AUDIT, OPINION, Centres
from sqlalchemy import text

SENT, AUDITED = dt.date(2025, 12, 15), dt.date(2025, 12, 30)


@pytest.fixture
def centres(database: Path) -> Centres:
    made = Centres(database / "objects")
    made.register()
    made.open(YEARLY, made.year)
    return made


def rows(statement: str, **given: Any) -> list[dict[str, Any]]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


@pytest.mark.clause("2024-1155#38", "2024-1155#40")
def test_only_what_the_province_forwarded_in_time_is_assessed_and_nobody_is_graded(centres: Centres) -> None:
    for unit in ("IC01", "IC02", "IC03", "IC05"):
        centres.send_year(unit, SENT)
    assert centres.send_audits(SENT) == {"11": ["IC01", "IC02"], "44": ["IC03"]}
    assert centres.send_audits(SENT) == {}  # nothing has changed
    first = centres.answer("11", AUDITED, {"IC01": (AUDIT, OPINION), "IC02": ("退回修改", "请补充清单")})
    assert (first["outcome"], first["problems"], first["late"]) == ("accepted", [], False)
    round_ = centres.evaluate_year()
    states = {r["unit"]: r["state"] for r in rows("SELECT unit, state FROM snapshot_unit")}
    assert states == {
        "IC01": "accepted",
        "IC02": "returned_by_province",
        "IC03": "not_forwarded",
        "IC04": "missing",
        "IC05": "accepted",
    }
    results = {r["unit"]: r for r in rows("SELECT * FROM result")}
    assert {r["grade"] for r in results.values()} == {None}
    assert {r["passed"] for r in results.values()} == {None}
    assert {u for u, r in results.items() if r["total"] is not None} == {"IC01", "IC05"}
    day = centres.days(YEARLY, 2025).evaluate_on.date
    centres.approve(round_, day)
    sent = rows("SELECT kind, recipient FROM document WHERE round_id IS NOT NULL ORDER BY kind, recipient")
    assert [(r["kind"], r["recipient"]) for r in sent] == [
        ("result_to_province", "11"),
        ("result_to_province", "44"),
        ("result_to_unit", "IC01"),
        ("result_to_unit", "IC05"),
    ]
    assert not rows("SELECT * FROM title_event WHERE event <> 'recognised'")


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RECALCULATE])
def test_before_2025_there_is_nothing_to_evaluate(database: Path, year: int, mode: Mode) -> None:
    from ipgov.core.steps import Cycle
    from ipgov.procedures import cycles

    centres = Centres(database / "objects")
    day = dt.date(2025, 6, 30)
    told = "自 2025 年度起" if year == 2024 else "尚无“industry_centre_self_evaluation”的有效规则"
    with pytest.raises((RefusedError, UnknownError), match=told):
        cycles.open_cycle(Cycle(YEARLY, str(year), day, centres.of_day(day).known_at, mode))
    with pytest.raises((RefusedError, UnknownError), match=told):
        cycles.evaluated_on(YEARLY, year)
