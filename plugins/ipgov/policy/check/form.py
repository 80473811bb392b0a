"""The form: sheets and fields that a workbook can have, and everything that the indicators need."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator

from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.rules import AttachmentKind, FormField, YearDay
from ipgov.policy.scoring import Indicator

NUMERIC = ("amount", "count", "number", "percent")
_SHEET_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_COMMON_YEAR = 2023  # any without a 29 February
_SHEET_LENGTH = 31  # a limit of the workbook format


def sheets(file: VersionFile) -> Iterator[Finding]:
    """Prove that sheet names are unique and such as a workbook allows."""
    found = [s.name for s in file.rules.form.sheets]
    for name, count in Counter(n.casefold() for n in found).items():
        if count > 1:
            yield Finding(f"form.sheets[{name}]", f"出现 {count} 次", "工作表名唯一")
    for name in found:
        if len(name) > _SHEET_LENGTH or _SHEET_FORBIDDEN.search(name) or not name.strip("'").strip():
            expected = f"不超过 {_SHEET_LENGTH} 字，不含 [ ] : * ? / \\"
            yield Finding(f"form.sheets[{name}]", "不能作工作表名", expected)


def field_codes(file: VersionFile) -> Iterator[Finding]:
    """Prove that a field's code stands once in all sheets."""
    codes = Counter(f.code for s in file.rules.form.sheets for f in s.fields)
    for code, count in codes.items():
        if count > 1:
            yield Finding(f"form.sheets.fields[{code}]", f"出现 {count} 次", "栏目代码在各表之间唯一")


def field_kinds(file: VersionFile) -> Iterator[Finding]:
    """Prove that fields name known kinds only."""
    known = "、".join(file.rules.kinds)
    for code, field in file.rules.form.fields.items():
        for kind in field.kinds:
            if kind not in file.rules.kinds:
                yield Finding(f"form.sheets.fields[{code}].kinds", f"“{kind}”不是类别", known)


def field_limits(file: VersionFile) -> Iterator[Finding]:
    """Prove that limits, decimals and choices are possible for the type."""
    for code, field in file.rules.form.fields.items():
        path = f"form.sheets.fields[{code}]"
        if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
            yield Finding(
                f"{path}.minimum", f"{field.minimum} 大于 maximum {field.maximum}", "minimum 不大于 maximum"
            )
        if bool(field.choices) != (field.type == "choice"):
            yield Finding(
                f"{path}.choices", f"与类型 {field.type} 不符", "choice 类型须列出选项，其他类型不列"
            )
        if field.decimals and field.type not in ("amount", "number", "percent"):
            yield Finding(f"{path}.decimals", f"类型 {field.type} 没有小数", "0")
        if field.type not in NUMERIC and (field.minimum is not None or field.maximum is not None):
            yield Finding(f"{path}.minimum", f"类型 {field.type} 没有上下限", "不写 minimum、maximum")
        yield from _day_limits(field, path)


