"""The comprehensive evaluation of a cohort: what it needs, what it is made of, what its grades do."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluated_cohort import PERIOD, TITLE, Cohort, supply_calendar
from ipgov.core.database import reading
from sqlalchemy import text


@pytest.fixture
def cohort(database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Cohort:
    from ipgov.core.settings import settings
    from ipgov.policy import holidays

    folder = tmp_path_factory.mktemp("days") / "calendars"
    supply_calendar(folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))
    settings.cache_clear()
    holidays.calendars.cache_clear()
    made = Cohort(database / "objects")
    made.register()
    yield made
    holidays.calendars.cache_clear()


def rows(statement: str, **given) -> list[dict]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


@pytest.mark.clause("2024-1155#41", "2024-1155#42")
def test_a_cohort_is_graded_on_three_years_and_every_number_leads_to_its_cells(
    cohort: Cohort,
) -> None:
    from ipgov.procedures import explanations

    cohort.collect()
    round_ = cohort.evaluate()
    grades = {r["unit"]: r["grade"] for r in rows("SELECT unit, grade FROM result")}
    assert grades == {"IC01": "优秀", "IC02": "合格", "IC03": "合格", "IC04": "不合格"}
    years = rows("SELECT period, state FROM snapshot_year WHERE unit = 'IC01' ORDER BY period")
    assert [(y["period"], y["state"]) for y in years] == [(str(y), "accepted") for y in (2025, 2026, 2027)]
    explained = explanations.explain(TITLE, str(PERIOD), "IC01").text()
    assert "各年平均：2025 年度 2000，2026 年度 2000，2027 年度 2000 → 2000.00万元" in explained
    for year in (2025, 2026, 2027):
        assert f"IC01-{year}-" in explained
        assert f"{year} 年度自评" in explained
    assert round_["round_id"]
