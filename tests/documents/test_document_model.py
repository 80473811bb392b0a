import datetime as dt

import pytest
from document_samples import HOSTILE, RARE, letter
from ipgov.core.errors import RefusedError
from ipgov.documents.layout import printed
from ipgov.documents.model import Attachment, date_zh, parse_document, plain_text
from ipgov.documents.titles import title_lines
from ipgov.documents.typography import full_width, width_ems
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\n", "控制字符或断行符"),
        ("\x00", "控制字符或断行符"),
        ("\x0b", "控制字符或断行符"),
        ("\u2028", "控制字符或断行符"),
        ("\u202e", "改变书写方向的控制符"),
        ("\u2066", "改变书写方向的控制符"),
        ("\ufffe", "非字符码位"),
        ("\U0001ffff", "非字符码位"),
    ],
)
def test_text_that_is_no_printable_line_is_refused_with_its_place(character: str, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        letter(title=f"关于{character}的通知")
    assert f"第 3 个字符 U+{ord(character):04X} 是{reason}" in caught.value.message
    assert "应为：可以打印的单行文字" in caught.value.message


def test_every_text_of_a_document_is_checked() -> None:
    for changes in (
        {"issuer": "局\x01"},
        {"recipients": ("平台\x01",)},
        {"paragraphs": ("正文\x01",)},
        {"copies_to": ("省局\x01",)},
        {"note": "附注\x01"},
        {"banner": "模拟\x01"},
    ):
        with pytest.raises(RefusedError, match=r"U\+0001"):
            letter(**changes)
    with pytest.raises(RefusedError, match=r"U\+0001"):
        Attachment(title="表", columns=("甲",), rows=(("乙\x01",),))


@pytest.mark.parametrize("text", [RARE, HOSTILE, "𠮷😀\u200e甲", "  两端空格  "])
def test_any_other_text_stands_as_it_was_given(text: str) -> None:
    assert plain_text(text) == text
    document = letter(title=text, paragraphs=(text,))
    assert parse_document(document.canonical()) == document


def test_a_table_is_rectangular() -> None:
    with pytest.raises(ValidationError, match="各行的单元格数须与列数 2 相同"):
        Attachment(title="表", columns=("甲", "乙"), rows=(("1",),))
    with pytest.raises(ValidationError, match="列宽数须与列数 2 相同"):
        Attachment(title="表", columns=("甲", "乙"), rows=(), widths=(1,))


def test_the_canonical_text_does_not_depend_on_how_the_document_was_made() -> None:
    again = parse_document(letter().canonical())
    assert again.canonical() == letter().canonical()
    assert again.canonical() != letter(note="此件不公开").canonical()


def test_wording_of_the_layout() -> None:
    one = printed(letter(note="此件不公开"))
    assert one["date"] == "2026年4月20日"
    assert date_zh(dt.date(2025, 9, 5)) == "2025年9月5日"
    assert one["note"] == "\uff08此件不公开\uff09"
    assert one["imprint"] == [{"label": "抄送\uff1a", "text": "广东省知识产权局。", "right": ""}]
    assert one["verification"] == "封存码\uff1aABCD-1234-5678\u3000结果指纹\uff1aAB12-AB12-AB12"
    assert [a["label"] for a in one["attachments"]] == ["附件"]
    two = printed(letter(attachments=letter().attachments * 2))
    assert [(a["label"], a["serial"]) for a in two["attachments"]] == [("附件1", "1."), ("附件2", "2.")]
    assert printed(letter(form="file"))["mark"] == "国家知识产权局文件"


def test_punctuation_between_latin_letters_and_digits_stays_narrow() -> None:
    assert full_width("甲,乙(SHA-256):9:05;共1,000") == "甲\uff0c乙\uff08SHA-256\uff09\uff1a9:05\uff1b共1,000"


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        (
            "功能性国家知识产权运营服务平台年度绩效评价报送回执",
            ("功能性国家知识产权运营服务平台", "年度绩效评价报送回执"),
        ),
        (
            "关于湖北省功能性国家知识产权运营服务平台2024年度绩效评价结果的通知",
            ("关于湖北省功能性国家知识产权运营服务平台", "2024年度绩效评价结果的通知"),
        ),
        ("关于开展评价的通知", ("关于开展评价的通知",)),
        (
            "关于功能性国家知识产权运营服务平台2025年度绩效评价结果的通知",
            ("关于功能性国家知识产权运营服务平台", "2025年度绩效评价结果的通知"),
        ),
    ],
)
def test_titles_break_by_sense(title: str, lines: tuple[str, ...]) -> None:
    assert title_lines(title) == lines


def test_a_title_of_any_length_keeps_its_text_and_its_width() -> None:
    for length in (20, 21, 39, 60, 61, 200):
        title = ("关于知识产权运营服务平台的绩效评价" * 20)[:length]
        lines = title_lines(title)
        assert "".join(lines) == title
        assert max(map(width_ems, lines)) <= 20
