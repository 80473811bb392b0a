"""What a period of several years builds on, and what its grades do: against the rules that these refer to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.policy import lifecycles, papers
from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.check.form import NUMERIC
from ipgov.policy.check.sources import Sources
from ipgov.policy.grade_effects import GradeEffect
from ipgov.policy.yearly import YearlyInput


def yearly_inputs(sources: Sources) -> Iterator[Finding]:
    """Prove that the years are those of another programme about the same bodies, and its fields numbers."""
    programmes = {p.name: p for p in sources.programmes}
    for file in (f for p in sources.programmes for f in p.files):
        yearly = file.rules.yearly
        if yearly is None:
            continue
        there = programmes.get(yearly.programme)
        same = there is not None and there.name != file.programme and there.in_force
        if not same or there is None:
            known = "、".join(n for n in programmes if n != file.programme) or "无"
            expected = f"另一业务的代码，且有施行的规则：{known}"
            yield Finding("yearly.programme", f"为“{yearly.programme}”", expected, file=file.name)
            continue
        rules = there.in_force[-1].rules
        if rules.title_programme != file.rules.title_programme:
            expected = f"所管对象同为“{file.rules.title_programme}”"
            yield Finding("yearly.programme", f"“{there.name}”所管对象不同", expected, file=file.name)
        if rules.cycle.length != 1:
            found = f"“{there.name}”每 {rules.cycle.length} 年一次"
            yield Finding("yearly.programme", found, "每年一次的业务", file=file.name)
        yield from _inputs(file, there.in_force)


def _inputs(file: VersionFile, versions: list[VersionFile]) -> Iterator[Finding]:
    for code, given in file.rules.yearly_inputs.items():
        path = f"yearly.inputs[{code}]"
        if code in file.rules.form.fields:
            yield Finding(f"{path}.code", "与报送表栏目同名", "不同于各栏目的代码", file=file.name)
        for version in versions:
            yield from _field(file, path, given, version)


def _field(file: VersionFile, path: str, given: YearlyInput, version: VersionFile) -> Iterator[Finding]:
    field = version.rules.form.fields.get(given.field)
    if field is None:
        found = f"{version.name} 的报送表没有栏目 {given.field}"
        yield Finding(f"{path}.field", found, "、".join(version.rules.form.fields), file=file.name)
        return
    if field.type not in NUMERIC:
        found = f"{version.name} 的栏目 {given.field} 类型为 {field.type}"
        yield Finding(f"{path}.field", found, "、".join(NUMERIC), file=file.name)
    if field.kinds:
        found = f"{version.name} 的栏目 {given.field} 只有部分类别填报"
        yield Finding(f"{path}.field", found, "全部类别都填报的栏目", file=file.name)
    unit = "%" if given.combine == "growth" else field.unit
    if given.unit != unit:
        yield Finding(f"{path}.unit", f"为“{given.unit}”", f"“{unit}”", file=file.name)
    if given.combine in ("sum", "last") and given.decimals < field.decimals:
        found = f"为 {given.decimals}，栏目 {given.field} 有 {field.decimals} 位小数"
        yield Finding(f"{path}.decimals", found, f"不少于 {field.decimals}", file=file.name)


def grade_effects(sources: Sources) -> Iterator[Finding]:
    """Prove that every grade has its event of the lifecycle, once, and the documents there are."""
    for file in (f for p in sources.programmes for f in p.files if f.rules.grade_effects):
        for found in _effects(file):
            yield Finding(found.path, found.found, found.expected, file=file.name)


def _case(file: VersionFile, effect: GradeEffect, path: str) -> Iterator[Finding]:
    if effect.case is None:
        if effect.papers:
            yield Finding(f"{path}.case", "没有写明", "拟办文书的，写明案例取自哪些栏目")
        return
    fields = file.rules.form.fields
    texts = [code for code, f in fields.items() if f.type == "text"]
    for code in effect.case.texts.values():
        if code not in texts:
            yield Finding(f"{path}.case", f"栏目 {code} 不是报送表的文字栏目", "、".join(texts))
    for code in effect.case.figures:
        if code not in file.rules.yearly_inputs:
            expected = "、".join(file.rules.yearly_inputs) or "不写 figures"
            yield Finding(f"{path}.case", f"数据 {code} 不在 yearly.inputs 中", expected)


def _effects(file: VersionFile) -> Iterator[Finding]:
    rules = file.rules
    grades = [g.name for g in rules.scoring.grades]
    given = Counter(e.grade for e in rules.grade_effects)
    for grade in sorted({*grades, *given}):
        if given[grade] != (grade in grades):
            expected = f"每个等级各写一次：{'、'.join(grades)}"
            yield Finding(f"grade_effects[{grade}]", f"出现 {given[grade]} 次", expected)
    try:
        life = lifecycles.lifecycle(rules.title_programme)
    except GovernanceError as error:
        yield Finding("grade_effects", error.message, "称号的周期")
        return
    events = {e.code: e for e in life.events}
    for effect in rules.grade_effects:
        path = f"grade_effects[{effect.grade}]"
        for name, code in (("event", effect.event), ("undone_by", effect.undone_by)):
            if code and code not in events:
                yield Finding(f"{path}.{name}", f"周期没有事项“{code}”", "、".join(events))
            elif code and "issuer" not in events[code].by:
                yield Finding(f"{path}.{name}", f"“{code}”不由签发人办理", "by 含 issuer 的事项")
        if effect.event in events and events[effect.event].to and not effect.undone_by:
            found = f"“{effect.event}”改变状态，更正后无从恢复"
            yield Finding(f"{path}.undone_by", found, "写明更正时恢复原状的事项")
        yield from _case(file, effect, path)
        for kind in effect.papers:
            try:
                papers.paper(kind, rules.title_programme)
            except UnknownError as error:
                yield Finding(f"{path}.papers", error.message, "policies/papers.yaml 中的文书")
