"""A file on an earlier template that is still accepted: read to today's fields by the map of its version."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from intake_workbooks import PERIOD, PROGRAMME, cell, edited
from ipgov.intake.correction import correction_workbook
from ipgov.intake.forms import blank
from ipgov.intake.reading import Expected, Reading, Value, issued_forms, read_submission
from ipgov.policy.rules import FormField, FormSheet
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit


def with_form(rules: Loaded, version: int, accepts: tuple[int, ...], sheets: tuple[FormSheet, ...]) -> Loaded:
    form = rules.rules.form.model_copy(
        update={"version": version, "accepts": accepts, "sheets": sheets, "attachments": None}
    )
    return Loaded(rules.rules.model_copy(update={"form": form}), rules.data, rules.source)


def field(code: str, label: str, kind: str = "count", **more: Any) -> FormField:
    return FormField.model_validate({"code": code, "label": label, "type": kind, **more})


@pytest.fixture(scope="module")
def old(rules: Loaded) -> Loaded:
    """Version 1: other sheets, another order, another code, yuan for ten thousand yuan."""
    first = FormSheet(
        name="经费与人员",
        fields=(
            field("K1", "年度经费支出", "amount", unit="元", decimals=2, minimum=0),
            field("F15", "专职人员数", unit="人", required=False),
            field("F90", "已停用的栏目", "text", required=False),
        ),
    )
    second = FormSheet(
        name="其他",
        fields=(
            field("K2", "平台性质", "choice", choices=("综合", "专业")),
            field("K3", "填表日期", "date"),
        ),
    )
    return with_form(rules, 1, (1,), (first, second))


@pytest.fixture(scope="module")
def new(rules: Loaded) -> Loaded:
    """Version 2: one sheet, fields renamed, two new ones, one of which is asked of everybody."""
    fields = (
        field("N1", "平台类型", "choice", choices=("专业", "综合", "其他"), earlier={1: "K2"}),
        field("F15", "专职人员", unit="人", earlier={1: "F15"}, minimum=1),
        field("N2", "年度运行经费", "amount", unit="万元", decimals=2, maximum=5000, earlier={1: "K1"}),
        field("N3", "兼职人员数", unit="人"),
        field(
            "N4",
            "填表日期",
            "date",
            earlier={1: "K3"},
            earliest={"month": 1, "day": 1, "years_after": 1},
            latest=dt.date(2024, 12, 31),
        ),
    )
    return with_form(rules, 2, (1, 2), (FormSheet(name="基本情况", fields=fields),))


FILLED = {
    "K1": 12_345_678.91,
    "F15": 12,
    "F90": "旧",
    "K2": "综合",
    "K3": dt.date(2024, 3, 1),
}


def sent(old: Loaded, unit: Unit, **changed: Any) -> bytes:
    def edit(book: Any) -> None:
        for code, value in {**FILLED, **changed}.items():
            cell(book, code).value = value

    return edited(blank(old.rules, old.sha256, PERIOD, unit), edit)


def read(data: bytes, rules: Loaded, unit: Unit, *issued: Loaded) -> Reading:
    return read_submission(data, "旧表.xlsx", Expected(PROGRAMME, PERIOD, unit), rules, issued_forms(issued))


def values(reading: Reading) -> dict[str, Value]:
    return {v.field: v for v in reading.values}


def test_every_answer_is_todays_with_its_cell_and_what_was_done(old: Loaded, new: Loaded, unit: Unit) -> None:
    reading = read(sent(old, unit), new, unit, old, new)
    assert reading.problems == ()
    found = values(reading)
    assert set(found) == {"N1", "F15", "N2", "N4"}  # what is new is not asked, what is gone is not taken
    amount = found["N2"]
    assert (amount.value, amount.raw) == (Decimal("1234.57"), "12345678.91")
    assert amount.transforms == ("unit:元→万元", "rounded:2")
    assert (amount.sheet, amount.cell) == ("经费与人员", "D6")
    assert (found["N1"].text_value, found["N4"].text_value) == ("综合", "2024-03-01")


def test_an_amount_that_is_whole_in_todays_unit_is_not_rounded(old: Loaded, new: Loaded, unit: Unit) -> None:
    found = values(read(sent(old, unit, K1="1,200.5万元"), new, unit, old, new))["N2"]
    assert (found.value, found.raw) == (Decimal("1200.5"), "1,200.5万元")
    assert found.transforms == ("number_as_text", "thousands_separators", "unit:万元→元", "unit:元→万元")


def test_what_was_optional_then_may_be_blank_but_limits_are_todays(
    old: Loaded, new: Loaded, unit: Unit
) -> None:
    assert read(sent(old, unit, F15=None), new, unit, old, new).problems == ()
    reading = read(sent(old, unit, F15=0, K1=60_000_000, K2="其他", K3=None), new, unit, old, new)
    said = {code: [p.check for p in found] for code, found in reading.faults.items()}
    assert said == {
        "F15": ["value_in_range"],
        "N1": ["value_has_type"],
        "N2": ["value_in_range"],
        "N4": ["required_value_present"],
    }
    problem = reading.faults["N2"][0]
    assert "6000万元，超过上限" in problem.found
    assert (problem.sheet, problem.cell) == ("经费与人员", "D6")


def test_decimals_are_judged_by_what_the_template_asked(old: Loaded, new: Loaded, unit: Unit) -> None:
    reading = read(sent(old, unit, K1=1234.567), new, unit, old, new)
    assert [p.check for p in reading.problems] == ["decimals"]
    assert "1234.567元，有 3 位小数" in reading.problems[0].found
    assert "rounded:2" not in values(reading)["N2"].transforms


def test_a_sheet_of_the_old_template_that_is_gone_is_named_as_it_was(
    old: Loaded, new: Loaded, unit: Unit
) -> None:
    data = edited(sent(old, unit), lambda book: book.remove(book["其他"]))
    reading = read(data, new, unit, old, new)
    assert [(p.check, p.sheet) for p in reading.problems] == [("has_every_sheet", "其他")]


def test_the_answer_is_the_current_form_and_comes_back_accepted(old: Loaded, new: Loaded, unit: Unit) -> None:
    """One field wrong: beside it stands what was read, and what is new is asked now."""
    reading = read(sent(old, unit, K2="其它"), new, unit, old, new)
    answer = correction_workbook(new.rules, new.sha256, PERIOD, unit, reading)

    def correct(book: Any) -> None:
        assert cell(book, "N2").value == 1234.57
        assert cell(book, "N1").value == "其它"
        assert cell(book, "N3").value is None
        cell(book, "N1").value = "其他"
        cell(book, "N3").value = 3

    again = read(edited(answer, correct), new, unit, old, new)
    assert again.problems == ()
    assert values(again)["N2"].value == Decimal("1234.57")


def test_what_policy_asks_of_everybody_sends_an_old_template_back(
    old: Loaded, new: Loaded, unit: Unit
) -> None:
    (sheet,) = new.rules.form.sheets
    fields = tuple(f.model_copy(update={"always_asked": f.code == "N3"}) for f in sheet.fields)
    strict = with_form(new, 2, (1, 2), (sheet.model_copy(update={"fields": fields}),))
    reading = read(sent(old, unit), strict, unit, old, strict)
    assert [p.check for p in reading.problems] == ["has_every_field"]
    problem = reading.problems[0]
    assert problem.found == "第 1 版表没有指标“兼职人员数”"
    assert problem.expected == "在所附更正工作簿的“基本情况”表内填报"
    answer = correction_workbook(strict.rules, strict.sha256, PERIOD, unit, reading)
    done = edited(answer, lambda book: setattr(cell(book, "N3"), "value", 3))
    assert read(done, strict, unit, old, strict).outcome == "accepted"


def test_a_code_that_means_something_else_now_is_never_taken(old: Loaded, new: Loaded, unit: Unit) -> None:
    """F15 counts something else today: the map says that version 1 did not have it."""
    (sheet,) = new.rules.form.sheets
    other = sheet.fields[1].model_copy(update={"label": "高级职称人员数", "earlier": {1: None}})
    fields = (sheet.fields[0], other, *sheet.fields[2:])
    changed = with_form(new, 2, (1, 2), (sheet.model_copy(update={"fields": fields}),))
    assert "F15" not in values(read(sent(old, unit), changed, unit, old, changed))


def test_a_template_that_is_no_longer_accepted_is_still_read_for_its_answer(
    old: Loaded, new: Loaded, unit: Unit
) -> None:
    strict = with_form(new, 2, (2,), new.rules.form.sheets)
    reading = read(sent(old, unit), strict, unit, old, strict)
    assert [p.check for p in reading.problems] == ["form_version_accepted", "has_every_field"]
    assert values(reading)["N2"].value == Decimal("1234.57")
    answer = correction_workbook(strict.rules, strict.sha256, PERIOD, unit, reading)
    done = edited(answer, lambda book: setattr(cell(book, "N3"), "value", 3))
    assert read(done, strict, unit, old, strict).outcome == "accepted"


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (dt.date(2023, 12, 31), "2023-12-31，早于最早日期"),
        ("2025.1.1", "2025-01-01，晚于最晚日期"),
        (dt.date(2024, 1, 1), ""),
        ("2024年12月31日", ""),
    ],
)
def test_a_day_lies_within_its_limits(new: Loaded, unit: Unit, day: Any, found: str) -> None:
    data = edited(
        blank(new.rules, new.sha256, PERIOD, unit),
        lambda book: [
            setattr(cell(book, code), "value", value)
            for code, value in (("N1", "专业"), ("F15", 3), ("N2", 1), ("N3", 0), ("N4", day))
        ],
    )
    problems = read(data, new, unit, new).problems
    assert [p.check for p in problems] == (["value_in_range"] if found else [])
    if found:
        assert found in problems[0].found
        assert "2024-01-01 至 2024-12-31" in problems[0].expected


def test_the_blank_form_says_the_days_of_its_own_period(new: Loaded, unit: Unit) -> None:
    data = blank(new.rules, new.sha256, "2024", unit)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["基本情况"]
    notes = [str(c.value) for c in sheet["E"]]
    assert any("2025-01-01 至 2024-12-31" in note for note in notes)
    assert sheet.data_validations.dataValidation[-1].type == "date"
