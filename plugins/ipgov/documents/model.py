"""An official document as data: what templates yield, renderers print and the register keeps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import canonical_json, short_code
from ipgov.documents.typography import full_width, title_lines

SIMULATION_BANNER = full_width("模拟数据，仅供演示，不具有任何效力")

# Overrides and isolates make a page read otherwise than its data; a mere mark (U+200E, U+200F) does not.
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_REFUSED = re.compile(
    r"(?P<控制字符或断行符>[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff])"
    r"|(?P<改变书写方向的控制符>[\u202a-\u202e\u2066-\u2069])"
    rf"|(?P<非字符码位>[\ufdd0-\ufdef{_NONCHARACTERS}])"
)


def plain_text(text: str) -> str:
    """Return ``text`` if it is one line of printable text; RefusedError names the first other character.

    Whatever passes stands unchanged in XML 1.0, JSON, a spreadsheet and a page.
    """
    if found := _REFUSED.search(text):
        shown = _REFUSED.sub("□", text)[:40]
        raise RefusedError(
            f"文字“{shown}”第 {found.start() + 1} 个字符 U+{ord(found[0]):04X} 是{found.lastgroup}"
            "；应为：可以打印的单行文字"
        )
    return text


def printable(text: str) -> str:
    """Return text that others wrote as one line that can be printed: □ stands for every other character."""
    return _REFUSED.sub("□", text)


Text = Annotated[str, AfterValidator(plain_text)]
FilledText = Annotated[str, Field(min_length=1), AfterValidator(plain_text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Heading(_Part):
    """A numbered heading with its own number in the text: 一、(1) →(一)(2)→ 1.(3)→(1)(4)."""

    level: Annotated[int, Field(ge=1, le=4)]
    text: FilledText


class Attachment(_Part):
    """A table on pages of its own: title, column heads, rows of as many cells, relative ``widths``."""

    title: FilledText
    columns: tuple[FilledText, ...] = Field(min_length=1)
    rows: tuple[tuple[Text, ...], ...]
    widths: tuple[Annotated[int, Field(ge=1)], ...] = ()
    notes: tuple[FilledText, ...] = ()

    @model_validator(mode="after")
    def _rectangular(self) -> Attachment:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"附件“{self.title}”各行的单元格数须与列数 {len(self.columns)} 相同")
        if self.widths and len(self.widths) != len(self.columns):
            raise ValueError(f"附件“{self.title}”的列宽数须与列数 {len(self.columns)} 相同")
        return self


class OfficialDocument(_Part):
    """A letter (信函格式) or file (文件格式) of an office as GB/T 9704-2012 orders its parts.

    ``number`` is the document number with its six-angled brackets, or None; ``basis`` holds the clause ids it
    cites; ``seal_code`` is the short code of the seal over the approval; ``trace`` the fingerprint of the
    results it was made from; ``banner`` (of a simulation) is printed on every page.
    """

    kind: FilledText
    form: Literal["letter", "file"]
    issuer: FilledText
    number: FilledText | None = None
    title: FilledText
    recipients: tuple[FilledText, ...] = ()
    paragraphs: tuple[FilledText | Heading, ...] = Field(min_length=1)
    attachments: tuple[Attachment, ...] = ()
    signature_date: dt.date
    copies_to: tuple[FilledText, ...] = ()
    note: Text = ""
    seal_code: FilledText | None = None
    basis: tuple[FilledText, ...] = ()
    banner: Text = ""
    trace: Text = ""

    def canonical(self) -> bytes:
        """Return the one JSON text of the document; its hash names the content."""
        return canonical_json(self.model_dump(mode="json"))

    def texts(self) -> Iterator[str]:
        """Yield every text that a page of the document may show."""
        yield from (self.issuer, self.number or "", self.title, self.note, self.banner, *self.recipients)
        yield from (p if isinstance(p, str) else p.text for p in self.paragraphs)
        for attachment in self.attachments:
            yield from (attachment.title, *attachment.columns, *attachment.notes)
            for row in attachment.rows:
                yield from row
        yield from self.copies_to


def parse_document(data: bytes) -> OfficialDocument:
    """Return the document that ``canonical`` gave these bytes."""
    return OfficialDocument.model_validate_json(data)


def date_zh(day: dt.date) -> str:
    """Return the date as documents print it: Arabic numerals, full year, no leading zeros (7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def attachment_label(document: OfficialDocument, index: int) -> str:
    """Return ``附件`` of the only attachment, else ``附件1``, ``附件2``…; ``index`` counts from 0 (7.3.7)."""
    return "附件" if len(document.attachments) == 1 else f"附件{index + 1}"


def layout_context(document: OfficialDocument) -> dict[str, Any]:
    """Return everything the layouts print, as plain data: no renderer composes wording of its own."""
    several = len(document.attachments) > 1
    return {
        "form": document.form,
        "issuer": document.issuer,
        "mark": document.issuer + ("文件" if document.form == "file" else ""),
        "number": document.number,
        "title": document.title,
        "title_lines": list(title_lines(document.title)),
        "recipients": "、".join(document.recipients),
        "paragraphs": [
            {"level": 0, "text": p} if isinstance(p, str) else {"level": p.level, "text": p.text}
            for p in document.paragraphs
        ],
        "attachments": [
            {
                "label": attachment_label(document, i),
                "entry": f"{i + 1}. {a.title}" if several else a.title,
                "title": a.title,
                "title_lines": list(title_lines(a.title)),
                "columns": list(a.columns),
                "rows": [list(row) for row in a.rows],
                "widths": list(a.widths or (1,) * len(a.columns)),
                "notes": list(a.notes),
            }
            for i, a in enumerate(document.attachments)
        ],
        "date": date_zh(document.signature_date),
        "note": f"（{document.note}）" if document.note else "",
        "copies": full_width("抄送：") + "，".join(document.copies_to) + "。" if document.copies_to else "",
        "printed": f"{date_zh(document.signature_date)}印发" if document.form == "file" else "",
        "verification": verification_line(document),
        "banner": document.banner,
    }


def verification_line(document: OfficialDocument) -> str:
    """Return the imprint's line that leads from paper to record: the seal's and the results' short codes."""
    parts = []
    if document.seal_code:
        parts.append(full_width("封存码：") + document.seal_code)
    if document.trace:
        parts.append(full_width("结果指纹：") + short_code(document.trace))
    return "\u3000".join(parts)
