"""The quality report as a workbook: a sheet for each view, every failing row on the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ipgov.documents.model import printable
from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line
from ipgov.quality.report import SEVERITY_NAMES, Count, Report, basis_words, place_name
from ipgov.quality.waivers import Waiver

# Excel ends at 1,048,576 rows; what is beyond stands on a further sheet. Nothing is left out.
ROWS_PER_SHEET = 1_000_000
_LONGEST = 32_000
_COUNTS = (Column("发现", 8), Column("涉及单位", 9), Column("已豁免", 8), Column("中止评价", 9))
_COLOURS = {"critical": "#FBE3E1", "warning": "#FFF3D6", "info": ""}


def workbook(title: str, author: str, report: Report, waivers: Sequence[Waiver], banner: str) -> bytes:
    """Return the .xlsx of a report, a sheet for each view; the same report gives the same bytes.

    What bodies wrote stands as text: no formula, no link, no character that hides or turns others.
    """
    check = report.check
    book = Book(title, author, banner, f"检查 {check.id}，规则集指纹 {check.suite_sha256[:12]}")
    says = f"对 {check.as_of} 冻结的数据；结论：{'可以评价' if check.passed else '有严重问题，评价中止'}"

    def add(name: str, meaning: str, columns: Sequence[Column], lines: Sequence[Line]) -> None:
        sheet = book.sheet(name, f"{title} {name}", meaning)
        book.table(sheet, TITLE_ROWS + 1, columns, lines)

    add("概况", says, (Column("严重程度", 14), *_COUNTS), [*_summary(report)])
    add(
        "按规则",
        says,
        (
            Column("规则", 10),
            Column("名称", 34, wrap=True),
            Column("严重程度", 10),
            *_COUNTS,
            Column("依据", 60, wrap=True),
        ),
        [
            _line(r.rule, r.title, SEVERITY_NAMES[r.severity], *_counted(r), basis_words(r.basis))
            for r in report.rules
        ],
    )
    add(
        "按省份",
        says,
        (Column("省份", 22), *_COUNTS),
        [_line(p.name, *_counted(p)) for p in report.provinces],
    )
    add(
        "按单位",
        says,
        (Column("代码", 10), Column("单位", 34, wrap=True), Column("省份", 18), *_COUNTS[:1], *_COUNTS[2:]),
        [_line(b.unit, b.name, place_name(b.province), b.found, b.waived, b.stopping) for b in report.bodies],
    )
    for name, part in _parts(report):
        add(name, f"{says}；共 {report.total.found} 处", _FOUND_COLUMNS, part)
    add("豁免", "对本年度登记的全部豁免与撤销", _WAIVER_COLUMNS, [*map(_waiver, waivers)])
    return book.close()


def _summary(report: Report) -> Iterator[Line]:
    for severity, name in SEVERITY_NAMES.items():
        count = report.severities.get(severity, Count(0, 0, 0, 0))
        yield Line([name, *_counted(count)], colour=_COLOURS[severity])
    yield Line(["合计", *_counted(report.total)], bold=True)


_FOUND_COLUMNS = (
    Column("序号", 7),
    Column("严重程度", 9),
    Column("规则", 9),
    Column("代码", 9),
    Column("单位", 22, wrap=True),
    Column("省份", 14),
    Column("工作表", 14, wrap=True),
    Column("单元格", 8),
    Column("栏目", 20, wrap=True),
    Column("数据", 14, wrap=True, align="right"),
    Column("问题", 52, wrap=True),
    Column("豁免", 26, wrap=True),
    Column("报送编号", 9),
    Column("依据", 40, wrap=True),
)
_WAIVER_COLUMNS = (
    Column("编号", 7),
    Column("单位", 12),
    Column("规则", 10),
    Column("状态", 18),
    Column("截至", 12),
    Column("批准人", 14, wrap=True),
    Column("理由", 50, wrap=True),
)


def _parts(report: Report) -> Iterator[tuple[str, list[Line]]]:
    basis: dict[str, str] = {}
    for start in range(0, max(1, len(report.findings)), ROWS_PER_SHEET):
        lines = []
        for number, f in enumerate(report.findings[start : start + ROWS_PER_SHEET], start + 1):
            waived = f"{f.granted_by}豁免至 {f.waived_until}：{f.waived_because}" if f.waiver_id else None
            words = basis.setdefault(f.basis, basis_words(f.basis))
            lines.append(
                _line(
                    number,
                    SEVERITY_NAMES[f.severity],
                    f.rule,
                    f.unit or "全部数据",
                    f.name,
                    place_name(f.province),
                    f.sheet,
                    f.cell,
                    f.label or f.field,
                    f.found,
                    f.message,
                    waived,
                    f.submission_id,
                    words,
                    colour=_COLOURS[f.severity] if f.stops else "",
                )
            )
        part = start // ROWS_PER_SHEET
        yield (f"全部发现（{part + 1}）" if part else "全部发现"), lines


def _waiver(w: Waiver) -> Line:
    unit = "全部单位" if w.unit == "*" else w.unit
    return _line(w.id, unit, w.rule, w.state_name, w.until.isoformat(), w.granted_by, w.reason)


def _counted(count: Count) -> tuple[int, int, int, int]:
    return count.found, count.bodies, count.waived, count.stopping


def _line(*cells: Any, colour: str = "") -> Line:
    return Line([_cell(cell) for cell in cells], colour=colour)


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}……（共 {len(shown)} 字）"
