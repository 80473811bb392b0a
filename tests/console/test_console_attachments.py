"""A body's page tells of its attachments; kept ones are handed out, refused ones are not."""

from __future__ import annotations

import datetime as dt
from urllib.parse import unquote

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, KNOWN_AT, PERIOD, PROGRAMME, Sample, insert
from ipgov.core import objects, tables
from ipgov.core.database import transaction

PAGE = f"/governance/unit/{PROGRAMME}/{PERIOD}/FP01"
DATA = b"%PDF-1.7 a scan"


@pytest.fixture
def attached(own_sample: Sample) -> dict[str, int]:
    """One kept, one refused with a hostile name, one infected; the kept one and a missing one are listed."""
    found = {}
    with transaction() as c:
        for number, (name, outcome, scan, sha256) in enumerate(
            (
                ("扫描件.pdf", "kept", "clean", objects.put_content(DATA)),
                (f"{HOSTILE}.pdf", "refused", "not_scanned", objects.put_content(b"MZ")),
                ("病毒.pdf", "refused", "infected", None),
            )
        ):
            found[outcome + scan] = insert(
                c,
                tables.attachment,
                object_key=f"inbox/{PROGRAMME}/{PERIOD}/11/FP01/{name}",
                programme=PROGRAMME,
                period=PERIOD,
                unit="FP01",
                filename=name,
                name_key=name,
                media_type="application/pdf" if outcome == "kept" else None,
                bytes=1_234_567,
                received_at=dt.datetime(2025, 3, 12, 3, number, tzinfo=dt.UTC),
                outcome=outcome,
                reason=None if outcome == "kept" else "文件内容不是可接收的类型",
                digest="d" * 64,
                sha256=sha256,
                scan=scan,
                scanned_by=None if scan == "not_scanned" else "clamdscan（ClamAV 1.4）",
                rule_sha256="0" * 64,
            )
        for name, code in (("扫描件.pdf", "F01"), ("没有来.pdf", "F02")):
            insert(
                c,
                tables.listed_attachment,
                submission_id=own_sample.accepted_id,
                name=name,
                name_key=name,
                kind="evidence",
                fields=[code],
                note="",
                sheet="附件清单",
                cell="B9",
            )
    assert KNOWN_AT.tzinfo
    return found


def test_the_page_tells_what_is_listed_and_what_came(viewer: Browser, attached: dict[str, int]) -> None:
    answer = viewer.get(PAGE)
    text = words(answer.text)
    assert "附件（清单所列 2 个，收到 3 份）" in text
    assert "没有来.pdf evidence 年度知识产权交易项目数 “附件清单”表 B9 未收到" in text
    assert "1.2 MB 未发现恶意代码 clamdscan（ClamAV 1.4） 下载" in text
    assert "含恶意代码，已隔离" in text
    assert "未扫描" in text
    assert "<script>" not in answer.text
    assert answer.text.count("/attachment/") == 2  # the kept one, in both tables


def test_a_kept_one_is_handed_out_as_it_came_and_never_shown_in_place(
    viewer: Browser, attached: dict[str, int]
) -> None:
    answer = viewer.get(f"/governance/attachment/{attached['keptclean']}")
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename=download.pdf; ")
    assert unquote(answer.headers["content-disposition"]).endswith("FP01-扫描件.pdf")


@pytest.mark.parametrize("which", ["refusednot_scanned", "refusedinfected"])
def test_a_refused_one_is_not_handed_out(viewer: Browser, attached: dict[str, int], which: str) -> None:
    answer = viewer.get(f"/governance/attachment/{attached[which]}")
    assert answer.status_code >= 400
    assert "未予接收，不提供下载" in answer.text
    assert b"MZ" not in answer.content


def test_no_such_attachment(viewer: Browser, attached: dict[str, int]) -> None:
    assert viewer.get("/governance/attachment/999").status_code == 404


def test_a_body_without_any_has_no_such_section(viewer: Browser, sample: Sample) -> None:
    assert "附件（清单所列" not in words(viewer.get(PAGE).text)
