import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from document_samples import HOSTILE, RARE, letter
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents.docx import render_docx
from ipgov.documents.html import render_html
from ipgov.documents.model import Attachment, OfficialDocument
from ipgov.documents.pdf import render_pdf
from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MM = 1440 / 25.4


def parts(data: bytes) -> dict[str, etree._Element]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        return {n: etree.fromstring(package.read(n)) for n in package.namelist()}


def texts(element: etree._Element) -> list[str]:
    return ["".join(t.text or "" for t in p.iter(f"{W}t")) for p in element.iter(f"{W}p")]


def styles(data: bytes) -> dict[str, etree._Element]:
    return {s.get(f"{W}styleId"): s for s in parts(data)["word/styles.xml"].iter(f"{W}style")}


@pytest.mark.parametrize("text", [RARE, HOSTILE, "𠮷😀\u200e甲", "]]>", "<w:p/>", "{% raw %}"])
def test_text_arrives_whole_wherever_it_stands(text: str) -> None:
    document = letter(
        paragraphs=(text, "特此通知。"),
        recipients=(text,),
        copies_to=(text,),
        attachments=(Attachment(title="表", columns=(text,), rows=((text,),)),),
    )
    body = texts(parts(render_docx(document))["word/document.xml"])
    assert body.count(text) == 3  # paragraph, head and cell
    assert f"{text}\uff1a" in body
    assert f"抄送\uff1a{text}。" in body
    with_core = parts(render_docx(letter(title=f"甲{text}")))["docProps/core.xml"]
    assert f"甲{text}" in "".join(with_core.itertext())


def test_page_and_grid_are_those_of_the_standard() -> None:
    section = next(parts(render_docx(letter()))["word/document.xml"].iter(f"{W}sectPr"))
    size, margins, grid = (section.find(f"{W}{n}") for n in ("pgSz", "pgMar", "docGrid"))
    assert (int(size.get(f"{W}w")), int(size.get(f"{W}h"))) == (11906, 16838)
    for side, millimetres in (("top", 37), ("bottom", 35), ("left", 28), ("right", 26)):
        assert int(margins.get(f"{W}{side}")) / MM == pytest.approx(millimetres, abs=0.1)
    assert int(grid.get(f"{W}linePitch")) * 22 <= 225 * MM < (int(grid.get(f"{W}linePitch")) + 6) * 22
    normal = styles(render_docx(letter()))["Normal"]
    run = normal.find(f"{W}rPr")
    pitch = int(run.find(f"{W}sz").get(f"{W}val")) * 10 + int(run.find(f"{W}spacing").get(f"{W}val"))
    assert pitch * 28 <= 156 * MM < pitch * 29


WIDE = Attachment(title="明细", columns=("甲", "乙"), rows=(("1", "2"),) * 3, orientation="landscape")


def test_the_grid_is_declared_as_22_lines_of_28_characters() -> None:
    for section in parts(render_docx(letter(attachments=(WIDE,))))["word/document.xml"].iter(f"{W}sectPr"):
        grid = section.find(f"{W}docGrid")
        assert grid.get(f"{W}type") == "linesAndChars"
        # what the size of 16 points lacks to 156 mm / 28, in 4096ths of a point
        pitch = 16 + int(grid.get(f"{W}charSpace")) / 4096
        assert pitch * 28 == pytest.approx(156 / 25.4 * 72, abs=0.2)


def test_a_wide_table_has_a_section_that_lies_across() -> None:
    found = parts(render_docx(letter(attachments=(*letter().attachments, WIDE))))
    sections = list(found["word/document.xml"].iter(f"{W}sectPr"))
    sizes = [(s.find(f"{W}pgSz").get(f"{W}w"), s.find(f"{W}pgSz").get(f"{W}orient")) for s in sections]
    assert sizes == [("11906", None), ("16838", "landscape"), ("11906", None)]
    margins = sections[1].find(f"{W}pgMar")  # the portrait ones turned: its left edge is the table's head
    for side, millimetres in (("top", 28), ("right", 37), ("bottom", 26), ("left", 35)):
        assert int(margins.get(f"{W}{side}")) / MM == pytest.approx(millimetres, abs=0.1)
    assert [s.find(f"{W}titlePg") is not None for s in sections] == [True, False, False]
    for side, alignment in (("odd", "right"), ("even", "left")):
        footer = found[f"word/footer_across_{side}.xml"]
        assert next(footer.iter(f"{W}textDirection")).get(f"{W}val") == "tbRl"
        assert next(footer.iter(f"{W}jc")).get(f"{W}val") == alignment
        assert [i.text.strip() for i in footer.iter(f"{W}instrText")] == ["PAGE"]
        place = next(footer.iter(f"{W}tblpPr"))
        middle = int(place.get(f"{W}tblpX")) + 140
        assert middle / MM == pytest.approx(35 - 7, abs=0.1)  # 7 mm outside the type area


