"""An official document as data: what templates yield, renderers print and the register keeps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import canonical_json
from ipgov.documents.typography import full_width

SIMULATION_BANNER = full_width("模拟数据，仅供演示，不具有任何效力")

# Overrides and isolates make a page read otherwise than its data. Mere marks stay in the record; those that
# turn what stands beside them are not printed (`layout.printed`).
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


def _plain(value: object) -> object:
    return plain_text(value) if isinstance(value, str) else value  # before: half a surrogate is named as well


Text = Annotated[str, BeforeValidator(_plain)]
FilledText = Annotated[str, Field(min_length=1), BeforeValidator(_plain)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Heading(_Part):
    """A numbered heading with its own number in the text: 一、(1) →(一)(2)→ 1.(3)→(1)(4)."""

    level: Annotated[int, Field(ge=1, le=4)]
    text: FilledText


def _default(value: Any) -> bool:
    return value in ((), "", None, True, "portrait")


# Fields that came later are absent from the canonical text at their default: archived hashes still hold.
class Attachment(_Part):
    """Pages of their own: title, text, and a table of column heads and rows of as many cells.

    ``widths`` are relative; a wide table lies across the page (``landscape``, clause 8).
    """

    title: FilledText
    paragraphs: tuple[FilledText | Heading, ...] = Field(default=(), exclude_if=_default)
    columns: tuple[FilledText, ...] = ()
    rows: tuple[tuple[Text, ...], ...] = ()
    widths: tuple[Annotated[int, Field(ge=1)], ...] = ()
    notes: tuple[FilledText, ...] = ()
    orientation: Literal["portrait", "landscape"] = Field(default="portrait", exclude_if=_default)

    @model_validator(mode="after")
    def _rectangular(self) -> Attachment:
        if not self.columns and not self.paragraphs:
            raise ValueError(f"附件“{self.title}”须有正文或表格")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"附件“{self.title}”各行的单元格数须与列数 {len(self.columns)} 相同")
        if self.widths and len(self.widths) != len(self.columns):
            raise ValueError(f"附件“{self.title}”的列宽数须与列数 {len(self.columns)} 相同")
        return self


class OfficialDocument(_Part):
    """A letter (信函格式) or file (文件格式) of an office as GB/T 9704-2012 orders its parts.

    ``number`` is the document number with its six-angled brackets, or None. ``title_parts`` are the title's
    parts in order, between which its lines break best; ``title_terms`` are names that no line's end cuts.
    ``mark`` is the red mark's wording (else the issuer, in a file with 文件), ``printer`` and ``printed_on``
    the imprint's office and day (else the issuer and the document's date). ``sealed``: the signature leaves
    room for a seal (7.3.5.1) or not (7.3.5.2). ``basis`` holds the clause ids it cites; ``seal_code`` is the
    short code of the seal over the approval; ``trace`` the fingerprint of the results it was made from;
    ``banner`` (of a simulation) is printed on every page.
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
    title_parts: tuple[FilledText, ...] = Field(default=(), exclude_if=_default)
    title_terms: tuple[FilledText, ...] = Field(default=(), exclude_if=_default)
    mark: Text = Field(default="", exclude_if=_default)
    sealed: bool = Field(default=True, exclude_if=_default)
    printer: Text = Field(default="", exclude_if=_default)
    printed_on: dt.date | None = Field(default=None, exclude_if=_default)

    @model_validator(mode="after")
    def _parts_make_the_title(self) -> OfficialDocument:
        if self.title_parts and "".join(self.title_parts) != self.title:
            raise ValueError(f"标题各段“{'｜'.join(self.title_parts)}”连起来须是标题“{self.title}”")
        return self

    def canonical(self) -> bytes:
        """Return the one JSON text of the document; its hash names the content."""
        return canonical_json(self.model_dump(mode="json"))

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield every text that a page of the document may show, each with its place in the document."""
        yield from (("发文机关", self.issuer), ("发文机关标志", self.mark), ("发文字号", self.number or ""))
        yield from (("标题", self.title), ("附注", self.note), ("模拟标识", self.banner))
        yield from (("主送机关", name) for name in self.recipients)
        yield from _placed("正文", self.paragraphs)
        for number, attachment in enumerate(self.attachments, 1):
            place = f"附件{number}"
            yield f"{place}标题", attachment.title
            yield from _placed(place, attachment.paragraphs)
            yield from ((f"{place}表头", column) for column in attachment.columns)
            for line, row in enumerate(attachment.rows, 1):
                for column, cell in zip(attachment.columns, row, strict=True):
                    yield f"{place}第{line}行“{column}”", cell
            yield from ((f"{place}注", note) for note in attachment.notes)
        yield from (("抄送机关", name) for name in self.copies_to)
        yield "印发机关", self.printer


def _placed(place: str, paragraphs: Iterable[str | Heading]) -> Iterator[tuple[str, str]]:
    for number, paragraph in enumerate(paragraphs, 1):
        yield f"{place}第{number}段", paragraph if isinstance(paragraph, str) else paragraph.text


def parse_document(data: bytes) -> OfficialDocument:
    """Return the document that ``canonical`` gave these bytes."""
    return OfficialDocument.model_validate_json(data)


def date_zh(day: dt.date) -> str:
    """Return the date as documents print it: Arabic numerals, full year, no leading zeros (7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"
