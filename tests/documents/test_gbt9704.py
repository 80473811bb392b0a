"""GB/T 9704-2012, held to the PDF itself: places in millimetres, sizes in points, fonts, lines, colours."""

import itertools

import pytest
from document_samples import letter
from ipgov.documents.model import Attachment, Heading, OfficialDocument
from ipgov.documents.pdf import render_pdf
from pdf_reading import POINT, Page, read

LINE, CHARACTER = 225 / 22, 156 / 28
LEFT, RIGHT, TOP, BOTTOM = 28, 210 - 26, 37, 297 - 35
RED, BLACK = (0.902, 0.0, 0.071), ((0.0,), (0.0, 0.0, 0.0), (0,))
NEAR = 0.15  # millimetres: what places are held to where the standard gives a figure without a tolerance
DASH = 0.2675  # the middle of the dash above the baseline in Noto Serif SC, in ems
WIDE = Attachment(
    title="功能性国家知识产权运营服务平台年度绩效评价各指标得分明细表",
    columns=tuple(f"指标{i}" for i in range(1, 11)),
    rows=tuple(tuple(f"{r}.{c}" for c in range(10)) for r in range(45)),
    orientation="landscape",
)
LONG = Attachment(
    title="入选名单",
    columns=("序号", "平台名称", "得分"),
    rows=tuple((str(i), f"第{i}平台", "85.35") for i in range(1, 71)),
    widths=(1, 5, 2),
)


def pages(document: OfficialDocument) -> list[Page]:
    return read(render_pdf(document))


def ink(text: str) -> tuple[float, float]:
    """Return how far the glyphs rise above and sink below the baseline, in ems."""
    from fontTools.pens.boundsPen import BoundsPen
    from fontTools.ttLib import TTFont
    from ipgov.documents import fonts

    path = next(p for p in fonts.font_paths() if "Serif" in p.name)
    font = TTFont(path)
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    bounds = []
    for character in text:
        pen = BoundsPen(glyphs)
        glyphs[names[ord(character)]].draw(pen)
        bounds.append(pen.bounds)
    em = font["head"].unitsPerEm
    return max(b[3] for b in bounds) / em, -min(b[1] for b in bounds) / em


@pytest.fixture(scope="module")
def a_letter() -> list[Page]:
    return pages(letter(attachments=(), copies_to=("广东省知识产权局",)))


@pytest.fixture(scope="module")
def a_file() -> list[Page]:
    body = (
        "各单位要认真组织开展自评工作" * 20,
        Heading(level=1, text="一、总体要求"),
        "按期报送。",
        "特此通知。",
    )
    return pages(
        letter(
            form="file",
            number="国知发运字〔2026〕12号",
            paragraphs=body,
            attachments=(WIDE, LONG, WIDE),
            note="此件公开发布",
            copies_to=("国家发展改革委", "科技部", "工业和信息化部", "司法部", "财政部", "各省级知识产权局"),
        )
    )


@pytest.mark.parametrize("form", ["letter", "file"])
def test_every_page_is_a4_with_22_lines_of_28_characters(form: str) -> None:
    found = pages(letter(form=form, paragraphs=("国" * 28 * 60,), attachments=()))
    assert {(round(p.width, 1), round(p.height, 1)) for p in found} == {(210.0, 297.0)}
    full = [line for line in found[1].lines if line.text.startswith("国" * 9)]
    assert len(full) == 22
    assert {len(line.text) for line in full} == {28}
    for line in full:
        assert line.left == pytest.approx(LEFT, abs=NEAR)
        assert line.right == pytest.approx(RIGHT, abs=NEAR)
        assert line.size == 16
        assert line.colour in BLACK
    for above, below in itertools.pairwise(full):
        assert below.baseline - above.baseline == pytest.approx(LINE, abs=0.01)
    # the first line's box begins at the type area's top, the last one's ends at its foot
    middle = (0.88 - 0.12) / 2 * 16 * POINT
    assert full[0].baseline - middle - LINE / 2 == pytest.approx(TOP, abs=NEAR)
    assert full[-1].baseline - middle + LINE / 2 == pytest.approx(BOTTOM, abs=NEAR)


