"""A rule version by itself: its names, its clauses, its kinds, its calendar."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterator

from ipgov.policy.blocks import Block
from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.rules import Budget

_NAMES = ("code", "outcome", "step", "kind", "name")
_COMMON_YEAR = 2023


def names(file: VersionFile) -> Iterator[Finding]:
    """Prove that folder, file name, version and day of effect say the same."""
    rules = file.rules
    if rules.programme != file.programme:
        yield Finding("programme", f"为“{rules.programme}”", f"所在文件夹名“{file.programme}”")
    if rules.version != file.stem:
        yield Finding("version", f"为“{rules.version}”", f"文件名“{file.stem}”")
    day = rules.effective.isoformat()
    named = file.stem.startswith(day) if rules.status == "draft" else file.stem == day
    if not named:
        yield Finding("effective", f"为 {day}，文件名为“{file.stem}”", "文件名即施行日期（草案可加后缀）")


def blocks(value: object, path: str = "") -> Iterator[tuple[str, Block]]:
    """Yield every block with its key path; list items go by their code or name."""
    if isinstance(value, Block):
        if path:
            yield path, value
        inner = (
            (f"{path}.{name}" if path else name, getattr(value, name)) for name in type(value).model_fields
        )
    elif isinstance(value, (tuple, dict)):
        items = value.items() if isinstance(value, dict) else ((_name(i, v), v) for i, v in enumerate(value))
        inner = ((f"{path}[{key}]", item) for key, item in items)
    else:
        return
    for at, item in inner:
        yield from blocks(item, at)


def _name(index: int, value: object) -> str:
    found = (getattr(value, n) for n in _NAMES if getattr(value, n, None))
    return str(next(found, index))


def clauses_exist(file: VersionFile) -> Iterator[Finding]:
    """Prove that every clause named is one of ``clauses.csv``."""
    for path, block in blocks(file.rules):
        for clause in block.clause:
            if clause not in file.context.clauses:
                yield Finding(f"{path}.clause", f"{clause} 不存在", "policies/clauses.csv 中的条款编号")


def clauses_in_force(file: VersionFile) -> Iterator[Finding]:
    """Prove that no version stands under a document that has no effect on its first day."""
    for path, block in blocks(file.rules):
        for clause in block.clause:
            document = file.context.documents.get(clause.partition("#")[0])
            if document is not None and not document.in_force(file.rules.effective):
                found = f"{clause} 所属文件在 {file.rules.effective} 不在施行期"
                yield Finding(f"{path}.clause", found, f"{document.effective} 起施行的版本才可引用")


def kinds(file: VersionFile) -> Iterator[Finding]:
    """Prove that kinds are unique, their counts make the total, and the scoring's groups are the kinds."""
    subject = file.rules.subject
    for code, count in Counter(k.code for k in subject.kinds).items():
        if count > 1:
            yield Finding(f"subject.kinds[{code}]", f"出现 {count} 次", "类别代码唯一")
    counted = sum(k.count or 0 for k in subject.kinds)
    if subject.total is not None and counted != subject.total:
        yield Finding("subject.total", f"为 {subject.total}，各类之和为 {counted}", "等于各类 count 之和")
    groups, codes = set(file.rules.scoring.groups), set(file.rules.kinds)
    if groups != codes:
        different = "、".join(sorted(groups ^ codes))
        yield Finding("scoring.groups", f"与 subject.kinds 不一致：{different}", "省略，或与类别代码相同")


def cycle_order(file: VersionFile) -> Iterator[Finding]:
    """Prove that opening, due day, late ones, audit and evaluation follow each other in every year."""
    cycle = file.rules.cycle
    for name, day in (("opens", cycle.opens), ("due", cycle.due)):
        if day.day > calendar.monthrange(_COMMON_YEAR, day.month)[1]:
            yield Finding(f"cycle.{name}", f"{day.month} 月没有 {day.day} 日", "每年都有的日期")
            return
    if cycle.opens.nominal(_COMMON_YEAR) >= cycle.due.nominal(_COMMON_YEAR):
        yield Finding("cycle.opens", "不早于 cycle.due", "先开放，后截止")
    late, evaluate = _length(cycle.late_until), _length(cycle.evaluate_after)
    # lengths in different units are compared for each period when its days are computed
    if late[0] == evaluate[0] and late[1] >= evaluate[1]:
        yield Finding("cycle.evaluate_after", "不长于 cycle.late_until", "逾期受理期满之后才评价")
    yield from _audit_in_time(file)


def _audit_in_time(file: VersionFile) -> Iterator[Finding]:
    """Prove that the province's audit ends before the evaluation, as far as units can be compared."""
    audit, cycle = file.rules.province_audit, file.rules.cycle
    if audit is None:
        return
    (unit, late), (own, within), (of, evaluate) = map(
        _length, (cycle.late_until, audit.within, cycle.evaluate_after)
    )
    if unit == own == of and late + within >= evaluate:
        found = f"逾期受理 {late} 加审核 {within} 不短于 {evaluate}"
        yield Finding("cycle.evaluate_after", found, "审核期满之后才评价")


def _length(budget: Budget) -> tuple[str, int]:
    units = ("working_days", "calendar_days", "months", "years")
    return next((u, getattr(budget, u)) for u in units if getattr(budget, u) is not None)
