"""Applications made again: after a recommendation, and in a later round by who was not recognised."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import applying_centres
import pytest
from applying_centres import PROGRAMME, SENT, Applicants, at
from ipgov.core.steps import Cycle

FIRST = dt.date(2025, 4, 21)
SECOND, ANSWERED = FIRST + dt.timedelta(days=2), FIRST + dt.timedelta(days=4)


@pytest.fixture
def centres(database: Path) -> Applicants:
    made = Applicants(database / "objects")
    made.register()
    made.open()
    return made


def events(centres: Applicants, unit: str) -> list[tuple[str, dt.date]]:
    rows = centres.rows(
        "SELECT event, effective_on FROM title_event WHERE unit = :u ORDER BY effective_on, id", u=unit
    )
    return [(r["event"], r["effective_on"]) for r in rows]


@pytest.mark.clause("2024-1155#30")
def test_a_better_application_after_the_recommendation_needs_it_anew(centres: Applicants) -> None:
    centres.apply("IC01", FIRST)
    centres.apply("IC02", FIRST)
    centres.audit("31", {"IC01": ("推荐", 1), "IC02": ("推荐", 2)}, FIRST + dt.timedelta(days=1))
    assert centres.apply("IC01", SECOND, A13=60) == "accepted"
    assert centres.apply("IC02", SECOND, A13=60) == "accepted"
    assert centres.states(SECOND)["IC01"] == "recommended"  # the same candidature, not another
    back = centres.audit("31", {"IC01": ("推荐", 1), "IC02": ("退回补正", None)}, ANSWERED)
    assert (back["outcome"], back["problems"]) == ("accepted", [])
    now = centres.states(ANSWERED)
    assert (now["IC01"], now["IC02"]) == ("recommended", "candidate")
    assert [e for e, _ in events(centres, "IC02")] == ["applied", "recommended", "returned"]
    # and put right once more, it is recommended once more
    third = ANSWERED + dt.timedelta(days=1)
    assert centres.apply("IC02", third, A13=61) == "accepted"
    centres.audit("31", {"IC02": ("推荐", 2)}, third + dt.timedelta(days=2))
    assert centres.states(third + dt.timedelta(days=2))["IC02"] == "recommended"


@pytest.mark.clause("2024-1155#28", "2024-1155#31")
def test_who_was_not_recognised_applies_in_the_next_round(
    centres: Applicants, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.procedures import cycles

    for unit in ("IC01", "IC03", "IC05"):
        assert centres.apply(unit) == "accepted"
    centres.audit("31", {"IC01": ("推荐", 1), "IC03": ("推荐", 2)})
    centres.form_panel()
    centres.score()
    centres.judge()
    centres.approve(centres.evaluate())
    day = centres.days.evaluate_on.date
    assert centres.states(day)["IC03"] == centres.states(day)["IC05"] == "not_recognised"
    told = events(centres, "IC05")[-1]
    assert told[0] == "not_passed"  # it never filed with its province

    monkeypatch.setattr(applying_centres, "PERIOD", "2026")
    opens = dt.date(2026, 3, 2)
    opened = cycles.open_cycle(Cycle(PROGRAMME, "2026", opens, at(opens))).output["forms"]
    assert any("/IC03/" in key for key in opened)
    again = SENT.replace(year=2026)
    assert centres.apply("IC03", again, A12=25, A18=again) == "accepted"
    assert centres.apply("IC05", again, A18=again) == "accepted"
    now = centres.states(again)
    assert (now["IC03"], now["IC05"], now["IC01"]) == ("applied", "applied_directly", "listed")
    assert centres.states(again - dt.timedelta(days=1))["IC03"] == "not_recognised"
    (filing,) = centres.rows("SELECT subject FROM occurrence WHERE party = 'IC05' AND subject = '2026'")
    assert filing["subject"] == "2026"
