"""A comprehensive evaluation corrected after its issue: the grade, the title's life and the rectification."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import EVALUATION, PERIOD, TITLE, Cohort, at, scaled, supply_calendar
from ipgov.core.database import reading
from sqlalchemy import text

BEFORE, LATER = {"E09": 1}, dt.date(2028, 6, 1)


@pytest.fixture
def cohort(database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Cohort:
    from ipgov.core.settings import settings
    from ipgov.policy import holidays

    folder = tmp_path_factory.mktemp("days") / "calendars"
    supply_calendar(folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))
    settings.cache_clear()
    holidays.calendars.cache_clear()
    # told of a sub-centre by mistake: vetoed, and so under rectification
    mistaken = {"IC02": {**scaled(EVALUATION, 0.7), **BEFORE}}
    made = Cohort(database / "objects", own=mistaken)
    made.collect()
    yield made
    holidays.calendars.cache_clear()


def rows(statement: str, **given: Any) -> list[dict[str, Any]]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


def states(day: dt.date) -> dict[str, str]:
    from ipgov.registry.titles import standings

    with reading() as connection:
        return {u: s.code for u, s in standings(connection, TITLE, day, at(day)).items()}


def follow(day: dt.date, since: dt.date | None = None) -> None:
    from ipgov.procedures import case_opening, follow_up, follow_up_papers

    follow_up.advance(day, at(day), since)
    case_opening.open_cases(day, at(day))
    follow_up_papers.write(day, at(day))


def correct(cohort: Cohort, **changed: dict[str, Any]) -> Any:
    """Send corrected workbooks under an extension, and have the correction approved and issued."""
    from ipgov.procedures import correction, extensions

    for unit, values in changed.items():
        extensions.grant(TITLE, str(PERIOD), unit, LATER, "某司", "填报有误，准予更正", at(LATER, 8))
        cohort.send(TITLE, PERIOD, unit, values, LATER)
    cohort.receive(LATER)
    prepared = correction.prepare(TITLE, str(PERIOD), at(LATER), "reviewer1", "报送有误")
    assert set(prepared.changed) >= set(changed)
    return cohort.approve({"round_id": prepared.round_id, "fingerprint": prepared.fingerprint}, LATER)


@pytest.mark.clause("2024-1155#42", "2024-1155#44")
def test_a_corrected_grade_ends_one_rectification_and_opens_another(cohort: Cohort) -> None:
    round_ = cohort.evaluate()
    day = cohort.cycle().as_of
    cohort.approve(round_, day)
    grades = {r["unit"]: r["grade"] for r in rows("SELECT unit, grade FROM result")}
    assert (grades["IC01"], grades["IC02"], grades["IC03"]) == ("优秀", "不合格", "合格")
    follow(day + dt.timedelta(days=1), day)
    assert states(day)["IC02"] == "under_rectification"
    (case,) = [r for r in rows("SELECT * FROM obligation WHERE duty = 'centre_rectification'")
               if r["unit"] == "IC02"]  # fmt: skip

    right = scaled(EVALUATION, 0.7)
    done = correct(cohort, IC02=right, IC03={**scaled(EVALUATION, 0.65), **BEFORE})
    assert [e for e in done.output["title_events"] if e.startswith(("IC02", "IC03"))] == [
        "IC02:rating_corrected", "IC02:rated_qualified", "IC03:rated_unqualified",
    ]  # fmt: skip
    now = states(LATER)
    assert (now["IC02"], now["IC03"], now["IC04"]) == (
        "recognised", "under_rectification", "under_rectification",
    )  # fmt: skip
    assert states(LATER - dt.timedelta(days=1))["IC02"] == "under_rectification"  # as it stood then
    events = {
        (r["unit"], r["event"]): r for r in rows("SELECT * FROM title_event WHERE effective_on = :d", d=LATER)
    }
    assert {r["round_id"] for r in events.values()} == {
        r["id"] for r in rows("SELECT max(id) AS id FROM review_round")
    }
    assert events["IC02", "rating_corrected"]["basis"] == "operator"  # no document speaks of corrections
    assert events["IC03", "rated_unqualified"]["basis"] == "2024-1155#42、2024-1155#44"
    letters = {
        r["unit"]: r for r in rows("SELECT * FROM document WHERE corrects IS NOT NULL AND unit IS NOT NULL")
    }
    assert {"IC02", "IC03"} <= set(letters)
    assert events["IC02", "rating_corrected"]["document_id"] == letters["IC02"]["id"]

    # the case of the one is withdrawn, that of the other opens, and nobody is reminded of what is not owed
    on = LATER + dt.timedelta(days=1)
    follow(on)
    from ipgov.followup import cases
    from ipgov.procedures import follow_up

    with reading() as connection:
        withdrawn = cases.get(connection, case["id"], at(on))
        assert cases.standing(connection, withdrawn).state.value == "withdrawn"
    owed = {(o.duty, o.unit): o.state for o in follow_up.listed(on, at(on), programme=TITLE)}
    assert owed["centre_rectification", "IC02"] == "withdrawn"
    assert owed["centre_rectification_plan", "IC02"] == "withdrawn"
    assert owed["centre_rectification", "IC03"] == "open"
    assert owed["centre_rectification", "IC04"] == "open"
    written = rows("SELECT count(*) AS n FROM document WHERE unit = 'IC02'")
    for later in (dt.date(2028, 8, 1), dt.date(2028, 11, 1), dt.date(2029, 1, 5)):
        follow(later)
    assert rows("SELECT count(*) AS n FROM document WHERE unit = 'IC02'") == written
    notice = rows("SELECT kind FROM document WHERE unit = 'IC03' AND kind LIKE 'centre_rect%'")
    assert notice == [{"kind": "centre_rectification_notice"}]


def test_a_correction_that_leaves_the_grade_does_nothing_to_the_title(cohort: Cohort) -> None:
    round_ = cohort.evaluate()
    day = cohort.cycle().as_of
    cohort.approve(round_, day)
    done = correct(cohort, IC03={**scaled(EVALUATION, 0.65), "E02": 10})
    assert not [e for e in done.output["title_events"] if e.startswith("IC03")]
    assert [
        r["event"] for r in rows("SELECT event FROM title_event WHERE unit = 'IC03' AND event LIKE 'rat%'")
    ] == ["rated_qualified"]
