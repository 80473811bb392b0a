"""A programme's versions against each other: one for every day and period, forms that keep their meaning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from ipgov.policy import store
from ipgov.policy.check.finding import Finding, Programme, VersionFile
from ipgov.policy.earlier import difference
from ipgov.policy.rules import Form

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Interval:
    """The days on which a version governs; ``last`` None: until further notice."""

    file: VersionFile
    first: dt.date
    last: dt.date | None


def intervals(programme: Programme) -> list[Interval]:
    """Return the interval of each version in force, in order of effect."""
    files = programme.in_force
    following = [f.rules.effective - ONE_DAY for f in files[1:]]
    lasts: list[dt.date | None] = [*following, None]
    return [Interval(f, f.rules.effective, last) for f, last in zip(files, lasts, strict=False)]


def no_gap_and_no_overlap(programme: Programme) -> Iterator[Finding]:
    """Prove that every day since the first version selects exactly one.

    Which version is selected changes only on a day of effect, so the first and last day of every interval
    prove all days between them.
    """
    found = intervals(programme)
    if not found:
        yield Finding("status", "没有 in_force 的版本", "至少有一个施行的版本")
        return
    for interval, following in pairwise(found):
        if interval.first == following.first:
            names = f"{interval.file.stem} 与 {following.file.stem}"
            yield Finding("effective", f"{names} 同自 {interval.first} 起施行", "同日只有一个施行的版本")
            return
    for interval in found:
        for on in {interval.first, interval.last or dt.date.max}:
            selected = store.covering((f.loaded for f in programme.files), on)
            if selected is not interval.file.loaded:
                of = selected.source if selected else "没有规则"
                yield Finding("effective", f"{on} 适用 {of}", f"适用 {interval.file.name}")
    for interval, following in pairwise(found):
        if interval.last is None or interval.last + ONE_DAY != following.first:
            yield Finding("effective", f"{interval.last} 与 {following.first} 之间没有规则", "各版本首尾相接")


def every_period_has_rules(programme: Programme) -> Iterator[Finding]:
    """Prove that the first period ends when a version is in force."""
    first = min((f.rules.effective for f in programme.in_force), default=None)
    for file in programme.in_force:
        period = file.rules.cycle.first_period
        if first is not None and dt.date(period, 12, 31) < first:
            expected = f"期末不早于首个版本的施行日 {first}"
            yield Finding("cycle.first_period", f"为 {period}，该期末尚无规则", expected, file=file.name)


def form_versions(programme: Programme) -> Iterator[Finding]:
    """Prove that accepted form versions exist by then, and that one number never means two forms."""
    known: dict[tuple[str, int], tuple[str, Form]] = {}
    drafts = [f for f in programme.files if f.rules.status == "draft"]
    for file in (*programme.in_force, *sorted(drafts, key=lambda f: f.rules.effective)):
        form = file.rules.form
        before = known.setdefault((form.id, form.version), (file.name, form))
        if (before[1].sheets, before[1].attachments) != (form.sheets, form.attachments):
            found = f"仍为 {form.version}，栏目却与 {before[0]} 不同"
            yield Finding("form.version", found, "栏目有改动即用新的版本号", file=file.name)
        if form.version not in form.accepts:
            yield Finding("form.accepts", f"不含本表版本 {form.version}", "至少接受本表版本", file=file.name)
        for accepted in form.accepts:
            if (form.id, accepted) not in known:
                versions = "、".join(str(v) for i, v in sorted(known) if i == form.id)
                expected = f"本版本或更早规则中 {form.id} 已有的版本（{versions}）"
                yield Finding("form.accepts", f"接受不存在的版本 {accepted}", expected, file=file.name)


def earlier_fields(programme: Programme) -> Iterator[Finding]:
    """Prove that what a file on an accepted earlier template says is what today's form asks.

    Every field named there existed, means the same but for a power of ten, and answers one of today's; a code
    kept under another label is named, so that a code never silently means two things.
    """
    issued = {(f.rules.form.id, f.rules.form.version): f.rules.form for f in programme.files}
    for file in programme.files:
        form = file.rules.form
        for code, field in form.fields.items():
            for version in field.earlier:
                if (form.id, version) not in issued or version >= form.version:
                    yield Finding(
                        f"form.sheets.fields[{code}].earlier",
                        f"第 {version} 版不是本表以前的版本",
                        "本表以前版本的 form.version",
                        file=file.name,
                    )
        for version in form.accepts:
            if version != form.version and (older := issued.get((form.id, version))):
                for found in _carried(form, older):
                    yield replace(found, file=file.name)


def _carried(form: Form, older: Form) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for code, field in form.fields.items():
        path, named = f"form.sheets.fields[{code}].earlier", older.version in field.earlier
        old_code = field.earlier.get(older.version, code)
        then = older.fields.get(old_code) if old_code else None
        if then is None:
            if named and old_code:
                yield Finding(path, f"第 {older.version} 版没有栏目 {old_code}", "该版的栏目代码，或 null")
            continue
        if then.code in taken:
            yield Finding(
                path,
                f"第 {older.version} 版的 {then.code} 已由栏目 {taken[then.code]} 承接",
                "一栏只由一栏承接",
            )
        taken[then.code] = code
        if not named and then.label != field.label:
            found = f"未写明：第 {older.version} 版的 {code} 是“{then.label}”，今为“{field.label}”"
            yield Finding(path, found, f'"{older.version}": {code}（同一内容）或 null（不是同一内容）')
        if found := difference(then, field):
            yield Finding(
                path, f"与第 {older.version} 版的 {then.code} 不能承接：{found}", "写 null，或改为一致"
            )
