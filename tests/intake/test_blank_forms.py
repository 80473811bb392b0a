"""The blank form: what stands on it, for whom, and that it is the same form every time."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from intake_workbooks import PERIOD, blank, cell, parts_of, read, unit_of_kind
from ipgov.intake import forms, identity
from ipgov.intake.forms import Filled
from ipgov.intake.workbook import read_workbook
from ipgov.policy.rules import FormField
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

KINDS = ("trading", "financial", "characteristic", "tool")


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_same_form_is_the_same_bytes(rules: Loaded, unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = blank(rules, unit)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert blank(rules, unit) == first
    assert blank(rules, unit, "2024") != first
    assert b"2000-01-01T00:00:00Z" in parts_of(first)["docProps/core.xml"]


@pytest.mark.clause("2023-156#09", "2023-156#10")
@pytest.mark.parametrize("kind", KINDS)
def test_a_form_asks_the_fields_of_its_kind_and_no_others(rules: Loaded, kind: str) -> None:
    book = opened(blank(rules, unit_of_kind(kind)))
    asked = {name.removeprefix("v_") for name in book.defined_names if name.startswith("v_")}
    assert asked == set(rules.rules.form.fields_for(kind))
    labels = {c.value for sheet in book for row in sheet.iter_rows() for c in row}
    fields = rules.rules.form.fields
    assert {fields[c].label for c in asked} <= labels
    assert not {f.label for c, f in fields.items() if c not in asked} & labels


def test_what_a_field_is_stands_in_its_row(rules: Loaded, unit: Unit) -> None:
    book = opened(blank(rules, unit))
    for code, field in rules.rules.form.fields_for("trading").items():
        answer = cell(book, code)
        number, label, measure, value, help_text = (c.value for c in answer.parent[answer.row][:5])
        assert (label, measure, value) == (field.label, field.unit or "—", None)
        assert isinstance(number, int)
        assert "必填" in help_text
        assert field.help in help_text
    sheet = book["一、业务绩效"]
    assert sheet["A1"].value == rules.rules.form.title
    assert f"评价年度：{PERIOD} 年" in sheet["A2"].value
    assert rules.rules.title in sheet["A2"].value
    assert unit.name in sheet["A3"].value
    assert unit.unit in sheet["A3"].value
    assert "交易服务类" in sheet["A3"].value


def test_only_value_cells_can_be_changed_and_no_password_is_set(rules: Loaded, unit: Unit) -> None:
    book = opened(blank(rules, unit))
    answers = {
        (cell(book, c).parent.title, cell(book, c).coordinate) for c in rules.rules.form.fields_for("trading")
    }
    for sheet in book:
        assert sheet.protection.sheet
        assert sheet.protection.password is None
        unlocked = {
            (sheet.title, c.coordinate) for row in sheet.iter_rows() for c in row if not c.protection.locked
        }
        assert unlocked == {a for a in answers if a[0] == sheet.title}


def test_each_value_cell_checks_what_is_typed(rules: Loaded, unit: Unit) -> None:
    book = opened(blank(rules, unit))
    found = {}
    for code in rules.rules.form.fields_for("trading"):
        answer = cell(book, code)
        listed = answer.parent.data_validations.dataValidation
        (found[code],) = [v for v in listed if answer.coordinate in v.sqref]
    assert (found["F01"].type, found["F01"].formula1, found["F01"].formula2) == ("decimal", "0", "100000000")
    assert (found["F02"].type, found["F02"].formula2) == ("whole", "1000000")
    assert (found["F19"].type, found["F19"].formula1) == ("list", '"是,否"')
    assert found["F27"].type == "date"
    assert "“服务对象满意度”应为：最多 2 位小数的数字，0 至 100" in found["F10"].error


def test_every_sheet_prints_on_a4_with_its_heading_repeated(rules: Loaded, unit: Unit) -> None:
    for sheet in opened(blank(rules, unit)).worksheets[:3]:
        assert (sheet.page_setup.paperSize, sheet.page_setup.fitToHeight) == (9, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$5:$5"
        assert sheet.freeze_panes == "A6"


def test_the_identity_is_out_of_sight_and_complete(rules: Loaded, unit: Unit) -> None:
    workbook = read_workbook(blank(rules, unit))
    assert workbook.sheets["_identity"].visibility == "very_hidden"
    rows = identity.identity_rows(workbook)
    assert rows is not None
    assert identity.whole_and_unchanged(rows)
    assert rows == identity.identity("FP-ANNUAL", 1, "functional_platform", PERIOD, "FP01", rules.sha256)


@pytest.mark.parametrize("key", [*identity.KEYS, identity.CHECK])
def test_every_change_of_the_identity_shows(rules: Loaded, key: str) -> None:
    rows = identity.identity("FP-ANNUAL", 1, "functional_platform", PERIOD, "FP01", rules.sha256)
    assert not identity.whole_and_unchanged(rows | {key: "7"})
    assert not identity.whole_and_unchanged({k: v for k, v in rows.items() if k != key})
    assert not identity.whole_and_unchanged(rows | {"more": "7"})


def test_the_banner_is_red_on_top_of_every_sheet(rules: Loaded, unit: Unit) -> None:
    book = opened(blank(rules, unit, banner="模拟数据库"))
    for sheet in book.worksheets[:3]:
        assert sheet["A1"].value == "模拟数据库"
        assert sheet["A1"].font.color.rgb == "FFC00000"
    assert read(blank(rules, unit, banner="模拟数据库"), rules, unit).outcome == "returned"


def test_types_that_the_present_forms_do_not_use(rules: Loaded, unit: Unit) -> None:
    """Long lists to choose from stand on a sheet of their own; numbers may have one limit or none."""
    many = tuple(f"第{i}种情形，含多项说明" for i in range(60))
    sheet = rules.rules.form.sheets[0]
    fields = (
        FormField(code="C1", label="情形", type="choice", choices=many),
        FormField(code="C2", label="再选情形", type="choice", choices=many),
        FormField(code="N1", label="增长", type="number", decimals=2),
        FormField(code="N2", label="至少", type="number", minimum=Decimal("0.5"), decimals=1, required=False),
        FormField(code="N3", label="至多", type="count", maximum=Decimal(9)),
    )
    form = rules.rules.form.model_copy(update={"sheets": (sheet.model_copy(update={"fields": fields}),)})
    changed = rules.rules.model_copy(update={"form": form})
    book = opened(forms.blank(changed, rules.sha256, PERIOD, unit))
    assert [c.value for c in book["_choices"]["A"]] == list(many)
    assert book["_choices"].sheet_state == "veryHidden"
    rulings = {str(v.sqref): v for v in book.worksheets[0].data_validations.dataValidation}
    assert rulings["D6"].formula1 == rulings["D7"].formula1 == "'_choices'!$A$1:$A$60"
    assert (rulings["D9"].operator, rulings["D9"].formula1) == ("greaterThanOrEqual", "0.5")
    assert (rulings["D10"].operator, rulings["D10"].formula1) == ("lessThanOrEqual", "9")
    assert "可不填" in book.worksheets[0]["E9"].value


def test_nothing_prefilled_can_become_a_formula(rules: Loaded, unit: Unit) -> None:
    content = {
        "F28": Filled('=HYPERLINK("http://example.com","x")'),
        "F01": Filled(Decimal("12345678901234567.89")),
        "F27": Filled(dt.date(2024, 3, 1)),
    }
    book = opened(forms.draw(rules.rules, rules.sha256, PERIOD, unit, "", content, None))
    assert cell(book, "F28").data_type == "s"
    assert cell(book, "F01").value == "12345678901234567.89"
    assert cell(book, "F27").value == dt.datetime(2024, 3, 1)  # noqa: DTZ001 - as Excel keeps it
