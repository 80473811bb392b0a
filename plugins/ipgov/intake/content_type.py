"""What an attachment is, by its content alone, and whether its structure is sound and can do no harm.

A name proves nothing: only the first bytes say what a file is. Of what is accepted the structure is then
checked so far as it can be without rendering it; the rest is the malware scanner's.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

from ipgov.core.errors import RefusedError

HEAD_BYTES = 1024  # enough to tell every type apart
MAX_SIDE = 60_000  # pixels: an A0 sheet at 1,200 dpi has 56,000
MAX_INFLATED = 400_000_000  # of all streams of a PDF together
_STEP = 1 << 20

NAMES: Mapping[str, str] = {
    "application/pdf": "PDF 文件",
    "image/png": "PNG 图像",
    "image/jpeg": "JPEG 图像",
    "image/tiff": "TIFF 图像",
}
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/tiff": (".tif", ".tiff"),
}
# Only for the answer to what is refused anyway: did its sender mean it as the workbook?
WORKBOOK_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".et", ".csv")

_PNG = b"\x89PNG\r\n\x1a\n"
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")


class NotAcceptableError(RefusedError):
    """A file of a known type that is damaged or may do harm; ``found``, ``expected`` are for its sender."""

    def __init__(self, found: str, expected: str):
        super().__init__(f"{found}；应为：{expected}")
        self.found, self.expected = found, expected


def media_type(head: bytes) -> str | None:
    """Return the media type that a file's first bytes say, or None where they say none of ours."""
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(_PNG):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"II*\0", b"MM\0*")):
        return "image/tiff"
    return None


def may_be_workbook(head: bytes) -> bool:
    """Tell whether the first bytes are those of a zip or of an OLE file, as every workbook's are."""
    return head.startswith((b"PK\x03\x04", _OLE))


def examine(data: bytes, type_: str) -> None:
    """Prove that a file of this type is whole and carries nothing that acts; NotAcceptableError says what."""
    _EXAMINERS[type_](data)


# What a PDF may not hold: it encrypts, runs, opens, sends or brings along something else.
_FORBIDDEN = {
    b"Encrypt": ("设有密码或权限限制", "取消密码和限制后重新导出的 PDF"),
    b"JavaScript": ("含有脚本", "不含脚本的 PDF（可“打印为 PDF”后报送）"),
    b"Launch": ("含有启动外部程序的动作", "不含此类动作的 PDF（可“打印为 PDF”后报送）"),
    b"EmbeddedFile": ("内嵌其他文件", "不含内嵌文件的 PDF；各文件分别报送"),
    b"EmbeddedFiles": ("内嵌其他文件", "不含内嵌文件的 PDF；各文件分别报送"),
    b"RichMedia": ("含有多媒体对象", "不含多媒体的 PDF（可“打印为 PDF”后报送）"),
    b"SubmitForm": ("含有对外发送数据的动作", "不含此类动作的 PDF（可“打印为 PDF”后报送）"),
    b"ImportData": ("含有读入外部数据的动作", "不含此类动作的 PDF（可“打印为 PDF”后报送）"),
    b"GoToE": ("含有打开内嵌文件的动作", "不含此类动作的 PDF（可“打印为 PDF”后报送）"),
}
# Long enough names that packed image data does not spell them by chance; a delimiter ends a name.
_NAME = re.compile(rb"/(" + b"|".join(_FORBIDDEN) + rb")(?=[\s/<>\[\]()%]|$)")
_HEXADECIMAL = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"(?<!end)stream(\r\n|\n|\r)")
_OBJECTS = re.compile(rb"/ObjStm(?=[\s/<>\[\]()%])")  # a stream that holds objects
_LONGEST = 64


def _pdf(data: bytes) -> None:
    """Check header, end and names; names are searched in every stream too, since objects may be packed.

    Whoever wants to hide an object must pack it: a stream that holds objects and that cannot be unpacked
    here is therefore refused.
    """
    whole = "完整的 PDF 文件"
    if not re.match(rb"%PDF-[12]\.[0-9]", data):
        raise NotAcceptableError("PDF 文件头无法识别", whole)
    if b"%%EOF" not in data[-1024:] or b"startxref" not in data[-2048:]:
        raise NotAcceptableError("PDF 文件不完整（缺少文件尾）", whole)
    _refuse_names(data)
    left, unpacked = MAX_INFLATED, 0
    for found in _STREAM.finditer(data):
        dictionary = data[max(0, found.start() - 1024) : found.start()].rpartition(b" obj")[2]
        inflated, whole_stream = _search_stream(data, found.end(), left)
        left -= inflated
        if left <= 0:
            raise NotAcceptableError("PDF 展开后过大", "扫描分辨率不超过 300 dpi 的 PDF")
        unpacked += whole_stream and bool(_OBJECTS.search(_plain_names(dictionary)))
    if unpacked != len(_OBJECTS.findall(_plain_names(data))):
        raise NotAcceptableError("PDF 含有无法检查的压缩对象", "“打印为 PDF”后报送的 PDF")


