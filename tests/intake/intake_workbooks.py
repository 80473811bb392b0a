"""Workbooks for tests: made from the form's own blank, filled and then spoilt in one way."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
from ipgov.intake import forms
from ipgov.intake.reading import Expected, Reading, read_submission
from ipgov.policy.rules import FormField
from ipgov.policy.store import Loaded
from ipgov.registry.organisations import Organisation
from ipgov.registry.platforms import Unit

PROGRAMME = "functional_platform"
PERIOD = "2023"
# some sound value for every type of field
SOUND: Mapping[str, Any] = {
    "amount": 1234.5,
    "count": 12,
    "number": 1,
    "percent": 98.5,
    "yes_no": "是",
    "date": dt.date(2024, 3, 1),
    "text": "张三",
}


def unit_of_kind(kind: str, code: str = "FP01") -> Unit:
    host = Organisation("91310000MA1FL00000", "示例依托单位", "31", central_enterprise=False)
    return Unit(code, f"示例{kind}平台", kind, "31", "province", host, host, dt.date(2023, 9, 5))


def blank(rules: Loaded, unit: Unit, period: str = PERIOD, banner: str = "") -> bytes:
    return forms.blank(rules.rules, rules.sha256, period, unit, banner)


def cell(book: Any, code: str) -> Any:
    """The value cell of a field, by its defined name."""
    sheet, address = next(iter(book.defined_names[f"v_{code}"].destinations))
    return book[sheet][address.replace("$", "")]


def edited(data: bytes, edit: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    edit(book)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def filled(rules: Loaded, unit: Unit, period: str = PERIOD, **values: Any) -> bytes:
    """The unit's form with a sound value everywhere, but ``values`` by field code."""

    def edit(book: Any) -> None:
        fields: Mapping[str, FormField] = rules.rules.form.fields_for(unit.kind)
        assert set(values) <= set(fields), "a test fills a field that its unit does not have"
        for code, field in fields.items():
            cell(book, code).value = values.get(code, SOUND[field.type])

    return edited(blank(rules, unit, period), edit)


def listing(data: bytes, *rows: tuple[str | None, ...], named: str = "附件清单") -> bytes:
    """The workbook with these rows (name, kind, fields, note) in its list of attachments."""

    def edit(book: Any) -> None:
        sheet = book[named]
        top = next(c.row for cells in sheet.iter_rows() for c in cells if c.value == "附件名称")
        for number, row in enumerate(rows, top + 1):
            for column, text in enumerate(row, 2):
                sheet.cell(number, column).value = text

    return edited(data, edit)


def read(
    data: bytes, rules: Loaded, unit: Unit | None, period: str = PERIOD, name: str = "报送表.xlsx"
) -> Reading:
    return read_submission(data, name, Expected(PROGRAMME, period, unit), rules)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {n: archive.read(n) for n in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return output.getvalue()


def with_part(data: bytes, name: str, change: Callable[[bytes], bytes] | bytes) -> bytes:
    """The package with one part changed or added; a change that changes nothing is the test's mistake."""
    parts = parts_of(data)
    new = change if isinstance(change, bytes) else change(parts[name])
    assert parts.get(name) != new
    return packed(parts | {name: new})
