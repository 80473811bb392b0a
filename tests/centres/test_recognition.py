"""A round of recognition, from the first application to the list that was approved."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from applying_centres import (
    APPLICANTS,
    PERIOD,
    PROGRAMME,
    SCORED,
    SENT,
    Applicants,
    at,
    name_of,
)
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError
from ipgov.simulation.centre_workbooks import scored


@pytest.fixture
def centres(database: Path) -> Applicants:
    made = Applicants(database / "objects")
    made.register()
    return made


@pytest.mark.clause(
    "2024-1155#03", "2024-1155#15", "2024-1155#16", "2024-1155#17", "2024-1155#18", "2024-1155#19",
    "2024-1155#20", "2024-1155#21", "2024-1155#22", "2024-1155#23", "2024-1155#24", "2024-1155#28",
    "2024-1155#29", "2024-1155#30", "2024-1155#31",
)  # fmt: skip
def test_a_round_from_applications_to_the_approved_list(centres: Applicants) -> None:
    centres.collect()
    assert centres.states(dt.date(2025, 5, 20)) == {
        "IC01": "recommended", "IC02": "recommended", "IC03": "recommended", "IC04": "applied_directly",
        "IC05": "applied_directly", "IC06": "candidate", "IC07": "recommended", "IC08": "recommended",
    }  # fmt: skip
    centres.review()
    round_ = centres.evaluate()
    assert round_["states"] == {"accepted": 6, "not_copied": 1, "returned_by_province": 1}
    assert round_["listed"] == ["IC01", "IC02", "IC04"]
    day = centres.days.evaluate_on.date
    assert centres.states(day)["IC04"] == "filed"

    proposed = {r["unit"]: r for r in centres.rows("SELECT * FROM recognition_proposal")}
    assert {u: p["place"] for u, p in proposed.items() if p["proposal"] == "list"} == {
        "IC01": 1, "IC02": 2, "IC04": 3,
    }  # fmt: skip
    assert "不少于 20 家：不符合（2024-1155#24）" in proposed["IC03"]["reason"]
    assert (proposed["IC05"]["proposal"], proposed["IC06"]["proposal"]) == ("absent", "absent")
    assert "没有申报材料报所在地省级知识产权管理部门备案的记录（2024-1155#29）" in proposed["IC05"]["reason"]
    assert "（不推荐：情况属实；2024-1155#30）" in proposed["IC06"]["reason"]
    assert "2024-1155#22" in proposed["IC07"]["reason"]
    assert "低于 60 分" in proposed["IC08"]["reason"]
    gates = {(r["unit"], r["gate"]): r for r in centres.rows("SELECT * FROM recognition_gate")}
    assert gates["IC01", "G21"]["met"]
    assert gates["IC02", "G21"]["met"]
    assert gates["IC04", "G24"]["met"]
    assert not gates["IC07", "G15"]["met"]  # soft: it alone bars nobody
    assert gates["IC07", "G22"]["judged_by"] == "reviewer1"
    assert "没有形成运行机制" in gates["IC07", "G22"]["found"]

    from ipgov.procedures import recognition_list

    with reading() as connection:
        assert recognition_list.approved(connection, PROGRAMME, PERIOD, at(day)) == []
        shown = recognition_list.overview(connection, round_["round_id"])
    assert [(r["unit"], r["proposed"]) for r in shown] == [
        ("IC01", "拟认定"), ("IC02", "拟认定"), ("IC04", "拟认定"),
        ("IC03", "不予认定"), ("IC07", "不予认定"), ("IC08", "不予认定"),
        ("IC05", "未进入评审"), ("IC06", "未进入评审"),
    ]  # fmt: skip
    centres.approve(round_)
    with reading() as connection:
        listed = recognition_list.approved(connection, PROGRAMME, PERIOD, at(day))
    assert [(b.unit, b.name, b.industry, b.province_name, b.place) for b in listed] == [
        ("IC01", name_of("智能网联产业"), "智能网联产业", "上海市", 1),
        ("IC02", name_of("新材料产业"), "新材料产业", "上海市", 2),
        ("IC04", name_of("新能源产业"), "新能源产业", "北京市", 3),
    ]
    assert listed[2].host == "虚构建设主体4"
    assert centres.states(day) == {
        "IC01": "listed", "IC02": "listed", "IC03": "not_recognised", "IC04": "listed",
        "IC05": "not_recognised", "IC06": "candidate", "IC07": "not_recognised", "IC08": "not_recognised",
    }  # fmt: skip
    assert not centres.rows("SELECT * FROM document WHERE round_id IS NOT NULL")
    with pytest.raises(RefusedError, match="名单已经签发"):
        centres.evaluate()
    from ipgov.procedures import correction

    with pytest.raises(RefusedError, match="拟认定名单不以更正办理"):
        correction.prepare(PROGRAMME, PERIOD, at(day), "reviewer1", "（试）")


def test_the_highest_and_the_lowest_score_are_dropped(centres: Applicants) -> None:
    centres.collect()
    centres.review()
    round_ = centres.evaluate()
    # IC02: 79 … 85 by seven experts; 80 to 84 count. IC01: E001 is of its host, six are left
    totals = {
        r["unit"]: r["total"]
        for r in centres.rows("SELECT * FROM result WHERE result_set_id = :r", r=round_["result_set_id"])
    }
    assert (totals["IC02"], totals["IC01"]) == (82, 90.5)


def test_every_step_again_changes_nothing(centres: Applicants) -> None:
    from ipgov.procedures import applications

    centres.collect()
    centres.review()
    first = centres.evaluate()
    events = centres.rows("SELECT count(*) AS n FROM title_event")
    again = centres.evaluate()
    assert (again["round_id"], again["list_id"]) == (first["round_id"], first["list_id"])
    assert centres.rows("SELECT count(*) AS n FROM title_event") == events
    assert applications.catch_up(centres.cycle(SCORED)).written == 0


def test_the_list_waits_until_every_condition_is_judged(centres: Applicants) -> None:
    from ipgov.procedures import gate_review

    centres.collect()
    centres.form_panel()
    centres.score()
    open_ = gate_review.open_points(centres.cycle(SCORED))
    assert len(open_) == 6 * 3
    assert "IC01" in open_[0]
    with pytest.raises(RefusedError, match="申报条件尚有 18 处未判断") as error:
        centres.evaluate()
    assert len(error.value.problems) == 18


@pytest.mark.clause("2024-1155#27")
@pytest.mark.parametrize(
    ("changed", "found", "expected"),
    [
        ({"A01": "上海市智能网联产业知识产权运营中心"}, "拟用名称", "国家级智能网联产业知识产权运营中心"),
        ({"A01": "国家级智能网联产业知识产权中心"}, "拟用名称", "国家级智能网联产业知识产权运营中心"),
        ({"A02": "新材料产业"}, "拟用名称", "国家级新材料产业知识产权运营中心"),
    ],
)
def test_a_wrong_name_goes_back_with_the_right_one(
    centres: Applicants, changed: dict[str, Any], found: str, expected: str
) -> None:
    centres.open()
    assert centres.apply("IC01", **changed) == "returned"
    (problem,) = centres.last("submission")["problems"]
    assert found in problem["found"]
    assert (problem["expected"], problem["cell"], problem["basis"]) == (expected, "D7", "2024-1155#27")
    assert centres.states(SENT)["IC01"] == "candidate"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "上海市智能网联产业知识产权运营中心"}, "不合规定"),
        ({"route": "direct"}, "不是中央企业，不能直接申报"),
        ({"kind": "none"}, "没有名为“none”的类别"),
        ({"code": "centre-1"}, "格式不符"),
    ],
)
def test_a_candidate_that_cannot_be_registered(database: Path, changed: dict[str, Any], told: str) -> None:
    from ipgov.core.errors import GovernanceError
    from ipgov.procedures import applications

    made = Applicants(database / "objects")
    with pytest.raises(GovernanceError, match=told):
        applications.register(PROGRAMME, made.candidate("IC01", **changed), "x", SENT, at(SENT))


def test_a_body_that_holds_the_title_can_neither_be_registered_nor_apply(centres: Applicants) -> None:
    from ipgov.core import tables
    from ipgov.core.database import transaction
    from ipgov.procedures import applications

    centres.open()
    with transaction() as connection:
        connection.execute(
            tables.title_event.insert().values(
                programme="industry_centre", unit="IC01", event="recognised",
                effective_on=dt.date(2025, 3, 10), basis="2024-1155#33", note="试",
                known_at=at(dt.date(2025, 3, 10)),
            )
        )  # fmt: skip
    with pytest.raises(RefusedError, match=r"已持有.*资格，不能再次申报"):
        applications.register(PROGRAMME, centres.candidate("IC01"), "x", SENT, at(SENT))
    assert centres.apply("IC01") == "unclaimed"
    assert "不能再次申报" in centres.last("unclaimed_object")["reason"]
    assert centres.apply("IC02") == "accepted"


def test_a_workbook_of_another_province_is_refused(centres: Applicants) -> None:
    from ipgov.core.objects import store

    centres.open()
    for unit in APPLICANTS:
        centres.apply(unit)
    answers = {u: ("推荐", n) for n, u in enumerate(("IC01", "IC02", "IC03"), 1)}
    assert centres.audit("31", answers)["outcome"] == "accepted"
    key = f"inbox/{PROGRAMME}/{PERIOD}/32/province/别省.xlsx"
    centres.put(key, centres.audit_workbook("31"), dt.date(2025, 5, 16))
    back = centres.last("province_audit_return")
    assert back["outcome"] == "refused"
    assert "另一省" in back["problems"][0]["found"]
    assert store().exists(key)


def test_an_expert_scores_neither_twice_nor_the_own_organisation(centres: Applicants) -> None:
    from ipgov.procedures import expert_scoring

    centres.collect()
    centres.form_panel()
    sheets = expert_scoring.sheets(centres.cycle(dt.date(2025, 5, 26)))
    name, data = next((n, d) for n, d in sheets.items() if "E001" in n)

    def receive(book: bytes) -> Any:
        return expert_scoring.receive([(name, book)], SCORED, at(SCORED), at(SCORED))[0]

    def of_own(book: Any) -> None:
        for page in book.worksheets[1:-1]:
            heads = {c.value: c.column for c in page[5]}
            for row in range(6, page.max_row):
                if page.cell(row, 2).value == "IC01":
                    page.cell(row, heads["得分"]).value = 100

    good = scored(data, lambda unit: 80)
    spoilt = receive(scored(data, lambda unit: 80, of_own))
    assert spoilt.outcome == "returned"
    assert {p.file for p in spoilt.problems} == {name}
    assert [(p.sheet[:3], p.found, p.expected) for p in spoilt.problems] == [
        (sheet, "锁定单元格现为100", "“回避”（下发时的内容）") for sheet in ("X01", "X02", "X03")
    ]
    assert centres.rows("SELECT 1 FROM expert_score") == []
    assert receive(good).outcome == "accepted"
    assert receive(good).outcome == "repeated"
    counted = centres.rows("SELECT count(*) AS n FROM expert_score")[0]["n"]
    again = receive(scored(data, lambda unit: 81))  # higher scores, after those that were taken
    assert again.outcome == "returned"
    (problem,) = again.problems
    assert problem.found == "专家 E001 的第 1 专家组第 1 轮评分表已于 2025-06-03 收存，不得再次评分"
    assert (problem.file, problem.expected.startswith("每轮只交一次")) == (name, True)
    from ipgov.procedures import scoring_state

    judged = scoring_state.status(centres.cycle(SCORED)).judged
    of_one = [r for j in judged for r in j.ratings if r.expert == "E001" and r.score is not None]
    assert len(of_one) == counted == 5 * 3
    assert {r.score for r in of_one} == {80}
    assert centres.rows("SELECT count(*) AS n FROM expert_score") == [{"n": counted}]
