"""Results published before this system: read whole or not at all, recorded by value, part of history."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.tables import (
    document,
    document_number,
    proposed_outcome,
    published_result,
    published_source,
    published_value,
    title_event,
)
from ipgov.procedures import published_history
from ipgov.simulation import published as synthetic
from sqlalchemy import func, select

PROGRAMME = "functional_platform"
KNOWN = dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC)


def _rows(query):
    with reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def _count(table):
    with reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _filled(change=None, **given) -> bytes:
    results = synthetic.results(2023)
    form = published_history.blank(PROGRAMME, "2023", KNOWN)
    data = synthetic.filled(form, synthetic.source(2023), results, **given)
    if change is None:
        return data
    book = openpyxl.load_workbook(io.BytesIO(data))
    change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _import(data: bytes, **given):
    return published_history.import_file("2023.xlsx", data, "经办甲", KNOWN, **given)


def test_an_import_keeps_every_value_with_its_cell_and_makes_nothing_else(nation):
    before = {t: _count(t) for t in (document, document_number, title_event)}
    data = _filled(values={"FP01": {"I01": 51000}}, scores={"FP01": {"I01": 90.5}})
    done = _import(data)
    assert (done.units, done.imported, done.changed, done.removed) == (12, 12 * 4 + 2, 0, 0)
    (source,) = _rows(select(published_source))
    assert source["document_number"] == "虚构公告〔2024〕1号"
    assert (source["publisher"], source["found_at"]) == (
        "虚构公布单位（模拟数据（虚构））",
        "虚构档案第 1 号",
    )
    assert (source["rule_version"], source["supersedes"]) == (None, None)
    total = _rows(
        select(published_value).where(published_value.c.unit == "FP01", published_value.c.aspect == "total")
    )[0]
    assert (total["sheet"], total["cell"], str(total["value"])) == ("结果", "C5", "85.5")
    assert {t: _count(t) for t in before} == before
    assert _import(data).repeated
    assert _count(published_source) == 1


def test_a_correction_is_a_new_row_for_each_changed_value_that_names_the_old_one(nation):
    _import(_filled())

    def change(book):
        book["结果"]["C5"] = 86
        book["结果"]["D6"] = None

    data = _filled(change)
    with pytest.raises(RefusedError, match="新增 0、改动 1、删去 1 个值；更正已导入的内容须写明事由"):
        _import(data)
    assert _count(published_source) == 1
    done = _import(data, reason="录入时看错行")
    assert (done.imported, done.changed, done.removed) == (0, 1, 1)
    rows = _rows(select(published_value).where(published_value.c.source_id == done.source_id))
    old = {r["id"]: r for r in _rows(select(published_value))}
    assert [(r["aspect"], r["change"]) for r in rows] == [("total", "changed"), ("rank", "removed")]
    assert str(old[rows[0]["supersedes"]]["value"]) == "85.5"
    assert str(rows[0]["value"]) == "86"
    results = _rows(select(published_result).where(published_result.c.source_id == done.source_id))
    assert len(results) == 12
    listed = published_history.imports(PROGRAMME)
    assert [(r["changed"], r["reason"]) for r in listed] == [(0, None), (1, "录入时看错行")]


def test_every_problem_at_once_with_its_cell_and_nothing_written(nation):
    def spoil(book):
        book["来源"]["B5"] = None
        book["来源"]["B6"] = "去年"
        sheet = book["结果"]
        sheet["A5"] = "FP99"
        sheet["C6"] = "八十分"
        sheet["D7"] = 1.5
        sheet["F8"] = "也许"
        sheet["A10"] = "FP05"
        sheet["F9"] = "未评价"
        book["指标值"]["C4"] = "I99 没有的指标"

    with pytest.raises(GovernanceError) as caught:
        _import(_filled(spoil))
    told = {(p.sheet, p.cell): p.found for p in caught.value.problems}
    assert set(told) >= {
        ("来源", "B5"), ("来源", "B6"), ("结果", "A5"), ("结果", "C6"), ("结果", "D7"), ("结果", "F8"),
        ("结果", "C9"), ("结果", "D9"), ("结果", "A10"), ("指标值", "C4"),
    }  # fmt: skip
    assert "没有登记“FP99”这一单位" in told["结果", "A5"]
    unit = next(p for p in caught.value.problems if p.cell == "A5" and p.sheet == "结果")
    assert "FP01、FP02" in unit.expected
    assert _count(published_source) == _count(published_value) == 0


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"PK\x03\x04 nonsense", b"<html></html>"])
def test_what_is_no_workbook_is_refused_in_chinese(nation, data):
    with pytest.raises(GovernanceError, match="不能导入") as caught:
        _import(data)
    assert caught.value.problems[0].expected


def test_a_changed_identity_is_refused(nation):
    def change(book):
        book["_published"]["B4"] = "2022"

    with pytest.raises(GovernanceError) as caught:
        _import(_filled(change))
    assert "身份信息页" in caught.value.problems[0].found


def test_the_same_values_in_another_file_change_no_value(nation):
    _import(_filled())
    with pytest.raises(RefusedError, match="新增 0、改动 0、删去 0 个值"):
        _import(_filled(lambda book: book["结果"].insert_rows(5)))


def test_a_body_is_found_by_a_later_name_and_by_the_successor_of_its_organisation(nation):
    from ipgov.core.database import transaction
    from ipgov.core.tables import organisation
    from ipgov.registry.organisations import Organisation, add_organisation, record_succession
    from ipgov.simulation.nation import fictitious_code

    day = dt.date(2023, 11, 1)
    known = dt.datetime(2023, 11, 2, tzinfo=dt.UTC)
    (operator,) = _rows(select(organisation).where(organisation.c.name == "虚构运营公司甲"))
    successor = Organisation(fictitious_code("11", 900), "虚构运营公司新甲", "11", False)
    with transaction() as connection:
        add_organisation(connection, successor, day, "模拟", known)
        record_succession(connection, operator["code"], successor.code, "renamed", day, "模拟", known)

    def change(book):
        book["结果"]["A5"], book["结果"]["B5"] = None, "虚构运营公司新甲"
        book["结果"]["A6"], book["结果"]["B6"] = None, "虚构交易平台乙"

    _import(_filled(change))
    names = {r["unit"]: r["published_name"] for r in _rows(select(published_result))}
    assert names["FP01"] == "虚构运营公司新甲"
    assert names["FP02"] == "虚构交易平台乙"


@pytest.mark.clause("2023-156#21")
def test_an_imported_and_a_live_failure_running_end_a_title(nation):
    nation.open(2023)  # whose blank forms a body of the story uses by mistake
    _import(_filled())
    # published as failed: FP08, FP09 and those below the grade
    failed = {r["unit"] for r in _rows(select(published_result).where(~published_result.c.passed))}
    assert {"FP08", "FP09"} <= failed
    nation.collect(2024)
    live = nation.evaluate(2024)
    proposed = _rows(
        select(proposed_outcome).where(proposed_outcome.c.result_set_id == live["result_set_id"])
    )
    ended = {p["unit"]: p for p in proposed if p["outcome"] == "cancel_title"}
    assert "FP09" in ended
    evidence = {e["period"]: e["source"] for e in ended["FP09"]["evidence"]}
    assert evidence[2023] == (
        "2023 年度导入的已公布结果：虚构公告〔2024〕1号（虚构公布单位（模拟数据（虚构）），2024-05-20）"
    )
    nation.approve(2024, live)
    events = _rows(select(title_event.c.unit).where(title_event.c.event == "cancelled"))
    assert "FP09" in {e["unit"] for e in events}


def test_a_year_is_either_issued_here_or_imported(nation):
    nation.open(2023)
    data = _filled()
    nation.year(2023)
    with pytest.raises(RefusedError, match="由本系统签发"):
        _import(data)
    with pytest.raises(RefusedError, match="由本系统签发"):
        published_history.blank(PROGRAMME, "2023", KNOWN)
    with pytest.raises(UnknownError, match="四位年份"):
        published_history.blank(PROGRAMME, "23", KNOWN)


def test_an_imported_year_is_not_put_up_for_approval(nation):
    _import(_filled())
    nation.collect(2023)
    with pytest.raises(RefusedError, match="已导入公布的结果"):
        nation.evaluate(2023)
