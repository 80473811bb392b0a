import pytest
from document_samples import letter
from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.documents import fonts
from ipgov.documents.pdf import render_pdf
from pdf_reading import read

# The Han characters of GB 18030-2005, as the codec maps them: one area of two bytes, and of four bytes the
# rest of the basic block, extension A and extension B.
BLOCKS = {
    "two": (*range(0x3400, 0x4DB6), *range(0x4E00, 0x9FBC), *range(0xF900, 0xFA2E)),
    "four_a": (*range(0x3400, 0x4DB6), *range(0x4E00, 0x9FBC)),
    "four_b": tuple(range(0x20000, 0x2A6D7)),
}

# GB 18030-2022, level 2: beside level 1 those of the 8,105 characters of 通用规范汉字表 (2013) that stand
# beyond the basic plane, 196 in extensions B to E (Unihan database 14.0, kTGH). 7,909 are of level 1.
COMMON_BEYOND = (
    "𠅤𠙶𠳐𡎚𡐓𣗋𣲗𣲘𣸣𤧛𤩽𤫉𥔲𥕢𥖨𥻗𦈡𦒍𦙶𦝼𦭜𦰡𧿹𨐈𨙸𨚕𨟠𨭉𨱇𨱏𨱑𨱔𨺙𩽾𩾃𩾌𪟝𪣻𪤗𪨰𪨶𪩘𪾢𫄧𫄨𫄷𫄸𫇭𫌀"
    "𫍣𫍯𫍲𫍽𫐄𫐐𫐓𫑡𫓧𫓯𫓶𫓹𫔍𫔎𫔶𫖮𫖯𫖳𫗧𫗴𫘜𫘝𫘦𫘧𫘨𫘪𫘬𫚕𫚖𫚭𫛭𫞩𫟅𫟦𫟹𫟼𫠆𫠊𫠜𫢸𫫇𫭟𫭢𫭼𫮃𫰛𫵷𫶇𫷷"
    "𫸩𬀩𬀪𬂩𬃊𬇕𬇙𬇹𬉼𬊈𬊤𬌗𬍛𬍡𬍤𬒈𬒔𬒗𬕂𬘓𬘘𬘡𬘩𬘫𬘬𬘭𬘯𬙂𬙊𬙋𬜬𬜯𬞟𬟁𬟽𬣙𬣞𬣡𬣳𬤇𬤊𬤝𬨂𬨎𬩽𬪩𬬩𬬭𬬮"
    "𬬱𬬸𬬹𬬻𬬿𬭁𬭊𬭎𬭚𬭛𬭤𬭩𬭬𬭯𬭳𬭶𬭸𬭼𬮱𬮿𬯀𬯎𬱖𬱟𬳵𬳶𬳽𬳿𬴂𬴃𬴊𬶋𬶍𬶏𬶐𬶟𬶠𬶨𬶭𬶮𬷕𬸘𬸚𬸣𬸦𬸪𬹼𬺈𬺓"
)


def han(area: str) -> list[str]:
    width = 2 if area == "two" else 4
    return [c for c in map(chr, BLOCKS[area]) if len(c.encode("gb18030")) == width]


def test_every_han_character_of_gb18030_is_rendered_or_reported() -> None:
    counts = {}
    for area in BLOCKS:
        wanted = han(area)
        missing = fonts.missing_characters(["".join(wanted)])
        counts[area] = (len(wanted), len(missing))
        cmaps = set().union(*(fonts._characters(f) for f in fonts.font_files()))
        assert set(missing) == {c for c in wanted if ord(c) not in cmaps}
    # what the shipped fonts have: all of two bytes and of extension A, few of extension B
    assert counts["two"][0] >= 20_902
    assert counts["two"][1] == 0
    assert counts["four_a"][0] >= 6_530
    assert counts["four_a"][1] <= 22
    assert counts["four_b"][0] == 42_711
    assert 42_400 < counts["four_b"][1] < 42_711


def test_every_han_character_of_level_2_of_gb18030_2022_is_rendered() -> None:
    blocks = ((0x20000, 0x2A6DF, 36), (0x2A700, 0x2B73F, 44), (0x2B740, 0x2B81F, 8), (0x2B820, 0x2CEAF, 108))
    for first, last, count in blocks:
        assert sum(first <= ord(c) <= last for c in COMMON_BEYOND) == count
    assert len(set(COMMON_BEYOND)) == 196 == 8_105 - 7_909
    level_1 = "".join(map(chr, (*range(0x3400, 0x4DB6), *range(0x4E00, 0x9FF0))))
    assert fonts.missing_characters([level_1, COMMON_BEYOND]) == ()
    document = letter(paragraphs=(COMMON_BEYOND, "特此通知。"), attachments=())
    fonts.require_glyphs(document.texts(), document.title)
    found = "".join(p.text for p in read(render_pdf(document)))
    assert [c for c in COMMON_BEYOND if c not in found] == []


def test_what_is_not_reported_is_on_the_page() -> None:
    sample = "".join([*han("two")[::53], *han("four_a")[::31]])
    there = "".join(c for c in sample if c not in fonts.missing_characters([sample]))
    assert len(there) > 550
    found = "".join(p.text for p in read(render_pdf(letter(paragraphs=(there,), attachments=()))))
    # a compatibility character may be read back as the unified one that it stands for
    lost = [c for c in there if c not in found and not "\uf900" <= c <= "\ufaff"]
    assert lost == []


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("𠮷氏", "U+20BB7"),
        ("葛\U000e0100城", "U+E0100"),
        ("甲\ufe00", "U+FE00"),
        ("\ue000", "U+E000"),
        ("אב", "U+05D0"),
    ],
)
def test_a_character_that_would_not_show_is_named_with_its_place(name: str, reported: str) -> None:
    table = letter().attachments[0].model_copy(update={"rows": (("1", name, "3"),)})
    with pytest.raises(GovernanceError) as caught:
        fonts.require_glyphs(letter(attachments=(table,)).texts(), "通知")
    assert f"{reported}\uff0c见附件1第1行“平台名称”" in caught.value.message


@pytest.mark.parametrize("name", ["甲\u200e乙", "甲\u2060乙", "甲\u00ad乙"])
def test_marks_without_a_shape_need_none(name: str) -> None:
    fonts.require_glyphs([("主送机关", name)], "通知")


def test_a_file_that_is_no_font_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "坏.ttf").write_bytes(b"no font")
    monkeypatch.setattr(fonts, "font_folders", lambda: (tmp_path,))
    with pytest.raises(EnvironmentProblemError, match=r"坏\.ttf 无法读取"):
        fonts.font_files()
