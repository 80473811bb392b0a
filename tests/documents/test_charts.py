"""The pages of charts: the same bytes everywhere, Chinese in fonts of the project, every figure on a page."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from document_samples import HOSTILE, RARE, RULES
from ipgov.core.errors import GovernanceError
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents import charts
from rating_samples import whole_list

LISTED = whole_list()
PDF = charts.write(LISTED, "模拟数据")


def pages(data: bytes) -> list[str]:
    return [p.extract_text().replace("\n", "") for p in pypdf.PdfReader(io.BytesIO(data)).pages]


def test_distribution_profile_and_movement_stand_on_a4_pages() -> None:
    told = pages(PDF)
    assert len(told) == 3
    for page in pypdf.PdfReader(io.BytesIO(PDF)).pages:
        assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (842, 595)
    assert all("模拟数据" in t and "结果指纹" in t for t in told)
    assert "总分分布" in told[0]
    assert all(f"{g.name} ≥ {g.floor}" in told[0] for g in RULES.scoring.grades if g.floor is not None)
    for row in LISTED.rows:
        assert f"{row.unit} " in told[1]
        for d in RULES.scoring.dimensions:
            assert f"{row.scores[d.code]:.1f}" in told[1]
        assert f"{row.rank} {row.unit}" in told[2]
    assert "2023 年度" in told[2]


def test_the_same_list_is_the_same_bytes_in_another_process() -> None:
    assert charts.write(LISTED, "模拟数据") == PDF
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r});"
        "from rating_samples import whole_list; from ipgov.documents import charts;"
        "from ipgov.core.fingerprint import sha256_hex;"
        "print(sha256_hex(charts.write(whole_list(), '模拟数据')))"
    )
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={"TZ": "America/New_York", "PYTHONHASHSEED": "7", "PATH": "", "SOURCE_DATE_EPOCH": "1"},
    )
    assert run.stdout.strip() == sha256_hex(PDF)


def test_only_fonts_of_the_project_are_used_and_all_are_embedded() -> None:
    fonts = {
        str(font.get_object().get("/Name") or font.get_object()["/FontDescriptor"].get_object()["/FontName"])
        for page in pypdf.PdfReader(io.BytesIO(PDF)).pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all("Noto" in f for f in fonts)


def test_names_are_text_and_never_formulas_of_the_plotting_library() -> None:
    names = ("$\\frac{1}{0}$", "_x", HOSTILE[:12], RARE)
    rows = tuple(replace(r, name=names[n % 4] if n < 4 else r.name) for n, r in enumerate(LISTED.rows))
    told = pages(charts.write(replace(LISTED, rows=rows), ""))
    assert "$\\frac{1}{0}$" in told[1]
    assert RARE[:5] in told[1]


def test_many_bodies_take_more_pages_and_only_the_furthest_movers_are_drawn() -> None:
    told = pages(charts.write(whole_list(70, explained=False), ""))
    assert len(told) == 1 + 3 + 1
    assert "第 61 至 70 家" in told[3]
    assert "70家中变动最大的40家" in told[4]


def test_a_list_without_totals_or_years_says_so() -> None:
    rows = tuple(replace(r, total=None, rank=None, grade=None, history=()) for r in LISTED.rows)
    assert "没有一家有总分" in pages(charts.write(replace(LISTED, rows=rows), ""))[0]
    assert (
        len(pages(charts.write(replace(LISTED, rows=tuple(replace(r, history=()) for r in LISTED.rows)), "")))
        == 2
    )


def test_of_very_many_bodies_the_first_are_drawn_and_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charts, "PROFILES_SHOWN", 2)
    ranked = [r for r in LISTED.rows if r.total is not None]
    profile = pages(charts.write(LISTED, ""))[1]
    assert f"共 {len(ranked)} 家，其余见评级表" in profile
    assert [r.unit for r in ranked if f"{r.unit} " in profile] == [r.unit for r in ranked[:2]]


@pytest.mark.parametrize("field", ["name", "kind"])
def test_a_character_without_a_glyph_is_reported_and_no_box_is_drawn(field: str) -> None:
    rows = (replace(LISTED.rows[0], **{field: "\U000e0101甲\U0002a6d6平台"}), *LISTED.rows[1:])
    with pytest.raises(GovernanceError, match=r"图页》不能生成文书.*U\+2A6D6") as caught:
        charts.write(replace(LISTED, rows=rows), "")
    assert LISTED.rows[0].unit in caught.value.message
