"""A draft over three issued years: who would have been graded otherwise, whose title would have ended."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.settings import settings
from sqlalchemy import func, select

PROGRAMME = "functional_platform"
NOW = dt.datetime(2026, 12, 31, tzinfo=dt.UTC)


def draft(folder: Path, base: str = "2025-06-01", *changes: tuple[str, str]) -> Path:
    """The rules of a version as a draft, with these texts exchanged."""
    text = (settings().policies / PROGRAMME / f"{base}.yaml").read_text(encoding="utf-8")
    for old, new in (
        (f'version: "{base}"', 'version: "2027-01-01"'),
        (f"effective: {base}", "effective: 2027-01-01"),
        ("status: in_force", "status: draft"),
        *changes,
    ):
        assert old in text
        text = text.replace(old, new)
    path = folder / "2027-01-01-draft.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _tables() -> dict[str, int]:
    from ipgov.core.database import reading
    from ipgov.core.tables import metadata

    with reading() as connection:
        return {
            t.name: connection.execute(select(func.count()).select_from(t)).scalar()
            for t in metadata.sorted_tables
        }


def test_a_draft_over_three_years(nation: Any, tmp_path: Path):
    from ipgov.procedures import what_if as procedure

    for period in (2023, 2024, 2025):
        nation.year(period)
    before = _tables()
    same = procedure.under_draft(draft(tmp_path, "2023-09-05"), PROGRAMME, "2023-2024", NOW)
    assert same.regraded() == []  # the rules then, as a draft, change nothing
    assert same.titles == ()
    assert all(u.before.total == u.after.total for y in same.years for u in y.units)

    newer = draft(tmp_path)
    with pytest.raises(RefusedError, match="往年所无，不能比较") as refused:
        procedure.under_draft(newer, PROGRAMME, "2023-2025", NOW)
    told = [str(p) for p in refused.value.problems]
    assert len(told) == 2  # the 2025 form asks F29, which the years before did not
    assert "2023 年度缺指标 I24 所用的 F29" in told[0]
    assert "--not-asked drop" in told[0]

    floors = (("优秀", 88, 92), ("良好", 75, 90), ("通过", 65, 86))
    raised = [(f"name: {g}, floor: {a}", f"name: {g}, floor: {b}") for g, a, b in floors]
    strict = draft(tmp_path, "2025-06-01", *raised)
    found = procedure.under_draft(strict, PROGRAMME, "2023-2025", NOW, "drop")
    assert [y.period for y in found.years] == [2023, 2024, 2025]
    assert [len(y.gaps) for y in found.years] == [1, 1, 0]
    lowered = [u for _, u in found.regraded() if u.before.passed and u.after.passed is False]
    assert lowered
    for year in found.years:
        assert sum(year.transitions.values()) == len(year.units)
        for side in ("before", "after"):
            assert sum(getattr(e, side) or 0 for e in year.effects) == pytest.approx(100, abs=0.2)
    lost = {t.unit: (t.before, t.after) for t in found.titles}
    assert any(before is None and after is not None for before, after in lost.values())
    for unit, (_, after) in lost.items():
        later = [u for y in found.years if after and y.period > after for u in y.units if u.unit == unit]
        assert all(u.lost_earlier and u.consequence_after != "取消称号" for u in later)
    assert _tables() == before  # nothing is written

    data = procedure.sheet(found, strict)
    assert data == procedure.sheet(found, strict)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == [
        "摘要", "等级转移", "逐家结果", "称号去留", "指标区分度", "规则差异", "说明",
    ]  # fmt: skip
    for sheet in book:
        assert "试算，不具效力" in sheet.cell(3, 1).value
        assert "试算，不具效力" in sheet.oddHeader.right.text
    rules = {r[0]: r[1:3] for r in book["规则差异"].iter_rows(min_row=5, values_only=True)}
    assert rules["评分 › 等级 › 通过 › 分数线"] == ("65", "86")
    notes = [r[1] for r in book["说明"].iter_rows(min_row=5, values_only=True)]
    assert any("I24 所用 F29" in n for n in notes)

    with pytest.raises(UnknownError, match="2022 年度没有正式评价结果"):
        procedure.under_draft(newer, PROGRAMME, "2022", NOW)
    with pytest.raises(UnknownError, match="应为 2023-2025"):
        procedure.under_draft(newer, PROGRAMME, "2025-2023", NOW)
    with pytest.raises(UnknownError, match="不是“other”的"):
        procedure.under_draft(newer, "other", "2023", NOW)


def test_a_draft_that_is_wrong_is_told_place_by_place(tmp_path: Path) -> None:
    from ipgov.procedures.what_if import under_draft

    wrong = draft(tmp_path, "2025-06-01", ("floor: 65", "floor: 80"))
    with pytest.raises(GovernanceError, match=r"的评分规则有 \d+ 处问题") as error:
        under_draft(wrong, PROGRAMME, "2023", NOW)
    assert any("scoring.grades[通过].floor" in str(p) for p in error.value.problems)
