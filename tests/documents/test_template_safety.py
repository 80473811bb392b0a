"""What a hostile template cannot do, and what hostile input cannot become."""

import io
import re
import time
import zipfile
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from document_samples import KNOWN_AT, letter
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.core.settings import settings
from ipgov.documents import docx, fonts, html, layout, pdf, register, sandbox, sheets, templates
from ipgov.documents.filters import FILTERS
from ipgov.documents.model import Attachment, Heading, OfficialDocument, plain_text
from lxml import etree

DAY = KNOWN_AT.date()
DATA = {"items": [{"name": "甲"}, {"name": "乙"}], "text": "文字" * 50, "number": 7}
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def fill_in(source: str) -> Any:
    return templates._text(source)(**DATA)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ ''.__class__ }}", "下划线开头的属性“__class__”"),
        ("{{ ''['__class__'] }}", "下划线开头的属性“__class__”"),
        ("{{ ''['__cla' ~ 'ss__'] }}", "访问属性"),
        ("{{ items[0]['__in' ~ 'it__'] }}", "__init__|访问属性"),
        ("{{ text.upper() }}", "调用"),
        ("{{ '{0.__class__}'.format(text) }}", "调用"),
        ("{{ items.append(1) }}", "调用"),
        ("{{ range(1000000000) | list }}", "调用"),
        ("{{ lipsum() }}", "调用"),
        ("{{ cycler.__init__.__globals__ }}", "下划线"),
        ("{{ text | attr('upper') }}", "attr"),
        ("{{ text | center(1000000000) }}", "center"),
        ("{{ text | format(1) }}", "format"),
        ("{{ text * 1000000000 }}", "乘法"),
        ("{{ 10 ** 10 ** 10 }}", "乘方"),
        ("{{ '%1000000000d' % 1 }}", "格式化"),
        ("{% include '../../../etc/passwd' %}", "include"),
        ("{% include '../layouts/official.html.j2' %}", "include"),
        ("{% extends '../x' %}", "extends"),
        ("{% import '../x' as x %}", "import"),
        ("{% from '../x' import y %}", "import"),
        ("{% set a = text %}{{ a }}", "set"),
        ("{% set a %}{{ text }}{% endset %}", "set"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "macro"),
        ("{% for a in items %}{% for b in items %}{{ b.name }}{% endfor %}{% endfor %}", "循环嵌套"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "嵌套过深"),
        ("{{ text }}" * 1000, "超过上限"),
        ("{{ text ~ nothing }}", "nothing"),
    ],
)
def test_a_hostile_text_is_refused_at_once(source: str, said: str) -> None:
    from jinja2 import TemplateError

    begun = time.monotonic()
    with pytest.raises((GovernanceError, TemplateError)) as caught:
        fill_in(source)
    assert re.search(said, str(caught.value.message))
    assert time.monotonic() - begun < 2


def test_what_a_text_yields_has_an_end() -> None:
    with pytest.raises(RefusedError, match="生成了 200000 个字符，超过上限 100000"):
        templates._text("{{ text }}")(text="字" * 200_000)
    with pytest.raises(RefusedError, match="生成了 250000 个字符"):
        templates._text("{% for a in text %}{{ text }}{% endfor %}")(text="字" * 500)


def test_expressions_are_held_to_the_same() -> None:
    for source in ("''.__class__", "range(9)", "text * 9", "items.pop()"):
        with pytest.raises(RefusedError, match="被拒绝"):
            templates._expression(source)(**DATA)
    assert templates._expression("items | length > 1 and number - 1 == 6")(**DATA)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ d.title.__class__ }}", "下划线"),
        ("{{ d.title.format(1) }}", "调用值的方法"),
        ("{{ d.title * 1000000000 }}", "成倍"),
        ("{{ '%1000000000d' % 1 }}", "成倍"),
        ("{% include '../../../etc/passwd' %}", "include"),
        ("{{ range(9) }}", "range"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "嵌套过深"),
    ],
)
def test_a_hostile_layout_is_refused(source: str, said: str) -> None:
    from jinja2 import TemplateError

    changed = layout.layouts() | {html.LAYOUT: source}
    with pytest.raises((GovernanceError, TemplateError)) as caught:
        html.render(layout.printed(letter()), changed)
    assert re.search(said, str(caught.value.message))