def test_the_head_of_a_letter(a_letter: list[Page]) -> None:
    first = a_letter[0]
    mark = first.line("国家知识产权局")
    rises, sinks = ink("国家知识产权局")
    assert mark.colour == RED
    assert mark.baseline - rises * mark.size * POINT == pytest.approx(30, abs=NEAR)
    assert (mark.left + mark.right) / 2 == pytest.approx(105, abs=NEAR)
    red = [s for s in first.strokes if s.colour == RED]
    assert len(red) == 4
    for stroke in red:
        assert (stroke.left, stroke.right) == pytest.approx((20, 190), abs=NEAR)
    thick, thin, lower_thin, lower_thick = red
    assert thick.thickness > 2 * thin.thickness
    assert lower_thick.thickness > 2 * lower_thin.thickness
    bottom_of_mark = mark.baseline + sinks * mark.size * POINT
    assert thick.middle - thick.thickness / 2 - bottom_of_mark == pytest.approx(4, abs=NEAR)
    assert 297 - (lower_thick.middle + lower_thick.thickness / 2) == pytest.approx(20, abs=NEAR)
    number = first.line("国知平评函")
    assert number.right == pytest.approx(RIGHT, abs=NEAR)
    # seven eighths of a character's height below the double line (10.1)
    top_of_number = number.baseline - 0.88 * 16 * POINT
    assert top_of_number - (thin.middle + thin.thickness / 2) == pytest.approx(0.875 * 16 * POINT, abs=NEAR)
    title = first.line("关于功能性")
    assert (title.size, title.font) == (22, "NotoSerifSC")
    assert title.baseline - number.baseline == pytest.approx(3 * LINE, abs=1)


def test_the_head_of_a_file(a_file: list[Page]) -> None:
    first = a_file[0]
    mark = first.line("国家知识产权局文件")
    rises, sinks = ink("国家知识产权局文件")
    assert mark.colour == RED
    assert mark.baseline - rises * mark.size * POINT == pytest.approx(TOP + 35, abs=NEAR)
    number = first.line("国知发运字〔2026〕12号")
    assert (number.size, number.colour in BLACK) == (16, True)
    assert (number.left + number.right) / 2 == pytest.approx((LEFT + RIGHT) / 2, abs=NEAR)
    box_top = number.baseline - 0.38 * 16 * POINT - LINE / 2
    assert box_top - (mark.baseline + sinks * mark.size * POINT) == pytest.approx(2 * LINE, abs=NEAR)
    (separator,) = (s for s in first.strokes if s.colour == RED)
    assert (separator.left, separator.right) == pytest.approx((LEFT, RIGHT), abs=NEAR)
    assert separator.middle - (number.baseline + 0.12 * 16 * POINT) == pytest.approx(4, abs=NEAR)
    title = first.line("关于功能性")
    box_top = title.baseline - 0.38 * 22 * POINT - LINE / 2
    assert box_top - separator.middle == pytest.approx(2 * LINE, abs=0.5)
    recipient = first.line("南方知识产权运营服务平台")
    assert recipient.left == pytest.approx(LEFT, abs=NEAR)
    assert recipient.text.endswith("\uff1a")
    assert first.line("各单位").left == pytest.approx(LEFT + 2 * CHARACTER, abs=NEAR)


def test_levels_have_their_fonts() -> None:
    texts = ("一、总则", "（一）原则", "1.要求", "（1）做法")
    body = tuple(Heading(level=i, text=t) for i, t in enumerate(texts, 1))
    first = pages(letter(paragraphs=(*body, "特此通知。"), attachments=()))[0]
    # without the site's own fonts a sans stands for 黑体 and a serif for 楷体 and 仿宋
    assert [first.line(t).font for t in texts] == ["NotoSansSC", "NotoSerifSC", "NotoSerifSC", "NotoSerifSC"]
    assert {first.line(t).size for t in texts} == {16}
    assert {round(first.line(t).left, 1) for t in texts} == {round(LEFT + 2 * CHARACTER, 1)}


def test_a_seal_has_its_room(a_letter: list[Page]) -> None:
    lines = a_letter[0].lines
    date = next(line for line in lines if line.text == "2026年4月20日")
    issuer = [line for line in lines if line.text == "国家知识产权局"][-1]
    assert RIGHT - date.right == pytest.approx(4 * CHARACTER, abs=0.3)
    assert (issuer.left + issuer.right) / 2 == pytest.approx((date.left + date.right) / 2, abs=0.3)
    assert date.baseline - issuer.baseline == pytest.approx(LINE, abs=0.01)
    # a seal of 42 mm, both lines a little below its centre, has its top within one line of the text (7.3.5.1)
    middle = (date.baseline + issuer.baseline) / 2 - 0.38 * 16 * POINT - LINE / 2
    end_of_text = next(line for line in lines if line.text == "特此通知。").baseline + 0.12 * 16 * POINT
    assert 0 < middle - 21 - end_of_text < LINE


