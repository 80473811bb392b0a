"""What is done with the results: quality suite, outcomes, approval, notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ipgov.core.settings import settings
from ipgov.policy.check.finding import Finding, VersionFile

# The notices that the procedures make of themselves; any other kind belongs to the outcome of that name.
ANSWERS = ("rating_list", "receipt", "correction")
ATTACHMENT = "attachment"  # made where the form asks for attachments
AUDITS = ("province_audit", "province_audit_answer")  # made where provinces audit
RESULTS = ("result_to_unit", "result_to_province", "result_correction", "result_correction_province")


def _doubled(values: Iterable[str]) -> Iterator[tuple[str, int]]:
    return ((v, n) for v, n in Counter(values).items() if n > 1)


def quality_suite(file: VersionFile) -> Iterator[Finding]:
    """Prove that the suite that gates the data is there."""
    suite = file.rules.quality.suite
    if not (settings().expectations / f"{suite}.json").is_file():
        yield Finding("quality.suite", f"“{suite}”没有文件", f"expectations/{suite}.json 存在")


def outcomes(file: VersionFile) -> Iterator[Finding]:
    """Prove that outcomes are unique and can come about, and that a unit is told of a changed title."""
    rules = file.rules
    for name, count in _doubled(o.outcome for o in rules.outcomes):
        yield Finding(f"outcomes[{name}]", f"出现 {count} 次", "结果代码唯一")
    failing = any(not g.passes for g in rules.scoring.grades)
    if rules.not_submitted.result == "failed" and not failing:
        yield Finding("not_submitted.result", "没有可以给予的未通过等级", "not_evaluated，或设未通过的等级")
    can_fail = rules.not_submitted.result == "failed" or failing
    if rules.outcomes and not can_fail:
        yield Finding("outcomes", "无从触发：没有未通过的等级", "至少一个 passes: false 的等级")
    told = {n.kind for n in rules.notices if n.to == "unit"}
    for outcome in rules.outcomes:
        if outcome.event and outcome.outcome not in told:
            expected = f"notices 中有 kind 为 {outcome.outcome}、to 为 unit 的文书"
            yield Finding(f"outcomes[{outcome.outcome}]", "改变称号而没有同名文书", expected)


def approval(file: VersionFile) -> Iterator[Finding]:
    """Prove that steps are unique, can be passed, and each is decided by a role that may."""
    steps = file.rules.approval.steps
    for name, count in _doubled(s.step for s in steps):
        yield Finding(f"approval.steps[{name}]", f"出现 {count} 次", "步骤代码唯一")
    for name, count in _doubled(s.name for s in steps):
        yield Finding(f"approval.steps[{name}].name", f"出现 {count} 次", "步骤名称唯一")
    roles = file.context.roles
    for step in steps:
        path = f"approval.steps[{step.step}]"
        if step.role not in roles:
            yield Finding(
                f"{path}.role", f"没有“{step.role}”这一角色", f"policies/roles.yaml 中的 {'、'.join(roles)}"
            )
        elif step.name not in roles[step.role]:
            expected = f"policies/roles.yaml 中该角色的 decides 含“{step.name}”"
            yield Finding(f"{path}.role", f"角色“{step.role}”不能决定“{step.name}”", expected)
        if "approve" not in step.answers:
            yield Finding(f"{path}.answers", "不含 approve", "可以同意，否则无法通过")
        for answer, count in _doubled(step.answers):
            yield Finding(f"{path}.answers", f"{answer} 出现 {count} 次", "各种答复各一次")


def notice_kinds(file: VersionFile) -> Iterator[Finding]:
    """Prove that every programme's answers are there, and that no notice is one that nothing makes."""
    notices = [n.kind for n in file.rules.notices]
    for kind, count in _doubled(notices):
        yield Finding(f"notices[{kind}]", f"出现 {count} 次", "文书种类唯一")
    for kind in ANSWERS:
        if kind not in notices:
            yield Finding("notices", f"缺少 {kind}", f"有 {'、'.join(ANSWERS)} 三种文书")
    if file.rules.form.attachments is not None and ATTACHMENT not in notices:
        yield Finding("notices", f"缺少 {ATTACHMENT}", f"报送表要求附件的，有 {ATTACHMENT} 文书")
    for kind in AUDITS:
        if file.rules.province_audit is not None and kind not in notices:
            yield Finding("notices", f"缺少 {kind}", f"由省级审核的，有 {'、'.join(AUDITS)} 两种文书")
    audits = AUDITS if file.rules.province_audit is not None else ()
    known = (*ANSWERS, ATTACHMENT, *audits, *RESULTS, *(o.outcome for o in file.rules.outcomes))
    for kind in (n.kind for n in file.rules.notices if n.entered and not n.series):
        yield Finding(f"notices[{kind}].entered", "没有 series", "字号由人录入的，写明机关代字")
    for kind in notices:
        if kind not in known:
            yield Finding(f"notices[{kind}].kind", "没有任何步骤会制发", "、".join(known))


def notice_templates(file: VersionFile) -> Iterator[Finding]:
    """Prove that every notice's template is there: a file ``<template>.*`` or a folder ``<template>/``."""
    folder = settings().templates
    for notice in file.rules.notices:
        if not ((folder / notice.template).is_dir() or any(folder.glob(f"{notice.template}.*"))):
            found = f"模板“{notice.template}”不存在"
            yield Finding(
                f"notices[{notice.kind}].template", found, f"reports/templates/ 下有 {notice.template}"
            )
