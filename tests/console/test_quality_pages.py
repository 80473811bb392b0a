"""The quality report, the rules over the years and the collection as a browser meets them."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, OPENED_ONLY, PERIOD, PROGRAMME, Sample

REPORT = f"/governance/quality/{PROGRAMME}/{PERIOD}"
HISTORY = f"/governance/quality/{PROGRAMME}"
COLLECTION = f"/governance/collection/{PROGRAMME}/{PERIOD}"


def shown(browser: Browser, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, words(answer.text)[:500]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    # nothing from elsewhere, no script, no inline style: the content security policy forbids them
    assert not re.search(r"<script|style=|javascript:|\son\w+=", answer.text)
    assert "https://" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return words(answer.text)


class TestReport:
    def test_shows_every_view_down_to_the_cell(self, viewer: Browser, sample: Sample) -> None:
        text = shown(viewer, REPORT)
        assert "可以评价" in text
        assert "严重 1 0 1 —" in text
        assert "警告 23 1 23 —" in text
        assert "合计 24 1 24 —" in text
        assert "北京市 23 1 23 —" in text
        assert "全部数据 1 0 1 —" in text
        assert "国知发运函字〔2023〕156号四：“不得将平台名称刻制公章”（2023-156#26）" in text
        assert (
            "FP01 示例交易平台 — 一、业务绩效 D5 年度知识产权交易额 60000 第 0 处：较上年增长超过一倍" in text
        )
        assert "审核员甲豁免至 2025-12-31：已核实" in text
        assert "怎样继续" not in text  # nothing stops

    def test_what_others_wrote_is_no_markup(self, viewer: Browser, sample: Sample) -> None:
        page = viewer.get(REPORT).text
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page

    @pytest.mark.parametrize(
        ("query", "count"),
        [("severity=critical", 1), ("rule=year_on_year", 23), ("unit=FP01&waived=yes", 23),
         ("province=whole", 1), ("waived=no", 0)],
    )  # fmt: skip
    def test_plain_links_choose(self, viewer: Browser, sample: Sample, query: str, count: int) -> None:
        text = shown(viewer, f"{REPORT}?{query}")
        assert f"全部发现（{count} 处，所选）" in text
        assert "只看：" in text

    def test_every_link_of_the_page_leads_somewhere(self, viewer: Browser, sample: Sample) -> None:
        found = set(re.findall(r'href="(/governance/quality/[^"#]+)', viewer.get(REPORT).text))
        assert len(found) > 8
        for link in found:
            assert viewer.get(link.replace("&amp;", "&")).status_code == 200, link

    @pytest.mark.parametrize(
        ("path", "status", "said"),
        [
            (f"{REPORT}?severity=fatal", 404, "没有名为“fatal”的严重程度；可用：critical、warning、info"),
            (f"{REPORT}?province=99", 404, "没有名为“99”的省份"),
            (f"{REPORT}?unit=FP99", 404, "没有名为“FP99”的单位"),
            (f"{REPORT}?rule=%3Cb%3E", 404, "没有名为“<b>”的规则"),
            (f"{REPORT}?page=2", 404, "发现没有第 2 页；共 1 页"),
            (f"{REPORT}?page=0", 404, "地址有误"),
            (f"{REPORT}?check=x", 404, "地址有误"),
            (f"{REPORT}?check=99", 404, "没有编号为 99 的检查；现有：1"),
            (f"{REPORT}?sevrity=critical", 422, "未知的参数：sevrity"),
            (f"{REPORT}/pdf", 404, "没有“pdf”格式；可用：xlsx、json"),
            (f"/governance/quality/{PROGRAMME}/{OPENED_ONLY}", 404, "尚未作过数据质量检查"),
            (f"/governance/quality/{PROGRAMME}/1999", 404, "1999 年度尚未开启"),
            ("/governance/quality/no_such", 404, "没有名为“no_such”的业务规则"),
            (f"{COLLECTION}?as_of=2025-02-30", 422, "截至日“2025-02-30”不是日期"),
            (f"{COLLECTION}?as_of=2025-01-09", 422, "自 2025-01-10 开启"),
            (f"{COLLECTION}?line=99", 404, "没有名为“99”的省份；有应报单位的：11"),
            (f"{COLLECTION}?group=no", 404, "没有名为“no”的类别"),
            (f"{COLLECTION}?x=1", 422, "未知的参数：x"),
        ],
    )
    def test_what_is_not_there_is_said_in_chinese(
        self, viewer: Browser, sample: Sample, path: str, status: int, said: str
    ) -> None:
        assert said in shown(viewer, path, status)

    def test_downloads_hold_every_finding(self, viewer: Browser, sample: Sample) -> None:
        import openpyxl

        answer = viewer.get(f"{REPORT}/xlsx?rule=year_on_year")
        assert "filename*=UTF-8''" in answer.headers["content-disposition"]
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        assert book["全部发现"].max_row == 4 + 23
        assert "模拟" in book["概况"]["A3"].value
        found: dict[str, Any] = json.loads(viewer.get(f"{REPORT}/json").content)
        assert found["total"]["found"] == len(found["findings"]) == 24

    @pytest.mark.parametrize("path", [REPORT, f"{REPORT}/xlsx", HISTORY, COLLECTION])
    def test_nobody_without_login_or_right_sees_it(
        self, anonymous: Browser, sample: Sample, path: str
    ) -> None:
        assert anonymous.get(path).status_code == 302
        assert anonymous.login("stranger1").get(path).status_code == 403

    def test_what_stops_is_told_with_what_to_do(self, viewer: Browser, own_sample: Sample) -> None:
        from console_sample import insert
        from ipgov.core import tables
        from ipgov.core.database import transaction
        from sqlalchemy import select

        with transaction() as c:
            before = c.execute(select(tables.quality_check)).mappings().one()
            kept = {k: before[k] for k in ("snapshot_id", "suite", "suite_sha256")}
            check = insert(c, tables.quality_check, **kept, passed=False)
            insert(
                c, tables.finding, check_id=check, rule="FPQ005", severity="critical", unit="FP01",
                field="F09",
                basis="operator: 部分不大于整体", message="示例", found="9", sheet="一、业务绩效", cell="D9",
            )  # fmt: skip
        text = shown(viewer, REPORT)
        assert "有严重问题，评价中止" in text
        assert f"ipgov quality waive {PROGRAMME} {PERIOD} FP01 FPQ005 --until 截止日" in text
        assert f"ipgov extension grant {PROGRAMME} {PERIOD} 单位代码 日期" in text
        assert "运行方自定：部分不大于整体" in text
        assert "检查 1 2025-04-16 09:00，对 2025-04-15 冻结的数据：可以评价" in text
        earlier = shown(viewer, f"{REPORT}?check={before['id']}")
        assert "不是最近一次" in earlier
        assert "怎样继续" not in earlier


def test_the_rules_over_the_years(viewer: Browser, sample: Sample) -> None:
    page = viewer.get(HISTORY).text
    text = shown(viewer, HISTORY)
    assert "2024 1 23 0 24 可以评价" in text
    assert "FPQ001 没有任何已受理的数据 严重" in text
    assert re.search(r"year_on_year year_on_year 警告 .*23 / 1 （23） 2024 2024", text)
    assert page.count("<svg") > 30
    link = re.search(r'href="([^"]*rule=year_on_year)"', page)
    assert link
    assert "全部发现（23 处，所选）" in shown(viewer, link[1])


class TestCollection:
    def test_numbers_days_and_bodies(self, viewer: Browser, sample: Sample) -> None:
        text = shown(viewer, f"{COLLECTION}?as_of=2025-04-20")
        # on the roster, exempt, expected, received; the six states; extended, overdue; files, superseded
        assert "全国 3 0 3 2 1 0 0 1 0 1 1 2 4 1" in text
        assert "北京市 3 0 3 2 1 0 0 1 0 1 1 2 4 1" in text
        assert "名单：全国，未按期受理（2 家）" in text
        assert "已退回 2025-04-07 2025-04-07 13 2025-03-31 10:30 退回更正 逾期 2" in text
        assert "FP03 未报送平台 北京市 未报送 2025-03-31 — 20 — — — 0" in text
        assert "2025-01-26 是 0" in text  # a Sunday that is worked

    def test_a_day_before_shows_what_was_there_then(self, viewer: Browser, sample: Sample) -> None:
        text = shown(viewer, f"{COLLECTION}?as_of=2025-03-11")
        # the sample's facts were recorded in one go on 16 April: nothing was known before
        assert "全国 0 0 0 0" in text

    @pytest.mark.parametrize(
        ("group", "count"), [("accepted", 1), ("missing", 1), ("expected", 3), ("extended", 1)]
    )
    def test_each_number_leads_to_its_bodies(
        self, viewer: Browser, sample: Sample, group: str, count: int
    ) -> None:
        page = viewer.get(f"{COLLECTION}?as_of=2025-04-20").text
        link = re.search(rf'href="([^"]*line=11[^"]*group={group})#bodies"', page)
        assert link
        text = shown(viewer, link[1].replace("&amp;", "&"))
        assert re.search(rf"名单：北京市，\w+（{count} 家）", text)

    def test_a_period_just_opened(self, viewer: Browser, sample: Sample) -> None:
        text = shown(viewer, f"/governance/collection/{PROGRAMME}/{OPENED_ONLY}")
        assert "全国 2 0 2 0 0 0 0 0 0 2 0" in text


def test_the_cycle_page_leads_here(viewer: Browser, sample: Sample) -> None:
    page = viewer.get(f"/governance/cycle/{PROGRAMME}/{PERIOD}").text
    for path in (REPORT, HISTORY, COLLECTION):
        assert f'href="{path}"' in page