@pytest.mark.parametrize("name", ["../layouts", "..", "/etc", "layouts", "result_notice/../result_notice"])
def test_a_template_is_named_and_never_a_path(name: str) -> None:
    with pytest.raises(GovernanceError, match="没有文书模板"):
        templates.render(name, {}, kind="x", issuer="局", date=DAY)


# Every piece means something to somebody: spreadsheets, Typst, XML, HTML, CSS, Jinja2, paths, shells, YAML.
PIECES = (
    "=cmd|' /C calc'!A0", "=1+1", "+1", "-1", "@SUM(1)", "<b>", "</w:t>", "&amp;", "&", "]]>", "<!--", "-->",
    "#set page()", "#", "$x$", "$", "\\", "\\u0041", "\\n", "../", "..\\", "/etc/passwd", "{{ 7*7 }}",
    "{% if %}", "{#", "*", "_", "`", "[", "]", "\"", "'", "//", "https://x.cn", "<r>", "</r>", "_x0041_",
    "_x000D_",
    "%s", "甲", "\u200f", "\u200e", "\U00020000", "〔2026〕7号", "~", "@", "javascript:", "</style>",
    "expression(",
    "|", "\ufeff",
)  # fmt: skip
BROKEN = (
    "\x00",
    "\x01",
    "\x0b",
    "\x1b[2J",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "\ud800",
    "\ufffe",
)
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
ANY = st.lists(st.sampled_from(PIECES + BROKEN), min_size=1, max_size=6).map("".join) | st.text(max_size=20)


def hostile_letter(text: str, form: str = "letter") -> OfficialDocument:
    return OfficialDocument(
        kind="test",
        form=form,
        issuer="局",
        title=f"关于{text}的通知",
        title_terms=(text,) if len(text) > 1 else (),
        recipients=(text,),
        paragraphs=(text, Heading(level=1, text=f"一、{text}"), text),
        attachments=(
            Attachment(
                title=text,
                paragraphs=(text,),
                columns=(f"列{text}",),
                rows=((text,), (f"行{text}",)),
                notes=(text,),
            ),
        ),
        signature_date=DAY,
        copies_to=(text,),
        note=text,
        banner=text,
        mark=text[:30],
        printer=text,
    )


def docx_texts(data: bytes) -> str:
    """Return the text of every part; every part is well-formed and made of this project's own elements."""
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            root = etree.fromstring(package.read(name))
            assert not root.findall(f".//{W}hyperlink")
            found += ["".join(t.itertext()) for t in root.iter(f"{W}p")]
    return "\n".join(found)


@tried(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=HOSTILE)
def test_input_arrives_in_word_and_html_as_the_text_it_is(text: str) -> None:
    document = hostile_letter(text)
    data = docx.render_docx(document)
    text = text.replace("\u200f", "")  # it would turn what stands beside it
    assert text in docx_texts(data)
    page = etree.HTML(html.render_html(document).decode())
    shown = "".join(page.itertext())
    assert shown.count(text) >= 5
    plain = etree.HTML(html.render_html(hostile_letter("甲乙")).decode())
    tags = lambda root: {str(e.tag) for e in root.iter()}  # noqa: E731
    assert tags(page) == tags(plain)  # no element comes from a text
    assert not page.xpath("//script | //iframe | //img | //@onclick")
    assert all(re.fullmatch(r"#attachment-\d+", to) for to in page.xpath("//@href | //@src"))


