"""Article 10 against a centre that is under rectification: the title ends, and the rectification with it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import TITLE, Cohort, at, supply_calendar
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError
from ipgov.procedures.case_evidence import Sent
from sqlalchemy import text

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n9\n%%EOF\n"


@pytest.fixture
def cohort(database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Cohort:
    from ipgov.core.settings import settings
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.policy import holidays

    folder = tmp_path_factory.mktemp("days") / "calendars"
    supply_calendar(folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))
    settings.cache_clear()
    holidays.calendars.cache_clear()
    made = Cohort(database / "objects")
    made.collect()
    with transaction() as connection:
        officer = Officer("operator1", "operator1", ("operator",), None, True)
        register_officer(connection, officer, at(dt.date(2025, 1, 2)))
    yield made
    holidays.calendars.cache_clear()


def rows(statement: str, **given: Any) -> list[dict[str, Any]]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


def follow(day: dt.date, since: dt.date | None = None) -> None:
    """What the daily flow does."""
    from ipgov.procedures import case_opening, follow_up, follow_up_papers

    follow_up.advance(day, at(day), since)
    case_opening.open_cases(day, at(day))
    follow_up_papers.write(day, at(day))


def case_of(duty: str) -> int:
    (row,) = rows(
        "SELECT o.id FROM rectification_case c JOIN obligation o ON o.id = c.obligation_id"
        " WHERE o.unit = 'IC04' AND o.duty = :d",
        d=duty,
    )
    return int(row["id"])


def case_state(case_id: int, day: dt.date) -> str:
    from ipgov.followup import cases

    with reading() as connection:
        return cases.standing(connection, cases.get(connection, case_id, at(day))).state.value


def held(day: dt.date) -> tuple[str, bool]:
    from ipgov.registry.titles import standing

    with reading() as connection:
        now = standing(connection, TITLE, "IC04", day, at(day))
    return now.code, now.titled


@pytest.mark.clause("2024-1155#44", "2024-1155#46")
def test_a_centre_revoked_while_it_rectifies_owes_no_rectification_any_more(cohort: Cohort) -> None:
    from ipgov.procedures import case_opening, findings, follow_up, inquiries, rectification

    day = cohort.cycle().as_of
    cohort.approve(cohort.evaluate(), day)
    on = day + dt.timedelta(days=1)
    follow(on, day)
    rectifying = case_of("centre_rectification")
    plan = [Sent("方案.pdf", PDF)]
    rectification.plan(rectifying, "虚构中心", "方案", plan, on, at(on))

    found = on + dt.timedelta(days=20)
    proof = [Sent("处罚决定.pdf", PDF.replace(b"%%EOF", b"% 1\n%%EOF"))]
    findings.find(TITLE, "IC04", "false_data", "虚报", "数据与合同不符", proof, "operator1", found, at(found))
    told = found + dt.timedelta(days=1)
    follow(told)
    inquiry = case_of("centre_misconduct")
    if case_state(inquiry, told) == "opened":
        case_opening.notify(inquiry, told, at(told))
    later = found + dt.timedelta(days=25)
    follow(later)
    inquiries.judge(
        inquiry, "establish", ["judged", "result_obtained"], "reviewer1", "属实", later, at(later)
    )
    proposed = rectification.propose(inquiry, "reviewer1", "请批", later, at(later)).output
    assert held(later) == ("under_rectification", True)  # until the issue
    done = cohort.approve(proposed, later)
    assert done.output["title_events"] == ["IC04:revoked"]
    assert held(later) == ("cancelled", False)
    (ended,) = rows("SELECT * FROM title_event WHERE unit = 'IC04' AND event = 'revoked'")
    assert ended["basis"] == "2024-1155#46"

    # the day after, the rectification is no longer owed, and its case has ended
    after = later + dt.timedelta(days=1)
    follow(after)
    owed = {o.duty: o.state for o in follow_up.listed(after, at(after), programme=TITLE) if o.unit == "IC04"}
    assert owed["centre_rectification"] == "withdrawn"
    assert set(owed.values()) <= {"withdrawn", "met"}
    assert case_state(rectifying, after) == "withdrawn"
    with pytest.raises(RefusedError):
        rectification.progress(rectifying, "虚构中心", "进展", [], after, at(after))

    # and nobody hears of it again, over every reminder that would have been due
    written = rows("SELECT count(*) AS n FROM document WHERE unit = 'IC04' OR recipient = 'IC04'")
    for many in range(20, 260, 30):
        follow(after + dt.timedelta(days=many))
    assert rows("SELECT count(*) AS n FROM document WHERE unit = 'IC04' OR recipient = 'IC04'") == written
    days = [day + dt.timedelta(days=n) for n in range(-1, (after - day).days + 1)]
    want = ["recognised" if d < day else "under_rectification" if d < later else "cancelled" for d in days]
    assert [held(d)[0] for d in days] == want
