"""Where the answers stand: by the cell's defined name, confirmed by the label in its row; else by the label.

A defined name follows its cell when rows or columns are inserted, but not when rows are sorted or a sheet is
rebuilt; the label in the row tells. So a value is never taken for another field's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipgov.intake.grid import Position, address
from ipgov.intake.identity import SHEET as IDENTITY_SHEET
from ipgov.intake.transforms import label_key
from ipgov.intake.workbook import Sheet, Workbook
from ipgov.policy.rules import FormField

NAME_PREFIX = "v_"
VALUE_HEADING = "填报值"
SUMMARY_SHEET = "问题汇总"
_MANY = 20  # labels of a sheet that are looked at: more than one is too many
NOT_READ = (IDENTITY_SHEET, SUMMARY_SHEET)


@dataclass(frozen=True)
class Place:
    """The cell of one answer; ``by_label``: its defined name was of no use."""

    sheet: str
    position: Position
    by_label: bool

    @property
    def cell(self) -> str:
        """Return the address, ``D7``."""
        return address(*self.position)


@dataclass
class _Index:
    """Labels and value headings of one sheet, and how far down a merged cell reaches."""

    labels: dict[str, list[Position]] = field(default_factory=lambda: defaultdict(list))
    headings: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # row → columns
    heading_rows: list[int] = field(default_factory=list)
    last_rows: dict[Position, int] = field(default_factory=dict)

    def beside(self, label: str, row: int) -> bool:
        """Tell whether the label stands in a row, perhaps in a merged cell that reaches there."""
        return any(p[0] <= row <= self.last_rows.get(p, p[0]) for p in self.labels.get(label, ()))


def _index(sheet: Sheet) -> _Index:
    index = _Index()
    for position, raw in sheet.cells.items():
        if isinstance(raw, str):
            key = label_key(raw)
            if key == VALUE_HEADING:
                index.headings[position[0]].append(position[1])
            else:
                index.labels[key].append(position)
    for (row, _), top_left in sheet.merged.items():
        index.last_rows[top_left] = max(row, index.last_rows.get(top_left, 0))
    index.heading_rows = sorted(index.headings)
    return index


def _value_cell(label: Position, index: _Index) -> Position | None:
    """Return the cell in a label's row below the nearest value heading: the next to the right, else left."""
    row, column = label
    above = bisect_left(index.heading_rows, row)
    if not above:
        return None
    columns = [c for c in index.headings[index.heading_rows[above - 1]] if c != column]
    right = [c for c in columns if c > column]
    return (row, min(right) if right else max(columns)) if columns else None


def locate(workbook: Workbook, fields: Mapping[str, FormField]) -> tuple[dict[str, Place], dict[str, str]]:
    """Return the place of every field that was found, and for the others what was found instead (Chinese).

    ``fields``: as the file's own template has them, by any key; their own codes are those of its names.
    """
    indexes = {name: _index(s) for name, s in workbook.sheets.items() if name not in NOT_READ}
    places: dict[str, Place] = {}
    lost: dict[str, str] = {}
    for key, wanted in fields.items():
        found = _find(workbook, indexes, wanted)
        if len(found) == 1:
            places[key] = found[0]
        elif found:
            where = "、".join(f"“{p.sheet}”表 {p.cell}" for p in found[:5]) + "等" * (len(found) > 5)
            lost[key] = f"指标“{wanted.label}”出现 {len(found)} 次（{where}）"
        else:
            lost[key] = f"没有指标“{wanted.label}”，或其名称已被改动"
    for place, keys in _shared(places).items():
        labels = "、".join(f"“{fields[k].label}”" for k in keys)
        for key in keys:
            del places[key]
            lost[key] = f"指标{labels}的填报单元格是同一个（“{place.sheet}”表 {place.cell}）"
    return places, lost


def _find(workbook: Workbook, indexes: Mapping[str, _Index], wanted: FormField) -> list[Place]:
    """Return the cells that may be a field's; the value of a merged cell stands top-left."""
    label = label_key(wanted.label)
    name = workbook.names.get(NAME_PREFIX + wanted.code)
    if name and name.sheet in indexes and indexes[name.sheet].beside(label, name.row):
        return [_place(workbook, name.sheet, (name.row, name.column), by_label=False)]
    return [
        _place(workbook, sheet, cell, by_label=True)
        for sheet, index in indexes.items()
        for position in index.labels.get(label, ())[:_MANY]
        if (cell := _value_cell(position, index))
    ]


def _place(workbook: Workbook, sheet: str, cell: Position, *, by_label: bool) -> Place:
    return Place(sheet, workbook.sheets[sheet].merged.get(cell, cell), by_label)


def _shared(places: Mapping[str, Place]) -> dict[Place, list[str]]:
    """Return the places that are the answer of several fields, as when their cells were merged."""
    keys: dict[tuple[str, Position], list[str]] = defaultdict(list)
    for key, place in places.items():
        keys[place.sheet, place.position].append(key)
    return {places[found[0]]: found for found in keys.values() if len(found) > 1}
