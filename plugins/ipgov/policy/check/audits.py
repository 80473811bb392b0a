"""What the province's audit of a programme meets: the duties that it names, against those there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.check.sources import Sources
from ipgov.policy.duties import Duty

# key of province_audit → who owes the duty, to whom, of the bodies of which route
_MEETS = {"duty": ("province", "office", "province"), "copy_duty": ("body", "province", "direct")}


def audit_duties(sources: Sources, duties: Mapping[str, Duty]) -> Iterator[Finding]:
    """Prove that forwarding, and the copy of a direct report, meet a duty that can be met by them.

    A name that is wrong would count nobody's copy, and remind every province that has forwarded.
    """
    for file in (f for p in sources.programmes for f in p.files):
        for key, parties in _MEETS.items():
            code = getattr(file.rules.province_audit, key, "")
            if code:
                for found, expected in _wrong(file, duties.get(code), *parties):
                    yield Finding(f"province_audit.{key}", f"“{code}”{found}", expected, file=file.name)


def _wrong(
    file: VersionFile, duty: Duty | None, owed_by: str, owed_to: str, route: str
) -> Iterator[tuple[str, str]]:
    if duty is None:
        yield "不是职责", "policies/duties 中职责的代码"
        return
    if duty.collected_in != file.programme:
        yield f"属“{duty.collected_in}”", f"“{file.programme}”年度的职责（cycle）"
    if (duty.owed_by, duty.owed_to) != (owed_by, owed_to):
        yield f"由 {duty.owed_by} 向 {duty.owed_to} 履行", f"由 {owed_by} 向 {owed_to} 履行的职责"
    if duty.met_by != "report":
        yield f"以 {duty.met_by} 办结", "以 report 办结的职责"
    if duty.routes != (route,):
        yield f"的 routes 为 {'、'.join(duty.routes) or '全部'}", f"routes 只含 {route}"