def test_an_issuer_too_long_for_that_ends_at_the_edge() -> None:
    issuer = "国家知识产权局知识产权运用促进司专利转化运用专项工作组"
    lines = pages(letter(issuer=issuer, attachments=()))[0].lines
    date = next(line for line in lines if line.text == "2026年4月20日")
    above = next(line for line in lines if line.text == issuer and line.size == 16)
    assert above.right == pytest.approx(RIGHT, abs=0.3)
    assert (above.left + above.right) / 2 == pytest.approx((date.left + date.right) / 2, abs=0.3)


@pytest.mark.parametrize("issuer", ["国家知识产权局", "国知局"])
def test_without_a_seal(issuer: str) -> None:
    first = pages(letter(issuer=issuer, sealed=False, attachments=(), note="此件公开发布"))[0]
    date = first.line("2026年4月20日")
    name = [line for line in first.lines if line.text == issuer and line.size == 16][-1]
    assert name.baseline - first.line("特此通知").baseline == pytest.approx(2 * LINE, abs=0.01)
    assert date.baseline - name.baseline == pytest.approx(LINE, abs=0.01)
    assert date.left - name.left == pytest.approx(2 * CHARACTER, abs=0.3)
    right = date if len(issuer) == 3 else name  # the longer of both stands two characters from the right
    assert RIGHT - right.right == pytest.approx(2 * CHARACTER, abs=0.3)
    note = first.line("\uff08此件公开发布\uff09")
    assert note.baseline - date.baseline == pytest.approx(LINE, abs=0.01)
    assert note.left == pytest.approx(LEFT + 2 * CHARACTER, abs=NEAR)


@pytest.mark.parametrize("form", ["letter", "file"])
@pytest.mark.parametrize("sealed", [True, False])
def test_no_page_bears_a_signature_without_words_of_the_text(form: str, sealed: bool) -> None:
    for lines in (*range(4, 12), 19, 23):
        for body in (("国" * 28 * lines, "特此通知。"), ("国" * 28 * (lines + 1),)):
            found = pages(letter(form=form, sealed=sealed, paragraphs=body, attachments=(), copies_to=()))
            (signed,) = (p for p in found if "2026年4月20日" in [line.text for line in p.lines])
            issuer = max(line.baseline for line in signed.lines if line.text == "国家知识产权局")
            above = [g for g in signed.glyphs if g.text in "国特" and g.size == 16 and g.baseline < issuer]
            assert above, (form, sealed, lines, len(body))


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("count", "length"), [(4, 4), (15, 4), (17, 4), (24, 4), (30, 4), (1, 420), (1, 900)]
)
def test_nor_without_the_end_of_a_long_note_of_attachments(count: int, length: int, sealed: bool) -> None:
    named = tuple(Attachment(title="名" * length, paragraphs=("正",)) for _ in range(count))
    for lines in (2, 5, 8):
        body = ("国" * 28 * lines, "特此通知。")
        found = pages(letter(paragraphs=body, sealed=sealed, attachments=named, copies_to=()))
        (signed,) = (p for p in found if "2026年4月20日" in [line.text for line in p.lines])
        issuer = max(line.baseline for line in signed.lines if line.text == "国家知识产权局")
        above = [g for g in signed.glyphs if g.text in "特名" and g.size == 16 and g.baseline < issuer]
        assert above, (count, length, lines)
        assert max(g.baseline for g in signed.glyphs if g.size == 16) < BOTTOM


def test_the_note_of_attachments_hangs_below_the_first_character_of_a_name(a_file: list[Page]) -> None:
    page = next(p for p in a_file if "附件\uff1a1." in p.text)
    lead = page.line("附件\uff1a1.")
    wrapped = page.lines[page.lines.index(lead) + 1]
    name = next(g for g in lead.glyphs if g.text == "功")
    assert lead.left == pytest.approx(LEFT + 2 * CHARACTER, abs=NEAR)
    assert wrapped.left == pytest.approx(name.left, abs=NEAR)
    second = page.line("2.入选名单")
    assert next(g for g in second.glyphs if g.text == "入").left == pytest.approx(name.left, abs=NEAR)
    assert not lead.text.endswith(("。", "\uff1b"))


def test_attachments_begin_pages_of_their_own(a_file: list[Page]) -> None:
    page = next(p for p in a_file if any(line.text == "附件2" for line in p.lines))
    label, title = page.line("附件2"), page.line("入选名单")
    assert (label.font, label.size) == ("NotoSansSC", 16)
    assert label.left == pytest.approx(LEFT, abs=NEAR)
    assert label.baseline - 0.38 * 16 * POINT - LINE / 2 == pytest.approx(TOP, abs=NEAR)
    assert title.baseline - 0.38 * 22 * POINT - LINE / 2 == pytest.approx(TOP + 2 * LINE, abs=NEAR)
    assert (title.left + title.right) / 2 == pytest.approx((LEFT + RIGHT) / 2, abs=NEAR)
    heads = [p for p in a_file if any(line.text == "序号平台名称得分" for line in p.lines)]
    assert len(heads) >= 2  # a long table repeats its head
    assert "第70平台" in heads[-1].text


