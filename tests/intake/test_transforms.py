"""Each transform: what it makes of what people type, what it records, what it refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipgov.intake.transforms import Converted, NotOfTypeError, convert, label_key, raw_text
from ipgov.intake.workbook import ErrorValue, NoResult
from ipgov.policy.rules import FieldType, FormField


def field(kind: FieldType, unit: str = "", **more: Any) -> FormField:
    return FormField(code="F01", label="指标", unit=unit, type=kind, **more)


AMOUNT, YUAN, YI = field("amount", "万元"), field("amount", "元"), field("amount", "亿元")
COUNT, PERCENT, DATE, YES_NO = field("count", "家"), field("percent", "%"), field("date"), field("yes_no")
TEXT, CHOICE = field("text"), field("choice", choices=("转让", "许可(独占)"))


@pytest.mark.parametrize(
    ("raw", "wanted", "value", "transforms"),
    [
        (1.0, COUNT, "1", ()),
        (0.1, AMOUNT, "0.1", ()),
        (1234.56, AMOUNT, "1234.56", ()),
        (1e16, COUNT, "10000000000000000", ()),
        (0.1 + 0.2, AMOUNT, "0.3", ("fifteen_digits",)),
        (-0.0, AMOUNT, "0", ()),
        ("12", COUNT, "12", ("number_as_text",)),
        ("12.50", AMOUNT, "12.5", ("number_as_text",)),
        ("１２．５％", PERCENT, "12.5", ("full_width", "number_as_text", "unit_suffix")),
        ("1,234.5万元", AMOUNT, "1234.5", ("number_as_text", "thousands_separators", "unit_suffix")),
        ("1，234，567", COUNT, "1234567", ("full_width", "number_as_text", "thousands_separators")),
        ("1.2亿元", AMOUNT, "12000", ("number_as_text", "unit:亿元→万元")),
        ("1.2億元", AMOUNT, "12000", ("number_as_text", "unit:億元→万元")),
        ("12345678元", AMOUNT, "1234.5678", ("number_as_text", "unit:元→万元")),
        ("3 万元", YUAN, "30000", ("number_as_text", "unit:万元→元")),
        ("500万元", YI, "0.05", ("number_as_text", "unit:万元→亿元")),
        ("120家", COUNT, "120", ("number_as_text", "unit_suffix")),
        ("\u00a0 12\u3000", COUNT, "12", ("odd_spaces", "number_as_text")),
        ("\u200b12\ufeff", COUNT, "12", ("invisible_characters", "number_as_text")),
        (" 12 ", COUNT, "12", ("trim", "number_as_text")),
        ("−3", COUNT, "-3", ("full_width", "number_as_text")),
        ("是", YES_NO, "1", ("yes_no",)),
        ("否 ", YES_NO, "0", ("trim", "yes_no")),
        (True, YES_NO, "1", ("boolean",)),
        (False, YES_NO, "0", ("boolean",)),
    ],
)
def test_numbers(raw: Any, wanted: FormField, value: str, transforms: tuple[str, ...]) -> None:
    converted = convert(raw, wanted)
    assert converted == Converted(Decimal(value), None, transforms)
    assert str(converted.value) == value


@pytest.mark.parametrize(
    ("raw", "date_1904", "iso", "transforms"),
    [
        (dt.date(2025, 3, 1), False, "2025-03-01", ()),
        (dt.datetime(2025, 3, 1), False, "2025-03-01", ()),  # noqa: DTZ001 - as the reader gives it
        (dt.datetime(2025, 3, 1, 9), False, "2025-03-01", ("time_dropped",)),  # noqa: DTZ001
        ("2025-03-01", False, "2025-03-01", ()),
        ("2025年3月1日", False, "2025-03-01", ("date_text",)),
        ("２０２５年３月１日", False, "2025-03-01", ("full_width", "date_text")),
        ("2025.3.1", False, "2025-03-01", ("date_text",)),
        ("2025/3/1", False, "2025-03-01", ("date_text",)),
        ("20250301", False, "2025-03-01", ("compact_date",)),
        (20250301.0, False, "2025-03-01", ("compact_date",)),
        (45717.0, False, "2025-03-01", ("serial_1900",)),
        (44255.0, True, "2025-03-01", ("serial_1904",)),
        ("45717", False, "2025-03-01", ("number_as_text", "serial_1900")),
    ],
)
def test_dates(raw: Any, date_1904: bool, iso: str, transforms: tuple[str, ...]) -> None:
    assert convert(raw, DATE, date_1904=date_1904) == Converted(None, iso, transforms)


def test_a_percentage_by_format_is_one_hundred_times_what_is_stored() -> None:
    assert convert(0.985, PERCENT, percent_format=True) == Converted(
        Decimal("98.5"), None, ("percent_format",)
    )
    with pytest.raises(NotOfTypeError, match=r"“98.5%”是百分数"):
        convert(0.985, AMOUNT, percent_format=True)


@pytest.mark.parametrize("raw", [None, "", "  ", "\u00a0\u200b", "\n"])
@pytest.mark.parametrize("wanted", [AMOUNT, DATE, YES_NO, TEXT])
def test_blanks(raw: str | None, wanted: FormField) -> None:
    assert convert(raw, wanted).blank


def test_texts_and_choices() -> None:
    assert convert(" 张三\u00a0", TEXT).text_value == "张三"
    assert convert(13800000000.0, TEXT) == Converted(None, "13800000000", ("to_text",))
    assert convert("许可（独占）", CHOICE) == Converted(None, "许可(独占)", ("choice",))
    assert convert("=1+1", TEXT).text_value == "=1+1"


@pytest.mark.parametrize(
    ("raw", "wanted", "found"),
    [
        ("约一千", AMOUNT, "“约一千”不是数字"),
        ("10²", COUNT, "不是数字"),  # not 102
        ("①", COUNT, "不是数字"),  # not 1
        ("١٢", COUNT, "不是数字"),  # digits of another script
        ("1,23", AMOUNT, "不是数字"),  # not 123 and not 1.23
        ("12.3.4", AMOUNT, "不是数字"),
        ("1e5", AMOUNT, "“1e5”不是数字"),
        ("12万", AMOUNT, "“12万”带有单位“万”，不能换算为“万元”"),
        ("3亿元", COUNT, "不能换算为“家”"),
        ("5美元", AMOUNT, "不能换算为“万元”"),
        ("无", COUNT, "不是数字"),
        ("9" * 40, COUNT, "位数过多"),
        ("9" * 400, COUNT, "不是数字"),
        (float("nan"), AMOUNT, "“nan”不是数字"),
        (float("inf"), AMOUNT, "“inf”不是数字"),
        (True, COUNT, "逻辑值"),
        (dt.date(2025, 3, 1), COUNT, "“2025-03-01”是日期或时间"),
        (ErrorValue("#REF!"), AMOUNT, "错误值 #REF!"),
        (NoResult(), AMOUNT, "公式没有保存计算结果"),
        ("a\x00b", TEXT, "控制字符"),
        ("2025年2月30日", DATE, "不是存在的日期"),
        ("2025.3-1", DATE, "不是日期"),
        (2025.0, DATE, "“2025”不是日期"),
        ("2025", DATE, "不是日期"),
        (45717.5, DATE, "不是日期"),
        (True, DATE, "不是日期"),
        ("有", YES_NO, "不是“是”或“否”"),
        (1.0, YES_NO, "不是“是”或“否”"),
        ("转 卖", CHOICE, "不在可选项内"),
    ],
)
def test_what_is_not_understood_is_refused(raw: Any, wanted: FormField, found: str) -> None:
    with pytest.raises(NotOfTypeError) as refused:
        convert(raw, wanted)
    assert found in str(refused.value)


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=4, allow_nan=False))
def test_a_typed_number_of_up_to_fifteen_digits_is_kept_to_the_last(number: Decimal) -> None:
    assert convert(float(number), AMOUNT).value == number
    assert convert(format(number, ","), AMOUNT).value == number


@given(st.one_of(st.text(max_size=30), st.floats(), st.booleans(), st.datetimes(), st.times()))
def test_any_content_of_any_field_is_converted_or_refused(raw: Any) -> None:
    for wanted in (AMOUNT, COUNT, PERCENT, DATE, YES_NO, TEXT, CHOICE):
        raw_text(raw)
        try:
            converted = convert(raw, wanted)
        except NotOfTypeError:
            continue
        assert converted.value is None or (converted.value.is_finite() and converted.text_value is None)
        assert "\x00" not in (converted.text_value or "")


def test_labels_are_compared_without_spaces_and_widths() -> None:
    assert label_key("其中：中小企业数") == label_key(" 其中: 中小\n企业数\u200b")
