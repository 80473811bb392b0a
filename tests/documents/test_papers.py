"""Documents drafted one by one: what each says, to whom, in every format, whatever the names are."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.settings import settings
from ipgov.documents import fonts, papers, templates
from ipgov.documents.docx import render_docx
from ipgov.documents.html import render_html
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from ipgov.documents.pdf import render_pdf
from ipgov.policy import papers as policy
from ipgov.policy.documents import documents
from paper_samples import BODIES, DAY, SAMPLES, draft, given, kind_of
from pdf_reading import read


@pytest.fixture(autouse=True)
def object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place for the templates that are kept; nothing here needs a database."""
    monkeypatch.setenv("IPGOV_STATE", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


CENTRES = "《产业知识产权运营中心建设管理工作指引（暂行）》（国知办函运字〔2024〕1155号）"
EARLIER = "《关于虚构特色平台丙2025年度绩效评价结果的通知》（国知平评函〔2026〕7号，2026年4月20日印发）"
# a formula, markup, a template, a path, a right-to-left mark and a character of four bytes
HOSTILE = '=1+1<b>&amp;{{ 7*7 }}../x\u200f𠂇"#set@粗*'


def text(document: OfficialDocument) -> str:
    return "\n".join(p if isinstance(p, str) else p.text for p in document.paragraphs)


def shown(document: OfficialDocument) -> dict[str, str]:
    """Return the words of a document as each format has them, without white space."""
    with zipfile.ZipFile(BytesIO(render_docx(document))) as archive:
        members = [n for n in archive.namelist() if re.fullmatch(r"word/(document|header\d*)\.xml", n)]
        xml = "".join(archive.read(n).decode() for n in members)
    pages = "".join(page.text for page in read(render_pdf(document)))
    return {
        "docx": _plain("".join(re.findall(r"<w:t[^>]*>([^<]*)</w:t>", xml))),
        "pdf": _squeezed(pages),
        "html": _plain(re.sub(r"<[^>]*>", "", render_html(document).decode())),
    }


def _plain(markup: str) -> str:
    return _squeezed(html.unescape(markup))


def _squeezed(words: str) -> str:
    return re.sub(r"[\s\u200b\u2060\u200f]", "", words)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_bears_number_recipients_day_attachments_and_banner(name: str) -> None:
    document = draft(name)
    programme, _, parties = SAMPLES[name]
    paper = policy.paper(kind_of(name), programme)
    addressed = policy.recipients(paper, parties, document.signature_date)
    assert (document.recipients, document.copies_to) == (addressed.to, addressed.copies_to)
    assert document.basis == paper.clause
    assert (document.number is None) == (not paper.series)
    separator = "，" if any("、" in r for r in document.recipients) else "、"
    for format_, words in shown(document).items():
        for wanted in (
            document.number or "",
            document.title,
            separator.join(document.recipients),
            "，".join(document.copies_to),
            "国家知识产权局2026年5月",
            SIMULATION_BANNER,
        ):
            assert _squeezed(wanted) in words, (format_, wanted)
        for attachment in document.attachments:
            assert f"附件：{attachment.title}" in words, format_
            assert words.count(attachment.title) >= 2, format_  # in the note and on its page
        assert ("附件：" in words) == bool(document.attachments), format_
        assert not re.search(r"年0\d月|月0\d日", words), format_


@pytest.mark.parametrize("name", SAMPLES)
def test_whatever_a_drafter_writes_arrives_as_text(name: str) -> None:
    """Every text that is given is made hostile; each stands in every format just as it was given."""
    hostile, written = _hostile(given(name))
    parties = {party: [n + HOSTILE for n in names] for party, names in SAMPLES[name][2].items()}
    document, plain = draft(name, parties=parties, **hostile), draft(name)
    assert len(document.paragraphs) == len(plain.paragraphs)
    said, before = ("\n".join(words for _, words in d.texts()) for d in (document, plain))
    assert [one for one in written if one in before and one + HOSTILE not in said] == []
    assert "{{ 7*7 }}" in said
    assert "49" not in said.replace("2049", "")
    assert "<b>" not in render_html(document).decode()
    for format_, words in shown(document).items():
        # in a PDF a cell's text is broken over lines: there its characters are counted
        found = words.count(_squeezed(HOSTILE)) if format_ != "pdf" else words.count("𠂇")
        assert found >= said.count(HOSTILE), format_
        assert all(words.count(c) >= said.count(HOSTILE) for c in "<>{}#@&"), format_


def _hostile(value: Any) -> tuple[Any, list[str]]:
    """Return the value with every free text made hostile, and those texts as they were."""
    if isinstance(value, dict):
        parts = {k: _hostile(v) for k, v in value.items()}
        return {k: v for k, (v, _) in parts.items()}, [t for _, found in parts.values() for t in found]
    if isinstance(value, list):
        every = [_hostile(v) for v in value]
        return [v for v, _ in every], [t for _, found in every for t in found]
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d(-\d\d)?(T.*)?|[\d.]+", value):
        plain = value.rstrip("。")
        return plain + HOSTILE, [plain]
    return value, []


@pytest.mark.parametrize("name", SAMPLES)
def test_every_field_is_needed_by_its_template(name: str) -> None:
    programme = SAMPLES[name][0]
    about = papers.subject(kind_of(name), given(name))
    paper = policy.paper(kind_of(name), programme)
    whole = {**about.names(), "contact": "某司", "quotes": paper.quotes, "programme": programme}
    values: dict[str, Any] = {"kind": "x", "issuer": "局", "date": DAY, "basis": paper.clause}
    assert templates.render(paper.template, whole, **values)
    for field in type(about).model_fields:
        without = {k: v for k, v in whole.items() if k != field}
        with pytest.raises(UnknownError, match=f"无法填写：.*{field}"):
            templates.render(paper.template, without, **values)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_character_that_no_font_has_is_reported_before_anything_is_made(name: str) -> None:
    field = next(k for k, v in given(name).items() if isinstance(v, list) or k == "earlier")
    spoiled = given(name)
    item = spoiled[field] if field == "earlier" else spoiled[field][0]
    if isinstance(item, dict):
        key = next(k for k, v in item.items() if isinstance(v, str))
        item[key] += "𠮷"
    else:
        spoiled[field][0] += "𠮷"
    document = draft(name, **spoiled)
    with pytest.raises(GovernanceError, match=r"U\+20BB7"):
        fonts.require_glyphs(document.texts(), document.title)


@pytest.mark.parametrize("hidden", ["甲\n乙", "甲\u202e乙", "甲\x00乙"])
def test_what_is_not_one_printable_line_is_refused(hidden: str) -> None:
    with pytest.raises((GovernanceError, RefusedError)):
        draft("interview_invitation", place=hidden)
    with pytest.raises((GovernanceError, RefusedError)):
        draft("interview_invitation", parties={"subject": [hidden], "province": []})


@pytest.mark.clause("2024-1155#32")
def test_the_public_notice_gives_list_time_and_way() -> None:
    document = draft("public_notice")
    body = text(document)
    assert document.title == "关于国家级产业知识产权运营中心拟认定名单的公示"
    assert f"按照{CENTRES}第七条有关要求" in body
    assert "2026年5月8日至2026年5月15日，共5个工作日。" in body
    assert "“公示期满且无异议的，正式予以认定”" in body
    assert "公示首日是否计入、异议的提出方式，文件未作规定，系运行方自定" in body
    assert document.recipients == ()
    assert document.note == "此件公开发布"
    (listed,) = document.attachments
    assert listed.columns == ("序号", "名称", "所属产业", "建设主体", "推荐单位")
    assert [row[1] for row in listed.rows] == [b["name"] for b in BODIES]


@pytest.mark.clause("2024-1155#33")
def test_the_outcome_tells_every_objection_and_who_remains() -> None:
    document = draft("public_notice_outcome")
    body = text(document)
    assert "公示期内共收到异议2件，经核查，成立1件，不成立1件" in body
    assert "（一）2026年5月12日收到对国家级虚构海洋装备产业知识产权运营中心的异议" in body
    assert "所列3份合同均未履行，异议成立。" in body
    assert "异议成立的1家不列入认定名单。" in body
    assert len(document.attachments[0].rows) == 2
    none = draft("public_notice_outcome", objections=[], bodies=BODIES)
    assert "公示期内未收到异议。" in text(none)
    assert "不列入" not in text(none)
    nobody = draft(
        "public_notice_outcome",
        bodies=[],
        listed=1,
        objections=given("public_notice_outcome")["objections"][:1],
    )
    assert "本次不予认定" in text(nobody)
    assert nobody.attachments == ()


def test_the_recognition_calls_each_title_by_the_word_of_its_document() -> None:
    centres, platforms = draft("recognition_notice"), draft("recognition_notice/platform")
    assert centres.title == "关于认定第一批国家级产业知识产权运营中心的通知"
    assert "获得“国家级产业知识产权运营中心”资格" in text(centres)
    assert "称号" not in text(centres)
    assert platforms.title == "关于认定功能性国家知识产权运营服务平台的通知"
    assert "获得“功能性国家知识产权运营服务平台”称号" in text(platforms)
    assert "资格" not in text(platforms)
    assert "“平台为非法人、非实体机构”" in text(platforms)
    assert "“以三年为建设周期，实施动态管理”" in text(centres)
    assert centres.attachments[0].orientation == platforms.attachments[0].orientation == "landscape"
    assert platforms.attachments[0].columns[2:4] == ("类别", "依托单位")
    assert centres.recipients == documents()["2024-1155"].recipients != platforms.recipients


@pytest.mark.clause("2024-1155#43")
def test_praise_quotes_its_clause_and_lists_the_excellent() -> None:
    document = draft("praise_circular")
    body = text(document)
    assert document.form == "file"
    assert document.title == "关于表扬2023—2025年国家级产业知识产权运营中心综合评价优秀单位的通报"
    assert "参加评价的共28家，评价结果为“优秀”的2家" in body
    assert "“对于评价为优秀的，予以表扬肯定，并形成案例进行宣传推广”" in body
    assert len(document.attachments[0].rows) == 2


@pytest.mark.clause("2024-1155#43")
def test_a_case_tells_what_was_done_and_where_its_figures_come_from() -> None:
    document = draft("praise_case")
    headings = [p.text for p in document.paragraphs if not isinstance(p, str)]
    assert headings == ["一、基本情况", "二、主要做法", "三、工作成效", "四、经验启示"]
    assert "持续投入的积极性。" in text(document)
    assert "。。" not in text(document)
    assert document.attachments[0].rows[1] == ("2", "许可金额", "12000.50", "万元", "2025年度自评报告表1")
    assert draft("praise_case", figures=[]).attachments == ()


@pytest.mark.clause("2021-22#44")
def test_an_invitation_says_when_where_who_and_why() -> None:
    document = draft("interview_invitation")
    body = text(document)
    assert document.title == "关于约谈虚构特色平台丙的通知"
    assert "“建立违法违规行为通报和责任单位约谈机制”" in body
    assert "（一）以平台名义跨区域设立分支机构。" in body
    assert "时间：2026年5月20日9:30。" in body
    assert "请于2026年5月15日（含当日）前" in body
    assert document.copies_to == ("浙江省知识产权局",)
    for word in ("处罚", "取消", "责令"):
        assert word not in body  # an interview threatens with nothing
    assert "四、联系" in text(draft("interview_invitation", bring=[]))


@pytest.mark.clause("2021-22#44")
def test_a_circular_goes_to_those_of_its_own_document() -> None:
    document = draft("violation_circular")
    assert document.form == "file"
    assert document.title == "关于虚构甲知识产权运营有限公司等2家单位违法违规行为的通报"
    assert document.recipients == documents()["2021-22"].recipients
    assert "（二）虚构乙知识产权运营有限公司：以平台名称刻制公章1枚并对外签订合同。处理情况：" in text(
        document
    )
    one = draft("violation_circular", violations=given("violation_circular")["violations"][:1])
    assert one.title == "关于虚构甲知识产权运营有限公司违法违规行为的通报"


def test_a_withdrawal_names_the_document_by_title_number_and_day() -> None:
    document = draft("withdrawal", restored="“功能性国家知识产权运营服务平台”称号自本通知印发之日起恢复")
    body = text(document)
    assert document.title == "关于撤回国知平评函〔2026〕7号文的通知"
    assert f"我局印发的{EARLIER}，因所依据的年度数据有误" in body
    assert "现予撤回" in body
    assert "称号自本通知印发之日起恢复。" in body
    assert "恢复" not in text(draft("withdrawal"))
    earlier = {"title": "关于印发《某办法》的通知", "number": None, "issued_on": "2026-01-05"}
    unnumbered = draft("withdrawal", earlier=earlier)
    assert unnumbered.title == "关于撤回《关于印发〈某办法〉的通知》的通知"
    assert "《关于印发〈某办法〉的通知》（2026年1月5日印发）" in text(unnumbered)


def test_a_correction_tells_place_before_and_after() -> None:
    document = draft("document_correction")
    body = text(document)
    assert document.title == "关于更正国知平评函〔2026〕7号文有关内容的通知"
    assert EARLIER in body
    assert "1.正文第二段：原为“总分为58.35分”，更正为“总分为85.35分”。" in body
    assert "其余内容不变" in body


def test_a_reply_answers_every_claim() -> None:
    body = text(draft("objection_reply"))
    assert f"对我局{EARLIER}提出的异议，已于2026年4月28日收到" in body
    assert body.count("该项异议不成立。") == 1
    assert body.count("该项异议成立。") == 1
    assert "我局将按更正后的数据重新计算，结果另文更正。" in body
    rejected = draft("objection_reply", claims=given("objection_reply")["claims"][:1], remedy=None)
    assert "上述异议均不成立，国知平评函〔2026〕7号内容不变。" in text(rejected)


@pytest.mark.clause("2022-985#21")
def test_monthly_data_are_a_letter_to_the_locality_and_not_public() -> None:
    document = draft("monthly_data_letter")
    body = text(document)
    assert document.title == "关于浙江省2026年4月专利产品备案数据的函"
    assert "新增备案专利产品120件；截至2026年4月30日，累计备案4387件，涉及企业843家、专利9181件" in body
    assert document.recipients == ("浙江省知识产权局",)
    assert "不属于向社会公布" in body
    assert document.note == ""
    assert document.attachments[0].rows[1] == ("2", "虚构市乙区", "0", "77", "31", "160")


@pytest.mark.clause("2024-1155#37")
def test_the_call_for_self_evaluation_gives_both_routes_and_no_grades() -> None:
    body = text(draft("self_evaluation_call"))
    assert "“每年年底开展自我评价，并提交自评报告”" in body
    assert "提交期限为2026年12月31日（含当日），省级知识产权管理部门审核报送的期限为2027年1月22日" in body
    assert "“可直接向国家知识产权局报送上述材料，并同步抄送所在地省级知识产权管理部门”" in body
    assert "年度自评不评定等次" in body
    assert "上述日期为暂定" in body
    assert "暂定" not in text(draft("self_evaluation_call", provisional=False))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("public_notice", {"ends_on": "2026-05-07"}, "截止日早于起始日"),
        ("public_notice", {"bodies": []}, "bodies"),
        ("public_notice_outcome", {"bodies": BODIES}, "异议成立，不能列入"),
        ("public_notice_outcome", {"listed": 4}, "公示名单为 4 家"),
        ("public_notice_outcome", {"ends_on": "2026-05-12"}, "不在公示期内收到"),
        ("praise_circular", {"evaluated": 1}, "多于参加评价的 1 家"),
        ("interview_invitation", {"at": "2026-05-20T09:30:00"}, "须写明时区"),
        ("interview_invitation", {"confirm_by": "2026-05-21"}, "晚于约谈之日"),
        ("objection_reply", {"remedy": None}, "须写明处理意见"),
        ("document_correction", {"changes": [{"place": "文", "before": "甲", "after": "甲"}]}, "前后相同"),
        ("monthly_data_letter", {"month": "2026-13"}, "month"),
        ("self_evaluation_call", {"audited_by": "2026-12-01"}, "早于中心提交的期限"),
        ("withdrawal", {"other": "x"}, "other"),
        ("withdrawal", {"reason": ""}, "reason"),
    ],
)
def test_what_cannot_be_true_is_refused(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(GovernanceError) as refused:
        draft(name, **changes)
    assert said in "；".join(str(p) for p in refused.value.problems)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("public_notice", {"starts_on": "2026-05-07"}, "公示的起始日早于印发之日"),
        ("public_notice_outcome", {"ends_on": "2026-05-18"}, "公示尚未期满"),
        ("recognition_notice", {"recognised_on": "2026-05-07"}, "认定生效日早于"),
        ("interview_invitation", {"confirm_by": "2026-05-07"}, "回复截止日早于"),
        ("withdrawal", {"earlier": {"title": "文", "number": None, "issued_on": "2026-05-09"}}, "晚于本文"),
        ("objection_reply", {"received_on": "2026-05-09"}, "收到之日晚于"),
        ("monthly_data_letter", {"counted_to": "2026-05-09"}, "数据的截止日晚于"),
        ("self_evaluation_call", {"due_on": "2026-05-01"}, "提交期限早于"),
    ],
)
def test_a_day_that_the_matter_does_not_allow_is_refused(
    name: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        draft(name, **changes)


def test_every_kind_of_policy_has_its_subject_and_the_other_way_round() -> None:
    assert {p.kind for p in policy.papers().papers} == set(papers.SUBJECTS)
    with pytest.raises(UnknownError, match="没有文书“无此”；可用：public_notice（公示）、"):
        papers.subject("无此", {})
