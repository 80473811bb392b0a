"""Files that are no workbook, or none that may be opened: each gets one sentence, none does harm."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_containers import compound
from intake_workbooks import filled, packed, parts_of, read, unit_of_kind, with_part
from ipgov.core.settings import Settings
from ipgov.intake import grid, workbook
from ipgov.intake.workbook import NotAWorkbookError, read_workbook
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture(scope="module")
def sound(rules: Loaded) -> bytes:
    return filled(rules, unit_of_kind("trading"))


def refusal(data: bytes) -> str:
    with pytest.raises(NotAWorkbookError) as refused:
        read_workbook(data)
    assert refused.value.expected
    return refused.value.message


def test_the_sound_workbook_is_read(sound: bytes) -> None:
    assert "一、业务绩效" in read_workbook(sound).sheets


def test_other_kinds_of_files(sound: bytes) -> None:
    assert "文件是空的" in refusal(b"")
    assert "不是 Excel 工作簿" in refusal(b"%PDF-1.7 ...")
    assert "已损坏" in refusal(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(504))
    assert "不是 Excel 工作簿" in refusal(compound({"WordDocument": b"w"}))
    assert "97 以前" in refusal(compound({"Book": b"w"}))
    assert "不是 Excel 工作簿" in refusal(
        packed({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<T/>"})
    )
    assert "（.xlsb）" in refusal(packed({"xl/workbook.bin": b"x", "[Content_Types].xml": b"<T/>"}))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("xl/vbaProject.bin", "含有宏"),
        ("xl/macrosheets/sheet1.xml", "含有宏"),
        ("xl/externalLinks/externalLink1.xml", "外部链接"),
        ("xl/connections.xml", "外部数据连接"),
        ("xl/embeddings/oleObject1.bin", "嵌入对象"),
        ("XL/WORKBOOK.XML", "重名"),
        ("xl\\x.xml", "非法的部件"),
        ("/xl/x.xml", "非法的部件"),
    ],
)
def test_parts_that_have_no_place_in_a_return(sound: bytes, name: str, found: str) -> None:
    parts = parts_of(sound)
    data = packed({**parts, name: b"<x/>"})
    if "\\" in name:  # the writer would turn it round
        data = packed({**parts, "xl@x.xml": b"<x/>"}).replace(b"xl@x.xml", b"xl\\x.xml")
    assert found in refusal(data)


def test_a_package_must_look_the_same_to_every_reader(sound: bytes) -> None:
    assert "目录不在应在的位置" in refusal(sound + b"tail")
    assert "不是 Excel 工作簿" in refusal(b"#!" + sound)
    assert refusal(sound[:5000])
    doubled = io.BytesIO(sound)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(doubled, "a") as archive:
        archive.writestr(SHEET, b"<worksheet/>")
    assert "重名" in refusal(doubled.getvalue())
    body = sound.index(b"PK\x01\x02")
    moved = bytearray(sound[:body] + b"gap!" + sound[body:])
    assert "目录不在应在的位置" in refusal(bytes(moved))


def test_damaged_and_protected_members(sound: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        member = archive.getinfo(SHEET)
    at = member.header_offset + 30 + len(SHEET) + 20
    damaged = bytearray(sound)
    damaged[at] ^= 0xFF
    assert "已损坏" in refusal(bytes(damaged))
    directory = sound.index(b"PK\x01\x02")
    protected = bytearray(sound)
    protected[directory + 8] |= 1
    assert "打开密码" in refusal(bytes(protected))


def test_sizes_are_bounded_before_anything_is_inflated(sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "settings", lambda: Settings(max_workbook_bytes=len(sound) - 1))
    assert "超过上限" in refusal(sound)
    monkeypatch.undo()
    bomb = with_part(sound, "xl/big.xml", b" " * 8_000_000)
    assert "压缩比异常" in refusal(bomb)
    bigger = with_part(sound, "xl/big.xml", b" " * 101_000_000)
    assert "展开后为" in refusal(bigger)
    many = packed({**parts_of(sound), **{f"x/{i}": b"" for i in range(2_100)}})
    assert "个部件" in refusal(many)


def test_a_member_that_holds_more_than_it_declares_is_not_inflated_further(sound: bytes) -> None:
    """The directory declares 10 bytes with their checksum; the stream would give 50 MB."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b" " * 50_000_000
    squeezed = stream.compress(content) + stream.flush()
    data = bytearray(packed({**parts_of(sound), "xl/lie.xml": b"0123456789"}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lie = archive.getinfo("xl/lie.xml")
        members = archive.infolist()
    assert members[-1].filename == lie.filename  # so that only the directory's own place moves
    begin = lie.header_offset + 30 + len(lie.filename)
    grown = len(squeezed) - lie.compress_size
    data[begin : begin + lie.compress_size] = squeezed
    entry = data.rindex(b"PK\x01\x02")
    checksum = zlib.crc32(content[:10])
    data[entry + 16 : entry + 24] = struct.pack("<II", checksum, len(squeezed))
    end = len(data) - 22
    data[end + 16 : end + 20] = struct.pack("<I", struct.unpack("<I", data[end + 16 : end + 20])[0] + grown)
    assert "已损坏" in refusal(bytes(data))


@pytest.mark.parametrize(
    "part",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<?xml version="1.0" encoding="UTF-16"?><x/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="gb18030"?><x/>',
    ],
)
def test_entities_and_other_encodings(sound: bytes, part: bytes) -> None:
    assert "xl/sharedStrings.xml" in refusal(with_part(sound, "xl/sharedStrings.xml", part))


@pytest.mark.parametrize(
    "row",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b"<row  r = '1048576'><c  r = 'XFD1048576'><v>1</v></c></row>",
        b'<row r="1048576"><c t="n" r="xfd1048576"><v>1</v></c></row>',
        b'<row r="1048576"><c><v>1</v></c></row>',
    ],
)
def test_cells_far_apart_are_refused_before_the_reader_makes_all_between(sound: bytes, row: bytes) -> None:
    data = with_part(sound, SHEET, lambda part: part.replace(b"</sheetData>", row + b"</sheetData>"))
    assert "延伸到第 1,048,576 行" in refusal(data)