def test_heads_of_tables_repeat_and_the_imprint_is_fixed_to_the_foot() -> None:
    body = parts(render_docx(letter(form="file")))["word/document.xml"]
    table, imprint = body.iter(f"{W}tbl")
    assert next(table.iter(f"{W}tr")).find(f"{W}trPr/{W}tblHeader") is not None
    place = imprint.find(f"{W}tblPr/{W}tblpPr")
    assert (place.get(f"{W}vertAnchor"), place.get(f"{W}tblpYSpec")) == ("margin", "bottom")
    # measured from the page's edge: LibreOffice lets a table as wide as the margins leave flow with the text
    assert (place.get(f"{W}horzAnchor"), int(place.get(f"{W}tblpX")) / MM) == (
        "page",
        pytest.approx(28, abs=0.1),
    )
    borders = {
        b.tag.removeprefix(W): int(b.get(f"{W}sz")) / 8 / 72 * 25.4
        for b in imprint.find(f"{W}tblPr/{W}tblBorders")
    }
    assert borders == {
        "top": pytest.approx(0.35, abs=0.02),
        "bottom": pytest.approx(0.35, abs=0.02),
        "insideH": pytest.approx(0.25, abs=0.02),
    }
    assert texts(imprint)[0].startswith("抄送\uff1a")
    assert texts(imprint)[1] == "国家知识产权局2026年4月20日印发"


@pytest.mark.parametrize(("issuer", "right", "date_right"), [("国家知识产权局", 2, 0.5), ("国知局", 7.5, 2)])
def test_without_a_seal_issuer_and_date_are_indented(issuer: str, right: float, date_right: float) -> None:
    document = letter(issuer=issuer, sealed=False, mark="国家知识产权局")
    body = parts(render_docx(document))["word/document.xml"]
    by_text = {"".join(t.text or "" for t in p.iter(f"{W}t")): p for p in body.iter(f"{W}p")}
    indents = [int(by_text[t].find(f"{W}pPr/{W}ind").get(f"{W}right")) for t in (issuer, "2026年4月20日")]
    character = 156 * MM / 28
    assert indents == pytest.approx([right * character, date_right * character], abs=1)


def kept(document: OfficialDocument, closing: str) -> list[tuple[str, bool]]:
    """Return each paragraph from the last of the text to the date, and whether it stays with the next."""
    found = list(parts(render_docx(document))["word/document.xml"].iter(f"{W}p"))
    start = next(i for i, p in enumerate(found) if texts(p) == [closing])
    end = next(i for i, p in enumerate(found) if texts(p) == ["2026年4月20日"])
    return [(texts(p)[0], p.find(f"{W}pPr/{W}keepNext") is not None) for p in found[start:end]]


def named(count: int) -> tuple[Attachment, ...]:
    return tuple(Attachment(title=f"附件{i}", columns=("甲",), rows=(("1",),)) for i in range(1, count + 1))


@pytest.mark.parametrize("attachments", [(), named(1), named(15)])
@pytest.mark.parametrize("closing", ["特此通知。", "国" * 28 * 5, "国" * 28 * 20])
def test_the_signature_stays_with_the_last_words(closing: str, attachments: tuple[Attachment, ...]) -> None:
    if len(attachments) == 15 and len(closing) > 100:
        attachments = named(2)
    if len(closing) > 500:
        attachments = ()  # Word keeps the paragraph's end; other processors are spared it by the templates
    assert all(stays for _, stays in kept(letter(paragraphs=(closing,), attachments=attachments), closing))


def test_a_note_longer_than_a_page_is_held_by_its_ends() -> None:
    for count in (17, 30, 60):
        found = kept(letter(attachments=named(count)), "特此通知。")
        assert [stays for _, stays in found[:3]] == [True] * 3  # text, blank line, first entry
        assert not any(stays for _, stays in found[3:count])
        assert all(stays for _, stays in found[count:])
        assert [name.rpartition("附件")[2] for name, _ in found[count : count + 2]] == [
            f"{count - 1}",
            f"{count}",
        ]


