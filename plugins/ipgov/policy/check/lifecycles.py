"""Checks of ``policies/lifecycles/``: no dead states, no title without recognition, none ended unapproved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.policy import lifecycles
from ipgov.policy.check.finding import Context, Finding
from ipgov.policy.check.sources import Sources
from ipgov.policy.lifecycles import RECOGNISED, Event, Lifecycle
from ipgov.policy.title_words import title_words

# what procedures do to titles by themselves: an approved recognition, an outcome, its withdrawal
_REQUIRED = (RECOGNISED, "cancelled", "restored")


@dataclass(frozen=True)
class LifecycleFile:
    """A lifecycle, the file it stands in (``policies/lifecycles/<stem>.yaml``), what it may refer to."""

    stem: str
    life: Lifecycle
    context: Context


def read_lifecycles(sources: Sources) -> tuple[tuple[LifecycleFile, ...], list[Problem]]:
    """Return what could be read, and the problems of what could not, and of titles without a lifecycle."""
    found, problems = [], list[Problem]()
    for path in lifecycles.files():
        try:
            found.append(LifecycleFile(path.stem, lifecycles.load(path), sources.context))
        except GovernanceError as error:
            name = f"policies/lifecycles/{path.name}"
            problems += error.problems or (
                Problem("policy_readable", error.message, "有效的 YAML", file=name),
            )
    there = {path.stem for path in lifecycles.files()}
    for programme in sources.programmes:
        # a file that is not about its folder's programme is told of as that
        titles = {f.rules.title_programme for f in programme.files if f.rules.programme == programme.name}
        for title in sorted(titles - there):
            expected = f"policies/lifecycles/{title}.yaml"
            found_of = f"业务“{programme.name}”所管称号“{title}”没有周期"
            problems.append(
                Problem("policy_title_lives", found_of, expected, file=f"policies/{programme.name}")
            )
    return tuple(found), problems


def life_named(file: LifecycleFile) -> Iterator[Finding]:
    """Prove that the file is named after its programme, and its words are those of ``titles.yaml``."""
    life = file.life
    if life.programme != file.stem:
        yield Finding("programme", f"为 {life.programme}", f"与文件名一致：{file.stem}")
        return
    try:
        words = title_words(life.programme)
    except UnknownError as error:
        yield Finding("programme", error.message, "称号用词登记于 policies/titles.yaml")
        return
    except GovernanceError:
        return  # its rules cannot be read: told where they are checked
    if life.title != words.title:
        yield Finding("title", f"为“{life.title}”", f"titles.yaml 所载“{words.title}”")
    for event in life.events:
        if event.code in _REQUIRED and event.name != words.event(event.code):
            expected = f"titles.yaml 所载“{words.event(event.code)}”"
            yield Finding(f"events[{event.code}].name", f"为“{event.name}”", expected)


def life_clauses(file: LifecycleFile) -> Iterator[Finding]:
    """Prove that every event cites a clause or the operator, and every clause exists and was in force."""
    life = file.life
    for event in life.events:
        if not event.basis:
            yield Finding(
                f"events[{event.code}]", "没有自己的依据", "写明 clause（条款）或 operator（运行方自定）"
            )
    blocks = [
        ("", life.clause),
        *((f"states[{s.code}].", s.clause) for s in life.states),
        *((f"events[{e.code}].", e.clause) for e in life.events),
    ]
    for place, clauses in blocks:
        for clause in clauses:
            document = file.context.documents.get(clause.partition("#")[0])
            if clause not in file.context.clauses or document is None:
                yield Finding(f"{place}clause", f"“{clause}”不在条款清单中", "clauses.csv 中的编号")
            elif document.effective > life.effective:
                expected = f"effective 不早于 {document.effective}"
                yield Finding(f"{place}clause", f"“{clause}”在 {life.effective} 尚未施行", expected)


def life_reachable(file: LifecycleFile) -> Iterator[Finding]:
    """Prove that every state can be reached, and every event can happen."""
    life = file.life
    reached = _reached(life, life.events)
    for state in life.states:
        if state.code not in reached:
            yield Finding(f"states[{state.code}]", "无法到达", "有事项通往该状态，否则删去")
    for event in life.events:
        if not reached.intersection(event.from_):
            yield Finding(f"events[{event.code}].from", "所列状态均无法到达，事项不会发生", "可到达的状态")


def life_recognition(file: LifecycleFile) -> Iterator[Finding]:
    """Prove that nothing but recognition gives a title, and what procedures record is there."""
    life = file.life
    codes = {e.code: e for e in life.events}
    for code in _REQUIRED:
        if code not in codes:
            yield Finding("events", f"缺少 {code}", f"须有：{'、'.join(_REQUIRED)}")
    given = codes.get(RECOGNISED)
    if given is not None and (given.to is None or not life.state(given.to).titled):
        yield Finding(f"events[{RECOGNISED}].to", f"为 {given.to}", "持有称号（titled: true）的状态")
    without = _reached(life, [e for e in life.events if e.code != RECOGNISED])
    for state in life.states:
        if state.titled and state.code in without:
            yield Finding(f"states[{state.code}]", f"不经 {RECOGNISED} 即可到达", "称号只由认定授予")


def life_endings(file: LifecycleFile) -> Iterator[Finding]:
    """Prove that no title is taken away, and none given back, without an approval."""
    life = file.life
    for event in life.events:
        if event.to is None or "approval" in event.needs:
            continue
        before = {life.state(code).titled for code in event.from_}
        if event.code in life.ending:
            yield Finding(f"events[{event.code}].needs", "结束称号而无须审批", "needs 含 approval")
        elif event.code != RECOGNISED and life.state(event.to).titled and before != {True}:
            yield Finding(f"events[{event.code}].needs", "恢复称号而无须审批", "needs 含 approval")


LIFECYCLE_CHECKS: tuple[Callable[[LifecycleFile], Iterator[Finding]], ...] = (
    life_named,
    life_clauses,
    life_reachable,
    life_recognition,
    life_endings,
)


def _reached(life: Lifecycle, events: Iterable[Event]) -> set[str]:
    """Return the states that these events lead to from the initial one, itself among them."""
    reached, news, usable = {life.initial.code}, True, list(events)
    while news:
        more = {e.to for e in usable if e.to is not None and reached.intersection(e.from_)} - reached
        reached |= more
        news = bool(more)
    return reached
