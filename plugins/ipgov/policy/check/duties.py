"""The duties: every duty can open, be reckoned, be met and be told to somebody."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.check.finding import Context, Finding
from ipgov.policy.check.sources import Sources
from ipgov.policy.duties import Duty, DutyFile, Ladder, Rung
from ipgov.policy.duty_store import parse_duties
from ipgov.policy.store import read_yaml

BODY_PARTIES = {"body", "host", "operating"}


@dataclass(frozen=True)
class DutyFiles:
    """Every file of ``policies/duties/`` that could be read, by name, and what they may refer to."""

    files: Mapping[str, DutyFile]
    provinces: frozenset[str]
    context: Context
    outcomes: Mapping[str, frozenset[str]]  # that the rules of a programme can propose
    grades: Mapping[str, frozenset[str]]  # that they can give

    @property
    def every(self) -> list[tuple[str, Duty]]:
        """Return every duty with the name of its file."""
        return [(name, duty) for name, file in self.files.items() for duty in file.duties]

    @property
    def by_code(self) -> dict[str, Duty]:
        """Return the duties by code; of several entries the last."""
        return {duty.code: duty for _, duty in self.every}


def read_duty_files(sources: Sources) -> tuple[DutyFiles, list[Problem]]:
    """Read ``policies/duties/`` afresh; what cannot be read becomes a problem, and counts as empty."""
    folder: Path = settings().policies
    files: dict[str, DutyFile] = {}
    problems: list[Problem] = []
    for path in sorted((folder / "duties").glob("*.yaml")):
        name = f"policies/duties/{path.name}"
        try:
            files[name], _ = parse_duties(path.read_bytes(), name)
        except GovernanceError as error:
            problems += error.problems or (
                Problem("policy_readable", error.message, "可读取的职责文件", name),
            )
    raw = read_yaml((folder / "provinces.yaml").read_bytes(), "policies/provinces.yaml")
    codes = {e["code"] for group in ("provinces", "outside_standard") for e in raw[group]["entries"]}
    readable = [p for p in sources.programmes if not p.unreadable]
    outcomes = {
        p.name: frozenset(o.outcome for file in p.files for o in file.rules.outcomes) for p in readable
    }
    grades = {
        p.name: frozenset(g.name for file in p.files for g in file.rules.scoring.grades) for p in readable
    }
    return DutyFiles(files, frozenset(codes), sources.context, outcomes, grades), problems


def without_rules(duties: DutyFiles, programmes: Collection[str]) -> list[str]:
    """Return, file by file, which programmes have duties and no rules: what these say cannot be compared.

    That is allowed (a title may exist before anything is evaluated), so it is told and no problem.
    """
    told = []
    for name, file in duties.files.items():
        for programme in dict.fromkeys(d.programme for d in file.duties):
            if programme not in programmes:
                asked = [d for d in file.duties if d.programme == programme]
                named = [*(g for d in asked for g in d.opened_by.grades or ())]
                named += [o for d in asked for o in d.opened_by.outcomes or ()]
                words = "、".join(dict.fromkeys(named))
                told.append(
                    f"{name}：“{programme}”尚无规则文件，{len(asked)} 项职责"
                    + (f"所依的等级、结果（{words}）未能核对" if words else "没有需要核对的等级、结果")
                )
    return told


def duty_documents(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that every file is of a registered document, and none of its duties lies outside its life."""
    documents = duties.context.documents
    for name, file in duties.files.items():
        document = documents.get(file.document)
        if document is None:
            yield Finding("document", f"文件“{file.document}”未登记", "登记于 policies/documents.yaml", name)
            continue
        for duty in file.duties:
            path = f"duties[{duty.code}].effective"
            if duty.effective < document.effective:
                yield Finding(
                    path,
                    f"{duty.effective} 早于 {document.number}的施行日期",
                    f"{document.effective} 或以后",
                    name,
                )
            if document.repealed is not None and duty.effective >= document.repealed:
                yield Finding(path, f"{duty.effective} 时 {document.number}已废止", "废止之前", name)