def _day_limits(field: FormField, path: str) -> Iterator[Finding]:
    limits = {name: getattr(field, name) for name in ("earliest", "latest")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if given and field.type != "date":
        yield Finding(
            f"{path}.{next(iter(given))}", f"类型 {field.type} 没有日期范围", "不写 earliest、latest"
        )
        return
    days: dict[str, dt.date] = {}
    for name, limit in given.items():
        if isinstance(limit, YearDay):
            if limit.day > calendar.monthrange(_COMMON_YEAR, limit.month)[1]:
                yield Finding(f"{path}.{name}", f"{limit.month} 月没有 {limit.day} 日", "每年都有的日期")
                return
            if limit.roll:
                yield Finding(f"{path}.{name}", "写了 roll", "栏目的日期范围不顺延")
            days[name] = limit.nominal(_COMMON_YEAR)
        else:
            days[name] = limit
    same_way = len({type(limit) for limit in given.values()}) == 1
    if len(days) == 2 and same_way and days["earliest"] > days["latest"]:
        yield Finding(f"{path}.earliest", "晚于 latest", "earliest 不晚于 latest")


def indicator_inputs(file: VersionFile) -> Iterator[Finding]:
    """Prove that inputs and denominators are fields of the right type for each kind that they apply to."""
    fields = file.rules.form.fields
    yearly = file.rules.yearly_inputs
    for indicator in file.rules.scoring.indicators:
        if indicator.normalisation.method == "expert_mean":
            continue  # its values are the raters', not the form's
        yes_no = indicator.normalisation.method == "boolean"
        kinds = indicator.groups or tuple(file.rules.kinds)
        path = f"scoring.indicators[{indicator.code}]"
        input_types = ("yes_no",) if yes_no else NUMERIC
        if indicator.source_field not in yearly or yes_no:
            yield from _field_fits(fields, indicator.source_field, kinds, input_types, f"{path}.input")
        if indicator.denominator:
            if indicator.denominator not in yearly:
                yield from _field_fits(fields, indicator.denominator, kinds, NUMERIC, f"{path}.denominator")
            yield from _ratio_of_two(indicator, path)


def _ratio_of_two(indicator: Indicator, path: str) -> Iterator[Finding]:
    if indicator.denominator == indicator.source_field:
        yield Finding(f"{path}.denominator", "与 input 相同", "另一栏目")


def _field_fits(
    fields: dict[str, FormField], code: str, kinds: tuple[str, ...], types: tuple[str, ...], path: str
) -> Iterator[Finding]:
    field = fields.get(code)
    if field is None:
        yield Finding(path, f"栏目 {code} 不在报送表中", "form.sheets.fields 中的栏目代码")
        return
    if field.type not in types:
        yield Finding(path, f"栏目 {code} 的类型为 {field.type}", "、".join(types))
    for kind in kinds:
        if field.kinds and kind not in field.kinds:
            yield Finding(
                path, f"类别 {kind} 不填栏目 {code}", f"指标适用的类别都填此栏（{'、'.join(field.kinds)}）"
            )


def attachments(file: VersionFile) -> Iterator[Finding]:
    """Prove that kinds of attachments are distinct, possible, and about fields that their senders fill in."""
    asked = file.rules.form.attachments
    if asked is None:
        return
    if asked.sheet.casefold() in {s.name.casefold() for s in file.rules.form.sheets}:
        yield Finding("form.attachments.sheet", f"“{asked.sheet}”已是另一张表", "工作表名唯一")
    if len(asked.sheet) > _SHEET_LENGTH or _SHEET_FORBIDDEN.search(asked.sheet) or not asked.sheet.strip():
        expected = f"不超过 {_SHEET_LENGTH} 字，不含 [ ] : * ? / \\"
        yield Finding("form.attachments.sheet", f"“{asked.sheet}”不能作工作表名", expected)
    if asked.max_total_bytes < asked.max_bytes:
        yield Finding("form.attachments.max_total_bytes", "小于 max_bytes", "不小于单个附件的上限")
    for what, values in (("code", [k.code for k in asked.kinds]), ("name", [k.name for k in asked.kinds])):
        for value, count in Counter(values).items():
            if count > 1:
                yield Finding(f"form.attachments.kinds[{value}].{what}", f"出现 {count} 次", "各种附件各一次")
    for kind in asked.kinds:
        yield from _attachment_kind(file, kind)


def _attachment_kind(file: VersionFile, kind: AttachmentKind) -> Iterator[Finding]:
    path = f"form.attachments.kinds[{kind.code}]"
    if kind.missing == "returned" and not kind.required:
        yield Finding(f"{path}.missing", "不是必需的附件，缺少时不会退回", "required: true，或不写 missing")
    for body in kind.kinds:
        if body not in file.rules.kinds:
            yield Finding(f"{path}.kinds", f"“{body}”不是类别", "、".join(file.rules.kinds))
    bodies = set(kind.kinds or file.rules.kinds) & set(file.rules.kinds)
    for code in kind.fields:
        field = file.rules.form.fields.get(code)
        if field is None:
            yield Finding(f"{path}.fields", f"栏目 {code} 不在报送表中", "form.sheets.fields 中的栏目代码")
        elif field.kinds and not bodies & set(field.kinds):
            yield Finding(
                f"{path}.fields", f"附件 {kind.code} 的报送类别都不填栏目 {code}", "至少一个类别填此栏"
            )
