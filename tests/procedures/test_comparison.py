"""A stored result against a recalculated one: what was known later, and the sheet for reviewers."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from ipgov.core.errors import UnknownError
from ipgov.core.steps import Mode

PROGRAMME = "functional_platform"


def _later(nation) -> dt.date:
    """After the year was issued FP01 gets an extension and corrects its workbook."""
    from ipgov.procedures import extensions
    from ipgov.simulation import nation as synthetic

    day = nation.days(2023).evaluate_on.date + dt.timedelta(days=20)
    units = nation.units(day)
    rules = synthetic._rules(2023)
    extensions.grant(PROGRAMME, "2023", "FP01", day, "运行组", "发文后更正", nation.at(day, 8))
    values = synthetic._values(units["FP01"], 2023, rules, day, {"level": Decimal("0.55")})
    key = f"inbox/{PROGRAMME}/2023/{units['FP01'].province}/FP01/更正.xlsx"
    nation.put(key, synthetic.fill(nation.blank("2023", "FP01"), values), nation.at(day, 10))
    nation.receive(day)
    return day


def test_what_became_known_later_is_told_apart(nation):
    from ipgov.procedures import comparison

    with pytest.raises(UnknownError, match="没有正式结果可作比较的 A；现有：无"):
        comparison.compare(PROGRAMME, "2023")
    nation.year(2023)
    with pytest.raises(UnknownError, match="没有重算结果可作比较的 B；现有：第 1 号（正式"):
        comparison.compare(PROGRAMME, "2023")
    day = _later(nation)
    again = nation.evaluate(2023, Mode.RECALCULATE, day)
    compared = comparison.compare(PROGRAMME, "2023")
    c = compared.comparison
    assert (compared.a.head["mode"], compared.b.head["mode"]) == ("live", "recalculate")
    assert compared.b.head["id"] == again["result_set_id"]
    assert {v.unit for v in c.values} == {"FP01"}
    assert not c.rules
    moved = {u.unit: u for u in c.units}
    assert moved["FP01"].own == {"knowledge", "values"}
    assert moved["FP01"].before.grade != moved["FP01"].after.grade
    for u in c.units:
        assert sum(n.change for n in u.nodes) == u.after.total - u.before.total
        assert sum(u.rank_part(k) for k in range(3)) == u.after.rank - u.before.rank
    others = [u for u in c.units if u.unit != "FP01"]
    assert others
    assert all(not u.own for u in others)

    book = openpyxl.load_workbook(io.BytesIO(comparison.sheet(compared)), data_only=True)
    assert book.sheetnames == [
        "汇总", "名次与等级变动", "原因", "指标变动", "数值变动", "规则变动", "名单变动",
    ]  # fmt: skip
    values = [[c.value for c in r] for r in book["数值变动"].iter_rows(min_row=5)]
    assert len(values) == len(c.values)
    assert "报送指纹" in values[0][5]
    assert book["规则变动"].cell(5, 1).value == "没有变动"
    (known,) = [r for r in book["名单变动"].iter_rows(min_row=5, values_only=True) if r[0] == "FP01"]
    assert known[2] == "换用另一份报送" or "报送情况变动" in known[2]
    sums = [r for r in book["原因"].iter_rows(min_row=5, values_only=True) if r[1] == "合计"]
    assert {r[0]: r[4] for r in sums}["FP01"] == pytest.approx(
        float(moved["FP01"].after.total - moved["FP01"].before.total)
    )
    with pytest.raises(UnknownError, match=r"没有第 99 号结果；现有：第 2 号（重算.*第 1 号（正式"):
        comparison.compare(PROGRAMME, "2023", 99)
    with pytest.raises(UnknownError, match="都是第 1 号"):
        comparison.compare(PROGRAMME, "2023", 1, 1)


def test_a_recalculation_with_the_same_knowledge_differs_in_nothing(nation):
    from ipgov.procedures import comparison

    nation.year(2023)
    nation.evaluate(2023, Mode.RECALCULATE)
    compared = comparison.compare(PROGRAMME, "2023")
    assert compared.comparison.same
    assert compared.comparison.text()[1].startswith("结果变动 0 家")
    assert comparison.sheet(compared) == comparison.sheet(compared)
