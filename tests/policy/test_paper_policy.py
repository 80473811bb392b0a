"""To whom each document goes: lists of recipients differ from document to document, and policy holds them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.policy import papers
from ipgov.policy.check import papers as check
from ipgov.policy.check.sources import read_sources
from ipgov.policy.documents import documents

ORIGINAL = (settings().policies / papers.FILE).read_text(encoding="utf-8")
DAY = dt.date(2026, 5, 8)
CORPS = "新疆生产建设兵团知识产权局"


def to_whom(kind: str, programme: str, **parties: list[str]) -> papers.Recipients:
    return papers.recipients(papers.paper(kind, programme), parties, DAY)


def test_the_file_of_the_project_is_right() -> None:
    assert check.papers(read_sources()) == []


@pytest.mark.parametrize(
    ("kind", "programme", "source"),
    [
        ("recognition_notice", "functional_platform", "2023-156"),
        ("recognition_notice", "industry_centre", "2024-1155"),
        ("praise_circular", "industry_centre", "2024-1155"),
        ("self_evaluation_call", "industry_centre", "2024-1155"),
    ],
)
def test_a_document_to_everybody_goes_to_those_of_its_governing_document(
    kind: str, programme: str, source: str
) -> None:
    found = to_whom(kind, programme)
    assert found.to == documents()[source].recipients
    assert found.copies_to == ()


def test_recipients_are_not_carried_over_from_another_document() -> None:
    platforms = to_whom("recognition_notice", "functional_platform").to
    centres = to_whom("recognition_notice", "industry_centre").to
    circular = to_whom("violation_circular", "functional_platform", subject=["甲公司"]).to
    assert "四川省知识产权服务促进中心" in platforms
    assert "四川省知识产权服务促进中心" not in centres
    assert "广东省知识产权保护中心" in circular
    assert "广东省知识产权保护中心" not in platforms
    assert CORPS in circular
    assert CORPS not in documents()["2015-190"].recipients


@pytest.mark.clause("2022-985#21")
def test_monthly_data_go_to_the_locality_alone() -> None:
    paper = papers.paper("monthly_data_letter", "product_filing")
    assert not paper.public
    assert to_whom("monthly_data_letter", "product_filing", locality=["浙江省知识产权局"]) == (
        papers.Recipients(("浙江省知识产权局",), ())
    )


@pytest.mark.parametrize("kind", ["public_notice", "public_notice_outcome", "praise_case"])
def test_what_is_for_everybody_has_no_recipients(kind: str) -> None:
    assert to_whom(kind, "industry_centre") == papers.Recipients((), ())


def test_the_body_is_written_to_and_its_province_told() -> None:
    found = to_whom(
        "interview_invitation", "functional_platform", subject=["甲平台"], province=["浙江省知识产权局"]
    )
    assert found == papers.Recipients(("甲平台",), ("浙江省知识产权局",))


def test_who_gets_a_document_gets_no_copy_of_it() -> None:
    found = to_whom("withdrawal", "functional_platform", recipients=["甲", "乙", "甲"], copies=["乙", "丙"])
    assert found == papers.Recipients(("甲", "乙"), ("丙",))


@pytest.mark.parametrize(
    ("parties", "said"),
    [
        ({}, "没有写明当事单位 subject、province"),
        ({"subject": ["甲"], "province": [], "host": ["乙"]}, "不涉及当事单位 host；可以写明的：subject"),
        ({"subject": [], "province": ["乙"]}, "没有主送单位"),
    ],
)
def test_parties_are_those_that_policy_wants(parties: dict[str, list[str]], said: str) -> None:
    with pytest.raises(UnknownError, match=said):
        to_whom("interview_invitation", "functional_platform", **parties)


def test_no_recipients_are_taken_from_a_document_that_is_not_in_force() -> None:
    paper = papers.paper("recognition_notice", "industry_centre")
    assert papers.recipients(paper, {}, dt.date(2024, 12, 31)).to
    with pytest.raises(UnknownError, match="1155号在 2024-12-30 没有效力"):
        papers.recipients(paper, {}, dt.date(2024, 12, 30))


def test_a_kind_that_a_programme_does_not_have_is_named_with_those_it_has() -> None:
    with pytest.raises(UnknownError, match="没有文书“public_notice”；可用：recognition_notice（认定通知）"):
        papers.paper("public_notice", "functional_platform")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("template: public_notice\n", "template: no_such\n", "模板“no_such”不存在"),
        ("clause: 2024-1155#32", "clause: 2024-1155#99", "条款 2024-1155#99 不存在"),
        ("quotes: 2024-1155#33", "quotes: 2024-1155#98", "条款 2024-1155#98 不存在"),
        ("to: [{document: 2024-1155}]", "to: [{document: 2024-1}]", "未登记的文件“2024-1”"),
        ("to: [{document: 2024-1155}]", "to: [{document: 2024-1155, name: 甲}]", "只写明一项"),
        ("to: [{document: 2024-1155}]", "to: []", "须写明主送单位"),
        ("    public: true\n", "    public: true\n    to: [{name: 甲}]\n", "二者取一"),
        ("    public: true\n", "    public: true\n    entered: true\n", "须写明 series"),
        ('members: ["66"]', 'members: ["67"]', "成员 67 不是省份代码"),
        ("names: [新疆生产建设兵团知识产权局]", "names: [兵团]", "“新疆生产建设兵团知识产权局”不知寄发给谁"),
        ("code: corps_office", "code: provincial_offices", "代码重复：provincial_offices"),
        ("chain: {programme: functional_platform", "chain: {programme: none", "业务“none”没有规则"),
        ("after: public_notice\n", "after: notice\n", "after 所指的文书不存在：notice"),
        ("to: [{party: objector, outside: true}]", "to: [{name: 甲, outside: true}]", "outside 只用于"),
        ("programmes: [functional_platform]", "programmes: [industry_centre]", "重复列出"),
        ("opens: publicity_started", "opens: publicity_ended", "事项“publicity_ended”不是业务"),
        ("kind: withdrawal", "kid: withdrawal", "kind 缺少此项"),
        ("    operator: 文书的撤回文件未作规定", "    note: 文书的撤回文件未作规定", "没有依据"),
    ],
)
def test_what_is_wrong_is_named(
    old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert old in ORIGINAL
    spoiled = tmp_path / papers.FILE
    spoiled.write_text(ORIGINAL.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(check, "read", lambda path: papers.read(spoiled))
    assert said in "；".join(str(p) for p in check.papers(read_sources()))


def test_a_missing_file_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(GovernanceError, match="无法读取"):
        papers.read(tmp_path / papers.FILE)
