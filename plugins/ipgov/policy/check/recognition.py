"""The conditions of recognition: against the application's fields, the clauses, the roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.check.form import NUMERIC
from ipgov.policy.recognition import Condition, Gate
from ipgov.policy.rules import FormField


def gates(file: VersionFile) -> Iterator[Finding]:
    """Prove that every condition is distinct, cites its clause and can be answered by the application."""
    rule = file.rules.recognition
    if rule is None:
        return
    for code, count in Counter(g.code for g in rule.gates).items():
        if count > 1:
            yield Finding(f"recognition.gates[{code}]", f"出现 {count} 次", "资格条件代码唯一")
    for gate in rule.gates:
        path = f"recognition.gates[{gate.code}]"
        if not gate.clause:
            yield Finding(f"{path}.clause", "没有条款", "写明申报条件所在的条款")
        yield from _fields(file, gate, path)


def _fields(file: VersionFile, gate: Gate, path: str) -> Iterator[Finding]:
    fields = file.rules.form.fields
    for code in gate.fields:
        if code not in fields:
            yield Finding(path, f"栏目 {code} 不在申报书中", "form.sheets.fields 中的栏目代码")
    for condition in gate.conditions:
        if (field := fields.get(condition.field)) is not None:
            yield from _fits(field, condition, f"{path}[{condition.field}]")
            if field.kinds:
                yield Finding(path, f"栏目 {field.code} 只有部分类别填报", "全部类别都填报的栏目")


def _fits(field: FormField, condition: Condition, path: str) -> Iterator[Finding]:
    if condition.at_least is not None and field.type not in NUMERIC:
        yield Finding(path, f"at_least 用于类型为 {field.type} 的栏目", "、".join(NUMERIC))
    if condition.is_yes and field.type != "yes_no":
        yield Finding(path, f"is_yes 用于类型为 {field.type} 的栏目", "yes_no")
    if condition.one_of:
        unknown = [c for c in condition.one_of if c not in field.choices]
        if field.type != "choice" or unknown:
            yield Finding(path, f"不是栏目的选项：{'、'.join(unknown)}", "、".join(field.choices) or "choice")


def naming(file: VersionFile) -> Iterator[Finding]:
    """Prove that the name and the industry are texts that every applicant must fill in."""
    rule = file.rules.recognition
    for code in (rule.naming.field, rule.naming.industry) if rule else ():
        field = file.rules.form.fields.get(code)
        if field is None or field.type != "text" or not field.required or field.kinds:
            found = f"栏目 {code} 不是全部类别必填的文字栏"
            yield Finding("recognition.naming", found, "form.sheets.fields 中必填的 text 栏目")


def listing(file: VersionFile) -> Iterator[Finding]:
    """Prove that the score asked for can be reached, and that whoever judges has a role that there is."""
    rule, scoring = file.rules.recognition, file.rules.scoring
    if rule is None:
        return
    if rule.direct is None:
        yield Finding("recognition.direct", "没有写明", "hosts: central_enterprises 或 every，即谁可直接申报")
    highest = scoring.highest_total
    if highest is not None and rule.listing.minimum_total > highest:
        found = f"为 {rule.listing.minimum_total}，高于满分 {highest}"
        yield Finding("recognition.listing.minimum_total", found, f"不高于 {highest}")
    if rule.judging.role not in file.context.roles:
        known = "、".join(file.context.roles)
        found = f"没有“{rule.judging.role}”这一角色"
        yield Finding("recognition.judging.role", found, f"policies/roles.yaml 中的 {known}")
    if scoring.grades:
        yield Finding("scoring.grades", "认定设了等级", "不设等级：是否列入名单由 recognition.listing 定")
