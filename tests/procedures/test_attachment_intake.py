"""Attachments from the inbox to the list of reasons: kept or refused, told, frozen, named beside values."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest
from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.core.tables import (
    attachment,
    document,
    finding,
    listed_attachment,
    quality_check,
    snapshot_attachment,
    submission,
    unclaimed_object,
)
from sqlalchemy import select

PROGRAMME = "functional_platform"
SCAN, EVIDENCE = "加盖公章的扫描件", "佐证材料"


def rows(statement):
    with reading() as connection:
        return [dict(r) for r in connection.execute(statement).mappings()]


def outcomes(result):
    return {key.rpartition("/")[2]: outcome for key, outcome in result.output["outcomes"].items()}


def letters(unit):
    """The paragraphs of every letter to a unit, in order."""
    from ipgov.core.objects import get_content
    from ipgov.documents.model import parse_document

    found = rows(select(document).where(document.c.unit == unit).order_by(document.c.id))
    return [
        (
            d["kind"],
            "".join(
                str(getattr(p, "text", p)) for p in parse_document(get_content(d["data_sha256"])).paragraphs
            ),
        )
        for d in found
    ]


@pytest.fixture
def folder(nation):
    """The inbox of FP01 in the opened year 2025; puts a file there on a day and hour."""
    nation.open(2025)
    due = nation.days(2025).due.date

    def put(name, data, days=-16, hour=10):
        key = f"inbox/{PROGRAMME}/2025/11/FP01/{name}"
        nation.put(key, data, nation.at(due + dt.timedelta(days=days), hour))
        return key

    put.due = due
    return put


@pytest.fixture
def workbook(nation, folder):
    """FP01's workbook with a list of attachments, by default all that is asked."""
    from ipgov.simulation import attachments as papers
    from ipgov.simulation import nation as synthetic

    unit = nation.units(folder.due)["FP01"]
    rules = synthetic._rules(2025)
    values = synthetic._values(unit, 2025, rules, folder.due, {})

    def make(*kinds):
        own = [p for p in papers.of(unit, 2025, rules) if p.kind in kinds]
        return synthetic.fill(nation.blank("2025", "FP01"), values, None, [p.row for p in own])

    return make


@pytest.fixture
def pdf():
    sys.path.insert(0, str(Path(__file__).parents[1] / "intake"))
    try:
        from intake_files import pdf as make
    finally:
        sys.path.pop(0)
    return make


@pytest.mark.clause("2023-156#19")
def test_the_year_2025_brings_attachments_with_it(nation):
    nation.collect(2025)
    kept = rows(select(attachment).where(attachment.c.outcome == "kept"))
    refused = rows(select(attachment).where(attachment.c.outcome == "refused"))
    assert [(r["unit"], r["media_type"]) for r in refused] == [("FP07", None)]
    assert "不是可接收的类型" in refused[0]["reason"]
    assert {r["scan"] for r in kept} == {"not_scanned"}  # no scanner is installed here, and that is recorded
    assert {r["unit"] for r in kept} == set(nation.units(nation.days(2025).opens.date))
    # FP03 sent its scan two days after the due day, and was told that it is complete
    told = letters("FP03")
    assert [kind for kind, _ in told] == ["receipt", "attachment"]
    assert "尚未收到" in told[0][1]
    assert "已全部收到" in told[1][1]
    assert "必需的附件已于" in told[1][1]
    assert "逾期" not in told[1][1]
    # FP07's evidence is a Word file with another suffix: refused, and named as missing
    assert [kind for kind, _ in letters("FP07")].count("attachment") == 1
    assert any("未予接收" in text for kind, text in letters("FP07") if kind == "attachment")

    from ipgov.procedures import evaluation_cycle

    cycle = nation.cycle(2025, nation.days(2025).evaluate_on.date)
    frozen = evaluation_cycle.freeze(cycle).output
    evaluation_cycle.check(cycle, frozen["snapshot_id"])
    found = rows(
        select(
            finding.c.rule, finding.c.unit, finding.c.field, finding.c.found, finding.c.sheet, finding.c.cell
        )
        .join(quality_check, quality_check.c.id == finding.c.check_id)
        .where(finding.c.rule.in_(("FPQ019", "FPQ020", "FPQ021")))
        .order_by(finding.c.rule, finding.c.unit)
    )
    assert [(f["rule"], f["unit"], f["field"], f["found"]) for f in found] == [
        ("FPQ019", "FP05", None, f"FP05-2025-{SCAN}.pdf"),
        ("FPQ020", "FP07", "F01", f"FP07-2025-{EVIDENCE}.pdf"),
    ]
    assert {f["sheet"] for f in found} == {"附件清单"}
    assert all(f["cell"] for f in found)
    stood = rows(
        select(snapshot_attachment).where(snapshot_attachment.c.snapshot_id == frozen["snapshot_id"])
    )
    assert {r["unit"] for r in stood if r["attachment_id"] is None} == {"FP05", "FP07"}


