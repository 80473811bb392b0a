"""The .xlsx package: a zip of XML parts, opened as something that a stranger sent.

Everything is bounded before it is inflated, and only a package that every zip reader understands alike is let
through, so that what is checked here is what the workbook reader reads.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from ipgov.core.errors import RefusedError
from ipgov.core.settings import settings

MAX_PARTS = 2_000
MAX_INFLATION = 5  # times settings().max_workbook_bytes, over all parts
MAX_RATIO = 120  # inflated : packed, above RATIO_FROM bytes
RATIO_FROM = 5_000_000

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_END = b"PK\x05\x06"
_NEED = "由系统下发的空白表另存的 .xlsx 工作簿"
_FORBIDDEN = (
    (
        re.compile(r"vbaproject|xl/macrosheets/|\.xlam$", re.I),
        "含有宏",
        "去掉宏，另存为“Excel 工作簿（.xlsx）”",
    ),
    (
        re.compile(r"^xl/externallinks/", re.I),
        "含有指向其他工作簿的外部链接",
        "断开链接（数据→编辑链接）后重新保存",
    ),
    (re.compile(r"^xl/(connections\.xml|querytables/)", re.I), "含有外部数据连接", "删除数据连接后重新保存"),
    (
        re.compile(r"^xl/(embeddings|activex|ctrlprops)/", re.I),
        "含有嵌入对象或控件",
        "删除嵌入对象、控件后重新保存",
    ),
)
_OTHER_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["'](?!utf-?8["'])""", re.I)


class NotAWorkbookError(RefusedError):
    """The file cannot be read as a workbook at all; ``found`` and ``expected`` are for its sender."""

    def __init__(self, found: str, expected: str = _NEED):
        super().__init__(f"{found}；应为：{expected}")
        self.found, self.expected = found, expected


def open_package(data: bytes) -> dict[str, bytes]:
    """Return the XML parts of an .xlsx file by name, inflated.

    Raises NotAWorkbookError for anything else: another kind of file, encrypted, macros, external links,
    oversized, a bomb, DTDs and entities, parts that readers could take differently.
    """
    limit = settings().max_workbook_bytes
    if len(data) > limit:
        raise NotAWorkbookError(f"文件大小为 {len(data):,} 字节，超过上限", f"不超过 {limit:,} 字节")
    _refuse_other_kinds(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members, start = archive.infolist(), archive.start_dir
    # what zipfile raises for damaged ones, NotImplementedError for a zip version that it cannot read
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError, EOFError):
        raise NotAWorkbookError("文件已损坏，无法打开") from None
    # a tail or a shifted directory lets two zip readers see two different packages in one file
    if data[-22:-18] != _END or int.from_bytes(data[-6:-2], "little") != start:
        raise NotAWorkbookError(
            "文件结构异常（压缩包目录不在应在的位置）", "用 Excel 或 WPS 打开后另存的 .xlsx 工作簿"
        )
    names = [m.filename for m in members]
    _refuse_contents(names)
    total = sum(m.file_size for m in members)
    if len(members) > MAX_PARTS or total > MAX_INFLATION * limit:
        raise NotAWorkbookError(
            f"文件展开后为 {total:,} 字节、{len(members)} 个部件，超过上限",
            f"展开后不超过 {MAX_INFLATION * limit:,} 字节",
        )
    if total > RATIO_FROM and total > MAX_RATIO * len(data):
        raise NotAWorkbookError(f"文件压缩比异常（展开后为原来的 {total // len(data)} 倍）")
    parts = {m.filename: _inflate(data, m) for m in members if m.filename.lower().endswith((".xml", ".rels"))}
    for name, part in parts.items():
        _refuse_markup(name, part)
    return parts


def _refuse_other_kinds(data: bytes) -> None:
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise NotAWorkbookError("文件设有打开密码，无法读取", "取消密码后保存的 .xlsx 工作簿")
        raise NotAWorkbookError("文件是旧版 Excel（.xls）格式", "另存为“Excel 工作簿（.xlsx）”后报送")
    if not data:
        raise NotAWorkbookError("文件是空的")
    if not data.startswith(b"PK\x03\x04"):
        raise NotAWorkbookError("文件不是 Excel 工作簿")
    if data[30:100].startswith(b"mimetypeapplication/vnd.oasis.opendocument"):
        raise NotAWorkbookError("文件是 OpenDocument（.ods）格式", "另存为“Excel 工作簿（.xlsx）”后报送")


def _refuse_contents(names: list[str]) -> None:
    if len({n.lower() for n in names}) < len(names) or any("\\" in n or n.startswith("/") for n in names):
        raise NotAWorkbookError(
            "文件结构异常（压缩包内有重名或非法的部件）", "用 Excel 或 WPS 打开后另存的 .xlsx 工作簿"
        )
    for pattern, found, expected in _FORBIDDEN:
        if any(pattern.search(n) for n in names):
            raise NotAWorkbookError(f"工作簿{found}", expected)
    if "xl/workbook.bin" in names:
        raise NotAWorkbookError("文件是二进制工作簿（.xlsb）格式", "另存为“Excel 工作簿（.xlsx）”后报送")
    if not {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(names):
        raise NotAWorkbookError("文件不是 Excel 工作簿")


def _inflate(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """Inflate one member by its directory entry; its declared size is the most that is ever produced."""
    if member.flag_bits & 0x1:
        raise NotAWorkbookError("文件设有打开密码，无法读取", "取消密码后保存的 .xlsx 工作簿")
    header = data[member.header_offset : member.header_offset + 30]
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise NotAWorkbookError("文件已损坏，无法打开")
    begin = member.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
    packed = data[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        part, whole = packed, True
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-15)
        try:
            part = inflater.decompress(packed, member.file_size + 1)
        except zlib.error:
            raise NotAWorkbookError("文件已损坏，无法打开") from None
        whole = inflater.eof
    else:
        raise NotAWorkbookError("文件使用了不支持的压缩方式", "用 Excel 或 WPS 打开后另存的 .xlsx 工作簿")
    if not whole or len(part) != member.file_size or zlib.crc32(part) != member.CRC:
        raise NotAWorkbookError("文件已损坏，无法打开")
    return part


def _refuse_markup(name: str, part: bytes) -> None:
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise NotAWorkbookError(f"工作簿部件 {name} 含有 DTD 或实体定义")
    if b"\0" in part or _OTHER_ENCODING.match(part[:200].removeprefix(b"\xef\xbb\xbf")):
        raise NotAWorkbookError(f"工作簿部件 {name} 不是 UTF-8 编码")
    if name == "[Content_Types].xml" and b"macroEnabled" in part:
        raise NotAWorkbookError("工作簿含有宏", "去掉宏，另存为“Excel 工作簿（.xlsx）”")