def _plain_names(data: bytes) -> bytes:
    """Undo ``/J#61vaScript``: a name may be written with codes for its characters."""
    return _HEXADECIMAL.sub(lambda m: bytes([int(m[1], 16)]), data) if b"#" in data else data


def _refuse_names(data: bytes) -> None:
    if found := _NAME.search(_plain_names(data)):
        what, expected = _FORBIDDEN[found[1]]
        raise NotAcceptableError(f"PDF {what}", expected)


def _search_stream(data: bytes, start: int, limit: int) -> tuple[int, bool]:
    """Unpack a stream piece by piece and search it; return how much came out and whether it was all.

    What is not deflated (a JPEG, plain text) ends at once with nothing.
    """
    inflater = zlib.decompressobj()
    total, tail, at = 0, b"", start
    pending = b""
    try:
        while not inflater.eof and total <= limit:
            if not pending:
                pending, at = data[at : at + _STEP], at + _STEP
                if not pending:
                    return total, False
            piece = inflater.decompress(pending, _STEP)
            pending = inflater.unconsumed_tail
            total += len(piece)
            _refuse_names(tail + piece)
            tail = piece[-_LONGEST:]
    except zlib.error:
        return total, False
    return total, inflater.eof


def _sides(width: int, height: int, name: str) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise NotAcceptableError(
            f"{name}的尺寸为 {width} × {height} 像素，不合常理", f"每边 1 至 {MAX_SIDE:,} 像素"
        )


def _png(data: bytes) -> None:
    whole = NotAcceptableError("PNG 图像不完整或已损坏", "完整的 PNG 图像")
    at, first = len(_PNG), True
    while True:
        if at + 12 > len(data):
            raise whole
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(
            data[end - 4 : end], "big"
        ):
            raise whole
        if first:
            if kind != b"IHDR" or length != 13:
                raise whole
            width, height = struct.unpack(">II", data[at + 8 : at + 16])
            _sides(width, height, "PNG 图像")
            first = False
        at = end
        if kind == b"IEND":
            break
    if at != len(data):
        raise NotAcceptableError("PNG 图像之后还有其他内容", "只含图像本身的 PNG 文件")


_JPEG_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))


def _jpeg(data: bytes) -> None:
    whole = NotAcceptableError("JPEG 图像不完整或已损坏", "完整的 JPEG 图像")
    sized = False
    for marker, at, length in _jpeg_segments(data, whole):
        if marker in _JPEG_FRAMES:
            if length < 8:
                raise whole
            height, width = struct.unpack(">HH", data[at + 3 : at + 7])
            _sides(width, height, "JPEG 图像")
            sized = True
        if marker == 0xDA:  # the picture's data follow, to the end mark
            if not sized or data.find(b"\xff\xd9", at + length) < 0:
                raise whole
            return
    raise whole


def _jpeg_segments(data: bytes, whole: NotAcceptableError) -> Iterator[tuple[int, int, int]]:
    """Yield marker, place of the length field and length of every segment up to the picture's data."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise whole
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # marks without a length
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(data):
            raise whole
        yield marker, at + 2, length
        at += 2 + length


_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I"}


def _tiff(data: bytes) -> None:
    """Check every page's directory: it lies in the file, comes once, and has sane sides."""
    whole = NotAcceptableError("TIFF 图像不完整或已损坏", "完整的 TIFF 图像")
    order = "<" if data.startswith(b"II") else ">"
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        seen: set[int] = set()
        while at:
            if at in seen or at < 8:
                raise whole
            seen.add(at)
            (count,) = struct.unpack_from(f"{order}H", data, at)
            sides = {}
            for entry in range(at + 2, at + 2 + 12 * count, 12):
                tag, type_, number = struct.unpack_from(f"{order}HHI", data, entry)
                if tag in (256, 257) and number == 1 and type_ in _TIFF_NUMBERS:
                    (sides[tag],) = struct.unpack_from(order + _TIFF_NUMBERS[type_], data, entry + 8)
            if len(sides) != 2:
                raise whole
            _sides(sides[256], sides[257], "TIFF 图像")
            (at,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
        if not seen:
            raise whole
    except struct.error:
        raise whole from None


_EXAMINERS: Mapping[str, Callable[[bytes], None]] = {
    "application/pdf": _pdf,
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/tiff": _tiff,
}
