"""A published history of the synthetic nation: the workbook of a year as an operator would fill it in.

Everything is fictitious and says so: number, publisher, place of finding, results.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

from ipgov.documents.published_form import HEAD_ROW
from ipgov.intake.published import NOT_EVALUATED, RESULTS, SCORES, SOURCE, VALUES
from ipgov.simulation.nation import SOURCE as FICTITIOUS
from ipgov.simulation.nation import nation

# Totals of the synthetic year before the system: near a body's level, graded by hand.
_GRADES = ((85, "优秀"), (75, "良好"), (60, "通过"), (0, "未通过"))


def results(period: int, levels: str = "2023") -> dict[str, dict[str, Any]]:
    """Return total, rank, grade and pass of every body for a year, made from its level."""
    totals = {p["unit"]: round(float(p["level"][levels]) * 95, 2) for p in nation()["platforms"]}
    ranked = sorted(totals.values(), reverse=True)
    found = {}
    for unit, total in totals.items():
        grade = next(name for floor, name in _GRADES if total >= floor)
        passed = "否" if grade == "未通过" else "是"
        found[unit] = {"总分": total, "名次": ranked.index(total) + 1, "等级": grade, "是否通过": passed}
    return found


def source(period: int, rule_version: str | None = None) -> dict[str, Any]:
    """Return where the synthetic results were published."""
    return {
        "文号": f"虚构公告〔{period + 1}〕1号",
        "公布日期": dt.date(period + 1, 5, 20),
        "公布单位": f"虚构公布单位（{FICTITIOUS}）",
        "查得处": "虚构档案第 1 号",
        "所依规则版本": rule_version,
    }


def filled(
    form: bytes,
    source_fields: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Mapping[str, Any]] | None = None,
    scores: Mapping[str, Mapping[str, Any]] | None = None,
) -> bytes:
    """Fill in a blank workbook: results by unit and column, indicator values and scores by unit and code.

    A unit without results is left without a row; a row that says nothing is ``未评价``.
    """
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(form))
    sheet = book[SOURCE]
    for row in range(HEAD_ROW + 1, sheet.max_row + 1):
        sheet.cell(row, 2).value = source_fields.get(sheet.cell(row, 1).value)
    listed = {u: ({"是否通过": NOT_EVALUATED} | dict(cells)) for u, cells in rows.items()}
    _fill(book[RESULTS], listed, drop=True)
    _fill(book[VALUES], values or {})
    _fill(book[SCORES], scores or {})
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _fill(sheet: Any, rows: Mapping[str, Mapping[str, Any]], *, drop: bool = False) -> None:
    columns = {str(c.value).split()[0]: c.column for c in sheet[HEAD_ROW] if c.value}
    for row in range(sheet.max_row, HEAD_ROW, -1):
        unit = sheet.cell(row, 1).value
        for head, value in rows.get(unit, {}).items():
            sheet.cell(row, columns[head]).value = value
        if drop and unit not in rows:
            sheet.delete_rows(row)
