"""Files are handed out byte for byte as they were archived, under a name that people can read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from console_browser import Browser
from console_sample import CHARTS, Sample

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

TITLE = "功能性国家知识产权运营服务平台年度绩效评价"


@pytest.mark.parametrize(
    ("path", "kind", "name", "content"),
    [
        ("document/1/pdf", "application/pdf", "国知平评函〔2025〕1号 “结果”.pdf", "pdf"),
        ("document/1/docx", DOCX, "国知平评函〔2025〕1号 “结果”.docx", "docx"),
        (
            "rating-list/2",
            XLSX,
            "功能性国家知识产权运营服务平台年度绩效评价-2024-第2轮-评级表.xlsx",
            "rating list",
        ),
        (
            "rating-charts/2",
            "application/pdf",
            "功能性国家知识产权运营服务平台年度绩效评价-2024-第2轮-图页.pdf",
            "charts",
        ),
        ("answer/{accepted}", "application/pdf", "FP01-2024-回执-", "accepted"),
        ("answer/{returned}", XLSX, "FP02-2024-更正-", "returned"),
    ],
)
def test_a_file_comes_as_it_was_archived(
    viewer: Browser, sample: Sample, path: str, kind: str, name: str, content: str
) -> None:
    path = path.format(accepted=sample.accepted_id, returned=sample.returned_id)
    answer = viewer.get(f"/governance/{path}")
    assert answer.status_code == 200
    assert answer.content == {**sample.files, "rating list": sample.rating_list, "charts": CHARTS}[content]
    assert answer.headers["content-type"] == kind
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=download.")
    assert unquote(disposition.partition("filename*=UTF-8''")[2]).startswith(name)
    assert disposition.isascii()
    assert '"' not in disposition


def test_a_file_changed_in_the_store_is_not_handed_out(
    viewer: Browser, own_sample: Sample, tmp_path: Path
) -> None:
    from ipgov.core.fingerprint import sha256_hex
    from ipgov.core.objects import content_key

    kept = tmp_path / "objects" / content_key(sha256_hex(own_sample.files["pdf"]))
    kept.chmod(0o600)
    kept.write_bytes(b"%PDF-1.7 forged")
    answer = viewer.get("/governance/document/1/pdf")
    assert answer.status_code == 503
    assert "可能被篡改" in answer.text


def test_a_file_lost_from_the_store_is_said(viewer: Browser, own_sample: Sample, tmp_path: Path) -> None:
    from ipgov.core.fingerprint import sha256_hex
    from ipgov.core.objects import content_key

    (tmp_path / "objects" / content_key(sha256_hex(own_sample.files["docx"]))).unlink()
    assert viewer.get("/governance/document/1/docx").status_code == 404


def test_the_style_sheet_is_handed_out(viewer: Browser, sample: Sample) -> None:
    answer = viewer.get("/governance/static/console.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "@media print" in answer.text
    assert "url(" not in answer.text
    assert "@import" not in answer.text


def test_the_derivation_of_a_result_is_made_for_download(viewer: Browser, sample: Sample) -> None:
    page = viewer.get("/governance/unit/functional_platform/2024/FP01")
    assert "/explanation/functional_platform/2024/FP01" in page.text
    answer = viewer.get("/governance/explanation/functional_platform/2024/FP01")
    assert (answer.status_code, answer.content[:2]) == (200, b"PK")
    assert unquote(answer.headers["content-disposition"]).endswith("FP01-2024-得分推导.xlsx")
    assert viewer.get("/governance/explanation/functional_platform/2024/NONE").status_code == 404
