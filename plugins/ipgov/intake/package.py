"""The package of .xlsx and .ods: a zip of XML parts, opened as something that a stranger sent.

Everything is bounded before it is inflated, and only a package that every zip reader understands alike is let
through, so that what is checked here is what the workbook reader reads.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

from lxml import etree

from ipgov.core.settings import settings
from ipgov.intake import refusals
from ipgov.intake.refusals import NotAWorkbookError, Refusal

MAX_PARTS = 2_000
MAX_INFLATION = 5  # times settings().max_workbook_bytes, over all parts
MAX_RATIO = 120  # inflated : packed, above RATIO_FROM bytes
RATIO_FROM = 5_000_000
MAX_MARKUP = 4_000_000  # elements and attributes, over all parts: each takes many times its own length

HARDENED: Any = {  # every parser of a sender's XML
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_END = b"PK\x05\x06"
_OTHER_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["'](?!utf-?8["'])""", re.I)


class Package:
    """A zip file, known by its directory: ``names`` are its members, nothing is inflated yet.

    Raises NotAWorkbookError where it is damaged or where two zip readers could take it differently.
    """

    def __init__(self, data: bytes):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                self._members, start = archive.infolist(), archive.start_dir
        # what zipfile raises for damaged ones, NotImplementedError for a zip version that it cannot read
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError, EOFError):
            raise NotAWorkbookError(*refusals.DAMAGED) from None
        # a tail or a shifted directory lets two zip readers see two different packages in one file
        if data[-22:-18] != _END or int.from_bytes(data[-6:-2], "little") != start:
            raise NotAWorkbookError(*refusals.STRANGE)
        self.data = data
        self.names = [m.filename for m in self._members]
        odd = any("\\" in n or n.startswith("/") for n in self.names)
        if odd or len({n.lower() for n in self.names}) < len(self.names):
            raise NotAWorkbookError(*refusals.DOUBLED_PARTS)

    def refuse(self, table: Iterable[tuple[re.Pattern[str], Refusal]]) -> None:
        """Refuse a package with a member that a table names. Raises NotAWorkbookError."""
        for pattern, refusal in table:
            if any(pattern.search(n) for n in self.names):
                raise NotAWorkbookError(*refusal)

    def part(self, name: str) -> bytes:
        """Return one member, inflated to no more than a workbook may have; empty where there is none."""
        found = next((m for m in self._members if m.filename == name), None)
        if found is None or found.file_size > settings().max_workbook_bytes:
            return b""
        content = _inflate(self.data, found)
        _refuse_markup(name, content)
        return content

    def parts(self) -> dict[str, bytes]:
        """Return the XML parts by name, inflated.

        Raises NotAWorkbookError for one that is protected, damaged, too large or a bomb, for DTDs and
        entities, and for other encodings than UTF-8.
        """
        limit = MAX_INFLATION * settings().max_workbook_bytes
        total = sum(m.file_size for m in self._members)
        if len(self._members) > MAX_PARTS or total > limit:
            raise NotAWorkbookError(
                f"文件展开后为 {total:,} 字节、{len(self._members)} 个部件，超过上限",
                f"展开后不超过 {limit:,} 字节、{MAX_PARTS:,} 个部件",
            )
        if total > RATIO_FROM and total > MAX_RATIO * len(self.data):
            raise NotAWorkbookError(f"文件压缩比异常（展开后为原来的 {total // len(self.data)} 倍）")
        wanted = [m for m in self._members if m.filename.lower().endswith((".xml", ".rels"))]
        parts = {m.filename: _inflate(self.data, m) for m in wanted}
        for name, part in parts.items():
            _refuse_markup(name, part)
        if sum(part.count(b"<") + part.count(b"=") for part in parts.values()) > MAX_MARKUP:
            raise NotAWorkbookError("工作簿内容过多，超过上限", "删除表格以外的内容和空白格式后另存")
        return parts


def _inflate(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """Inflate one member by its directory entry; its declared size is the most that is ever produced."""
    if member.flag_bits & 0x1:
        raise NotAWorkbookError(*refusals.PASSWORD)
    header = data[member.header_offset : member.header_offset + 30]
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise NotAWorkbookError(*refusals.DAMAGED)
    begin = member.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
    packed = data[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        part, whole = packed, True
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-15)
        try:
            part = inflater.decompress(packed, member.file_size + 1)
        except zlib.error:
            raise NotAWorkbookError(*refusals.DAMAGED) from None
        whole = inflater.eof
    else:
        raise NotAWorkbookError("文件使用了不支持的压缩方式", refusals.RESAVED)
    if not whole or len(part) != member.file_size or zlib.crc32(part) != member.CRC:
        raise NotAWorkbookError(*refusals.DAMAGED)
    return part


def _refuse_markup(name: str, part: bytes) -> None:
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise NotAWorkbookError(f"工作簿部件 {name} 含有 DTD 或实体定义")
    if b"\0" in part or _OTHER_ENCODING.match(part[:200].removeprefix(b"\xef\xbb\xbf")):
        raise NotAWorkbookError(f"工作簿部件 {name} 不是 UTF-8 编码")


def parse(part: bytes, name: str) -> Any:
    """Parse an XML part: no entities, no DTD, no network. Raises NotAWorkbookError where it is damaged."""
    try:
        return etree.fromstring(part, etree.XMLParser(**HARDENED))
    except etree.XMLSyntaxError:
        raise NotAWorkbookError(f"工作簿部件 {name} 已损坏") from None


def local(element: Any) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
