"""Expert scoring from the forming of a panel to the explanation of a result."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from expert_panel import (
    BEFORE,
    FORMED,
    INDICATOR,
    NUMBERS,
    PERIOD,
    PROGRAMME,
    cycle,
    edit,
    enrol,
    filled,
    plan,
    policy_root,
    scores,
)
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import Mode
from ipgov.decisions.panel_plans import Plan, Scope, Seat
from ipgov.simulation.nation import fictitious_code

NEW = fictitious_code("35", 999)  # of an organisation
SCORES = {"E001": 90, "E002": 85, "E003": 80, "E004": 75, "E005": 70}
LATER = FORMED + dt.timedelta(days=1)
AFTER = dt.date(2024, 4, 15)  # three working days after FORMED are over
EVALUATED = dt.date(2024, 4, 16)


@pytest.fixture
def rules(tmp_path, monkeypatch):
    from ipgov.core.settings import settings

    folder = policy_root(tmp_path / "project")
    monkeypatch.setenv("IPGOV_ROOT", str(folder))
    settings.cache_clear()
    return folder


@pytest.fixture
def office(rules, nation):
    """An opened period and experts, but no panel."""
    nation.open(PERIOD)
    enrol(nation)
    return nation


@pytest.fixture
def panel(office):
    """A panel whose members may ask for their workbooks."""
    form(office, plan(*NUMBERS))
    return office


def form(nation, proposed, day=FORMED):
    from ipgov.procedures import expert_scoring

    return expert_scoring.form(cycle(nation, day), proposed, "经办一").output


def sheets(nation, day=FORMED):
    from ipgov.procedures import expert_scoring

    made = expert_scoring.sheets(cycle(nation, day))
    return {name.removesuffix(".xlsx").rsplit("-", 1)[1]: data for name, data in made.items()}


def receive(nation, day, **files):
    from ipgov.procedures import expert_scoring

    named = [(f"{name}.xlsx", data) for name, data in files.items()]
    return {r.file[:4]: r for r in expert_scoring.receive(named, day, nation.at(day), nation.at(day))}


def status(nation, day):
    from ipgov.procedures import scoring_state

    return scoring_state.status(cycle(nation, day))


def all_sent(nation, special, day=FORMED, of=SCORES):
    fill = scores(of, special)
    got = receive(nation, day, **{e: filled(d, fill(e)) for e, d in sheets(nation, day).items()})
    assert all(not r.problems for r in got.values()), got
    return got


def test_a_panel_from_its_forming_to_the_explanation_of_a_result(rules, nation):
    from ipgov.procedures import evaluation_cycle, explanations

    nation.collect(PERIOD)
    enrol(nation)
    formed = form(nation, plan(*NUMBERS))
    assert formed["due_on"] == "2024-04-12"
    assert formed["recused"] == {"E002:FP01": "所在单位是该平台的依托单位"}
    got = all_sent(nation, {("E003", "FP02"): "未见佐证材料", ("E005", "FP03"): 50})
    assert (got["E002"].scores, got["E003"].scores, got["E003"].abstained) == (11, 11, 1)
    now = {j.unit: j for j in status(nation, FORMED).judged}
    assert now["FP03"].wide
    assert now["FP03"].spread == 40
    assert [r.state for r in now["FP01"].ratings] == ["scored", "recused", "scored", "scored", "scored"]

    with pytest.raises(RefusedError, match="专家评分尚有 1 处未完") as refused:
        evaluation_cycle.freeze(cycle(nation, EVALUATED))
    assert "FP03 的 E01 评分极差 40.00 分（百分制），超过限值 30 分，须再次评分" in str(
        refused.value.problems[0]
    )

    from ipgov.procedures import expert_scoring

    again = expert_scoring.next_round(cycle(nation, LATER), 1, "经办一", "（试）评分悬殊").output
    assert (again["round"], again["units"], again["members"]) == (2, ["FP03"], list(NUMBERS))
    blank = sheets(nation, LATER)
    shown = openpyxl.load_workbook(io.BytesIO(blank["E005"])).worksheets[1]
    assert "本人 50；本组 5 个评分，50 至 90" in [c.value for c in shown[6]]
    assert not receive(nation, LATER, E005=filled(blank["E005"], lambda unit: 65))["E005"].problems

    done = nation.evaluate(PERIOD)
    told = explanations.explain(PROGRAMME, str(PERIOD), "FP01").text()
    assert "评分 专家3 80、专家4 75（去掉 专家5 70、专家1 90） → 2 个评分的平均 → 77.50 分" in told.replace(
        "专家4 75、专家3 80", "专家3 80、专家4 75"
    )
    assert "专家2：回避（所在单位是该平台的依托单位）" in told
    assert "专家1的评分表（指纹" in told
    assert "E001" not in told
    assert "专家1号" not in told
    third = explanations.explain(PROGRAMME, str(PERIOD), "FP03").text()
    assert "专家5的评分表" in third
    assert "原文“65”，第 2 轮" in third
    assert "评分差距：评分极差 25.00 分（百分制），未超过限值 30 分" in third
    assert "专家3：弃评（未见佐证材料）" in explanations.explain(PROGRAMME, str(PERIOD), "FP02").text()
    _rebuilt(nation, done)
    _compared(nation)


def _compared(nation):
    """A recusal that becomes known after the result moves it, and a comparison says by how much."""
    from ipgov.procedures import comparison, evaluation_cycle, expert_scoring

    later = EVALUATED + dt.timedelta(days=1)
    expert_scoring.recuse(PROGRAMME, "E001", "FP05", "与运营单位有合作", "经办一", later, nation.at(later))
    again = cycle(nation, later, Mode.RECALCULATE)
    evaluation_cycle.evaluate(again, evaluation_cycle.freeze(again).output["snapshot_id"])
    with_it = comparison.compare(PROGRAMME, str(PERIOD))
    (change,) = [c for c in with_it.comparison.values if c.unit == "FP05"]
    assert (change.field, change.rater, change.old, change.new) == (INDICATOR, "专家1", 90, None)
    (moved,) = [u for u in with_it.comparison.units if u.unit == "FP05"]
    assert moved.before.total != moved.after.total


def _rebuilt(nation, done):
    """The same facts freeze to the same snapshot; a score that comes later changes nothing for it."""
    from ipgov.core.database import reading
    from ipgov.core.tables import snapshot
    from ipgov.procedures import evaluation_cycle, snapshots
    from sqlalchemy import select

    assert evaluation_cycle.freeze(cycle(nation, EVALUATED)).repeated
    again = evaluation_cycle.freeze(cycle(nation, EVALUATED, Mode.RECALCULATE)).output["snapshot_id"]
    with reading() as connection:
        rows = connection.execute(
            select(snapshot.c.values_sha256, snapshot.c.fingerprint).order_by(snapshot.c.id)
        )
        first, second = rows.all()
    assert first == second
    assert again != done["snapshot_id"]
    table = snapshots.values_table(first.values_sha256).to_pylist()
    rated = [r for r in table if r["rater"] is not None]
    assert {r["indicator"] for r in rated} == {INDICATOR}
    assert {r["rater"] for r in rated} == {f"专家{n}" for n in range(1, 6)}
    assert all("!" in r["source"] for r in rated)
    assert len({r["unit"] for r in rated}) == len({r["unit"] for r in table})


def test_panels_that_the_rules_do_not_allow(office):
    def but_one(kept, other, unit):
        return Plan(1, (*plan(*kept).seats, Seat(other, scope=Scope(units=(unit,)))), "依据")

    for proposed, message in (
        (plan("E001", "E002", "E003", "E004"), "有 4 人；应为：5 至 7 人"),
        (plan("E001", "E002", "E003", "E004", "E004"), "专家“E004”出现 2 次"),
        (Plan(1, tuple(Seat(n, "chair") for n in NUMBERS), "依据"), "有 5 名组长；应为：至多一名组长"),
        (Plan(1, plan(*NUMBERS).seats, " "), "没有写明组成依据或经办人"),
        (plan(*NUMBERS, scope=Scope(indicators=("I18",))), "专家组的指标“I18”不明；应为：E01"),
        (plan(*NUMBERS, scope=Scope(units=("FP99",))), "专家组的平台“FP99”不明"),
        (plan(*NUMBERS, scope=Scope(kinds=("trader",))), "专家组的类别“trader”不明；应为：trading、"),
        (but_one(("E001", "E003", "E004", "E005"), "E002", "FP01"), "专家“E002”没有可评的平台"),
        (
            but_one(("E001", "E002", "E003", "E004"), "E005", "FP02"),
            "回避之后只有 3 人可评 FP01：E002 回避 FP01（所在单位是该平台的依托单位）；应为：",
        ),
    ):
        with pytest.raises(RefusedError, match="未予组成") as refused:
            form(office, proposed)
        assert message in "\n".join(map(str, refused.value.problems))


def test_unknown_experts_and_panels(office):
    with pytest.raises(UnknownError, match="没有编号为“E999”的专家；现有：E001、"):
        form(office, plan("E001", "E002", "E003", "E004", "E999"))
    from ipgov.procedures import expert_scoring

    with pytest.raises(UnknownError, match="没有第 7 专家组；现有：无"):
        expert_scoring.sheets(cycle(office, FORMED), 7)


def test_each_body_and_indicator_has_one_panel(office):
    form(office, plan(*NUMBERS, scope=Scope(kinds=("trading", "tool"))))
    with pytest.raises(RefusedError) as refused:
        form(office, plan(*NUMBERS, number=2, scope=Scope(kinds=("tool", "financial"))))
    assert "已由另一专家组评分" in str(refused.value.problems[0])
    second = form(
        office, plan("E001", "E003", "E004", "E005", "E006", number=2, scope=Scope(kinds=("financial",)))
    )
    assert second["panel"] == 2
    unassigned = {unit for unit, _ in status(office, FORMED).unassigned}
    kinds = {u.kind for u in office.units(FORMED).values() if u.unit in unassigned}
    assert kinds == {"characteristic"}


def test_a_panel_is_formed_anew_until_a_score_came_in(office):
    from ipgov.procedures import expert_scoring

    assert form(office, plan(*NUMBERS))["revision"] == 1
    same = expert_scoring.form(cycle(office, FORMED), plan(*NUMBERS), "经办一")
    assert (same.repeated, same.output["revision"]) == (True, 1)
    old = sheets(office)["E001"]
    changed = plan("E001", "E003", "E004", "E005", "E006")
    assert form(office, changed)["revision"] == 2
    stale = receive(office, FORMED, E001=filled(old, lambda unit: 80))["E001"]
    assert "已改组，此评分表作废" in stale.problems[0].found
    new = sheets(office)
    assert set(new) == {"E001", "E003", "E004", "E005", "E006"}
    assert receive(office, FORMED, E001=filled(new["E001"], lambda unit: 80))["E001"].outcome == "accepted"
    with pytest.raises(RefusedError, match="已收到评分，不能改组"):
        form(office, plan(*NUMBERS))


def test_a_recused_body_cannot_be_scored(panel):
    blank = sheets(panel)["E002"]

    def score_it(book):
        page = book.worksheets[1]
        row = next(r for r in range(6, 30) if page.cell(r, 2).value == "FP01")
        assert page.cell(row, 5).value == "回避"
        assert page.cell(row, 5).protection.locked
        page.cell(row, 5).value = 99

    got = receive(panel, FORMED, E002=filled(blank, lambda unit: 80, score_it))["E002"]
    assert (got.outcome, got.scores) == ("returned", 11)
    assert [(p.cell, p.found, p.expected) for p in got.problems] == [
        ("E6", "锁定单元格现为99", "“回避”（下发时的内容）")
    ]
    assert "E002" in [e for _, e in status(panel, FORMED).outstanding]


def test_a_recusal_declared_after_the_workbook_was_handed_out(panel):
    from ipgov.procedures import expert_scoring

    blank = sheets(panel)["E004"]
    assert receive(panel, FORMED, E004=filled(blank, lambda unit: 80))["E004"].outcome == "accepted"
    expert_scoring.recuse(PROGRAMME, "E004", "FP05", "与运营单位有合作", "经办一", LATER, panel.at(LATER))
    before, after = ({j.unit: j for j in status(panel, d).judged}["FP05"] for d in (FORMED, LATER))
    assert [r.state for r in before.ratings if r.expert == "E004"] == ["scored"]
    assert [(r.state, r.score, r.reason) for r in after.ratings if r.expert == "E004"] == [
        ("recused", None, "登记回避：与运营单位有合作")
    ]
    again = receive(panel, LATER, E004=filled(blank, lambda unit: 81))["E004"]
    assert [str(p) for p in again.problems] == [
        "E004.xlsx “E01 服务创新性”表 E10：FP05应回避而有评分；应为：得分留空（登记回避：与运营单位有合作）"
    ]
    left = receive(panel, LATER, E004=filled(blank, lambda unit: None if unit == "FP05" else 82))["E004"]
    assert (left.outcome, left.scores) == ("accepted", 11)
    expert_scoring.recuse(
        PROGRAMME, "E004", "FP05", "登记有误", "经办一", AFTER, panel.at(AFTER), stands=False
    )
    assert {j.unit: j for j in status(panel, AFTER).judged}["FP05"].ratings[3].state == "missing"


def test_what_is_no_score(panel):
    wrong = {
        "FP01": (
            None,
            "FP01未评分也未写弃评理由；应为：0 至 100 的数，至多 1 位小数，或在“弃评理由”栏写明理由",
        ),
        "FP02": (100.5, "FP02的得分为 100.5；应为"),
        "FP03": (-1, "FP03的得分为 -1；应为"),
        "FP04": (85.25, "FP04的得分为 85.25，小数过多"),
        "FP05": (True, "FP05的得分“TRUE”是逻辑值"),
        "FP06": ("=80+5", "FP06的得分是公式"),
        "FP07": (dt.date(2024, 1, 1), "是日期或时间，不是数字"),
    }
    data = filled(sheets(panel)["E001"], lambda unit: wrong.get(unit, (80,))[0])
    got = receive(panel, FORMED, E001=data)["E001"]
    assert (got.outcome, len(got.problems)) == ("returned", len(wrong))
    for problem, cell, (_, told) in zip(got.problems, range(6, 13), wrong.values(), strict=True):
        assert told in str(problem)
        assert (problem.sheet, problem.cell) == ("E01 服务创新性", f"E{cell}")


def test_every_problem_at_once_and_nothing_of_the_file_is_kept(panel):
    from ipgov.core import tables
    from ipgov.core.database import reading
    from sqlalchemy import func, select

    def spoil(book):
        page = book.worksheets[1]
        page["E6"], page["E7"], page["C8"], page["F9"] = "优", 120, "别的平台", "不便评"
        page["G10"] = "评" * 201
        book.create_sheet("附页")

    got = receive(panel, FORMED, E001=filled(sheets(panel)["E001"], lambda unit: 80, spoil))["E001"]
    told = [(p.sheet, p.cell) for p in got.problems]
    name = "E01 服务创新性"
    assert told == [(name, "E6"), (name, "E7"), (name, "C8"), (name, "E9"), (name, "G10"), ("附页", "")]
    assert all(p.file == "E001.xlsx" and p.expected for p in got.problems)
    with reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.expert_score)).scalar() == 0
        kept = connection.execute(
            select(tables.scoring_return.c.outcome, tables.scoring_return.c.problems)
        ).one()
    assert (kept.outcome, len(kept.problems)) == ("returned", 6)


def test_scores_as_people_type_them(panel):
    data = filled(
        sheets(panel)["E001"],
        lambda u: 88.5,
        lambda book: book.worksheets[1].__setitem__("E6", " ８８.５分 "),
    )
    assert receive(panel, FORMED, E001=data)["E001"].outcome == "accepted"
    scored = {j.unit: j.scores for j in status(panel, FORMED).judged}
    assert scored["FP01"] == scored["FP02"] == [Decimal("88.5")]


def test_files_that_are_nobodys(panel):
    def forge(book):
        book["_ipgov"]["B1"] = "0" * 64

    own = sheets(panel)["E001"]
    got = receive(panel, FORMED, none=b"%PDF", fake=filled(own, lambda unit: 80, forge))
    assert "来件不能读取" in got["none"].problems[0].found
    assert "身份信息页已被改动" in got["fake"].problems[0].found
    assert {r.outcome for r in got.values()} == {"refused"}

    def other_expert(book):
        book["_ipgov"]["B5"] = "E003"

    claimed = receive(panel, FORMED, E001=filled(own, lambda unit: 80, other_expert))["E001"]
    assert [(p.sheet, p.cell) for p in claimed.problems] == [("_ipgov", "B5")]


def test_the_newest_workbook_counts_whole_and_a_late_one_does_not(panel):
    blank = sheets(panel)["E001"]
    first = filled(blank, lambda unit: 80)
    assert receive(panel, FORMED, E001=first)["E001"].outcome == "accepted"
    assert receive(panel, FORMED, E001=first)["E001"].outcome == "repeated"
    receive(panel, LATER, E001=filled(blank, lambda unit: "材料不足" if unit == "FP02" else 85))
    late = receive(panel, AFTER, E001=filled(blank, lambda unit: 10))["E001"]
    assert (late.outcome, late.late) == ("accepted", True)
    now = {j.unit: j for j in status(panel, AFTER).judged}
    assert (now["FP01"].scores, now["FP02"].scores) == ([Decimal(85)], [])
    assert now["FP02"].ratings[0].reason == "材料不足"


def test_where_it_stands(panel):
    fill = scores(SCORES, {})
    blank = sheets(panel)
    receive(panel, FORMED, **{e: filled(blank[e], fill(e)) for e in ("E001", "E002")})
    lines = status(panel, FORMED).lines()
    assert lines[0] == "第 1 专家组第 1 轮：交回 2/5 份，期限 2024-04-12"
    assert "  未交回：E003 专家3号（第 1 专家组第 1 轮）" in lines
    assert (
        "  评分不足：FP01 的 E01 有 1 个，需 4 个（E002 回避、E003 未交回、E004 未交回、E005 未交回）"
        in lines
    )
    plain = status(panel, FORMED).as_dict()
    assert plain["panels"][0]["members"][2]["received_at"] is None
    assert next(j for j in plain["judged"] if j["unit"] == "FP02")["scores"]["E001"] == "90"


def test_a_live_period_waits_for_its_panel(rules, nation):
    from ipgov.procedures import evaluation_cycle

    nation.collect(PERIOD)
    enrol(nation)
    with pytest.raises(RefusedError) as refused:
        evaluation_cycle.freeze(cycle(nation, EVALUATED))
    assert "指标 E01 没有专家组评 FP01" in str(refused.value.problems[0])
    day = dt.date(2024, 4, 15)
    form(nation, plan(*NUMBERS), day)
    blank = sheets(nation, day)
    fill = scores(SCORES, {})
    receive(nation, day, **{e: filled(blank[e], fill(e)) for e in NUMBERS[:4]})
    with pytest.raises(RefusedError) as refused:
        evaluation_cycle.freeze(cycle(nation, EVALUATED))
    assert [str(p) for p in refused.value.problems] == [
        "第 1 专家组第 1 轮未结束：E005 未交回；应为：交齐，或 2024-04-18 之后冻结"
    ]
    frozen = evaluation_cycle.freeze(cycle(nation, dt.date(2024, 4, 19)))
    assert frozen.output["states"]["accepted"] > 5


def test_another_round_is_for_what_is_left_open_only(panel):
    from ipgov.procedures import expert_scoring

    blank = sheets(panel)
    fill = scores(SCORES, {("E001", "FP04"): "未见材料"})
    receive(panel, FORMED, **{e: filled(blank[e], fill(e)) for e in NUMBERS[:4]})
    with pytest.raises(RefusedError, match="尚未结束：E005 未交回"):
        expert_scoring.next_round(cycle(panel, FORMED), 1, "经办一", "依据")
    again = expert_scoring.next_round(cycle(panel, AFTER), 1, "经办一", "（试）评分不足").output
    assert again["units"] == ["FP01", "FP04"]  # three scores each: a recusal, and one who refrained
    receive(panel, AFTER, E005=filled(sheets(panel, AFTER)["E005"], lambda unit: 70))
    assert {j.unit: len(j.scores) for j in status(panel, AFTER).judged}["FP04"] == 4
    done = {j.unit: j for j in status(panel, AFTER).judged}["FP04"]
    assert [r.round for r in done.ratings] == [1, 1, 1, 1, 2]
    with pytest.raises(RefusedError, match="第 1 专家组已再开一轮，不能改组"):
        form(panel, plan(*NUMBERS), AFTER)
    with pytest.raises(RefusedError, match="处问题") as refused:  # of the first round only
        form(panel, plan(*NUMBERS, number=2, scope=Scope(units=("FP03",))), AFTER)
    assert "已由另一专家组评分" in str(refused.value.problems[0])


def test_what_a_title_holder_carried_on_still_recuses(office):
    from ipgov.core.database import transaction
    from ipgov.decisions.experts import Expert
    from ipgov.procedures import expert_scoring
    from ipgov.registry.organisations import Organisation, add_organisation, record_succession

    known = office.at(BEFORE)
    host = office.units(BEFORE)["FP07"].host
    with transaction() as connection:
        # split off from the host: no single successor, but the same interest
        split_off = Organisation(NEW, "分立新设单位", "35", False)
        add_organisation(connection, split_off, BEFORE, "（试）", known)
        record_succession(connection, host.code, NEW, "split", dt.date(2024, 2, 1), "（试）", known)
    expert_scoring.register(Expert("E001", "专家1号", (NEW,), (), True), known)
    why = form(office, plan(*NUMBERS))["recused"]
    assert why["E001:FP07"] == "所在单位与另一单位有承继关系，该单位是该平台的依托单位"
    assert set(why) == {"E001:FP07", "E002:FP01"}


def test_experts_are_named_where_the_rules_show_names(rules, nation):
    from ipgov.policy import store

    edit(rules, ("names: numbered", "names: shown"))
    store._versions.cache_clear()
    nation.open(PERIOD)
    enrol(nation)
    form(nation, plan(*NUMBERS))
    assert status(nation, FORMED).judged[0].ratings[0].rater == "专家1（专家1号）"


def test_the_commands(rules, nation, passwords, monkeypatch, capsys, tmp_path):
    import sys

    from ipgov import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ipgov", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out + err

    nation.open(PERIOD)
    day = ("--as-of", FORMED)
    by = ("--by", "operator1")
    assert run("experts", "add", "E001", "甲", *by, *day)[0] == 2
    for n in NUMBERS:
        assert run("experts", "add", n, f"专家{n}", "--no-organisation", "--field", "金融", *by, *day) == (
            0, f"专家 {n} 专家{n}已登记\n",
        )  # fmt: skip
    assert "E001 专家E001：无所在单位；金融" in run("experts", "list", *day)[1]
    told = run("experts", "recuse", PROGRAMME, "E001", "FP02", *by, "--reason", "师生", *day)
    assert told == (0, "专家 E001 对 FP02 的回避已登记\n")
    proposal = tmp_path / "panel.yaml"
    members = "\n".join(f"  - {{expert: {n}}}" for n in NUMBERS)
    proposal.write_text(f"number: 1\nbasis: （试）方案\nmembers:\n{members}\n", encoding="utf-8")
    code, out = run("experts", "panel", "form", PROGRAMME, PERIOD, "--plan", proposal, *by, *day)
    assert code == 0, out
    assert "第 1 专家组第 1 轮已组成：5 人，交回期限 2024-04-12" in out
    assert "回避：E001 不评 FP02（登记回避：师生）" in out
    folder = tmp_path / "sheets"
    assert run("experts", "sheets", PROGRAMME, PERIOD, "-o", folder, *day)[0] == 0
    files = sorted(folder.iterdir())
    assert [f.name for f in files] == [f"2023-第1专家组第1轮-专家评分表-{n}.xlsx" for n in NUMBERS]
    files[0].write_bytes(filled(files[0].read_bytes(), lambda unit: 80))
    code, out = run("experts", "receive", files[0], *by, *day)
    assert (code, "已收，11 个评分，弃评 0 个" in out) == (0, True)
    code, out = run("experts", "receive", files[1], *by, *day)
    assert code == 1
    assert out.count("未评分也未写弃评理由") == 12
    assert "交回 1/5 份" in run("experts", "status", PROGRAMME, PERIOD, *day)[1]
    Path(proposal).write_text("number: 0\nmember: []\n", encoding="utf-8")
    code, out = run("experts", "panel", "form", PROGRAMME, PERIOD, "--plan", proposal, *by, *day)
    assert code == 1
    assert "panel.yaml" in out