def test_page_numbers_stand_outside_alternately(a_file: list[Page], a_letter: list[Page]) -> None:
    for index, page in enumerate(a_file, 1):
        number = [g for g in page.glyphs if g.size == 14 and (g.turned or g.baseline > BOTTOM)]
        assert "".join(sorted(g.text for g in number if g.text.strip())) == "".join(sorted(f"{index}——"))
        assert {g.font for g in number} == {"NotoSerifSC"}
        if page.width > page.height:  # as if the portrait page had been turned clockwise
            assert all(g.turned for g in number)
            near, far = min(g.top for g in number), max(g.bottom for g in number)
        else:
            middle = number[0].baseline - DASH * 14 * POINT
            assert middle - BOTTOM == pytest.approx(7, abs=0.1)
            near, far = min(g.left for g in number), max(g.right for g in number)
        if index % 2:
            assert RIGHT - far == pytest.approx(14 * POINT, abs=0.2)
        else:
            assert near - LEFT == pytest.approx(14 * POINT, abs=0.2)
    assert not [g for g in a_letter[0].glyphs if g.size == 14 and g.baseline > BOTTOM]
    assert len({p.width > p.height for p in a_file}) == 2


def test_a_table_that_lies_across_has_the_portrait_margins_turned(a_file: list[Page]) -> None:
    across = [p for p in a_file if p.width > p.height]
    assert len(across) >= 6
    for page in across:
        assert (round(page.width, 1), round(page.height, 1)) == (297.0, 210.0)
        upright = [g for g in page.glyphs if not g.turned and g.size in (12, 16, 22)]
        # the head of the table at the portrait page's left edge: 28 mm above, 35 mm left, 37 mm right
        assert min(g.left for g in upright) >= 35 - NEAR
        assert max(g.right for g in upright) <= 297 - 37 + NEAR
        assert any(line.text == "".join(f"指标{i}" for i in range(1, 11)) for line in page.lines)
        assert max(g.baseline for g in upright) <= 210 - 26
        turned = [g for g in page.glyphs if g.turned]
        # the dashes 7 mm outside the type area, which is to the left of it here
        assert turned
        middle = turned[0].left_of_baseline + DASH * 14 * POINT
        assert 35 - middle == pytest.approx(7, abs=0.2)


def test_the_imprint_ends_the_last_page(a_file: list[Page]) -> None:
    last = a_file[-1]
    assert last.height > last.width  # after a table that lies across, a page that stands upright
    black = [s for s in last.strokes if s.colour in BLACK]
    assert [round(s.thickness, 2) for s in black] == [0.35, 0.25, 0.25, 0.35]
    for stroke in black:
        assert (stroke.left, stroke.right) == pytest.approx((LEFT, RIGHT), abs=NEAR)
    assert black[-1].middle == pytest.approx(BOTTOM, abs=0.2)
    copies, printer = last.line("抄送\uff1a"), last.line("国家知识产权局")
    assert (copies.size, printer.size) == (14, 14)
    assert copies.left == pytest.approx(LEFT + 14 * POINT, abs=NEAR)
    assert printer.text.endswith("2026年4月20日印发")
    assert printer.right == pytest.approx(RIGHT - 14 * POINT, abs=0.3)
    wrapped = next(line for line in last.lines if copies.baseline < line.baseline < printer.baseline)
    assert wrapped.left == pytest.approx(copies.glyphs[3].left, abs=NEAR)
    assert not any("抄送" in p.text for p in a_file[:-1])


def test_the_imprint_of_a_letter_has_neither_lines_nor_printing_office(a_letter: list[Page]) -> None:
    last = a_letter[-1]
    assert not [s for s in last.strokes if s.colour in BLACK]
    assert "印发" not in last.text
    assert last.line("抄送").left == pytest.approx(LEFT + 14 * POINT, abs=NEAR)
    low = max(line.baseline for line in last.lines if line.size in (9, 14))
    assert BOTTOM - 6 < low < BOTTOM


def test_recipients_that_would_fill_the_first_page_stand_in_the_imprint() -> None:
    many = tuple(f"第{i}功能性国家知识产权运营服务平台" for i in range(1, 19))
    found = pages(letter(form="file", recipients=many, attachments=()))
    assert "现将结果通知如下" in found[0].text
    assert found[-1].line("主送\uff1a第1功能性")
