import re

import pytest
from ipgov.documents.model import OfficialDocument
from ipgov.documents.titles import title_lines
from ipgov.documents.typography import width_ems

NAMES = (
    "中国（南方）知识产权运营中心",
    "华智众创（北京）投资管理有限责任公司",
    "杭州知识产权交易与服务有限公司",
)
SUBJECT = "功能性国家知识产权运营服务平台"


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        (
            "国家知识产权局办公室关于印发《产业知识产权运营中心建设与运行工作指南》的通知",
            ("国家知识产权局办公室关于印发", "《产业知识产权运营中心建设", "与运行工作指南》的通知"),
        ),
        (
            "关于公布2026年第一批专利密集型产品认定名单的公告",
            ("关于公布2026年第一批", "专利密集型产品认定名单的公告"),
        ),
        (
            f"关于取消{NAMES[0]}{SUBJECT}称号的通知",
            (f"关于取消{NAMES[0]}", f"{SUBJECT}称号的通知"),
        ),
        (
            f"关于{NAMES[1]}未报送2025年度绩效评价材料的催报通知",
            (f"关于{NAMES[1]}", "未报送2025年度绩效评价材料的催报通知"),
        ),
    ],
)
def test_titles_break_by_sense(title: str, lines: tuple[str, ...]) -> None:
    assert title_lines(title, terms=NAMES) == lines


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wording",
    [
        "关于{}{}2025年度绩效评价结果的通知",
        "关于更正{}{}2025年度绩效评价结果的通知",
        "关于{}报送的{}第12批材料的复函",
        "关于{}申请复核国知平评函〔2026〕7号所载{}评价结果的答复",
        "关于邀请{}参加《{}管理办法》座谈会的函",
    ],
)
def test_no_name_number_or_bracket_is_cut_where_it_fits(wording: str, name: str) -> None:
    title = wording.format(name, SUBJECT)
    lines = title_lines(title, terms=(name, SUBJECT))
    assert "".join(lines) == title
    assert max(map(width_ems, lines)) <= 20
    whole = [name, "2025年度", "第12批", "〔2026〕7号", "知识产权", "绩效评价"]
    for term in (t for t in whole if t in title):
        assert any(term in line for line in lines), (term, lines)
    for line in lines:
        assert not re.match("[、，。）》”的]", line) or line.startswith("的")
        assert not re.search("[（《“〔第]$", line)
    # no hourglass
    widths = [width_ems(line) for line in lines]
    assert not any(a > b < c for a, b, c in zip(widths, widths[1:], widths[2:], strict=False))


def test_a_line_breaks_where_the_title_says_it_may() -> None:
    title = "关于开展2026年度功能性国家知识产权运营服务平台自评工作的通知"
    parts = ("关于开展2026年度功能性国家", "知识产权运营服务平台自评工作的通知")
    assert title_lines(title, parts) == parts
    assert title_lines(title) != parts


def test_the_parts_make_the_title() -> None:
    from document_samples import letter

    with pytest.raises(ValueError, match="标题各段“关于｜通知”连起来须是标题"):
        letter(title_parts=("关于", "通知"))
    assert isinstance(letter(title="关于通知", title_parts=("关于", "通知")), OfficialDocument)


def test_later_fields_leave_the_canonical_text_of_older_documents_as_it_was() -> None:
    from document_samples import letter

    text = letter().canonical().decode()
    assert not re.search('title_parts|title_terms|sealed|printer|printed_on|orientation|"mark"', text)
    assert '"sealed":false' in letter(sealed=False).canonical().decode()


def test_digits_of_the_heavy_faces_are_counted_as_wide_as_they_are() -> None:
    """Twenty ems by half ems, more on the page: it would be broken there, before its last character."""
    title = "南方知识产权运营服务平台2025年度各项得分"
    assert title_lines(title) == ("南方知识产权运营服务平台", "2025年度各项得分")
