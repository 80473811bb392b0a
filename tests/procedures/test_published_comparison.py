"""A backfill against what was published before the system: every difference by cause, none guessed."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from ipgov.core.database import reading
from ipgov.core.errors import UnknownError
from ipgov.core.steps import Mode
from ipgov.evaluation import store as results
from ipgov.procedures import published_comparison, published_history
from ipgov.simulation import published as synthetic

PROGRAMME = "functional_platform"
KNOWN = dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def compared(nation):
    nation.collect(2023)
    with pytest.raises(UnknownError, match="没有导入"):
        published_comparison.compare(PROGRAMME, "2023")
    made = nation.evaluate(2023, Mode.RECALCULATE)["result_set_id"]
    with reading() as connection:
        now = {r["unit"]: r for r in results.results(connection, made)}
        scores = {(s["unit"], s["node"]): s for s in results.scores(connection, made)}
    rows = {
        unit: {
            "总分": None if r["total"] is None else float(r["total"]),
            "名次": r["rank"],
            "等级": r["grade"],
            "是否通过": {None: "未评价", True: "是", False: "否"}[r["passed"]],
        }
        for unit, r in now.items()
    }
    i12 = scores["FP02", "I12"]
    lower = i12["normalised"] - 10
    less = 10 * i12["contribution"] / i12["normalised"]
    rows["FP02"]["总分"] = float((now["FP02"]["total"] - less - Decimal("0.50")).quantize(Decimal("0.01")))
    rows["FP03"]["等级"] = "优秀"
    del rows["FP05"]
    rows["FP06"]["总分"] = float(now["FP06"]["total"] + 40)
    of_tool = scores["FP10", "I12"]
    rows["FP10"]["总分"] = float(now["FP10"]["total"] - 3 * of_tool["contribution"] / of_tool["normalised"])
    form = published_history.blank(PROGRAMME, "2023", KNOWN)
    data = synthetic.filled(
        form,
        synthetic.source(2023),
        rows,
        values={"FP02": {"I12": float(i12["value"]) - 5}, "FP10": {"I12": float(of_tool["value"])}},
        scores={"FP02": {"I12": float(lower)}, "FP10": {"I12": float(of_tool["normalised"] - 3)}},
    )
    published_history.import_file("2023.xlsx", data, "经办甲", KNOWN)
    assert published_comparison.applies(PROGRAMME, "2023")
    return published_comparison.compare(PROGRAMME, "2023"), less


def test_every_difference_has_its_cause_and_what_is_not_proved_is_said_so(compared):
    found, less = compared
    units = {u.unit: u for u in found.comparison.units}
    assert units["FP05"].causes == ("knowledge",)
    assert units["FP05"].parts[0].told == "公布的名单中没有该单位"

    second = units["FP02"]
    parts = [p for p in second.parts if p.aspect == "total"]
    by_cause = {p.cause: p for p in parts}
    assert set(by_cause) == {"values", "unexplained"}
    assert by_cause["values"].points == pytest.approx(less, abs=Decimal("0.0002"))
    assert sum(p.points for p in parts) == second.recalculated.total - second.published.total
    assert "未载明规则版本" in by_cause["unexplained"].told

    assert [(p.aspect, p.cause) for p in units["FP03"].parts if p.aspect == "grade"] == [
        ("grade", "unexplained")
    ]
    assert units["FP06"].causes == ("unexplained",)
    # the same value with another score: the rule was another one
    (told,) = [p for p in units["FP10"].parts if p.aspect == "total"]
    assert told.cause == "rules"
    assert told.points == units["FP10"].recalculated.total - units["FP10"].published.total


def test_the_sheet_names_the_source_and_every_part(compared):
    found, _ = compared
    book = openpyxl.load_workbook(io.BytesIO(published_comparison.sheet(found)))
    assert book.sheetnames == ["汇总", "逐家差异", "原因"]
    facts = {r[0]: r[1] for r in book["汇总"].iter_rows(min_row=5, values_only=True) if r[0]}
    assert facts["文号"] == "虚构公告〔2024〕1号"
    assert facts["所依规则版本"] == "公布材料未载明"
    rows = [r for r in book["原因"].iter_rows(min_row=5, values_only=True) if r[0]]
    assert len(rows) == sum(len(u.parts) for u in found.comparison.units)
    listed = {r[0] for r in book["逐家差异"].iter_rows(min_row=5, values_only=True) if r[0]}
    assert listed == {u.unit for u in found.comparison.units}
    assert published_comparison.sheet(found) == published_comparison.sheet(found)
