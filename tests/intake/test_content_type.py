"""Types told by content, and structures that are whole and harmless or refused with the reason."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import pytest
from intake_files import SOUND, jpeg, pdf, png, stream, tiff
from ipgov.intake import content_type
from ipgov.intake.content_type import NotAcceptableError, examine, may_be_workbook, media_type


@pytest.mark.parametrize("type_", SOUND)
def test_a_sound_file_of_every_type_passes(type_: str) -> None:
    data = SOUND[type_]
    assert media_type(data[: content_type.HEAD_BYTES]) == type_
    assert not may_be_workbook(data)
    examine(data, type_)


@pytest.mark.parametrize("head", [b"", b"PK\x03\x04", b"<html>", b" %PDF-1.7", b"GIF89a", b"II+\0", b"MZ"])
def test_what_is_none_of_them_has_no_type(head: bytes) -> None:
    assert media_type(head) is None


def test_both_byte_orders_of_tiff_and_several_packed_pages_pass() -> None:
    examine(tiff(order=">"), "image/tiff")
    examine(pdf(stream(b"<< /Type /Page >>", b"/Type /ObjStm /N 1 /First 4")), "application/pdf")


REFUSED = {
    "password": (pdf().replace(b"/Root 1", b"/Encrypt 9 0 R /Root 1"), "设有密码"),
    "script": (pdf(b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"), "含有脚本"),
    "script in other letters": (pdf(b"<< /S /J#61va#53cript /JS (x) >>"), "含有脚本"),
    "script in a packed object": (pdf(stream(b"<< /S /JavaScript /JS (x) >>", b"/Type /ObjStm")), "含有脚本"),
    "script spelt otherwise and packed": (pdf(stream(b"<</S/Java#53cript>>", b"/Type/ObjStm")), "含有脚本"),
    "launch": (pdf(b"<< /S /Launch /F (cmd.exe) >>"), "启动外部程序"),
    "file within": (pdf(b"<< /Type /EmbeddedFile >>"), "内嵌其他文件"),
    "files within": (
        pdf(catalogue=b"<< /Type /Catalog /Names << /EmbeddedFiles 4 0 R >> >>"),
        "内嵌其他文件",
    ),
    "form that sends": (pdf(b"<< /S /SubmitForm /F (http://x) >>"), "对外发送数据"),
    "film": (pdf(b"<< /Subtype /RichMedia >>"), "多媒体"),
    "packed otherwise": (
        pdf(b"<< /Type /ObjStm /Filter /LZWDecode /Length 4 >>\nstream\n\x80\x0b\x60\x50\nendstream"),
        "无法检查的压缩对象",
    ),
    "packed otherwise, told far before": (
        pdf(b"<< /Type /ObjStm /X (" + b"x" * 2000 + b") /Length 4 >>\nstream\n\x80\x0b\x60\x50\nendstream"),
        "无法检查的压缩对象",
    ),
    "no end": (pdf()[:-12], "不完整"),
    "no such version": (b"%PDF-9.9" + pdf()[8:], "文件头"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_pdf_that_acts_or_hides_is_refused(case: str) -> None:
    data, words = REFUSED[case]
    with pytest.raises(NotAcceptableError, match=words) as refused:
        examine(data, "application/pdf")
    assert refused.value.found
    assert refused.value.expected


def test_a_name_that_only_begins_alike_is_none_of_them() -> None:
    examine(pdf(b"<< /LaunchPad 1 /EncryptionNote (x) >>"), "application/pdf")


def test_a_name_cut_by_the_edge_of_a_piece_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_type, "_STEP", 64)
    for before in range(60):
        data = pdf(stream(b"x" * before + b" /JavaScript " + b"y" * 80))
        with pytest.raises(NotAcceptableError, match="脚本"):
            examine(data, "application/pdf")


def test_a_bomb_is_not_unpacked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_type, "MAX_INFLATED", 3_000_000)
    with pytest.raises(NotAcceptableError, match="展开后过大"):
        examine(pdf(stream(bytes(20_000_000))), "application/pdf")


@pytest.mark.parametrize(
    ("data", "type_", "words"),
    [
        (png(0), "image/png", "尺寸为 0 × 2"),
        (png(70_000), "image/png", "不合常理"),
        (png()[:-4], "image/png", "不完整"),
        (png() + b"PK\x03\x04", "image/png", "之后还有其他内容"),
        (png().replace(b"IDAT", b"IDAX"), "image/png", "已损坏"),
        (jpeg(0), "image/jpeg", "尺寸为 0 × 2"),
        (jpeg()[:-2], "image/jpeg", "不完整"),
        (jpeg()[:20], "image/jpeg", "不完整"),
        (tiff(0), "image/tiff", "尺寸为 0 × 2"),
        (tiff()[:20], "image/tiff", "不完整"),
        (b"II*\0" + bytes(4), "image/tiff", "不完整"),
        # the second page is the first again
        (tiff()[:-4] + (8).to_bytes(4, "little"), "image/tiff", "不完整"),
    ],
)
def test_images_that_are_not_whole_are_refused(data: bytes, type_: str, words: str) -> None:
    with pytest.raises(NotAcceptableError, match=re.escape(words)):
        examine(data, type_)


@pytest.mark.parametrize("type_", SOUND)
def test_no_damage_makes_anything_but_a_verdict(type_: str) -> None:
    """Cut and changed at random, a file passes or is refused; nothing else is raised."""
    chance = random.Random(20260101)  # noqa: S311
    for _ in range(400):
        data = bytearray(SOUND[type_])
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged = bytes(data[: chance.randint(0, len(data))] if chance.random() < 0.3 else data)
        with suppress(NotAcceptableError):
            examine(damaged, type_)
