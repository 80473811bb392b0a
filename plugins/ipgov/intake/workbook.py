"""Workbook → intermediate representation: one reader per format, chosen by the content, never by the name."""

from __future__ import annotations

from ipgov.core.settings import settings
from ipgov.intake import ods, refusals, xls, xlsx
from ipgov.intake.grid import ErrorValue, NoResult, Raw, Sheet, Workbook
from ipgov.intake.package import Package
from ipgov.intake.refusals import NotAWorkbookError

__all__ = ["ErrorValue", "NoResult", "NotAWorkbookError", "Raw", "Sheet", "Workbook", "read_workbook"]

_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")


def read_workbook(data: bytes) -> Workbook:
    """Read the bytes of an .xlsx, .xls or .ods file; all three give the same.

    Raises NotAWorkbookError (Chinese; found and expected) where it is none, or not one that is accepted.
    """
    limit = settings().max_workbook_bytes
    if len(data) > limit:
        raise NotAWorkbookError(f"文件大小为 {len(data):,} 字节，超过上限", f"不超过 {limit:,} 字节")
    if not data:
        raise NotAWorkbookError(*refusals.EMPTY)
    if data.startswith(_OLE):
        return xls.read(data)
    if data.startswith(_ZIP):
        package = Package(data)
        return ods.read(package) if ods.CONTENT in package.names else xlsx.read(package)
    text = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    web_page = text.startswith((b"<?xml", b"<html", b"<!doctype", b"<table", b"mime-version"))
    raise NotAWorkbookError(*(refusals.WEB_PAGE if web_page else refusals.OTHER_KIND))
