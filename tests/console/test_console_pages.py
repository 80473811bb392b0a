"""Every page shows what is on record, and nothing that somebody wrote becomes markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, OPENED_ONLY, PERIOD, PROGRAMME, Sample
from sqlalchemy import event

CYCLE = f"cycle/{PROGRAMME}/{PERIOD}"
OPENED = f"{PROGRAMME} 2024 年度、{PROGRAMME} 2025 年度"
BANNER = "模拟数据库，所列单位、数据、文件均为虚构"


def shown(browser: Browser, path: str, status: int = 200) -> str:
    answer = browser.get(f"/governance/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>" not in answer.text
    return words(answer.text)


@pytest.mark.parametrize(
    "path",
    ["", f"cycle/{PROGRAMME}/{PERIOD}", f"unit/{PROGRAMME}/{PERIOD}/FP01", "round/1", "round/99", "nothing"],
)
def test_every_page_of_a_simulation_says_so(viewer: Browser, sample: Sample, path: str) -> None:
    answer = viewer.get(f"/governance/{path}").text
    assert f'<p class="simulation" role="note">{BANNER}</p>' in answer


def test_no_page_of_a_production_database_says_so(
    viewer: Browser, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app", "problems"):
        monkeypatch.setattr(f"ipgov.console.{module}.is_simulation", lambda connection: False)
    for path in ("", "nothing", f"round/{sample.round_id}"):
        assert "模拟" not in viewer.get(f"/governance/{path}").text


def test_the_overview_of_an_empty_database(viewer: Browser, database: Path) -> None:
    text = shown(viewer, "")
    assert "尚未开启任何年度" in text
    assert "无人认领的文件（0 份）" in text


def test_the_overview_counts_bodies_and_files(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, "")
    # due day, evaluation day, expected, accepted, returned, missing, files received, refused
    assert "2025-03-31 2025-04-15 3 1 1 1 4 1 第 2 轮：待审批 审核 1/1 人，签发 0/1 人" in text
    # FP03 lost the title between the two evaluation days
    assert "2026-03-31 暂定 2026-04-15 2 0 0 2 0 0 尚未提交审核" in text
    assert f"inbox/{HOSTILE}.xlsx 2025-04-16 09:00 目录中没有单位代码" in text


def test_a_cycle_shows_bodies_results_rounds_findings_documents(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, CYCLE)
    assert (
        "FP01 示例交易平台 交易服务类 北京市 经省级知识产权局 合格 报送表2.xlsx 2025-03-12 10:30 — — 0 回执"
        in text
    )
    assert "退回更正 报送表1.xlsx 2025-03-31 10:30 逾期 2025-04-07 2 更正件 报送表被退回，未更正" in text
    assert "FP03 未报送平台 交易服务类 北京市 经省级知识产权局 未报送" in text
    assert "FP04" not in text
    assert re.search(r"1 FP01 示例交易平台 交易服务类 1 \d\d\.\d\d 良好 通过", text)
    assert "连续两年未通过" in text
    assert "第 1 轮 2025-04-16 09:00 EEEE-EEEE-EEEE 已退回修改" in text
    assert "year_on_year：23 处" in text
    assert "另有 3 处" in text
    assert "国知发运函字〔2023〕156号四：“不得将平台名称刻制公章”（2023-156#26）" in text
    assert "审核员甲：已核实" in text
    assert "国知平评函〔2025〕1号 关于2024年度绩效评价结果的函 示例交易平台（FP01） 2025-04-20" in text


def test_chinese_is_punctuated_as_chinese_and_what_others_wrote_as_they_wrote_it(
    viewer: Browser, sample: Sample
) -> None:
    text = viewer.get(f"/governance/round/{sample.round_id}").text
    assert "评审标注\uff081 条\uff09" in text
    assert "2025-04-16 09:00" in text
    assert "alert(&#39;x&#39;)" in text


def test_a_cycle_that_was_only_opened(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, f"cycle/{PROGRAMME}/{OPENED_ONLY}")
    for said in ("暂定", "尚未冻结", "尚未评价", "尚未提交审核", "尚未检查", "尚无文书"):
        assert said in text


def test_a_figure_is_explained_down_to_the_cell_and_the_clause(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, f"unit/{PROGRAMME}/{PERIOD}/FP01")
    assert "知识产权交易额 I01 60000万元 → 60000 ÷ 基准值 50000 × 100" in text
    assert "“一、业务绩效”表 D5，原文“60000”" in text
    assert "业务绩效 D1 加权平均" in text
    assert "《关于认定全国知识产权运营服务平台体系功能性平台的通知》三：“年度绩效评价指标另行发布”" in text
    assert "国知平评函〔2025〕1号" in text


def test_a_body_without_result_is_shown_with_the_reason(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, f"unit/{PROGRAMME}/{PERIOD}/FP03")
    assert "未报送业务数据，不予评价" in text
    assert "拟办：连续两年未通过" in text
    assert "于连续两年未通过绩效评价的平台…予以取消称号" in text
    assert "报送（0 次）" in text
    assert "本年度尚未评价" in shown(viewer, f"unit/{PROGRAMME}/{OPENED_ONLY}/FP01")


def test_a_round_shows_who_answered_what_and_when(viewer: Browser, sample: Sample) -> None:
    text = shown(viewer, f"round/{sample.round_id}")
    assert "审核 1 人同意 审核员甲 reviewer1 同意" in text
    assert "待办任务 2025-04-16 09:00 签发 1 人同意 尚无答复" in text
    assert "FP01 示例交易平台 有疑问 交易额是否含税 reviewer1 评级表" in text
    assert "签发 reviewer1 同意 审核员甲已在本轮“审核”中答复" in text
    assert "基准日（仅模拟库）" in text


def test_an_ended_round_takes_no_more_answers(viewer: Browser, sample: Sample) -> None:
    answer = viewer.get(f"/governance/round/{sample.returned_round_id}")
    assert "已退回修改" in answer.text
    assert "<form" not in answer.text


def test_the_day_is_asked_for_in_a_simulation_only(
    viewer: Browser, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipgov.console.app.is_simulation", lambda connection: False)
    text = viewer.get(f"/governance/round/{sample.round_id}").text
    assert 'name="workbook"' in text
    assert "as_of" not in text


@pytest.mark.parametrize(
    "path",
    [
        "",
        f"cycle/{PROGRAMME}/{PERIOD}",
        f"unit/{PROGRAMME}/{PERIOD}/FP02",
        "round/{round}",
        f"cycle/{HOSTILE}/1",
    ],
)
def test_a_hostile_name_is_only_text(viewer: Browser, sample: Sample, path: str) -> None:
    answer = viewer.get("/governance/" + path.replace("{round}", str(sample.round_id)))
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(&#39;x&#39;)" in answer.text


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (f"cycle/{PROGRAMME}/2019", f"没有已开启的“{PROGRAMME}”2019 年度；已开启：{OPENED}"),
        ("cycle/unknown/2024", "没有已开启的“unknown”2024 年度；已开启："),
        (f"unit/{PROGRAMME}/{PERIOD}/FP99", "没有代码为“FP99”的单位；现有：FP01、FP02、FP03"),
        (f"unit/{PROGRAMME}/2019/FP01", "没有已开启的"),
        ("round/99", "没有编号为 99 的审核轮次；现有：2、1"),
        ("rating-list/99", "没有编号为 99 的审核轮次；现有：2、1"),
        ("round/first", "应为正整数"),
        ("round/0", "应为正整数"),
        ("round/99999999999999999999999", "应为正整数"),
        ("cycle/a%00b/2024", "不得含控制字符"),
        ("document/99/pdf", "没有编号为 99 的文书"),
        ("document/1/exe", "文书 1 没有 exe 格式的文件；现有：docx、pdf"),
        ("answer/99", "没有编号为 99 的报送"),
        ("static/app.py", "没有名为“app.py”的静态文件；现有：console.css"),
        ("static/..%2f..%2fapp.py", "没有“/static/../../app.py”这个页面"),
        ("static/..%5capp.py", "没有名为“..\\app.py”的静态文件"),
        ("document/1/..%2f..%2fpdf", "没有“/document/1/../../pdf”这个页面"),
        ("nothing/at/all", "没有“/nothing/at/all”这个页面"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_with_what_is(
    viewer: Browser, sample: Sample, path: str, there: str
) -> None:
    assert there in shown(viewer, path, 404)


def test_a_page_takes_one_statement_a_table_however_many_rows(viewer: Browser, sample: Sample) -> None:
    from ipgov.core.database import engine

    seen: list[str] = []
    event.listen(engine(), "before_cursor_execute", lambda *given: seen.append(given[2]))
    for path, statements in (("", 6), (CYCLE, 14)):
        seen.clear()
        shown(viewer, path)
        assert len([s for s in seen if s.startswith(("SELECT", "WITH"))]) <= statements, seen


def test_a_database_that_is_away_is_said_in_chinese(
    viewer: Browser, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.core import database, settings

    monkeypatch.setenv("IPGOV_DATABASE_URL", "")
    for cached in (settings.settings, database.engine):
        cached.cache_clear()
    assert "没有数据库地址" in shown(viewer, "", 503)
    settings.settings.cache_clear()


def test_a_broken_page_tells_nothing_of_itself(
    viewer: Browser, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("ipgov.console.queries.cycles", broken)
    viewer._transport.raise_server_exceptions = False
    text = shown(viewer, "", 500)
    assert "secret" not in text
    assert "已记入日志" in text
