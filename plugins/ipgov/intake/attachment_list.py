"""The list of attachments that a workbook holds: what is asked, what was listed, what that means.

It is read by its headings, wherever they stand: the sheet may be renamed, columns moved, rows inserted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ipgov.intake.content_type import NAMES
from ipgov.intake.grid import address
from ipgov.intake.transforms import label_key, raw_text
from ipgov.intake.workbook import Sheet, Workbook
from ipgov.policy.rules import AttachmentKind, Attachments, Form

NAME, KIND, FIELDS, NOTE = "附件名称", "类别", "佐证的栏目", "说明"
HEADINGS = ("序号", NAME, KIND, FIELDS, NOTE)
_NEEDED = (NAME, KIND, FIELDS)  # by these the sheet is known
_SEPARATORS = re.compile(r"[；;\n\r]+")
_FINER_SEPARATORS = re.compile(r"[；;、，,\s]+")
SEPARATOR = "；"


def name_key(name: str) -> str:
    """Return the form under which file names are compared.

    NFKC, without characters that show nothing and spaces at the ends, and without regard to case: full-width
    and half-width, ``扫描件.PDF`` and ``扫描件.pdf`` are one name.
    """
    shown = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", shown).strip().casefold()


@dataclass(frozen=True)
class ListedRow:
    """A row as it was read: the texts by heading, and what they mean as far as they mean anything.

    ``wrong_fields`` are the parts of 佐证的栏目 that are no field which this kind may prove.
    """

    sheet: str
    texts: Mapping[str, str]
    cells: Mapping[str, str]  # addresses by heading
    kind: AttachmentKind | None
    fields: tuple[str, ...]
    wrong_fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the file's name as it was written, without spaces at its ends."""
        return self.texts[NAME].strip()

    @property
    def cell(self) -> str:
        """Return where the name stands."""
        return self.cells[NAME]


@dataclass(frozen=True)
class AttachmentList:
    """The list of one workbook; ``lost`` says (Chinese) why it could not be read, empty: it was."""

    lost: str = ""
    rows: tuple[ListedRow, ...] = ()


@dataclass(frozen=True)
class FilledRow:
    """A row to be drawn: texts by heading, and problems by heading."""

    texts: Mapping[str, str]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def provable(form: Form, kind: AttachmentKind, body: str) -> tuple[str, ...]:
    """Return the fields that an attachment of a kind may prove, of those that a body of a kind fills in."""
    own = form.fields_for(body)
    return tuple(c for c in kind.fields if c in own)


def read_list(workbook: Workbook, form: Form, body: str, not_read: Sequence[str]) -> AttachmentList:
    """Read the list of a workbook of a body of this kind; ``not_read`` names the sheets of our own making."""
    asked = form.attachments
    if asked is None or not asked.kinds_for(body):
        return AttachmentList()
    found = [
        (sheet, columns)
        for name, sheet in workbook.sheets.items()
        if name not in not_read
        for columns in _heading_rows(sheet)
    ]
    if not found:
        return AttachmentList(f"没有工作表“{asked.sheet}”，或其表头（{'、'.join(_NEEDED)}）已被改动")
    if len(found) > 1:
        where = "、".join(f"“{s.name}”表 {address(*c[NAME])}" for s, c in found)
        return AttachmentList(f"附件清单的表头出现 {len(found)} 次（{where}）")
    ((sheet, columns),) = found
    meanings = _Meanings(form, asked, body)
    return AttachmentList("", tuple(_rows(sheet, columns, meanings)))


def _heading_rows(sheet: Sheet) -> list[dict[str, tuple[int, int]]]:
    """Return the places of the headings for every row that holds all that are needed."""
    rows: dict[int, dict[str, tuple[int, int]]] = {}
    for position, raw in sheet.cells.items():
        if isinstance(raw, str) and (key := label_key(raw)) in HEADINGS:
            rows.setdefault(position[0], {}).setdefault(key, position)
    return [columns for _, columns in sorted(rows.items()) if all(h in columns for h in _NEEDED)]


def _rows(sheet: Sheet, columns: Mapping[str, tuple[int, int]], meanings: _Meanings) -> list[ListedRow]:
    top = columns[NAME][0]
    places = {h: columns[h][1] for h in (NAME, KIND, FIELDS, NOTE) if h in columns}
    filled = sorted({row for row, column in sheet.cells if row > top and column in places.values()})
    found = []
    for row in filled:
        texts = {h: raw_text(sheet.cells.get((row, c))).strip() for h, c in places.items()}
        texts.setdefault(NOTE, "")
        if any(label_key(t) for t in texts.values()):
            cells = {h: address(row, c) for h, c in places.items()}
            kind = meanings.kind(texts[KIND])
            found.append(ListedRow(sheet.name, texts, cells, kind, *meanings.fields(texts[FIELDS], kind)))
    return found


class _Meanings:
    """What the words in a list mean, for a body of one kind."""

    def __init__(self, form: Form, asked: Attachments, body: str):
        self._form, self._body = form, body
        self._kinds = {label_key(t): k for k in asked.kinds_for(body).values() for t in (k.name, k.code)}

    def kind(self, text: str) -> AttachmentKind | None:
        return self._kinds.get(label_key(text))

    def fields(self, text: str, kind: AttachmentKind | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the codes of the fields named, and the parts that name none."""
        allowed = provable(self._form, kind, self._body) if kind else tuple(self._form.fields_for(self._body))
        known = {label_key(t): c for c in allowed for t in (self._form.fields[c].label, c, c.lower())}
        codes: list[str] = []
        wrong: list[str] = []
        for part in (p.strip() for p in _SEPARATORS.split(text)):
            # a label may itself hold a 、: only what is none as a whole is taken apart
            pieces = [part] if label_key(part) in known else _FINER_SEPARATORS.split(part)
            if all(label_key(p) in known for p in pieces if p):
                codes += [known[label_key(p)] for p in pieces if p]
            else:
                wrong.append(part)
        return tuple(dict.fromkeys(codes)), tuple(wrong)


def demands(asked: Attachments, body: str) -> list[str]:
    """Say what is asked of a body of this kind, one sentence a line (Chinese)."""
    types = "、".join(NAMES[t] for t in asked.media_types)
    lines = [
        "每个附件填一行。附件与报送表放在同一目录；附件名称须与文件名一致（含后缀，不分大小写和全角半角）。",
        f"可接收{types}；单个不超过 {megabytes(asked.max_bytes)}，合计不超过"
        f" {megabytes(asked.max_total_bytes)}，最多 {asked.max_count} 个。",
    ]
    for kind in asked.kinds_for(body).values():
        count = f"，最多 {kind.maximum} 个" if kind.maximum else ""
        help_ = f"：{kind.help}" if kind.help else ""
        lines.append(f"{kind.name}（{'必需' if kind.required else '可选'}{count}）{help_}。")
    return lines


def megabytes(count: int) -> str:
    """Write a size for a reader: 20 MB (a million bytes), smaller ones in KB or bytes."""
    for size, name in ((1_000_000, "MB"), (1_000, "KB")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {name}"
    return f"{count} 字节"
