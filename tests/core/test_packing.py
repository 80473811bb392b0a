import io
import zipfile

from ipgov.core.packing import members, repacked

PARTS = {"[Content_Types].xml": b"<x/>" * 500, "空 甲.xml": "甲".encode() * 999, "empty": b""}


def package(compression: int, level: int | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=level) as archive:
        for name, data in PARTS.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, len(name) % 9 + 1, 2, 3, 4)), data, compression)
    return buffer.getvalue()


def test_the_same_members_give_the_same_bytes_however_they_came() -> None:
    stored, fast, best = (
        package(zipfile.ZIP_STORED),
        package(zipfile.ZIP_DEFLATED, 1),
        package(zipfile.ZIP_DEFLATED, 9),
    )
    assert len({stored, fast, best}) > 1
    assert len({repacked(stored), repacked(fast), repacked(best)}) == 1
    assert repacked(repacked(stored)) == repacked(stored)


def test_it_is_a_sound_package_in_the_same_order() -> None:
    data = repacked(package(zipfile.ZIP_STORED))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(PARTS)
    assert members(data) == PARTS
    assert len(data) < len(package(zipfile.ZIP_STORED)) / 3