def test_an_explanation_names_the_attachments_that_prove_a_value(nation):
    from ipgov.procedures import explanations

    nation.collect(2025)
    nation.evaluate(2025)
    lines = "\n".join(explanations.explain(PROGRAMME, "2025", "FP01").root.lines())
    assert f"佐证附件“FP01-2025-{EVIDENCE}.pdf”（指纹 " in lines
    lines = "\n".join(explanations.explain(PROGRAMME, "2025", "FP07").root.lines())
    assert f"佐证附件“FP07-2025-{EVIDENCE}.pdf”（未收到）" in lines


def test_a_form_that_asks_for_none_answers_a_pdf_as_no_workbook(nation):
    nation.collect(2023)
    assert rows(select(attachment)) == []
    refused = rows(select(submission).where(submission.c.outcome == "refused", submission.c.unit == "FP10"))
    assert [p["check"] for p in refused[0]["problems"]] == ["is_a_workbook"]


def test_attachments_may_come_before_the_workbook_and_are_not_answered_one_by_one(
    nation, folder, workbook, pdf
):
    folder(f"FP01-2025-{SCAN}.pdf", pdf(), days=-20)
    assert outcomes(nation.receive(folder.due - dt.timedelta(days=19))) == {f"FP01-2025-{SCAN}.pdf": "kept"}
    assert letters("FP01") == []
    folder("报送表.xlsx", workbook("sealed_scan", "evidence"))
    nation.receive(folder.due - dt.timedelta(days=15))
    ((kind, text),) = letters("FP01")
    assert kind == "receipt"
    assert "附件清单列有2个附件，已收到1个" in text
    assert f"FP01-2025-{SCAN}.pdf（{SCAN}）：已收到" in text
    assert f"FP01-2025-{EVIDENCE}.pdf（{EVIDENCE}）：尚未收到" in text


def test_names_match_in_any_case_and_width_and_the_newest_file_stands(nation, folder, workbook, pdf):
    folder("报送表.xlsx", workbook("sealed_scan"))
    folder(f"ｆｐ01-2025-{SCAN}.PDF", pdf())
    folder(f"FP01-2025-{SCAN}.pdf", pdf(b"<< /Newer true >>"), hour=11)
    folder(f"fp01-2025-{SCAN}.pdf", b"%PDF-1.7 broken", hour=12)
    nation.receive(folder.due - dt.timedelta(days=15))
    from ipgov.intake import attachments

    known_at = nation.at(folder.due)
    with reading() as connection:
        ids = [r["id"] for r in rows(select(submission))]
        (row,) = attachments.standing(connection, PROGRAMME, "2025", ids, known_at)
    assert row.first_at < row.received_at
    assert row.refused is not None
    assert "不完整" in row.refused
    newest = rows(select(attachment).where(attachment.c.id == row.attachment_id))[0]
    assert newest["received_at"].astimezone(dt.timezone(dt.timedelta(hours=8))).hour == 11


def test_clocks_tell_received_complete_accepted_and_superseded_as_known_then(nation, folder, workbook, pdf):
    from ipgov.intake import attachments

    due = folder.due
    folder("报送表1.xlsx", workbook("sealed_scan"))
    nation.receive(due - dt.timedelta(days=15))
    folder(f"FP01-2025-{SCAN}.pdf", pdf(), days=-10)
    nation.receive(due - dt.timedelta(days=9))
    folder("报送表2.xlsx", workbook("sealed_scan", "evidence"), days=-5)
    nation.receive(due - dt.timedelta(days=4))

    def known(days):
        at = nation.at(due + dt.timedelta(days=days))
        with reading() as connection:
            return attachments.clocks(connection, PROGRAMME, "2025", at, {"FP01": ("sealed_scan",)})

    (clock,) = known(-15)
    assert (clock.complete_at, clock.superseded_at) == (None, None)
    assert clock.accepted_at == nation.at(due - dt.timedelta(days=15))
    (clock,) = known(-9)
    assert clock.complete_at == nation.at(due - dt.timedelta(days=10), 10)
    first, second = known(0)
    assert first.superseded_at == second.received_at == nation.at(due - dt.timedelta(days=5), 10)
    assert second.complete_at == second.received_at  # the scan was there before
    assert second.complete_by(due)
    assert not first.complete_by(due - dt.timedelta(days=11))


