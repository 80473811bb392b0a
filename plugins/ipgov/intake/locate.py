"""Where the answers stand: by the cell's defined name, confirmed by the label in its row; else by the label.

A defined name follows its cell when rows or columns are inserted, but not when rows are sorted or a sheet is
rebuilt; the label in the row tells. So a value is never taken for another field's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ipgov.intake.grid import Position, address
from ipgov.intake.identity import SHEET as IDENTITY_SHEET
from ipgov.intake.transforms import label_key
from ipgov.intake.workbook import Sheet, Workbook
from ipgov.policy.rules import FormField

NAME_PREFIX = "v_"
VALUE_HEADING = "填报值"
SUMMARY_SHEET = "问题汇总"
_NOT_READ = (IDENTITY_SHEET, SUMMARY_SHEET)


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
    """Labels and value headings of one sheet: key → positions."""

    labels: dict[str, list[Position]] = field(default_factory=lambda: defaultdict(list))
    headings: list[Position] = field(default_factory=list)


def _index(sheet: Sheet) -> _Index:
    index = _Index()
    for position, raw in sheet.cells.items():
        if isinstance(raw, str):
            key = label_key(raw)
            if key == VALUE_HEADING:
                index.headings.append(position)
            else:
                index.labels[key].append(position)
    return index


def _value_cell(label: Position, headings: Iterable[Position]) -> Position | None:
    """Return the cell right of a label below the nearest value heading."""
    above = [h for h in headings if h[0] < label[0] and h[1] > label[1]]
    return (label[0], max(above)[1]) if above else None


def locate(workbook: Workbook, fields: Mapping[str, FormField]) -> tuple[dict[str, Place], dict[str, str]]:
    """Return the place of every field that was found, and for the others what was found instead (Chinese)."""
    indexes = {name: _index(s) for name, s in workbook.sheets.items() if name not in _NOT_READ}
    places: dict[str, Place] = {}
    lost: dict[str, str] = {}
    for code, wanted in fields.items():
        label = label_key(wanted.label)
        name = workbook.names.get(NAME_PREFIX + code)
        labels = indexes[name.sheet].labels if name and name.sheet in indexes else {}
        if name and any(row == name.row for row, _ in labels.get(label, ())):
            places[code] = Place(name.sheet, (name.row, name.column), by_label=False)
            continue
        found = [
            Place(sheet, cell, by_label=True)
            for sheet, index in indexes.items()
            for position in index.labels.get(label, ())
            if (cell := _value_cell(position, index.headings))
        ]
        if len(found) == 1:
            places[code] = found[0]
        elif found:
            where = "、".join(f"“{p.sheet}”表 {p.cell}" for p in found)
            lost[code] = f"指标“{wanted.label}”出现 {len(found)} 次（{where}）"
        else:
            lost[code] = f"没有指标“{wanted.label}”，或其名称已被改动"
    return places, lost
