"""The workbook in which an operator enters the organisations and bodies that a document announced.

One sheet for legal persons, one for the bodies that they host and operate. Read like everything that comes
from outside: every problem at once, with sheet and cell. Whether a code, province or kind is known is asked
by who registers it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ipgov.core.errors import Problem
from ipgov.intake.grid import Sheet, Workbook, address
from ipgov.intake.identity import checked, identity_rows, whole_and_unchanged
from ipgov.intake.refusals import NotAWorkbookError
from ipgov.intake.transforms import NotOfTypeError, convert, half_width, label_key, raw_text
from ipgov.intake.workbook import read_workbook
from ipgov.policy.rules import FieldType, FormField

GUIDE, ORGANISATIONS, BODIES, CHOICES = "填写说明", "组织", "名单", "代码表"
IDENTITY = "_registration"
HEAD_ROW = 4  # title, meaning and banner stand above
KIND = "registration"
KEYS = ("kind", "version", "programme")
MAX_TEXT = 200
MAX_ROWS = 1_000  # of a sheet: one transaction, while others wait for the names it holds


@dataclass(frozen=True)
class Asked:
    """A column: its head, the type of its cells, whether each must be filled in; ``code``: no number."""

    label: str
    type: FieldType
    required: bool
    help: str
    width: float
    code: bool = False


ORGANISATION_COLUMNS: Mapping[str, Asked] = {
    "code": Asked("统一社会信用代码", "text", True, "18 位，按校验位核对", 24, code=True),
    "name": Asked("组织名称", "text", True, "营业执照或法人证书上的全称", 38),
    "province": Asked("省份", "text", True, "从下拉列表选取（两位代码或名称）", 20),
    "central_enterprise": Asked("是否中央企业", "yes_no", True, "是或否", 12),
    "confirmed_by": Asked("代码核对人", "text", False, "仅在校验位不符、已核对证照时填写", 14),
    "valid_from": Asked("自何日起", "date", False, "日期，如 2024-05-01；不填即命令所给的日期", 14),
}
BODY_COLUMNS: Mapping[str, Asked] = {
    "unit": Asked("单位代码", "text", True, "2 个大写字母加 2 至 6 位数字，如 FP01", 12, code=True),
    "name": Asked("单位名称", "text", True, "文件所载的名称", 38),
    "kind": Asked("类别", "text", True, "从下拉列表选取（代码或名称）", 22),
    "province": Asked("省份", "text", True, "从下拉列表选取（两位代码或名称）", 20),
    "route": Asked("报送渠道", "text", True, "从下拉列表选取（代码或名称）", 24),
    "host": Asked("依托单位代码", "text", True, "本表“组织”页所列或已登记的统一社会信用代码", 24, code=True),
    "operator": Asked("运营单位代码", "text", True, "同上；即依托单位的，照填其代码", 24, code=True),
    "recognised": Asked("文件公布认定", "yes_no", True, "是：该文件公布了对它的认定；否：只登记，不认定", 14),
    "valid_from": Asked("自何日起", "date", False, "日期，如 2024-05-01；不填即命令所给的日期", 14),
}
SHEETS: Mapping[str, Mapping[str, Asked]] = {ORGANISATIONS: ORGANISATION_COLUMNS, BODIES: BODY_COLUMNS}
_KEY = {ORGANISATIONS: ("code",), BODIES: ("unit", "name")}  # what may stand in one row only


@dataclass(frozen=True)
class Entry:
    """A line of a sheet: its values by column (yes/no: bool; nothing filled in: None) and their cells."""

    sheet: str
    row: int
    values: Mapping[str, str | bool | dt.date | None]
    cells: Mapping[str, str]
    whole: bool = True  # no cell of it is wrong

    def text(self, column: str) -> str:
        """Return a text, empty where nothing was filled in."""
        return str(self.values.get(column) or "")

    def yes(self, column: str) -> bool:
        """Tell whether a yes was filled in."""
        return self.values.get(column) is True

    def day(self, column: str, default: dt.date) -> dt.date:
        """Return a day, the given one where nothing was filled in."""
        found = self.values.get(column)
        return found if isinstance(found, dt.date) else default


@dataclass(frozen=True)
class Registrations:
    """What a filled-in workbook says. Nothing of it counts unless ``problems`` is empty."""

    programme: str = ""
    organisations: tuple[Entry, ...] = ()
    bodies: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def identity(programme: str) -> dict[str, str]:
    """Return the rows of the identity sheet, the check over them last."""
    return checked(dict(zip(KEYS, (KIND, "1", programme), strict=True)))


def read_registrations(data: bytes, filename: str) -> Registrations:
    """Read a filled-in workbook (.xlsx, .xls, .ods). Never raises for what a person can put into a file."""
    try:
        book = read_workbook(data)
    except NotAWorkbookError as error:
        problem = Problem(
            "registration_workbook", error.found, error.expected, filename, error.sheet, error.cell
        )
        return Registrations(problems=(problem,))
    known = identity_rows(book, IDENTITY)
    if known is None or not whole_and_unchanged(known, KEYS) or known["kind"] != KIND:
        expected = "由 ipgov registry template 生成的工作簿"
        problem = Problem(
            "registration_identity", "身份信息页缺失、不完整或已被改动", expected, filename, IDENTITY
        )
        return Registrations(problems=(problem,))
    problems = list(_sheets(book))
    entries: dict[str, tuple[Entry, ...]] = {}
    for name in SHEETS:
        if name in book.sheets:
            entries[name], found = _entries(book.sheets[name], book.date_1904)
            problems += found
    if set(entries) == set(SHEETS) and not problems and not any(entries.values()):
        problems.append(Problem("registration_rows", "没有填写任何一行", "至少一个组织或单位", sheet=BODIES))
    return Registrations(
        known["programme"],
        entries.get(ORGANISATIONS, ()),
        entries.get(BODIES, ()),
        tuple(replace(p, file=filename) for p in problems),
    )


def _sheets(book: Workbook) -> Iterator[Problem]:
    known = (GUIDE, ORGANISATIONS, BODIES, CHOICES, IDENTITY)
    for name in SHEETS:
        if name not in book.sheets:
            yield Problem("registration_sheet", f"缺少工作表“{name}”", "登记表的全部工作表", sheet=name)
    for name in book.sheets:
        if name not in known:
            expected = f"只有 {'、'.join(known[:-1])}"
            yield Problem("registration_sheet", f"多出工作表“{name[:40]}”", expected, sheet=name[:40])


def _problem(sheet: Sheet, row: int, column: int, found: str, expected: str) -> Problem:
    return Problem("registration_value", found, expected, sheet=sheet.name, cell=address(row, column))


def _entries(sheet: Sheet, date_1904: bool) -> tuple[tuple[Entry, ...], list[Problem]]:
    columns, problems = _columns(sheet)
    filled = {r for (r, _), v in sheet.cells.items() if r > HEAD_ROW and raw_text(v).strip()}
    filled |= {r for r, _ in sheet.formulas if r > HEAD_ROW}
    if len(filled) > MAX_ROWS:
        expected = f"每页不超过 {MAX_ROWS:,} 行，可分几份"
        found = f"有 {len(filled):,} 行"
        return (), [*problems, _problem(sheet, HEAD_ROW + 1, 1, found, expected)]
    asked = SHEETS[sheet.name]
    entries = []
    for row in sorted(filled):
        values: dict[str, str | bool | dt.date | None] = {}
        wrong = []
        for key, column in columns.items():
            try:
                values[key] = _value(sheet, row, column, asked[key], date_1904)
            except NotOfTypeError as error:
                found = f"{asked[key].label}：{error}"
                wrong.append(_problem(sheet, row, column, found, asked[key].help))
        cells = {key: address(row, column) for key, column in columns.items()}
        entries.append(Entry(sheet.name, row, values, cells, whole=not wrong and len(columns) == len(asked)))
        problems += wrong
    return tuple(entries), [*problems, *_twice(sheet, entries)]


def _columns(sheet: Sheet) -> tuple[dict[str, int], list[Problem]]:
    """Return the column of every head; a head that is missing, unknown or stands twice is a problem."""
    wanted = {label_key(a.label): key for key, a in SHEETS[sheet.name].items()}
    columns: dict[str, int] = {}
    problems = []
    for (row, column), raw in sorted(sheet.cells.items()):
        if row != HEAD_ROW or not raw_text(raw).strip():
            continue
        key = wanted.get(label_key(raw_text(raw)))
        if key is None:
            found = f"多出“{raw_text(raw)[:40]}”一列"
            problems.append(_problem(sheet, row, column, found, "只有登记表的各列，说明写在别处"))
        elif key in columns:
            problems.append(_problem(sheet, row, column, f"表头“{raw_text(raw)[:40]}”重复", "各列表头不同"))
        else:
            columns[key] = column
    for key, asked in SHEETS[sheet.name].items():
        if key not in columns:
            found, expected = f"缺少“{asked.label}”一列", f"第 {HEAD_ROW} 行的表头"
            problems.append(Problem("registration_head", found, expected, sheet=sheet.name))
    return columns, problems


def _value(sheet: Sheet, row: int, column: int, asked: Asked, date_1904: bool) -> str | bool | dt.date | None:
    """Return what a cell says; raises NotOfTypeError.

    A formula is refused: what it shows depends on cells that nobody announced. So is a number for a code: a
    spreadsheet keeps 15 digits of it.
    """
    place = (row, column)
    raw = sheet.cells.get(place)
    if place in sheet.formulas:
        raise NotOfTypeError("是公式，须直接填写内容")
    if place in sheet.merged:
        raise NotOfTypeError("是合并单元格的一部分，须每格分别填写")
    if asked.code and raw is not None and not isinstance(raw, str):
        raise NotOfTypeError(f"“{raw_text(raw)}”不是文本格式，长的数字会失真，须设为文本后重新填写")
    typed = convert(raw, FormField(code="x", label=asked.label, type=asked.type), date_1904=date_1904)
    if typed.blank:
        if asked.required:
            raise NotOfTypeError("未填")
        return None
    if asked.type == "yes_no":
        return typed.value == 1
    text = typed.text_value or ""
    if len(text) > MAX_TEXT:
        raise NotOfTypeError(f"文字有 {len(text)} 字，超过上限 {MAX_TEXT}")
    if asked.type == "date":
        return dt.date.fromisoformat(text)
    return half_width(text)[0] if asked.code else text


def _twice(sheet: Sheet, entries: list[Entry]) -> Iterator[Problem]:
    for key in _KEY[sheet.name]:
        first: dict[str, str] = {}
        for entry in entries:
            value = entry.text(key)
            if value and value in first:
                label = SHEETS[sheet.name][key].label
                yield Problem(
                    "registration_twice",
                    f"{label}“{value}”在 {first[value]} 已有一行",
                    "每个组织、单位一行",
                    sheet=sheet.name,
                    cell=entry.cells[key],
                )
            first.setdefault(value, entry.cells.get(key, ""))