def test_policy_may_return_a_workbook_without_its_attachment(nation, folder, workbook, pdf, monkeypatch):
    from dataclasses import replace

    from ipgov.procedures import submission_intake as procedure

    rules_of = procedure.rules_of

    def strict(connection, cycle):
        loaded = rules_of(connection, cycle)
        asked = loaded.rules.form.attachments
        kinds = tuple(
            k.model_copy(update={"missing": "returned" if k.required else "told"}) for k in asked.kinds
        )
        form = loaded.rules.form.model_copy(update={"attachments": asked.model_copy(update={"kinds": kinds})})
        return replace(loaded, rules=loaded.rules.model_copy(update={"form": form}))

    monkeypatch.setattr(procedure, "rules_of", strict)
    folder("报送表.xlsx", workbook("sealed_scan"))
    assert outcomes(nation.receive(folder.due - dt.timedelta(days=15))) == {"报送表.xlsx": "returned"}
    folder(f"FP01-2025-{SCAN}.pdf", pdf(), days=-14)
    nation.receive(folder.due - dt.timedelta(days=13))
    assert "请连同更正后的报送表一并报送" in letters("FP01")[-1][1]
    folder("报送表.xlsx", workbook("sealed_scan"), days=-12)
    assert outcomes(nation.receive(folder.due - dt.timedelta(days=11))) == {"报送表.xlsx": "accepted"}


def test_the_same_files_read_again_change_nothing(nation, folder, workbook, pdf):
    folder("报送表.xlsx", workbook("sealed_scan"))
    folder(f"FP01-2025-{SCAN}.pdf", pdf())
    day = folder.due - dt.timedelta(days=15)
    first = nation.receive(day)
    assert first.written == 2
    from ipgov.procedures import submission_intake

    again = submission_intake.receive(list(first.output["outcomes"]), day, nation.at(day))
    assert (again.written, again.skipped) == (0, 2)
    assert len(rows(select(attachment))) == len(rows(select(listed_attachment))) == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"", "文件是空的"),
        ("a.pdf", b"GIF89a not ours", "不是可接收的类型"),
        ("a.png", None, "与文件名后缀不符"),
        ("a", None, "与文件名后缀不符"),
        ("a.docx", b"PK\x03\x04 [Content_Types].xml word/document.xml", "不是可接收的类型"),
    ],
)
def test_what_is_refused_is_told_and_kept_but_does_not_stand(nation, folder, pdf, name, data, words):
    folder(name, pdf() if data is None else data)
    assert outcomes(nation.receive(folder.due)) == {name: "refused"}
    (row,) = rows(select(attachment))
    assert words in row["reason"]
    assert row["sha256"] == row["digest"] is not None
    ((kind, text),) = letters("FP01")
    assert kind == "attachment"
    assert words in text


def test_a_workbook_is_known_by_its_content_and_a_pdf_under_its_name_is_answered_as_one(
    nation, folder, workbook, pdf
):
    folder("报送表", workbook())
    folder("报送表.xlsx", pdf())
    assert outcomes(nation.receive(folder.due)) == {"报送表": "accepted", "报送表.xlsx": "refused"}
    assert rows(select(attachment)) == []


def test_sizes_are_limited_before_anything_is_read(nation, folder, pdf, monkeypatch):
    from ipgov.core import objects

    limit = 20_000_000
    folder("large.pdf", pdf() + bytes(limit))
    folder("报送表.xlsx", b"PK\x03\x04" + bytes(3000))
    monkeypatch.setenv("IPGOV_MAX_OBJECT_BYTES", "2000")
    settings.cache_clear()
    read = []
    get = objects.LocalStore.get
    monkeypatch.setattr(objects.LocalStore, "get", lambda self, key: read.append(key) or get(self, key))
    assert outcomes(nation.receive(folder.due)) == {"large.pdf": "refused", "报送表.xlsx": "refused"}
    assert not [key for key in read if key.startswith("inbox/")]
    found = rows(select(attachment).order_by(attachment.c.filename))
    assert [(r["digest"], r["sha256"]) for r in found] == [(None, None)] * 2
    assert all("超过上限" in r["reason"] for r in found)
    assert nation.receive(folder.due).read == 0


def test_all_together_are_limited_and_a_replaced_one_does_not_count(nation, folder, pdf, monkeypatch):
    from dataclasses import replace

    from ipgov.procedures import submission_intake as procedure

    rules_of = procedure.rules_of
    size = len(pdf())

    def small(connection, cycle):
        loaded = rules_of(connection, cycle)
        update = {"max_total_bytes": 2 * size + 10, "max_bytes": size + 10, "max_count": 2}
        asked = loaded.rules.form.attachments.model_copy(update=update)
        form = loaded.rules.form.model_copy(update={"attachments": asked})
        return replace(loaded, rules=loaded.rules.model_copy(update={"form": form}))

    monkeypatch.setattr(procedure, "rules_of", small)
    for name in ("a.pdf", "b.pdf"):
        folder(name, pdf())
    assert set(outcomes(nation.receive(folder.due)).values()) == {"kept"}
    folder("a.pdf", pdf(), days=-15)
    folder("c.pdf", pdf(), days=-15)
    assert outcomes(nation.receive(folder.due)) == {"a.pdf": "kept", "c.pdf": "refused"}
    assert "不超过 2 个" in rows(select(attachment).where(attachment.c.filename == "c.pdf"))[0]["reason"]


