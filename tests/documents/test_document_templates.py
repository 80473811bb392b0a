import datetime as dt
from decimal import Decimal
from pathlib import Path

import paper_samples
import pytest
from document_samples import HOSTILE, KNOWN_AT, RULES, Outcome, Result, node, scores
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.documents import templates
from ipgov.documents.model import Heading, OfficialDocument
from ipgov.documents.pdf import render_pdf

DAY = dt.date(2026, 4, 20)
CITED = "《关于认定全国知识产权运营服务平台体系功能性平台的通知》\uff08国知发运函字〔2023〕156号\uff09"

pytestmark = pytest.mark.usefixtures("database")


def render(template: str, context: dict, **changes) -> OfficialDocument:
    values = {"kind": template, "issuer": "国家知识产权局", "date": DAY, "basis": ("2023-156#20",)}
    document, _ = templates.render(template, context, **{**values, **changes})
    return document


def text(document: OfficialDocument) -> str:
    return "\n".join(p if isinstance(p, str) else p.text for p in document.paragraphs)


def notice(result: Result, **changes) -> OfficialDocument:
    return render("result_notice", {"rules": RULES, "period": "2025", "result": result}, **changes)


NO_ATTACHMENTS = {"attachments": [], "missing": [], "unlisted": [], "complete_at": None, "complete_by": None}


def receipt_context(**changes) -> dict:
    values = {
        "programme_title": RULES.title,
        "period": "2025",
        "filename": "报送表.xlsx",
        "sha256": "ab" * 32,
        "received_at": KNOWN_AT,
        "due_on": dt.date(2026, 3, 31),
        "extension_until": None,
        "late": False,
        "values": 28,
        "problems": (1, 2, 3),
        **NO_ATTACHMENTS,
    }
    return {**values, **changes}


def test_every_notice_of_the_rules_has_its_template() -> None:
    assert {n.template for n in RULES.notices} <= set(templates.template_names())


def test_the_letter_with_a_rating_list_says_how_to_answer() -> None:
    document = render("rating_list", {"rules": RULES, "period": "2025"})
    assert "在“签批”表中填写结论" in text(document)
    assert render_pdf(document)


def test_the_result_notice_says_the_result_and_its_parts() -> None:
    document = notice(Result(scores=scores(I19=node("2", None, "2", "2"), I20=node("5", None, "-5", "1"))))
    body = text(document)
    assert document.title == "关于功能性国家知识产权运营服务平台2025年度绩效评价结果的通知"
    assert body.startswith(f"按照{CITED}第三部分有关要求\uff0c我局组织开展了2025年度")
    assert "总分为85.35分" in body
    assert "在参加评价的3家交易服务类平台中列第1名\uff0c等级为“优秀”\uff0c通过本年度绩效评价" in body
    assert "1.业务绩效\uff1a90.00分\uff08权重20%\uff09。" in body
    assert "加2分\uff1a省部级以上表彰\uff08加分\uff09\uff0c2项\uff08依据\uff1a" in body
    assert "扣5分\uff1a行政处罚\uff08扣分\uff09\uff0c1件" in body
    assert "本年度无加分" not in body
    values = scores(I09=node("12.5", value="0.123456"), I08=node("5", value="0.123456"))
    (cells,) = ({line[2]: line[3] for line in a.rows} for a in notice(Result(scores=values)).attachments)
    assert cells["中小企业服务占比"] == "12.35%"
    assert cells[next(i.name for i in RULES.scoring.indicators if i.code == "I08")].startswith("0.1235")
    assert "提醒" not in body
    assert [p.text for p in document.paragraphs if isinstance(p, Heading)] == [
        "一、评价结果",
        "二、各维度得分",
        "三、加分、扣分、否决及其他说明",
    ]
    table = document.attachments[0]
    assert ("1", "业务绩效", "知识产权交易额", "7万元", "77.50", "20") in table.rows
    assert len(table.rows) == sum(i.role == "score" for i in RULES.scoring.indicators)
    assert "运行方自定" in body
    assert render_pdf(document)


def test_nothing_added_or_taken_is_said_too() -> None:
    assert "本年度无加分、扣分、否决事项。" in text(notice(Result(scores=scores())))


def test_reasons_are_told_with_clauses_that_outsiders_know() -> None:
    reason = "否决：指标“以平台名称刻制公章（否决）”为 1枚，等级最高为“未通过”（依据：2023-156#26）"
    body = text(notice(Result(scores=scores(), reasons=(reason,), grade="未通过", passed=False)))
    assert "依据\uff1a国知发运函字〔2023〕156号第四部分" in body
    assert "2023-156#26" not in body


def test_a_failed_year_is_a_reminder_of_the_operators_own_and_no_sanction() -> None:
    failed = Result(scores=scores(), grade="未通过", passed=False, total=Decimal("55.00"))
    document = notice(failed)
    body = text(document)
    assert "未通过本年度绩效评价" in body
    assert "本项提醒为运行方自定\uff0c文件未作规定" in body
    assert "载明\uff1a“对于连续两年未通过绩效评价的平台……予以取消称号”。" in body
    for word in ("警告", "约谈", "通报", "责令", "限期", "取消资格", "处罚决定"):
        assert word not in body