def duty_clauses(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that every clause named anywhere exists, and those of a duty are of the file's document."""
    for name, file in duties.files.items():
        for path, block in _blocks(file):
            for clause in block.clause:
                if clause not in duties.context.clauses:
                    yield Finding(
                        f"{path}.clause", f"“{clause}”不在条款清单中", "policies/clauses.csv 的编号", name
                    )
                elif not clause.startswith(f"{file.document}#"):
                    yield Finding(
                        f"{path}.clause", f"“{clause}”是另一文件的条款", f"{file.document} 的条款", name
                    )


def _blocks(file: DutyFile) -> Iterator[tuple[str, Block]]:
    for ladder in file.ladders:
        yield f"ladders[{ladder.code}]", ladder
        for rung in ladder.rungs:
            yield f"ladders[{ladder.code}].rungs[{rung.step}]", rung
    for duty in file.duties:
        path = f"duties[{duty.code}]"
        yield path, duty
        yield f"{path}.opened_by", duty.opened_by
        yield f"{path}.due", duty.due
        if duty.due.limit is not None:
            yield f"{path}.due.limit", duty.due.limit
        for kind in duty.opened_by.occurrences or ():
            yield f"{path}.opened_by.occurrences[{kind.code}]", kind


def duty_codes(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that no code is entered twice from one day, and a code never changes its programme."""
    days = Counter((duty.code, duty.effective) for _, duty in duties.every)
    first: dict[str, Duty] = {}
    for name, duty in duties.every:
        path = f"duties[{duty.code}]"
        if days.pop((duty.code, duty.effective), 0) > 1:
            yield Finding(f"{path}.effective", f"自 {duty.effective} 起的有不止一条", "每天只有一条", name)
        other = first.setdefault(duty.code, duty)
        if other.programme != duty.programme:
            found = f"“{duty.programme}”与同一代码的“{other.programme}”不同"
            yield Finding(f"{path}.programme", found, "同一代码属于同一业务", name)


def duty_chains(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that ``after`` and ``part_of`` name duties of the same programme and lead nowhere in a circle."""
    known = duties.by_code
    for name, duty in duties.every:
        for key, other in (("opened_by.after", duty.opened_by.after), ("part_of", duty.part_of)):
            path = f"duties[{duty.code}].{key}"
            if other is None:
                continue
            if other not in known:
                yield Finding(path, f"“{other}”不是职责", "、".join(known), name)
            elif known[other].programme != duty.programme:
                yield Finding(
                    path, f"“{other}”属于“{known[other].programme}”", f"“{duty.programme}”的职责", name
                )
            elif _leads_back(duty.code, known):
                yield Finding(path, "绕成一圈", "最终归于一项由事实开启的职责", name)


def _leads_back(code: str, known: Mapping[str, Duty]) -> bool:
    seen, waiting = set[str](), [code]
    while waiting:
        duty = known.get(waiting.pop())
        for other in () if duty is None else (duty.opened_by.after, duty.part_of):
            if other == code:
                return True
            if other is not None and other not in seen:
                seen.add(other)
                waiting.append(other)
    return False


def duty_parts(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that a part of a case opens together with it, so that it always finds the case."""
    known = duties.by_code
    for name, duty in duties.every:
        whole = known.get(duty.part_of or "")
        if whole is not None and _opening(duty) != _opening(whole):
            expected = f"与 {whole.code} 相同的 opened_by 与 routes"
            yield Finding(f"duties[{duty.code}].part_of", "与所属事项的开启不同", expected, name)


def _opening(duty: Duty) -> tuple[dict[str, object], object]:
    return duty.opened_by.model_dump(exclude={"clause", "operator"}), duty.routes


def duty_kinds(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that a kind of occurrence opens one duty of its programme."""
    openers: dict[tuple[str, str], str] = {}
    for name, duty in duties.every:
        for kind in duty.opened_by.occurrences or ():
            other = openers.setdefault((duty.programme, kind.code), duty.code)
            if other != duty.code:
                path = f"duties[{duty.code}].opened_by.occurrences[{kind.code}]"
                yield Finding(path, f"也开启 {other}", "每种事项只开启一项职责", name)


def duty_outcomes(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that an outcome that opens a duty is one that the rules of its programme can propose."""
    for name, duty in duties.every:
        known = duties.outcomes.get(duty.programme)
        for outcome in duty.opened_by.outcomes or ():
            if known is not None and outcome not in known:
                path = f"duties[{duty.code}].opened_by.outcomes"
                yield Finding(path, f"“{outcome}”不是该业务规则的结果", "、".join(sorted(known)), name)


def duty_grades(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that a grade that opens a duty is one that the rules of its programme can give."""
    for name, duty in duties.every:
        known = duties.grades.get(duty.programme)
        for grade in duty.opened_by.grades or ():
            if known is not None and grade not in known:
                path = f"duties[{duty.code}].opened_by.grades"
                expected = "、".join(sorted(known)) or "该业务规则没有等级"
                yield Finding(path, f"“{grade}”不是该业务规则的等级", expected, name)


def duty_days(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that a duty opens while it has effect, is due after it opens, and leaves out only provinces."""
    for name, duty in duties.every:
        path, opens, due = f"duties[{duty.code}]", duty.opened_by.day, duty.due.day
        last = duty.ends or dt.date.max
        if opens is not None and not duty.effective <= opens <= last:
            yield Finding(f"{path}.opened_by.day", f"{opens} 不在施行期内", f"{duty.effective} 起", name)
        if opens is not None and due is not None and due < opens:
            yield Finding(f"{path}.due.day", f"{due} 早于开启日 {opens}", "开启日或以后", name)
        for code in duty.opened_by.without:
            if code not in duties.provinces:
                expected = "policies/provinces.yaml 的代码"
                yield Finding(f"{path}.opened_by.without", f"“{code}”不是省级代码", expected, name)


def duty_parties(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that whoever owes, is owed or is reminded can be told of an obligation without a body."""
    known = duties.by_code
    for name, file in duties.files.items():
        ladders = {ladder.code: ladder for ladder in file.ladders}
        for duty in file.duties:
            whom = _whom(duty, known)
            if whom not in ("provinces", "office"):
                continue
            missing = BODY_PARTIES if whom == "provinces" else BODY_PARTIES | {"province"}
            ladder = ladders.get(duty.ladder or "")
            asked = {duty.owed_by, duty.owed_to, *(p for r in _rungs(ladder) for p in r.to)}
            for party in sorted(asked & missing):
                expected = "province、office" if whom == "provinces" else "office"
                yield Finding(f"duties[{duty.code}]", f"没有所涉单位，无从确定“{party}”", expected, name)


def _whom(duty: Duty, known: Mapping[str, Duty]) -> str | None:
    at: Duty | None = duty
    for _ in known:
        if at is None or at.opened_by.after is None:
            break
        at = known.get(at.opened_by.after)
    return None if at is None else at.opened_by.whom


def _rungs(ladder: Ladder | None) -> tuple[Rung, ...]:
    return () if ladder is None else ladder.rungs


def ladders_in_order(duties: DutyFiles) -> Iterator[Finding]:
    """Prove that ladders have distinct codes and steps, every step after the one before it, and are used."""
    for name, file in duties.files.items():
        for code, count in Counter(ladder.code for ladder in file.ladders).items():
            if count > 1:
                yield Finding(f"ladders[{code}]", f"出现 {count} 次", "各层级代码各一次", name)
        used = {duty.ladder for duty in file.duties}
        for ladder in file.ladders:
            if ladder.code not in used:
                yield Finding(f"ladders[{ladder.code}]", "没有职责使用", "删去，或由职责使用", name)
            for step, count in Counter(r.step for r in ladder.rungs).items():
                if count > 1:
                    yield Finding(
                        f"ladders[{ladder.code}].rungs[{step}]", f"出现 {count} 次", "各步一次", name
                    )
            places = [_place(r) for r in ladder.rungs]
            for rung, place, before in zip(ladder.rungs[1:], places[1:], places, strict=False):
                if place <= before:
                    path = f"ladders[{ladder.code}].rungs[{rung.step}]"
                    expected = "依次为开启、过半、到期前（由远及近）、到期、逾期后（由近及远）"
                    yield Finding(path, "不在前一步之后", expected, name)


def _place(rung: Rung) -> tuple[int, int]:
    if rung.working_days_before is not None:
        return (2, -rung.working_days_before)
    if rung.working_days_after is not None:
        return (4, rung.working_days_after)
    return ({"opening": 0, "halfway": 1, "due": 3}[rung.at or "due"], 0)


DUTY_CHECKS = (
    duty_documents,
    duty_clauses,
    duty_codes,
    duty_chains,
    duty_parts,
    duty_kinds,
    duty_outcomes,
    duty_grades,
    duty_days,
    duty_parties,
    ladders_in_order,
)
