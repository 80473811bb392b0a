"""Data that comes after the issue: it changes nothing published, and a correction takes people's approval."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import openpyxl
import pypdf
import pytest
from ipgov.core import objects, tables
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.procedures import approval, correction
from sqlalchemy import select, text

PROGRAMME = "functional_platform"
PUBLISHED = (
    "result_set", "result", "score", "proposed_outcome", "document", "document_file", "document_number",
    "dispatch", "title_event", "issue", "review_round", "decision",
)  # fmt: skip


def _rows(query):
    with reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def _content(upto: dict[str, int] | None = None) -> dict[str, list]:
    """Every row of what was issued (up to the ids given), as text."""
    found = {}
    with reading() as connection:
        for name in PUBLISHED:
            where = f" WHERE id <= {upto[name]}" if upto else ""
            found[name] = [
                tuple(map(str, r))
                for r in connection.execute(text(f'SELECT * FROM "{name}"{where} ORDER BY id'))  # noqa: S608
            ]
    return found


def _later(nation, period: int = 2023, unit: str = "FP01", level: str = "0.55") -> dt.date:
    """After the issue a body gets an extension and sends corrected data, which is accepted."""
    from ipgov.procedures import extensions
    from ipgov.simulation import nation as synthetic

    day = nation.days(period).evaluate_on.date + dt.timedelta(days=20)
    bodies = nation.units(nation.days(period).opens.date)
    rules = synthetic._rules(period)
    extensions.grant(PROGRAMME, str(period), unit, day, "运行组", "发文后更正", nation.at(day, 8))
    values = synthetic._values(bodies[unit], period, rules, day, {"level": Decimal(level)})
    key = f"inbox/{PROGRAMME}/{period}/{bodies[unit].province}/{unit}/更正.xlsx"
    nation.put(key, synthetic.fill(nation.blank(str(period), unit), values), nation.at(day, 10))
    nation.receive(day)
    return day


def _approve(nation, prepared, day):
    round_ = {"round_id": prepared.round_id, "fingerprint": prepared.fingerprint}
    assert not nation.answer(round_, "audit", "reviewer2", day).refused
    assert nation.answer(round_, "sign", "issuer1", day).status == "approved"
    return approval.issue(prepared.round_id, day, nation.at(day))


def test_late_data_changes_nothing_until_a_correction_is_approved(nation):
    with pytest.raises(UnknownError, match="尚未发文"):
        correction.prepare(PROGRAMME, "2023", nation.at(dt.date(2024, 1, 1)))
    first = nation.year(2023)
    issued = _content()
    last = {name: int(rows[-1][0]) if rows else 0 for name, rows in issued.items()}
    day = _later(nation)
    received = _content()  # the sender got a receipt
    assert correction.told_after_issue(PROGRAMME, "2023", nation.at(day)) == (
        "发布后另有 1 份（FP01），未计入已发布的结果"
    )

    prepared = correction.prepare(PROGRAMME, "2023", nation.at(day))
    assert prepared.round_id is None
    assert "FP01" in prepared.changed
    assert correction.prepare(PROGRAMME, "2023", nation.at(day)) == prepared
    # nothing of what was issued changed, and only a recalculated result came beside it
    assert _content(last) == issued
    added = {n: len(rows) - len(received[n]) for n, rows in _content().items()}
    assert {n for n, count in added.items() if count} <= {"result_set", "result", "score", "proposed_outcome"}

    sheet = openpyxl.load_workbook(io.BytesIO(objects.store().get(prepared.comparison_key)), data_only=True)
    moved = {r[0] for r in sheet["名次与等级变动"].iter_rows(min_row=5, values_only=True)}
    assert set(prepared.changed) >= moved
    assert "FP01" in moved
    values = list(sheet["数值变动"].iter_rows(min_row=5, values_only=True))
    assert {r[0] for r in values} == {"FP01"}

    # the correction: asked for by a reviewer, approved by others, issued once
    with pytest.raises(RefusedError, match="不能提出更正"):
        correction.prepare(PROGRAMME, "2023", nation.at(day), "issuer1", "报送有误")
    with pytest.raises(RefusedError, match="须写明事由"):
        correction.prepare(PROGRAMME, "2023", nation.at(day), "reviewer1", " ")
    opened = correction.prepare(PROGRAMME, "2023", nation.at(day), "reviewer1", "报送有误")
    assert opened.round_number == 2
    again = correction.prepare(PROGRAMME, "2023", nation.at(day), "reviewer1", "报送有误")
    assert (again.round_id, again.fingerprint) == (opened.round_id, opened.fingerprint)
    body = approval.present(opened.round_id).body
    assert all(u in body for u in opened.changed)
    unchanged = {f"FP{n:02d}" for n in range(1, 13)} - set(opened.changed)
    assert unchanged
    assert not any(u in body for u in unchanged)
    listed = _rows(select(tables.review_round).where(tables.review_round.c.id == opened.round_id))[0]
    book = openpyxl.load_workbook(io.BytesIO(objects.get_content(listed["rating_list_sha256"])))
    assert {r[1] for r in book["评级表"].iter_rows(min_row=5, values_only=True) if r[1]} == set(
        opened.changed
    )
    # its charts show every body as it would stand, and what is approved is bound to them
    drawn = _rows(
        select(tables.rating_chart).where(tables.rating_chart.c.result_set_id == opened.result_set_id)
    )
    assert [c["rating_list_sha256"] for c in drawn] == [listed["rating_list_sha256"]]
    assert drawn[0]["charts_sha256"] in str(list(book["封面"].iter_rows(values_only=True)))
    pages = pypdf.PdfReader(io.BytesIO(objects.get_content(drawn[0]["charts_sha256"]))).pages
    told = "".join(p.extract_text() for p in pages)
    assert all(u in told for u in unchanged)
    with pytest.raises(RefusedError, match="未经完整审批"):
        approval.issue(opened.round_id, day, nation.at(day))
    done = _approve(nation, opened, day)
    letters = _rows(select(tables.document).where(tables.document.c.round_id == opened.round_id))
    to_units = {d["unit"]: d for d in letters if d["kind"] == "result_correction"}
    assert set(to_units) == set(opened.changed)
    earlier = {
        d["unit"]: d for d in _rows(select(tables.document).where(tables.document.c.kind == "result_to_unit"))
    }
    for unit, letter in to_units.items():
        assert letter["corrects"] == (earlier[unit]["id"] if unit in earlier else None)
        content = json.loads(objects.get_content(letter["data_sha256"]))
        if unit in earlier:
            assert earlier[unit]["number"] in json.dumps(content, ensure_ascii=False)
    serials = sorted(r["serial"] for r in _rows(select(tables.document_number)))
    assert serials == list(range(1, len(serials) + 1))
    assert len(done.output["documents"]) == len(letters)
    assert _content(last) == issued

    # run again nothing happens; history takes the corrected results
    before = _content()
    repeated = approval.issue(opened.round_id, day, nation.at(day))
    assert repeated.repeated
    assert _content() == before
    from ipgov.evaluation import store as results

    with reading() as connection:
        then = results.history(connection, PROGRAMME, "2024", nation.at(day - dt.timedelta(days=1)))
        now = results.history(connection, PROGRAMME, "2024", nation.at(day))
    assert then["FP01"][0].total != now["FP01"][0].total
    assert "第 2 轮更正" in now["FP01"][0].source
    for unit in unchanged:
        assert now[unit] == then[unit]
    assert first["round_id"] != opened.round_id
    assert correction.told_after_issue(PROGRAMME, "2023", nation.at(day)) == ""
    with pytest.raises(RefusedError, match="没有可更正的内容"):
        correction.prepare(PROGRAMME, "2023", nation.at(day), "reviewer1", "再来一次")


def test_a_correction_gives_back_a_title_whose_cancellation_it_undoes(nation):
    nation.year(2023)
    nation.year(2024)
    ended = _rows(select(tables.title_event).where(tables.title_event.c.event == "cancelled"))
    assert [e["unit"] for e in ended] == ["FP09"]
    day = _later(nation, 2024, "FP09", "0.95")
    opened = correction.prepare(PROGRAMME, "2024", nation.at(day), "reviewer1", "漏报业务数据")
    assert "不再拟办“取消称号”" in opened.said["FP09"]
    done = _approve(nation, opened, day)
    assert done.output["title_events"] == ["FP09:restored"]
    assert "FP09" in nation.units(day)
    letter = _rows(
        select(tables.document).where(
            tables.document.c.kind == "result_correction", tables.document.c.unit == "FP09"
        )
    )[0]
    withdrawn = _rows(select(tables.document).where(tables.document.c.id == letter["withdraws"]))[0]
    assert withdrawn["kind"] == "cancel_title"
    assert len(_rows(select(tables.title_event))) == 14


def test_the_rules_say_whether_a_body_is_written_to_whose_rank_alone_changed(nation, monkeypatch):
    from ipgov.policy.rules import RuleVersion

    nation.year(2023)
    day = _later(nation)
    told = correction.prepare(PROGRAMME, "2023", nation.at(day))
    assert told.rank_alone == ()  # the project's rules write to all
    ranks = {u for u, said in told.said.items() if all(s.split("：")[0].endswith("名次") for s in said)}
    assert ranks
    assert "FP01" not in ranks

    monkeypatch.setattr(RuleVersion, "writes_for_rank_alone", property(lambda rules: False))
    silent = correction.prepare(PROGRAMME, "2023", nation.at(day), "reviewer1", "报送有误")
    assert set(silent.rank_alone) == ranks
    assert set(silent.changed) == set(told.changed) - ranks
    body = approval.present(silent.round_id).body
    assert not any(f"| {u} |" in body for u in ranks)
    _approve(nation, silent, day)
    letters = _rows(select(tables.document).where(tables.document.c.round_id == silent.round_id))
    assert {d["unit"] for d in letters if d["kind"] == "result_correction"} == set(silent.changed)