def test_far_cells_that_are_only_styled_do_no_harm_but_too_many_do(
    sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    styled = b'<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>'
    data = with_part(sound, SHEET, lambda part: part.replace(b"</sheetData>", styled))
    assert read_workbook(data).sheets
    monkeypatch.setattr(grid, "MAX_CELLS", 20)
    assert "个单元格，超过上限" in refusal(sound)


@pytest.mark.parametrize("address", [b"A&#49;", b"1A", b"ABCD1", b"A99999999", b""])
def test_addresses_in_no_known_form(sound: bytes, address: bytes) -> None:
    cell = b'<row r="40"><c r="' + address + b'"><v>1</v></c></row></sheetData>'
    data = with_part(sound, SHEET, lambda part: part.replace(b"</sheetData>", cell))
    if address == b"A&#49;":
        # means A1 to an XML reader; whatever the other reader makes of it, nothing breaks
        assert read_workbook(data) if _reads(data) else refusal(data)
    else:
        assert "无法识别" in refusal(data)


def _reads(data: bytes) -> bool:
    try:
        read_workbook(data)
    except NotAWorkbookError:
        return False
    return True


def test_names_given_twice(sound: bytes) -> None:
    def double(part: bytes) -> bytes:
        begin = part.index(b"<definedName ")
        end = part.index(b"</definedName>") + len(b"</definedName>")
        return part[:end] + part[begin:end] + part[end:]

    assert "定义名称“v_" in refusal(with_part(sound, "xl/workbook.xml", double))


def test_a_refused_file_is_said_in_the_reading_and_never_raised(rules: Loaded, unit: Unit) -> None:
    reading = read(b"PK\x03\x04 rubbish", rules, unit, name="坏文件.xlsx")
    assert (reading.outcome, reading.identity, reading.values) == ("refused", None, ())
    assert str(reading.problems[0]).startswith("坏文件.xlsx")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_workbook_is_read_or_refused_with_a_reason(
    data: st.DataObject, sound: bytes, rules: Loaded, unit: Unit
) -> None:
    """Bytes of a part or of the package are changed: no crash, no other error, a reason wherever refused."""
    target = data.draw(st.sampled_from(["package", *(n for n in parts_of(sound) if n.startswith("xl/"))]))
    original = sound if target == "package" else parts_of(sound)[target]
    at = data.draw(st.integers(0, len(original) - 1))
    cut = data.draw(st.integers(0, 12))
    junk = data.draw(
        st.one_of(st.binary(max_size=6), st.sampled_from([b"<", b">", b'"', b"&", b"<c", b"</row>"]))
    )
    mutated = original[:at] + junk + original[at + cut :]
    packaged = mutated if target == "package" else packed({**parts_of(sound), target: mutated})
    reading = read(packaged, rules, unit)
    assert reading.outcome in ("accepted", "returned", "refused")
    assert reading.outcome == "accepted" or reading.problems
