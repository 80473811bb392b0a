"""Applicants enter the registry, and what happens to their applications is recorded once, in their lives."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from applying_centres import PERIOD, PROGRAMME, Applicants, at, name_of
from ipgov.core.errors import GovernanceError
from ipgov.core.steps import Cycle, Mode

FIRST = dt.date(2025, 4, 21)


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


@pytest.mark.clause("2024-1155#28", "2024-1155#30")
def test_returned_to_be_completed_applied_again_and_recommended_all_in_a_day(centres: Applicants) -> None:
    from ipgov.procedures import applications

    centres.apply("IC01", FIRST)
    centres.audit("31", {"IC01": ("退回补正", None)}, FIRST)
    assert centres.states(FIRST)["IC01"] == "candidate"
    key = f"inbox/{PROGRAMME}/{PERIOD}/31/IC01/补正.xlsx"
    assert centres.put(key, centres.application("IC01", A13=50), FIRST)[key] == "accepted"
    assert centres.states(FIRST)["IC01"] == "candidate"  # of one day one application is recorded
    later = FIRST + dt.timedelta(days=2)
    centres.audit("31", {"IC01": ("推荐", 1)}, later)
    assert events(centres, "IC01") == [
        ("applied", FIRST), ("returned", FIRST), ("applied", later), ("recommended", later),
    ]  # fmt: skip
    before = centres.rows("SELECT count(*) AS n FROM title_event")
    assert applications.catch_up(centres.cycle(later)).output == {"events": [], "applicants": 1}
    assert centres.rows("SELECT count(*) AS n FROM title_event") == before


@pytest.mark.clause("2024-1155#29")
def test_a_direct_application_opens_the_duty_to_file_and_counts_once_it_is_filed(centres: Applicants) -> None:
    from ipgov.procedures import applications

    centres.apply("IC04", FIRST)
    centres.apply("IC04", FIRST + dt.timedelta(days=1), A13=41)
    assert centres.rows("SELECT party, kind, subject FROM occurrence") == [
        {"party": "IC04", "kind": "centre_applied_directly", "subject": PERIOD}
    ]
    assert centres.states(FIRST)["IC04"] == "applied_directly"
    filed = dt.date(2025, 4, 28)
    centres.file("IC04", filed)
    (duty,) = centres.rows("SELECT period, owed_to FROM obligation WHERE duty = 'centre_application_filing'")
    assert duty == {"period": PERIOD, "owed_to": "11"}
    applications.catch_up(centres.cycle(filed))
    assert events(centres, "IC04") == [("applied_directly", FIRST), ("filed", filed)]


def test_what_comes_late_or_is_recalculated_records_nothing(centres: Applicants) -> None:
    from ipgov.procedures import applications

    late = dt.date(2025, 5, 6)
    assert centres.apply("IC01", late) == "accepted"
    assert events(centres, "IC01") == []
    centres.apply("IC02", FIRST)
    known = centres.rows("SELECT count(*) AS n FROM title_event")
    done = applications.catch_up(centres.cycle(late, Mode.RECALCULATE))
    assert done.output == {"events": [], "applicants": 2}
    assert centres.rows("SELECT count(*) AS n FROM title_event") == known


@pytest.mark.parametrize(
    ("year", "told"), [(2024, "自 2025 年度起开展"), (2023, "尚无“industry_centre_recognition”的有效规则")]
)
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RECALCULATE])
def test_before_2025_there_is_no_round(database: Path, year: int, told: str, mode: Mode) -> None:
    from ipgov.procedures import cycles

    day = dt.date(2025, 6, 30)
    with pytest.raises(GovernanceError, match=told):
        cycles.open_cycle(Cycle(PROGRAMME, str(year), day, at(day), mode))


def test_candidates_by_command(
    database: Path, passwords: Path, ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    from ipgov.simulation.nation import fictitious_code

    given = [
        *("candidate", "add", PROGRAMME, "IC01", "--kind", "it", "--province", "31", "--by", "operator1"),
        *("--host", fictitious_code("31", 611), "--host-name", "虚构建设主体", "--as-of", "2025-03-01"),
    ]
    code, out, _ = ipgov(*given, "--name", name_of("智能网联产业"))
    assert (code, out.strip()) == (0, f"IC01 {name_of('智能网联产业')}已登记")
    code, out, _ = ipgov(*given, "--name", name_of("智能网联产业"))
    assert out.strip().endswith("没有变化")
    code, _, err = ipgov(*given, "--name", "上海市知识产权中心")
    assert code == 2
    assert "国家级＋所属产业＋知识产权运营中心（2024-1155#27）" in err
    code, _, err = ipgov(*given, "--name", name_of("智能网联产业"), "--direct")
    assert "不是中央企业，不能直接申报" in err
    code, out, _ = ipgov("candidate", "list", PROGRAMME, "--json", "--as-of", "2025-03-02")
    (row,) = json.loads(out)
    assert (row["unit"], row["state"], row["host"]) == ("IC01", "待申报", "虚构建设主体")
    code, out, _ = ipgov("candidate", "approved", PROGRAMME, PERIOD, "--as-of", "2025-03-02")
    assert (code, out.strip()) == (0, "2025 年度尚无已签发的名单")
    code, _, err = ipgov("gates", "status", "functional_platform", "2024", "--as-of", "2025-03-02")
    assert code == 2
    assert err.strip()
