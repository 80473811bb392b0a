import io
import itertools
import re
from pathlib import Path

import pypdf
import pytest
from document_samples import HOSTILE, RARE, letter
from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.core.settings import settings
from ipgov.documents import fonts
from ipgov.documents.model import Attachment, OfficialDocument
from ipgov.documents.pdf import render_pdf

MM = 72 / 25.4
HEIGHT = 297 * MM
LINE = 225 * MM / 22


def pages(document: OfficialDocument) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(render_pdf(document))).pages)


def placed(page: pypdf.PageObject) -> list[tuple[str, float, float, float]]:
    """Return text, x and y (baseline, from the page's top) in points, and size of every piece of text."""
    found: list[tuple[str, float, float, float]] = []

    def visit(text: str, matrix, text_matrix, font, size) -> None:
        if text.strip():
            x = text_matrix[4] * matrix[0] + text_matrix[5] * matrix[2] + matrix[4]
            y = text_matrix[4] * matrix[1] + text_matrix[5] * matrix[3] + matrix[5]
            found.append((text.strip(), x, HEIGHT - y, size))

    page.extract_text(visitor_text=visit)
    return found


def at(page: pypdf.PageObject, start: str) -> tuple[float, float, float]:
    matches = [(x, y, size) for text, x, y, size in placed(page) if text.startswith(start)]
    assert matches, (start, [t for t, *_ in placed(page)])
    return matches[0]


def ink_top(text: str) -> float:
    """Return how far the highest glyph rises above the baseline, in ems."""
    from fontTools.pens.boundsPen import BoundsPen
    from fontTools.ttLib import TTFont

    font = TTFont(fonts.font_paths()[1])
    assert "Serif" in fonts.font_paths()[1].name
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    tops = []
    for character in text:
        pen = BoundsPen(glyphs)
        glyphs[names[ord(character)]].draw(pen)
        tops.append(pen.bounds[3])
    return max(tops) / font["head"].unitsPerEm


def squeezed(page: pypdf.PageObject) -> str:
    return re.sub(r"\s", "", page.extract_text())


def test_the_page_is_a4_and_the_text_stands_on_the_grid() -> None:
    document = letter(paragraphs=("国" * (28 * 40),), attachments=())
    first, second, *_ = pages(document)
    assert (float(first.mediabox.width), float(first.mediabox.height)) == pytest.approx(
        (210 * MM, HEIGHT), abs=0.1
    )
    lines = [(x, y) for text, x, y, size in placed(second) if text.startswith("国" * 5) and size == 16]
    assert len(lines) == 22
    for (_, above), (_, below) in itertools.pairwise(lines):
        assert below - above == pytest.approx(LINE, abs=0.01)
    assert {round(x, 1) for x, _ in lines} == {round(28 * MM, 1)}
    # the first line's glyphs begin within half a pitch of the type area's top, the last ends above its foot
    assert 37 * MM <= lines[0][1] - 0.88 * 16 <= 37 * MM + LINE / 2
    assert lines[-1][1] + 0.12 * 16 <= (297 - 35) * MM
    full = [text for text, *_ in placed(second) if text.startswith("国" * 5)]
    assert {len(t) for t in full[:-1]} == {28}


def test_the_letter_head_is_where_the_standard_puts_it() -> None:
    page = pages(letter())[0]
    x, y, size = at(page, "国家知识产权局")
    assert size == 42
    assert y - ink_top("国家知识产权局") * size == pytest.approx(30 * MM, abs=0.1)
    assert x == pytest.approx(105 * MM - 3.5 * size, abs=1)  # centred on the page
    number_x, number_y, number_size = at(page, "国知平评函")
    assert number_size == 16
    title_x, title_y, title_size = at(page, "关于功能性")
    assert title_size == 22
    assert title_y - number_y == pytest.approx(3 * LINE, abs=3)  # two lines between them
    recipient_x, recipient_y, _ = at(page, "南方知识产权运营服务平台")
    assert recipient_x == pytest.approx(28 * MM, abs=0.1)
    assert recipient_y - title_y == pytest.approx(3 * LINE, abs=3)  # second title line, one blank
    indented, *_ = at(page, "现将结果通知如下")
    assert indented == pytest.approx(28 * MM + 2 * 156 * MM / 28, abs=0.1)
    assert number_x > 105 * MM
    assert title_x > 28 * MM


def test_the_date_stands_four_characters_from_the_right() -> None:
    page = pages(letter(attachments=()))[0]
    pieces = placed(page)
    issuer = [p for p in pieces if p[0].startswith("国家知识产权局") and p[3] == 16][-1]
    date = next(p for p in pieces if p[0].startswith("2026年"))
    assert date[2] - issuer[2] == pytest.approx(LINE, abs=0.01)
    closing = at(page, "特此通知")
    assert issuer[2] - closing[1] == pytest.approx(3 * LINE, abs=0.01)
    # the issuer's middle is the date's; 7 characters, tracking included
    character = 156 * MM / 28
    assert issuer[1] + 3.5 * character < (210 - 26) * MM - 4 * character


def test_page_numbers_alternate_and_a_letter_hides_the_first() -> None:
    def number(page: pypdf.PageObject) -> list[tuple[str, float, float]]:
        return [(t, x, y) for t, x, y, size in placed(page) if size == 14 and t.startswith("—")]

    long = letter(paragraphs=("国" * 28 * 50,), attachments=())
    first, second, third = pages(long)[:3]
    assert number(first) == []
    (text, x, y), *_ = number(second)
    assert text.startswith("— 2") or text == "—"
    assert x == pytest.approx(28 * MM + 14, abs=0.5)
    assert y - 14 * 0.3 == pytest.approx((297 - 35 + 7) * MM, abs=3)
    assert number(third)[0][1] > 150 * MM
    assert number(pages(letter(form="file"))[0])