@pytest.fixture
def scanner(tmp_path, monkeypatch):
    """A scanner that finds EICAR, and has no verdict on what says SLOW as long as ``broken`` exists."""
    broken = tmp_path / "broken"
    program = tmp_path / "scan.py"
    program.write_text(
        "import os, sys\ndata = open(sys.argv[1], 'rb').read()\n"
        f"sys.exit(2 if b'SLOW' in data and os.path.exists({str(broken)!r}) else b'EICAR' in data)\n"
    )
    monkeypatch.setenv("IPGOV_SCANNER", f"{sys.executable} {program}")
    settings.cache_clear()
    return broken


def test_what_the_scanner_finds_is_quarantined_and_nothing_of_it_is_served(
    nation, folder, workbook, pdf, scanner
):
    from ipgov.core import audit, seals
    from ipgov.core.fingerprint import sha256_hex
    from ipgov.core.objects import content_key, store

    bad_pdf, bad_book = pdf(b"<< /EICAR 1 >>"), workbook() + b"EICAR"
    folder("a.pdf", bad_pdf)
    folder("报送表.xlsx", bad_book)
    key = f"inbox/{PROGRAMME}/说明.txt"
    nation.put(key, b"EICAR text", nation.at(folder.due - dt.timedelta(days=16)))
    found = outcomes(nation.receive(folder.due))
    assert found == {"a.pdf": "refused", "报送表.xlsx": "refused", "说明.txt": "unclaimed"}
    infected = rows(select(attachment).order_by(attachment.c.filename))
    assert [(r["scan"], r["sha256"]) for r in infected] == [("infected", None)] * 2
    assert all(r["scanned_by"] for r in infected)
    for data in (bad_pdf, bad_book, b"EICAR text"):
        digest = sha256_hex(data)
        assert not store().exists(content_key(digest))
        assert store().get(f"quarantine/{digest}") == data
    (lost,) = rows(select(unclaimed_object))
    assert lost["sha256"] is None
    assert "恶意代码" in lost["reason"]
    assert rows(select(submission)) == []
    assert all("恶意代码" in text for _, text in letters("FP01"))
    with reading() as connection:
        seals.add("manual", "test", nation.at(folder.due))
        assert audit.verify(connection).problems == []


def test_without_a_verdict_nothing_is_accepted_and_the_next_run_tries_again(
    nation, folder, workbook, pdf, scanner
):
    from ipgov.intake.scanner import NotScannedError

    scanner.touch()
    folder("a.pdf", pdf(b"<< /SLOW 1 >>"))
    folder("b.pdf", pdf())
    folder("报送表.xlsx", workbook())
    with pytest.raises(NotScannedError, match=r"1 个文件未能扫描，未予接收，下次再试：.*a\.pdf"):
        nation.receive(folder.due)
    assert [(r["filename"], r["scan"]) for r in rows(select(attachment))] == [("b.pdf", "clean")]
    assert [r["outcome"] for r in rows(select(submission))] == ["accepted"]
    scanner.unlink()
    assert outcomes(nation.receive(folder.due)) == {"a.pdf": "kept"}


def test_a_name_that_is_not_utf_8_is_listed_as_unclaimed(nation, folder, pdf):
    import os

    path = nation.objects / f"inbox/{PROGRAMME}/2025/11/FP01"
    path.mkdir(parents=True)
    named = os.path.join(os.fsencode(path), "扫描件.pdf".encode("gb18030"))
    with open(named, "wb") as f:
        f.write(pdf())
    moment = nation.at(folder.due - dt.timedelta(days=16)).timestamp()
    os.utime(named, (moment, moment))
    result = nation.receive(folder.due)
    assert list(result.output["outcomes"].values()) == ["unclaimed"]
    (lost,) = rows(select(unclaimed_object))
    assert r"\xc3\xe8" in lost["object_key"]
    assert "按 GB 18030 读作“扫描件.pdf”" in lost["reason"]
    assert nation.receive(folder.due).read == 0


def test_the_same_workbook_sent_again_is_answered_again(nation, folder, workbook):
    data = workbook()
    folder("报送表.xlsx", data)
    nation.receive(folder.due - dt.timedelta(days=15))
    folder("报送表.xlsx", data, days=-10)
    assert outcomes(nation.receive(folder.due - dt.timedelta(days=9))) == {"报送表.xlsx": "accepted"}
    assert len(letters("FP01")) == 2