@tried(max_examples=60, deadline=None)
@given(text=ANY)
def test_what_cannot_be_printed_is_reported_before_anything_is_made(text: str) -> None:
    said = None
    try:
        kept = plain_text(text)
    except RefusedError as error:
        said = error.message
    if said is not None:
        assert re.search(r"第 \d+ 个字符 U\+[0-9A-F]{4,6} 是", said)
        plain_text(said)
        with pytest.raises((RefusedError, ValueError)):  # a lone surrogate is no text to pydantic either
            hostile_letter(text)
        return
    assert kept == text


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "#set page(width: 1pt)", "$x$ *粗* _斜_ `码`",
                                  "\\u{41} \\ ~",
                                  "]] ) } #panic(1)", "//注 /*注*/", "<标签> @引用", "甲" * 400])  # fmt: skip
def test_input_is_no_typst(text: str) -> None:
    from pypdf import PdfReader

    document = letter(paragraphs=(text, "完。"), number=None)
    fonts.require_glyphs(document.texts(), document.title)
    reader = PdfReader(io.BytesIO(pdf.render_pdf(document)))
    shown = "".join(page.extract_text() for page in reader.pages)
    squeezed = re.sub(r"\s", "", shown)
    assert re.sub(r"\s", "", text)[:24] in squeezed


@tried(max_examples=40, deadline=None)
@given(text=ANY | HOSTILE)
def test_a_cell_is_text_or_is_refused(text: str) -> None:
    import openpyxl

    book = sheets.Book("表", "局")
    sheet = book.sheet("表", "表", "说明")
    try:
        book.put(sheet, 5, 1, text, book.format())
        book.table(sheet, 6, [sheets.Column("列", 20)], [sheets.Line((text,))], main=False)
    except RefusedError:
        return
    data = book.close()
    read = openpyxl.load_workbook(io.BytesIO(data))["表"]
    for cell in (read["A5"], read["A7"]):
        assert (cell.value or "") == text
        assert cell.data_type != "f"
        assert cell.hyperlink is None
    if text[:1] in ("=", "+", "-", "@"):
        assert read["A7"].quotePrefix


def test_every_template_of_this_installation_passes_the_sandbox() -> None:
    import yaml

    def texts(part: Any, key: str = "") -> None:
        if isinstance(part, str):
            if key in ("when", "present"):
                templates._expression(part)
            elif key == "each":
                templates._expression(part.split(" in ", 1)[1])
            elif key not in ("form", "orientation"):
                templates._text(part)
        for name, inner in part.items() if isinstance(part, dict) else ():
            texts(inner, name)
        for inner in part if isinstance(part, list) else ():
            texts(inner, key)

    names = templates.template_names()
    assert len(names) > 20
    for name in names:
        texts(yaml.safe_load((settings().templates / name / "document.yaml").read_text(encoding="utf-8")))
    assert sandbox.LONGEST_SOURCE > 4000


@tried(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=ANY | HOSTILE | st.integers(1, 400).map(lambda n: "甲" * n))
def test_a_name_becomes_no_path(text: str) -> None:
    """Whatever a body is called: the files of its document lie where they belong, or it is reported."""
    from ipgov.procedures import notices

    filename = notices.file_name("FP001", f"关于{text}的通知")
    try:
        register._check_filename(filename)
    except RefusedError:
        return
    assert PurePosixPath(f"{filename}.docx").name == f"{filename}.docx"
    assert PureWindowsPath(f"{filename}.docx").name == f"{filename}.docx"
    assert len(f"{filename}.docx".encode()) <= 255


def test_what_only_looks_like_a_clause_stays_as_it_is() -> None:
    readable = FILTERS["readable"]
    assert readable("未达要求（2023-156#21）") == "未达要求（国知发运函字〔2023〕156号第三部分）"
    assert readable("单位自述：见合同 1999-7#01") == "单位自述：见合同 1999-7#01"