def test_fonts_are_named_for_east_asian_text_too() -> None:
    found = styles(render_docx(letter()))
    for style, name, half_points in (
        ("Normal", "仿宋_GB2312", "32"),
        ("DocTitle", "方正小标宋简体", "44"),
        ("Level1", "黑体", "32"),
        ("Level2", "楷体_GB2312", "32"),
        ("PageNumber", "宋体", "28"),
    ):
        run = found[style].find(f"{W}rPr")
        assert run.find(f"{W}rFonts").get(f"{W}eastAsia") == name
        assert run.find(f"{W}sz").get(f"{W}val") == half_points


def test_letters_and_files_have_their_own_heads_and_feet() -> None:
    as_letter, as_file = parts(render_docx(letter())), parts(render_docx(letter(form="file")))
    assert next(as_letter["word/document.xml"].iter(f"{W}titlePg")) is not None
    assert not list(as_file["word/document.xml"].iter(f"{W}titlePg"))
    assert "国家知识产权局" in texts(as_letter["word/header_first.xml"])
    assert texts(as_file["word/document.xml"])[0] == "国家知识产权局文件"
    borders = [b.get(f"{W}val") for b in as_letter["word/header_first.xml"].iter(f"{W}top")]
    assert borders == ["thickThinSmallGap"]
    assert "PAGE" not in "".join(as_letter["word/footer_first.xml"].itertext())
    for side, alignment in (("odd", "right"), ("even", "left")):
        footer = as_letter[f"word/footer_{side}.xml"]
        assert next(footer.iter(f"{W}jc")).get(f"{W}val") == alignment
        assert "— " in "".join(footer.itertext())


def test_the_banner_stands_in_every_header() -> None:
    found = parts(render_docx(letter()))
    for name in ("word/header.xml", "word/header_first.xml"):
        assert letter().banner in texts(found[name])
    plain = parts(render_docx(letter(banner="")))
    assert not any("模拟" in "".join(p.itertext()) for n, p in plain.items() if n.startswith("word/"))


def test_long_and_short_issuers_stay_centred_above_the_date() -> None:
    def indents(document: OfficialDocument) -> tuple[int, int]:
        body = parts(render_docx(document))["word/document.xml"]
        by_text = {"".join(t.text or "" for t in p.iter(f"{W}t")): p for p in body.iter(f"{W}p")}
        both = (by_text[t].find(f"{W}pPr/{W}ind") for t in (document.issuer, "2026年4月20日"))
        issuer, date = (int(i.get(f"{W}right")) for i in both)
        return issuer, date

    character = 156 * MM / 28
    short_issuer, date = indents(letter())
    assert date == pytest.approx(4 * character, abs=1)
    assert short_issuer + 7 * character / 2 == pytest.approx(date + 6.5 * character / 2, abs=1)
    long_issuer, date = indents(letter(issuer="国家知识产权局知识产权运用促进司专利转化运用工作专班"))
    assert long_issuer == 0
    assert 26 * character / 2 == pytest.approx(date + 6.5 * character / 2, abs=1)


def test_the_package_opens_in_python_docx() -> None:
    import docx

    document = docx.Document(io.BytesIO(render_docx(letter())))
    assert document.core_properties.title == letter().title
    assert [[c.text for c in r.cells] for r in document.tables[0].rows][1] == ["1", "南方平台", "85.35"]


def test_bytes_are_the_same_in_another_process() -> None:
    here = Path(__file__).parent
    script = (
        f"import sys; sys.path.insert(0, {str(here)!r}); from document_samples import letter;"
        "from ipgov.documents.docx import render_docx; from ipgov.documents.html import render_html;"
        "from ipgov.documents.pdf import render_pdf; from ipgov.core.fingerprint import sha256_hex as h;"
        "print(h(render_docx(letter())), h(render_html(letter())), h(render_pdf(letter())))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "1", "TZ": "America/New_York", "PATH": ""},
    )
    here_and_now = [render(letter()) for render in (render_docx, render_html, render_pdf)]
    assert run.stdout.split() == [sha256_hex(data) for data in here_and_now]
