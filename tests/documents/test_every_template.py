"""Every template, hostile values in every text that others write: it arrives as text, or is named."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from functools import cache

import pytest
from ipgov.core import objects
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents import fonts, templates
from ipgov.documents.docx import render_docx
from ipgov.documents.html import render_html
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from ipgov.documents.pdf import render_pdf
from ipgov.documents.typography import full_width
from lxml import etree
from template_samples import names, sample, template_of
from test_template_safety import docx_texts


@pytest.fixture(autouse=True)
def _kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let templates keep their files nowhere: nothing else here needs store or database."""
    monkeypatch.setattr(objects, "put_content", sha256_hex)


# Each means something to somebody: spreadsheets, HTML, XML, paths, Jinja2, Typst, shells, text layout.
TEXTS = (
    "=cmd|' /C calc'!A0", "@SUM(1)", "+1-1", "<script>alert(1)</script>", "\"><img src=x onerror=a()>",
    "]]></w:t><w:p/>", "&amp;&lt;", "../../x", "..\\..\\x", "/etc/passwd", "{{ 7*7 }}", "{% for x in y %}",
    "{# 注 #}", "#set page(width: 1pt)", "$x^2$", "\\u{41} \\", "@引用 <标签>", "*粗* _斜_ `码`",
    "= 一级标题", "//注 /*注*/", "𠅤𫖯𬬭", "零\u200b宽\u2060连\ufeff接", "左\u200e右\u200f", "~ -- ... '",
    "javascript:a()", "_x0041_", "%s%n", "https://x.cn/?a=1&b=2", "第一〔2026〕7号", "a" * 60,
)  # fmt: skip
BROKEN = ("\x00", "\n", "\r", "\t", "\x1b[2J", "\u2028", "\u202e", "\u2066", "\ufffe", "\ud800")
_UNSEEN = re.compile("[\\s\u00ad\u200b-\u200f\u2060\ufeff]")


def written(values: Sequence[str]) -> tuple[Callable[[str], str], dict[str, str]]:
    """Return what replaces every text by one of the values, in turn, and which it replaced by what."""
    found: dict[str, str] = {}

    def write(text: str) -> str:
        return found.setdefault(text, f"{values[len(found) % len(values)]}〈{len(found)}〉")

    return write, found


def squeezed(text: str) -> str:
    return _UNSEEN.sub("", text)


def pdf_text(data: bytes) -> str:
    """Return the text of a PDF in the order of its content, without what stands on every page."""
    from pypdf import PdfReader

    pages = (squeezed(p.extract_text()) for p in PdfReader(io.BytesIO(data)).pages)
    return "".join(re.sub("—[0-9]+—", "", p.replace(SIMULATION_BANNER, "")) for p in pages)


def said(document: OfficialDocument) -> list[str]:
    texts = (text for place, text in document.texts() if place != "模拟标识")
    return [text.translate({0x200F: None}) for text in texts if text]


@cache
def elements(name: str) -> frozenset[str]:
    page = etree.HTML(render_html(sample(name)).decode())
    return frozenset(str(e.tag) for e in page.iter())


def test_every_template_has_a_sample() -> None:
    assert {template_of(name) for name in names()} == set(templates.template_names())


@pytest.mark.parametrize("name", names())
def test_what_others_write_arrives_as_text(name: str) -> None:
    start = names().index(name) * 7 % len(TEXTS)
    write, replaced = written(TEXTS[start:] + TEXTS[:start])
    document = sample(name, write)
    fonts.require_glyphs(document.texts(), document.title)
    before, after = "\n".join(said(sample(name))), "\n".join(said(document))
    told = [text for text in replaced.values() if text in after or full_width(text) in after]
    assert len(told) >= sum(text in before for text in replaced) - 2  # words of the template's own are two
    data = render_docx(document)
    in_word = docx_texts(data)
    assert [t for t in said(document) if t not in in_word] == []
    fields = re.findall(r"<w:instrText[^>]*>([^<]*)<", "".join(package_texts(data)))
    assert {f.strip() for f in fields} == {"PAGE"}
    page = etree.HTML(render_html(document).decode())
    shown = "".join(page.itertext())
    assert [t for t in said(document) if t not in shown] == []
    assert {str(e.tag) for e in page.iter()} <= elements(name)
    assert all(re.fullmatch(r"#attachment-\d+", to) for to in page.xpath("//@href | //@src"))
    assert not [a for a in page.xpath("//@*") if a.attrname.startswith("on")]
    on_paper = pdf_text(render_pdf(document))
    assert [t for t in said(document) if squeezed(t) not in on_paper] == []


def package_texts(data: bytes) -> list[str]:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return [package.read(n).decode() for n in package.namelist()]


@pytest.mark.parametrize("name", names())
def test_what_cannot_be_printed_is_named_or_shown_by_its_code(name: str) -> None:
    write, leaves = written(("甲",))
    tagged = "\n".join(said(sample(name, write)))
    unnamed: list[tuple[str, str]] = []
    for place, leaf in enumerate(leaves):
        broken = BROKEN[place % len(BROKEN)]
        code = f"U+{ord(broken[0]):04X}"
        try:
            document = sample(name, lambda text, b=broken, at=leaf: f"甲{b}乙" if text == at else text)
        except GovernanceError as error:
            named = f"{error.message}{[str(p) for p in error.problems]}"
            unnamed += [] if code in named or broken == "\ud800" else [(leaf, named)]
            continue
        text = "\n".join(said(document))
        assert broken not in text.replace("\n", "" if broken == "\n" else "\n")
        assert f"甲〔{code}〕" in text or f"〈{place}〉" not in tagged, leaf
    assert unnamed == []


@pytest.mark.parametrize("name", names())
def test_a_character_without_a_glyph_is_named_before_anything_is_made(name: str) -> None:
    document = sample(name, lambda text: f"{text}𠮷")
    with pytest.raises(GovernanceError, match=r"U\+20BB7"):
        fonts.require_glyphs(document.texts(), document.title)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("name", names()[::3])
def test_ten_thousand_characters_arrive_or_are_refused(name: str, place: int) -> None:
    _, leaves = written(("甲",))
    sample(name, lambda text: leaves.setdefault(text, text))
    leaf = list(leaves)[place * len(leaves) // 3]
    try:
        document = sample(name, lambda text: "犇" * 10_000 if text == leaf else text)
    except RefusedError:  # a title that long cannot stand before a signature
        return
    count = "".join(said(document)).count("犇")
    assert count % 10_000 == 0
    assert docx_texts(render_docx(document)).count("犇") >= count
    assert render_html(document).decode().count("犇") >= count
    try:
        data = render_pdf(document)
    except RefusedError as refused:
        assert "表格中有长达数页的文字" in refused.message  # noqa: PT017 - most documents arrive
        return
    assert pdf_text(data).count("犇") >= count