def test_no_page_bears_a_signature_alone() -> None:
    for count in range(10, 20):
        document = letter(paragraphs=("国" * 28 * count, "特此通知。"), attachments=())
        signed = next(p for p in pages(document) if "2026年4月20日" in squeezed(p))
        assert "特此通知" in squeezed(signed)


def test_attachments_begin_a_page_and_the_imprint_ends_the_last() -> None:
    found = pages(letter(attachments=letter().attachments * 2))
    assert "附件\uff1a1.评价结果2.评价结果" in "".join(map(squeezed, found[:-2]))
    assert squeezed(found[-2]).removeprefix(letter().banner).startswith("附件1评价结果")
    assert squeezed(found[-1]).removeprefix(letter().banner).startswith("附件2评价结果")
    *_, size = at(found[-1], "抄送")
    assert size == 14
    assert "封存码\uff1aABCD-1234-5678" in squeezed(found[-1])
    assert not any("封存码" in squeezed(p) for p in found[:-1])
    foot = max(y for _, _, y, size in placed(found[-1]) if size == 9)
    assert (297 - 35) * MM - 12 <= foot <= (297 - 35) * MM


def test_the_banner_stands_on_every_page_of_a_simulation_only() -> None:
    assert all(letter().banner in squeezed(p) for p in pages(letter()))
    assert not any("模拟" in squeezed(p) for p in pages(letter(banner="")))


def test_text_is_never_markup() -> None:
    document = letter(
        title="关于#pagebreak()的通知",
        paragraphs=(HOSTILE, "#set page(fill: red)", "$ x $ *粗* _斜_ = 标题", "特此通知。"),
        attachments=(Attachment(title="表", columns=("#h(1fr)",), rows=((HOSTILE,),)),),
    )
    text = "".join(squeezed(p) for p in pages(document))
    for written in (HOSTILE, "#set page(fill: red)", "$ x $ *粗* _斜_ = 标题", "关于#pagebreak()的通知"):
        assert re.sub(r"\s", "", written) in text
    assert len(pages(document)) == 2


def test_a_run_of_letters_longer_than_a_line_stays_on_the_page() -> None:
    run = "899af898ad565705" * 8
    page = pages(letter(paragraphs=(f"文件名{run}。", "特此通知。"), attachments=()))[0]
    assert run in squeezed(page).replace("\u200b", "")
    lines = {round(y) for text, _, y, size in placed(page) if size == 16 and text.isascii()}
    assert len(lines) >= 3
    assert all(x < (210 - 26) * MM for _, x, _, size in placed(page) if size == 16)


def test_rare_names_have_glyphs() -> None:
    assert RARE in squeezed(pages(letter(recipients=(RARE,)))[0])


def test_a_character_without_a_glyph_is_named_before_anything_is_rendered() -> None:
    with pytest.raises(GovernanceError) as caught:
        render_pdf(letter(recipients=("𠮷氏平台",), paragraphs=("笑脸😀。",)))
    assert "“𠮷”\uff08U+20BB7\uff0c见主送机关\uff09" in caught.value.message
    assert "“😀”\uff08U+1F600\uff0c见正文第1段\uff09" in caught.value.message
    assert "IPGOV_FONTS" in caught.value.message
    assert [p.check for p in caught.value.problems] == ["glyph_missing", "glyph_missing"]
    assert caught.value.problems[0].found.startswith("主送机关“𠮷氏平台”第 1 个字符“𠮷”")


def test_only_recorded_fonts_are_embedded_and_the_file_is_pdf_a() -> None:
    data = render_pdf(letter())
    assert b'pdfaid:part="2"' in data or b"<pdfaid:part>2</pdfaid:part>" in data
    names = set()
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        for font in page["/Resources"]["/Font"].values():
            names.add(str(font.get_object()["/BaseFont"]).partition("+")[2].partition("-")[0])
    assert names <= {"NotoSerifSC", "NotoSansSC"}


def test_the_date_in_the_file_is_that_of_the_document() -> None:
    information = pypdf.PdfReader(io.BytesIO(render_pdf(letter()))).metadata
    assert information is not None
    assert information.creation_date is not None
    assert information.creation_date.date().isoformat() in ("2026-04-19", "2026-04-20")
    assert information.title == letter().title
    assert information.author == "国家知识产权局"


def test_the_fonts_of_the_site_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_FONTS", str(tmp_path / "none"))
    settings.cache_clear()
    try:
        with pytest.raises(EnvironmentProblemError, match="不存在"):
            render_pdf(letter())
        monkeypatch.setenv("IPGOV_FONTS", str(tmp_path))
        settings.cache_clear()
        with pytest.raises(EnvironmentProblemError, match="没有字体文件"):
            render_pdf(letter())
        own = fonts.faces(["FangSong_GB2312", fonts.SERIF, fonts.SANS])
        assert own["body"]["families"][0] == "FangSong_GB2312"
        assert own["title"] == {"families": [fonts.SERIF, fonts.SANS, "FangSong_GB2312"], "stroke": 0.4}
    finally:
        settings.cache_clear()