def test_a_body_that_failed_without_a_score_is_told_why() -> None:
    nothing = Result(
        total=None, rank=None, group_rank=None, grade="未通过", passed=False, state_name="未报送", scores={}
    )
    document = notice(nothing)
    assert "本年度未报送\uff0c未计算得分\uff0c等级为“未通过”\uff0c未通过本年度绩效评价。" in text(document)
    assert "各维度得分" not in text(document)


@pytest.mark.clause("2023-156#13")
def test_a_province_gets_its_bodies_in_a_table() -> None:
    results = [
        Result(),
        Result(name="第二平台", passed=False, grade="未通过", total=Decimal("50"), group_rank=3),
        Result(name="第三平台", total=None, grade=None, passed=None, group_rank=None),
    ]
    document = render(
        "result_notice_province",
        {"rules": RULES, "period": "2025", "province": "广东省", "results": results},
        basis=("2023-156#13", "2023-156#20"),
    )
    assert document.title == "关于广东省功能性国家知识产权运营服务平台2025年度绩效评价结果的通知"
    body = text(document)
    assert f"按照{CITED}第二部分、第三部分有关要求" in body
    assert "通过绩效评价1家\uff0c未通过1家\uff0c未评价1家。" in body
    assert "加强业务指导和工作支持" in body
    assert document.attachments[0].rows == (
        ("1", "南方知识产权运营服务平台", "交易服务类", "85.35", "1", "优秀", "通过"),
        ("2", "第二平台", "交易服务类", "50.00", "3", "未通过", "未通过"),
        ("3", "第三平台", "交易服务类", "—", "—", "未评价", "未评价"),
    )


def test_the_end_of_a_title_cites_the_clause_and_the_failed_years() -> None:
    evidence = (
        {"period": 2024, "total": "55.10", "grade": "未通过"},
        {"period": 2025, "total": None, "grade": "未通过"},
    )
    outcome = Outcome("cancel_title", "取消称号", "2023-156#21", "", evidence)
    document = render(
        "title_cancellation",
        {"rules": RULES, "period": "2025", "result": Result(), "outcome": outcome},
        basis=("2023-156#21",),
        number="国知平评函〔2026〕9号",
    )
    body = text(document)
    assert document.title == "关于取消南方知识产权运营服务平台功能性国家知识产权运营服务平台称号的通知"
    assert "2024年度总分55.10分\uff0c等级为“未通过”\uff0c未通过绩效评价\uff1b" in body
    assert "2025年度等级为“未通过”\uff0c未通过绩效评价。" in body
    assert f"{CITED}第三部分规定\uff1a“对于连续两年未通过绩效评价的平台……予以取消称号”。" in body
    assert "连续2年未通过绩效评价\uff0c据此现予取消其“功能性国家知识产权运营服务平台”称号。" in body
    assert "取消资格" not in body  # the word of another programme
    assert document.number == "国知平评函〔2026〕9号"


def test_a_receipt_says_what_came_when() -> None:
    body = text(render("receipt", receipt_context()))
    assert "已于2026年4月20日9:00收到" in body  # 01:00 UTC
    assert "共读入28项数据" in body
    assert "\N{EN SPACE}".join(["abababab"] * 8) in body
    assert "本年度报送截止日为2026年3月31日。" in body
    assert "逾期" not in body
    late = text(render("receipt", receipt_context(late=True, extension_until=dt.date(2026, 4, 10))))
    assert "经批准延至2026年4月10日" in late
    assert "按逾期报送登记" in late


def test_the_cover_of_a_correction_counts_the_problems() -> None:
    body = text(render("correction", receipt_context()))
    assert "共有3处问题\uff0c未能接收" in body
    assert "更正工作簿" in body


def test_a_file_name_that_cannot_be_printed_is_shown_by_its_codes() -> None:
    document = render("receipt", receipt_context(filename="表😀\n\u202e𠮷.xlsx"))
    assert "表〔U+1F600〕〔U+000A〕〔U+202E〕〔U+20BB7〕.xlsx" in text(document)
    assert render_pdf(document)


def test_values_are_never_structure_nor_templates() -> None:
    document = notice(Result(name=HOSTILE, scores=scores()))
    assert f"现将{HOSTILE}评价结果通知如下。" in text(document)
    with pytest.raises(RefusedError, match=r"U\+000A"):
        notice(Result(name="甲\n- {heading: 1, text: 乙}", scores=scores()))


