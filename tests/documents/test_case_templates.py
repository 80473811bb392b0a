"""The papers of rectification cases: what each says, and that names stay text."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from document_samples import HOSTILE, RULES
from ipgov.documents import templates
from ipgov.documents.model import Heading, OfficialDocument
from ipgov.documents.pdf import render_pdf
from ipgov.policy import cases
from ipgov.policy.title_words import title_words

DAY = dt.date(2026, 5, 8)
FILE = "FP08-2025-0315.xlsx"
KINDS = {c.code: c for c in cases.every()}
PROBLEMS = [
    {
        "number": n,
        "kind": kind,
        "name": name,
        "found": found,
        "place": place,
        "basis": basis,
    }
    for n, (kind, name, found, place, basis) in enumerate(
        (
            ("否决事项", "跨区域设立分支机构（否决）", "为1个，构成否决", f"{FILE}“三、规范运行”表D7",
             "《关于认定全国知识产权运营服务平台体系功能性平台的通知》（国知发运函字〔2023〕156号）第四部分"),
            ("扣分事项", "行政处罚（扣分）", "为1件，扣5分", f"{FILE}“三、规范运行”表D11", "运行方自定"),
            ("得分偏低", "知识产权交易额", "为4512.30万元，得22.56分，低于60分", f"{FILE}“一、业务绩效”表D4",
             "运行方自定"),
            ("数据质量", "数据质量核查", "较上年增长超过300%", "—", "运行方自定"),
        ),
        1,
    )
]  # fmt: skip


def context(kind: str, **changes: Any) -> dict[str, Any]:
    case = KINDS[kind]
    values: dict[str, Any] = {
        "rules": RULES,
        "case_name": case.name,
        "name": "虚构特色平台丙",
        "title": RULES.subject.title,
        "body": title_words(case.programme).body,
        "noun": title_words(case.programme).noun,
        "opened_on": dt.date(2026, 4, 17),
        "due_on": dt.date(2026, 10, 19),
        "period": "2025",
        "reference": "17",
        "opening": case.opening,
        "plan_required": case.plan.required,
        "plan_due": dt.date(2026, 5, 20),
        "progress_days": [dt.date(2026, 6, 17), dt.date(2026, 8, 17)],
        "evidence_required": case.evidence.required,
        "reevaluated": case.reevaluation is not None,
        "extensible": case.extension is not None and case.extension.times > 0,
        "problems": PROBLEMS,
    }
    if case.inquiry is not None:
        values |= {
            "tests": [
                {"name": t.name, "criteria": "；".join(c.name for c in t.any_of)} for t in case.inquiry.tests
            ],
            "files": [{"number": 1, "name": "虚构处罚决定.pdf", "digest": "0a" * 32, "bytes": 2048}],
            "reply_until": dt.date(2026, 5, 6),
            "ending": case.failed,
        }
    return {**values, **changes}


def ending(kind: str, which: str, **changes: Any) -> dict[str, Any]:
    case = KINDS[kind]
    end = getattr(case, which)
    words = title_words(case.programme)
    told = {
        "ending": end,
        "meaning": end.meaning,
        "problems": len(PROBLEMS),
        "unsolved": PROBLEMS[:2] if which == "failed" else [],
        "word": {"noun": words.noun, "event": words.cancelled if end.event else ""},
        "found": PROBLEMS[:1],
        "heard": True,
        "criteria": ["虚构甲理由", "虚构乙理由"],
        "orders": [{"name": "撤除并报送", "due_on": dt.date(2026, 6, 4)}],
    }
    return context(kind, **{**told, **changes})


def render(template: str, given: dict[str, Any], basis: tuple[str, ...] = ()) -> OfficialDocument:
    document, _ = templates.render(
        template, given, kind=template, issuer="国家知识产权局", date=DAY, number="国知平改函〔2026〕3号",
        recipients=(given["name"],), basis=basis,
    )  # fmt: skip
    return document


def text(document: OfficialDocument) -> str:
    return "\n".join(p if isinstance(p, str) else p.text for p in document.paragraphs)


CENTRE = {"title": "国家级产业知识产权运营中心", "name": "虚构产业中心"}
SAMPLES = {
    "warning": ("rectification_notice", context("platform_warning"), ()),
    "pilot": ("rectification_notice", context("pilot_rectification", progress_days=[]), ("2023-156#23",)),
    "centre": ("rectification_notice", context("centre_rectification"), ("2024-1155#44",)),
    "accepted": ("rectification_accepted", ending("platform_warning", "passed"), ()),
    "failed": ("rectification_failed", ending("platform_warning", "failed"), ()),
    "reevaluated": ("reevaluation_notice", ending("pilot_rectification", "failed"), ("2023-156#24",)),
    "ended": (
        "title_ending",
        ending("centre_rectification", "failed", title="国家级产业知识产权运营中心", name="虚构产业中心"),
        ("2024-1155#45",),
    ),
    "found": ("finding_notice", context("centre_misconduct", **CENTRE), ()),
    "found_otherwise": ("finding_notice", context("centre_subcentre", **CENTRE), ()),
    "dismissed": ("finding_dismissed", ending("centre_misconduct", "passed", **CENTRE), ()),
    "ordered": ("finding_order", ending("centre_subcentre", "failed", **CENTRE), ("2024-1155#47",)),
    "revoked": ("title_revocation", ending("centre_misconduct", "failed", **CENTRE), ("2024-1155#46",)),
}
pytestmark = pytest.mark.usefixtures("database")


def sample(which: str, /, **changes: Any) -> OfficialDocument:
    template, given, basis = SAMPLES[which]
    return render(template, {**given, **changes}, basis)


def test_the_notice_says_what_is_wrong_what_is_asked_and_until_when() -> None:
    document = sample("warning")
    body = text(document)
    assert document.title == "关于虚构特色平台丙提醒整改的通知"
    assert body.startswith("虚构特色平台丙2025年度绩效评价未通过。为帮助平台改进工作")
    assert "本项提醒整改为运行方自定，文件未作规定。" in body
    assert "存在4项问题" in body
    assert "于2026年5月20日（含当日）前放入本单位的报送目录" in body
    assert "分别于2026年6月17日、2026年8月17日前报送进展情况" in body
    assert "自2026年4月17日起，至2026年10月19日（含当日）止" in body
    assert "应在期限届满前书面申请延期" in body
    assert [p.text for p in document.paragraphs if isinstance(p, Heading)] == [
        "一、存在的问题",
        "二、整改要求",
        "三、整改期限",
        "四、验收与再评价",
    ]
    (listed,) = document.attachments
    assert len(listed.rows) == len(PROBLEMS)
    assert listed.rows[2][4] == "FP08-2025-0315.xlsx“一、业务绩效”表D4"
    assert "取消" not in body  # a warning threatens with nothing that no document says
    assert render_pdf(document)


@pytest.mark.clause("2023-156#23")
def test_the_notice_of_a_pilot_platform_quotes_the_year() -> None:
    body = text(sample("pilot"))
    assert "国知发运函字〔2023〕156号" in body
    assert "给予1年的整改期，整改结束后另行组织评价" in body
    assert "另行组织评价。" in body
    assert "申请延期" not in body  # the operator gives no more time
    assert "（三）" not in body


@pytest.mark.clause("2024-1155#44")
def test_the_notice_of_a_centre_orders_rectification_within_a_limit() -> None:
    body = text(sample("centre"))
    assert "国知办函运字〔2024〕1155号" in body
    assert "现要求限期整改" in body
    assert "你中心存在4项问题" in body
    assert "平台" not in body
    assert "提醒" not in body


def test_an_acceptance_leaves_the_title_as_it_is() -> None:
    body = text(sample("accepted"))
    assert "验收结论为“整改验收合格”" in body
    assert "称号不受影响" in body
    assert "仍未解决" not in body


@pytest.mark.clause("2023-156#21")
def test_a_failed_rectification_of_a_warning_has_only_the_operators_consequence() -> None:
    body = text(sample("failed"))
    assert "整改验收结果不改变平台称号" in body
    assert "上述后果为运行方自定，文件未作规定。" in body
    assert "仍未解决的问题（2项）" in body
    for word in ("予以取消", "取消资格"):
        assert word not in body


@pytest.mark.clause("2023-156#24")
def test_the_separate_evaluation_says_that_its_rule_and_consequence_are_the_operators() -> None:
    document = sample("reevaluated")
    body = text(document)
    assert document.title == "关于虚构特色平台丙整改后评价结果的通知"
    assert "另行组织了评价" in body
    assert "评价办法和通过条件为运行方自定，文件未作规定。" in body
    assert "取消" not in body


@pytest.mark.clause("2024-1155#45")
def test_a_centre_loses_its_qualification_and_not_a_title() -> None:
    document = sample("ended")
    body = text(document)
    assert document.title == "关于取消虚构产业中心国家级产业知识产权运营中心资格的通知"
    assert "仍有2项未解决，评价结果仍为不合格" in body
    assert "现予取消资格" in body
    assert "“整改后仍不合格的，将取消国家级产业知识产权运营中心资格”" in body
    assert "称号" not in body


@pytest.mark.clause("2024-1155#46", "2024-1155#47")
def test_a_finding_is_told_with_what_may_follow_and_whose_rule_that_is() -> None:
    body = text(sample("found"))
    assert "工作指引(暂行)》（国知办函运字〔2024〕1155号）第十条规定：“严重的失信" in body.replace(
        "（暂行）", "(暂行)"
    )
    assert "各符合一项方予认定；标准为运行方自定" in body
    assert "于2026年5月6日（含当日）前" in body
    (files,) = sample("found").attachments
    assert files.rows[0][3] == "\N{EN SPACE}".join(["0a0a0a0a"] * 8)
    body = text(sample("found_otherwise"))
    assert "将责令撤除分中心。该项处理为运行方自定，文件未作规定。" in body
    assert "取消" not in body


def test_endings_of_findings_say_what_becomes_of_the_qualification() -> None:
    revoked = sample("revoked")
    assert revoked.title == "关于取消虚构产业中心国家级产业知识产权运营中心资格的通知"
    assert "认定的理由：虚构甲理由、虚构乙理由。" in text(revoked)
    assert "第十条" in text(revoked)
    assert "已告知并听取陈述、申辩" in text(revoked)
    assert "期限内未收到陈述、申辩" in text(sample("revoked", heard=False))
    assert "整改" not in text(revoked)
    ordered = text(sample("ordered"))
    assert "请于2026年6月4日（含当日）前办理：撤除并报送。" in ordered
    assert "本通知不改变国家级产业知识产权运营中心资格" in ordered
    assert "资格不受影响" in text(sample("dismissed"))


@pytest.mark.parametrize("name", SAMPLES)
def test_names_stay_text_in_every_paper(name: str) -> None:
    document = sample(name, name=HOSTILE)
    assert HOSTILE in document.title
    assert render_pdf(document)
