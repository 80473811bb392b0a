"""The workbook in which a document is drafted: for every kind it goes out blank and comes back as given."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.documents import paper_form, papers
from ipgov.policy import papers as policy
from ipgov.procedures import paper_drafts
from paper_samples import SAMPLES, given, kind_of

PROPOSED = [name for name in SAMPLES if kind_of(name) not in paper_drafts.ABOUT_EARLIER]
CODES = {"subject": "FP03", "province": "33", "objector": "虚构某公司", "locality": "33", "body": "IC01"}


def paper(name: str) -> policy.Paper:
    return policy.paper(kind_of(name), SAMPLES[name][0])


def filled(name: str, change: Any = None) -> bytes:
    """Return the blank form of a sample's kind, typed in as a person would."""
    kind, content = kind_of(name), given(name)
    if "earlier" in content:
        content["earlier"] = "国知平评函〔2026〕7号"
    book = openpyxl.load_workbook(io.BytesIO(paper_form.blank(kind, paper(name), "局")))
    main = book[paper_form.MAIN]
    free: dict[str, list[int]] = {}
    for row in range(paper_form.HEAD_ROW + 1, main.max_row + 1):
        free.setdefault(main.cell(row, 1).value, []).append(row)
    for code, value in content.items():
        if isinstance(value, list) and isinstance(value[0], dict):
            sheet = book[paper_form.label(papers.SUBJECTS[kind], code)]
            heads = {str(c.value).rpartition("\n")[2]: c.column for c in sheet[paper_form.HEAD_ROW]}
            for row, item in enumerate(value, paper_form.HEAD_ROW + 1):
                for field, said in item.items():
                    sheet.cell(row, heads[field]).value = typed(said)
        else:
            for row, said in zip(free[code], value if isinstance(value, list) else [value], strict=False):
                main.cell(row, 3).value = typed(said)
    for party in paper(name).parties:
        main.cell(free[f"parties.{party}"][0], 3).value = CODES[party]
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def typed(said: Any) -> Any:
    return {True: "是", False: "否"}[said] if isinstance(said, bool) else said


@pytest.mark.parametrize("name", PROPOSED)
def test_what_is_typed_in_comes_back_as_given(name: str) -> None:
    kind = kind_of(name)
    got = paper_form.read(kind, paper(name), filled(name), "拟稿.xlsx")
    expected = given(name)
    content = dict(got["content"])
    if "earlier" in expected:
        assert content["earlier"] == "国知平评函〔2026〕7号"
        content["earlier"] = expected["earlier"]
    assert papers.subject(kind, content) == papers.subject(kind, expected)
    wanted = {
        party: [{"name": CODES[party]} if not CODES[party].isascii() else CODES[party]]
        for party in paper(name).parties
    }
    assert got["parties"] == wanted


@pytest.mark.parametrize("name", PROPOSED)
def test_the_blank_form_is_always_the_same_and_says_what_is_missing(name: str) -> None:
    data = paper_form.blank(kind_of(name), paper(name), "局")
    assert data == paper_form.blank(kind_of(name), paper(name), "局")
    got = paper_form.read(kind_of(name), paper(name), data, "空白.xlsx")
    assert got == {"content": {}, "parties": {}}
    with pytest.raises(GovernanceError, match="处问题") as caught:
        papers.subject(kind_of(name), got["content"])
    needed = {n for n, f in papers.SUBJECTS[kind_of(name)].model_fields.items() if f.is_required()}
    assert {str(p).count("缺少此项") for p in caught.value.problems} == {1}
    assert len(caught.value.problems) == len(needed)


def test_cells_that_a_program_made_numbers_or_days_are_read_as_typed() -> None:
    import datetime as dt

    def change(book: Any) -> None:
        for row in book[paper_form.MAIN].iter_rows(min_row=paper_form.HEAD_ROW + 1):
            if row[0].value == "starts_on":
                row[2].value, row[2].number_format = dt.datetime(2026, 5, 8), "yyyy-mm-dd"  # noqa: DTZ001
            if row[0].value == "telephone":
                row[2].value, row[2].number_format = 12345678, "0"

    got = paper_form.read("public_notice", paper("public_notice"), filled("public_notice", change), "x.xlsx")
    assert got["content"]["starts_on"] == "2026-05-08"
    assert got["content"]["telephone"] == "12345678"


def test_what_the_kind_does_not_have_is_named_with_its_cell() -> None:
    def change(book: Any) -> None:
        main = book[paper_form.MAIN]
        last = main.max_row + 1
        main.cell(last, 1).value, main.cell(last, 3).value = "clause", "甲"
        book["名单"].cell(paper_form.HEAD_ROW + 1, 2).value = "=1+1"
        main.cell(last + 1, 1).value, main.cell(last + 1, 3).value = "telephone", "二"
        book["名单"].cell(paper_form.HEAD_ROW, 1).value = "名称\nnane"

    with pytest.raises(GovernanceError) as caught:
        paper_form.read("public_notice", paper("public_notice"), filled("public_notice", change), "x.xlsx")
    told = "；".join(map(str, caught.value.problems))
    for said in (
        "没有代码为“clause”的项目",
        "“联系电话”填写了不止一次",
        "没有名为“nane”的栏",
        "填写了公式",
        "x.xlsx",
    ):
        assert said in told


@pytest.mark.parametrize("data", [b"PK", b"PK\x03\x04 nothing"])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match=r"坏的\.xlsx不能读取"):
        paper_form.read("public_notice", paper("public_notice"), data, "坏的.xlsx")


def test_another_workbook_is_refused() -> None:
    book = openpyxl.Workbook()
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(RefusedError, match="没有“内容”表"):
        paper_form.read("public_notice", paper("public_notice"), out.getvalue(), "别的.xlsx")