def test_a_receipt_lists_attachments_and_says_until_when_the_missing_may_come() -> None:
    one = {"name": "扫描件.pdf", "kind_name": "加盖公章的扫描件", "present": True, "refused": None}
    attachments = [one, {**one, "name": "清单\u202e.pdf", "present": False, "refused": "文件是空的"}]
    by = dt.date(2026, 4, 8)
    body = text(
        render(
            "receipt",
            receipt_context(attachments=attachments, missing=["清单.pdf"], unlisted=["佐证"], complete_by=by),
        )
    )
    assert "附件清单列有2个附件，已收到1个。" in body
    assert "扫描件.pdf（加盖公章的扫描件）：已收到；" in body
    assert "清单〔U+202E〕.pdf（加盖公章的扫描件）：尚未收到，最近送达的同名文件未予接收；" in body
    assert "附件清单没有列出必需的附件：佐证。" in body
    assert "2026年4月8日（含当日）前放入报送目录" in body


@pytest.mark.parametrize("kept", [True, False])
def test_an_attachment_is_answered_with_what_is_still_missing(kept: bool) -> None:
    context = {
        **receipt_context(),
        "kept": kept,
        "state": "accepted",
        "reason": "文件是空的；应为：PDF 文件",
        "digest": "ab" * 32,
        "listed": None,
        "missing": ["清单.pdf"],
    }
    body = text(render("attachment", context))
    assert ("未予接收。原因：文件是空的" in body) is not kept
    assert ("附件清单没有列出该附件" in body) is kept
    assert "尚未收到的有：" in body
    assert "清单.pdf；" in body


def test_what_the_context_lacks_is_an_error_that_names_it() -> None:
    context = receipt_context()
    del context["due_on"]
    with pytest.raises(UnknownError, match=r"文书模板“receipt”无法填写：.*due_on"):
        render("receipt", context)


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(UnknownError, match=r"没有文书模板“无此”；现有：attachment、.*correction、"):
        render("无此", {})
    with pytest.raises(UnknownError):
        render("../templates/receipt", receipt_context())


@pytest.mark.parametrize("value", [1.5, None, True, KNOWN_AT, ["甲"]])
def test_values_without_one_written_form_are_refused(value: object) -> None:
    with pytest.raises(GovernanceError, match="模板"):
        render("receipt", receipt_context(values=value))


@pytest.fixture
def own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reports" / "templates" / "test"
    folder.mkdir(parents=True)
    monkeypatch.setattr(type(settings()), "templates", property(lambda self: folder.parent))
    return folder


def test_a_template_is_known_by_all_its_files(own_templates: Path) -> None:
    file = own_templates / "document.yaml"
    file.write_text("form: letter\ntitle: 甲\nparagraphs: [乙]\n", encoding="utf-8")
    _, first = templates.render("test", {}, kind="x", issuer="局", date=DAY)
    assert b"title: \\u7532".decode("unicode-escape") in get_content(first).decode()
    (own_templates / "README").write_text("说明", encoding="utf-8")
    _, second = templates.render("test", {}, kind="x", issuer="局", date=DAY)
    file.write_text("form: letter\ntitle: 丙\nparagraphs: [乙]\n", encoding="utf-8")
    document, third = templates.render("test", {}, kind="x", issuer="局", date=DAY)
    assert len({first, second, third}) == 3
    assert document.title == "丙"
    assert templates.template_sha256("test") == third


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("form: letter\ntitle: 甲\n", EnvironmentProblemError),
        ("form: telegram\ntitle: 甲\nparagraphs: [乙]\n", EnvironmentProblemError),
        ("form: letter\ntitle: 甲\nparagraphs: [乙]\nextra: 1\n", EnvironmentProblemError),
        ("form: [", EnvironmentProblemError),
        ('form: letter\ntitle: "{{ x"\nparagraphs: [乙]\n', UnknownError),
        ("form: letter\ntitle: 甲\nparagraphs: [{each: nonsense, text: 乙}]\n", GovernanceError),
        ("form: letter\ntitle: \"{{ ''.__class__.__mro__ }}\"\nparagraphs: [乙]\n", GovernanceError),
        ('form: letter\ntitle: "{{ items.append(1) }}"\nparagraphs: [乙]\n', GovernanceError),
    ],
)
def test_a_template_at_fault_is_refused(
    own_templates: Path, source: str, error: type[GovernanceError]
) -> None:
    (own_templates / "document.yaml").write_text(source, encoding="utf-8")
    with pytest.raises(error, match="模板"):
        templates.render("test", {"items": []}, kind="x", issuer="局", date=DAY)


def test_clauses_are_cited_by_title_number_and_section() -> None:
    assert templates.cite("2023-156#21") == f"{CITED}第三部分"
    assert templates.cite("operator") == "运行方自定"
    with pytest.raises(UnknownError, match="没有条款“2023-156#99”"):
        templates.cite("2023-156#99")


def test_a_last_text_too_long_to_stand_with_the_signature_is_refused() -> None:
    fits = paper_samples.draft("praise_case", lessons=["先" * 389])
    assert fits.paragraphs[-1] == "先" * 389 + "。"
    with pytest.raises(RefusedError, match=r"最后一段.*约 15 行.*不超过 14 行，请分段"):
        paper_samples.draft("praise_case", lessons=["先" * 390])
