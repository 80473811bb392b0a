import re

import pytest
from document_samples import HOSTILE, RARE, letter
from ipgov.documents.html import render_html
from ipgov.documents.model import Attachment, Heading
from lxml import html


def page(**changes) -> html.HtmlElement:
    return html.document_fromstring(render_html(letter(**changes)).decode())


def shown(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_the_page_needs_nothing_else() -> None:
    found = page(form="file")
    assert not found.xpath("//script|//link|//img|//iframe|//object|//@src|//@style[contains(., 'url')]")
    assert all(href.startswith("#") for href in found.xpath("//@href"))
    (policy,) = found.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")
    css = found.xpath("string(//style)")
    assert "url(" not in css
    assert "@import" not in css


def test_the_order_of_headings_and_their_language() -> None:
    body = (Heading(level=1, text="一、总则"), Heading(level=2, text="（一）原则"), "正文。", "特此通知。")
    found = page(paragraphs=body)
    assert found.get("lang") == "zh-CN"
    assert found.xpath("//title/text()") == [letter().title]
    assert "".join(found.xpath("//h1//text()")) == letter().title
    assert [(h.tag, shown(h)) for h in found.xpath("//article/*[self::h2 or self::h3]")] == [
        ("h2", "一、总则"),
        ("h3", "（一）原则"),
    ]
    assert found.xpath("//time/@datetime") == ["2026-04-20"]
    assert len(found.xpath("//main/article/header//h1")) == 1


def test_attachments_are_linked_and_tables_have_heads() -> None:
    wide = letter().attachments[0].model_copy(update={"orientation": "landscape"})
    found = page(attachments=(*letter().attachments, wide))
    assert [a.get("href") for a in found.xpath("//nav//a")] == ["#attachment-1", "#attachment-2"]
    for number in ("1", "2"):
        (section,) = found.xpath(f"//section[@id='attachment-{number}']")
        assert found.get_element_by_id(section.get("aria-labelledby")).tag == "h2"
        assert [th.get("scope") for th in section.xpath(".//thead//th")] == ["col"] * 3
        assert section.xpath(".//div[@role='region']/@tabindex") == ["0"]
    assert "landscape" in found.get_element_by_id("attachment-2").get("class")


@pytest.mark.parametrize(
    "text", [RARE, HOSTILE, "</style><script>alert(1)</script>", "\"' onload=x", "𠮷\u200e甲"]
)
def test_text_is_never_markup(text: str) -> None:
    found = page(
        title=f"关于{text}",
        recipients=(text,),
        paragraphs=(text,),
        banner=text,
        attachments=(Attachment(title=text, columns=(text,), rows=((text,),), notes=(text,)),),
    )
    assert not found.xpath("//script|//b|//@onload")
    for place in (
        "//p[@class='banner']",
        "//thead//th",
        "//tbody//td",
        "//p[@class='remark']",
        "//section//h2",
    ):
        assert found.xpath(f"string({place})") == text
    assert found.xpath("string(//h1)") == f"关于{text}"
    # in the style sheet every character of the banner is a code
    (content,) = re.findall(r'@top-center { content: "([^"]*)"', found.xpath("string(//style)"))
    assert content == "".join(f"\\{ord(c):06x}" for c in text)


def test_the_printed_page_has_the_same_figures() -> None:
    css = page().xpath("string(//style)")
    assert "@page { size: A4 portrait; margin: 37mm 26mm 35mm 28mm;" in css
    assert "@page across { size: A4 landscape; margin: 28mm 37mm 26mm 35mm; }" in css
    assert "line-height: calc(225mm / 22); letter-spacing: calc(156mm / 28 - 16pt)" in css
    assert "@page :first { margin-top: 30mm;" in css
    assert "@page :first" not in page(form="file").xpath("string(//style)")


def test_signature_note_and_imprint() -> None:
    found = page(form="file", sealed=False, note="此件公开发布")
    assert found.xpath("//div[@class='signature unsealed']/span/text()") == ["国家知识产权局"]
    assert found.xpath("//p[@class='note']/text()") == ["\uff08此件公开发布\uff09"]
    assert shown(found.xpath("//footer//dl")[0]) == "抄送\uff1a广东省知识产权局。"
    assert shown(found.xpath("//footer/div")[0]) == "国家知识产权局2026年4月20日印发"
    assert "印发" not in shown(page().xpath("//footer")[0])
