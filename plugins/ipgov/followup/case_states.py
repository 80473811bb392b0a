"""The states of a case as data: what may happen in which, by whom, under which clause, and what it leads to.

Nothing else decides where a case stands: ``replay`` walks its events through ``TRANSITIONS``. The diagrams of
``docs/rectification.md`` are written from the same table (``case_diagram``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy.cases import CaseRules, Ending


class State(StrEnum):
    """Where a case stands."""

    OPENED = "opened"
    NOTIFIED = "notified"
    RECTIFYING = "rectifying"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PASSED = "passed"
    FAILED = "failed"
    INFORMED = "informed"
    ESTABLISHED = "established"
    DISMISSED = "dismissed"
    PROPOSED = "proposed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """Return the words that people read."""
        return _STATES[self]


_STATES = {
    State.OPENED: "已立案，待通知",
    State.NOTIFIED: "已通知，待报方案",
    State.RECTIFYING: "整改中",
    State.ACCEPTED: "验收合格",
    State.REJECTED: "验收不合格",
    State.PASSED: "再评价通过",
    State.FAILED: "再评价未通过",
    State.INFORMED: "已告知，听取陈述申辩",
    State.ESTABLISHED: "违规情形成立",
    State.DISMISSED: "违规情形不成立",
    State.PROPOSED: "拟办意见送审中",
    State.CLOSED: "已办结",
    State.WITHDRAWN: "已撤销",
}


@dataclass(frozen=True)
class CaseEvent:
    """One thing that happened. ``detail``: the due day then (``due_on``), and what belongs to the event."""

    event: str
    day: dt.date
    actor: str = ""
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def due_on(self) -> dt.date:
        """Return the last day of the period of rectification as it was known when this happened."""
        return dt.date.fromisoformat(self.detail["due_on"])


@dataclass(frozen=True)
class Standing:
    """Where a case stands, and what has come to pass in it."""

    state: State = State.OPENED
    last_day: dt.date | None = None
    plans: int = 0
    progress: int = 0
    evidence: int = 0
    extensions: int = 0
    statements: int = 0
    reply_until: dt.date | None = None  # the last day on which the body may answer a finding
    first_due: dt.date | None = None
    unsolved: tuple[int, ...] | None = None  # problems, as found at the last judgement; None: none yet
    outcome: str | None = None  # proposed, or taken effect once closed

    @property
    def ended(self) -> bool:
        """Tell whether nothing more can happen."""
        return self.state in (State.CLOSED, State.WITHDRAWN)


Guard = Callable[[CaseRules, Standing, CaseEvent], str]


def _plan_filed(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "尚未收到整改方案" if rules.plan.required and not now.plans else ""


def _progress_filed(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    short = rules.progress.minimum - now.progress
    return f"整改进展报告不足 {rules.progress.minimum} 份（已收 {now.progress} 份）" if short > 0 else ""


def _evidence_filed(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "尚未收到整改佐证材料" if rules.evidence.required and not now.evidence else ""


def _early_or_over(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "" if rules.early_acceptance else _period_over(rules, now, event)


def _period_over(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "" if event.day > event.due_on else f"整改期限 {event.due_on} 未满"


def _period_running(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "" if event.day <= event.due_on else f"整改期限 {event.due_on} 已满"


def _time_left_to_give(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    if rules.extension is None:
        return "按规则不延期"
    if now.extensions >= rules.extension.times:
        return f"按规则延期不超过 {rules.extension.times} 次"
    from ipgov.calendars.deadlines import due

    until = dt.date.fromisoformat(event.detail["until"])
    latest = due(now.first_due or event.due_on, rules.extension.maximum).date
    if until <= event.due_on:
        return f"延至 {until} 不晚于现期限 {event.due_on}"
    return f"延至 {until} 超过规则允许的最晚日期 {latest}" if until > latest else ""


def _not_evaluated_again(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "须先再评价" if rules.reevaluation is not None else ""


def _evaluated_again(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    if rules.reevaluation is None:
        return "按规则不再评价"
    return _period_over(rules, now, event) if rules.reevaluation.after == "period" else ""


def _known_outcome(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    due = ending(rules, now)
    return "" if event.detail.get("outcome") == due.outcome else f"案件当前只能拟“{due.name}”"


def _evidence_found(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    return "" if now.evidence else "没有佐证材料"


def _heard(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    if now.statements or now.reply_until is None or event.day > now.reply_until:
        return ""
    return f"尚未收到陈述申辩，且陈述申辩期限 {now.reply_until} 未满"


def _tests_met(rules: CaseRules, now: Standing, event: CaseEvent) -> str:
    lacking = rules.inquiry.unmet(event.detail.get("criteria", ())) if rules.inquiry else []
    return "；".join(
        f"未认定“{test.name}”（须认定其一：{'、'.join(c.code for c in test.any_of)}）" for test in lacking
    )


def ending(rules: CaseRules, now: Standing) -> Ending:
    """Return what the judgement of a case leads to; RefusedError where there is none."""
    if now.state in (State.ACCEPTED, State.PASSED, State.DISMISSED):
        return rules.passed
    if now.state in (State.REJECTED, State.FAILED, State.ESTABLISHED):
        return rules.failed
    raise RefusedError(f"案件“{now.state.label}”，尚无结论")


# what guards are called, in the table of the documentation
GUARDS: Mapping[Guard, str] = {
    _plan_filed: "规则要求方案的，已收方案",
    _progress_filed: "进展报告达到规则的份数",
    _evidence_filed: "规则要求佐证的，已收佐证",
    _early_or_over: "整改期满，或规则允许提前验收",
    _period_over: "整改期满",
    _period_running: "整改期未满",
    _time_left_to_give: "次数、最晚日期不超过规则",
    _not_evaluated_again: "规则不要求再评价",
    _evaluated_again: "规则要求再评价；规则要求期满的，已满",
    _known_outcome: "拟办结果与结论一致",
    _evidence_found: "已有佐证材料",
    _heard: "已收陈述申辩，或其期限已满",
    _tests_met: "规则所列的各项要件均已认定",
}


@dataclass(frozen=True)
class Transition:
    """One event: from which states, to which (None: as before), by whom, its clauses, what must hold.

    ``inquiry``: in cases of that kind alone, or in rectifications alone; None: in both.
    """

    event: str
    name: str
    sources: tuple[State, ...]
    target: State | None
    by: str
    basis: tuple[str, ...] = ("operator",)
    guards: tuple[Guard, ...] = ()
    inquiry: bool | None = None


_RUNNING = (State.NOTIFIED, State.RECTIFYING)
_CONDUCT = ("2024-1155#46", "2024-1155#47")
_AGAIN = ("2023-156#24", "2024-1155#45")

TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        "notify",
        "发出整改通知",
        (State.OPENED,),
        State.NOTIFIED,
        "系统",
        ("2023-156#23", "2024-1155#44"),
        inquiry=False,
    ),
    Transition("plan", "收到整改方案", _RUNNING, State.RECTIFYING, "整改单位", inquiry=False),
    Transition("progress", "收到进展报告", _RUNNING, None, "整改单位", guards=(_plan_filed,), inquiry=False),
    Transition("evidence", "收到佐证材料", _RUNNING, None, "整改单位", inquiry=False),
    Transition(
        "extend", "决定延期", _RUNNING, None, "规则指定的角色", guards=(_period_running, _time_left_to_give)
    ),
    Transition(
        "send_back", "退回继续整改", _RUNNING, None, "验收人员", guards=(_period_running,), inquiry=False
    ),
    Transition(
        "accept",
        "验收合格",
        _RUNNING,
        State.ACCEPTED,
        "验收人员",
        guards=(_plan_filed, _progress_filed, _evidence_filed, _early_or_over),
    ),
    Transition(
        "reject", "验收不合格", _RUNNING, State.REJECTED, "验收人员", guards=(_period_over,), inquiry=False
    ),
    Transition(
        "pass_again",
        "再评价通过",
        (State.ACCEPTED, State.REJECTED),
        State.PASSED,
        "验收人员",
        _AGAIN,
        (_evaluated_again, _plan_filed, _evidence_filed),
    ),
    Transition(
        "fail_again",
        "再评价未通过",
        (State.ACCEPTED, State.REJECTED),
        State.FAILED,
        "验收人员",
        _AGAIN,
        (_evaluated_again, _period_over),
    ),
    Transition(
        "propose",
        "拟办送审",
        (State.ACCEPTED, State.REJECTED),
        State.PROPOSED,
        "验收人员",
        guards=(_known_outcome, _not_evaluated_again),
    ),
    Transition(
        "propose",
        "拟办送审",
        (State.PASSED, State.FAILED),
        State.PROPOSED,
        "验收人员",
        guards=(_known_outcome,),
    ),
    Transition("find", "发现违规情形", (State.OPENED,), None, "规则指定的角色", _CONDUCT, inquiry=True),
    Transition(
        "inform",
        "发出告知书",
        (State.OPENED,),
        State.INFORMED,
        "审核、运行人员",
        guards=(_evidence_found,),
        inquiry=True,
    ),
    Transition("statement", "收到陈述申辩", (State.INFORMED,), None, "当事单位", inquiry=True),
    Transition(
        "establish",
        "认定成立",
        (State.INFORMED,),
        State.ESTABLISHED,
        "审核人员",
        _CONDUCT,
        (_heard, _tests_met),
        inquiry=True,
    ),
    Transition("dismiss", "认定不成立", (State.INFORMED,), State.DISMISSED, "审核人员", inquiry=True),
    Transition(
        "propose",
        "拟办送审",
        (State.ESTABLISHED, State.DISMISSED),
        State.PROPOSED,
        "审核人员",
        guards=(_known_outcome,),
        inquiry=True,
    ),
    Transition("return", "审批退回", (State.PROPOSED,), State.INFORMED, "审核、签发人员", inquiry=True),
    Transition("return", "审批退回", (State.PROPOSED,), State.RECTIFYING, "审核、签发人员", inquiry=False),
    Transition("close", "经签发办结", (State.PROPOSED,), State.CLOSED, "签发人员", ("operator",)),
    Transition(
        "withdraw",
        "撤销案件",
        (
            State.OPENED,
            State.NOTIFIED,
            State.RECTIFYING,
            State.ACCEPTED,
            State.REJECTED,
            State.PASSED,
            State.FAILED,
            State.INFORMED,
            State.ESTABLISHED,
            State.DISMISSED,
        ),
        State.WITHDRAWN,
        "系统（所依结果已更正，或发现已撤回）",
    ),
)
EVENTS: Mapping[str, str] = {t.event: t.name for t in TRANSITIONS}


def apply(rules: CaseRules, now: Standing, event: CaseEvent) -> Standing:
    """Return where a case stands after an event.

    Raises UnknownError for an unknown event; RefusedError where it cannot happen now, with every reason.
    """
    if event.event not in EVENTS:
        raise UnknownError(f"没有名为“{event.event}”的案件事项；可用：{'、'.join(EVENTS)}")
    name = EVENTS[event.event]
    if now.last_day is not None and event.day < now.last_day:
        raise RefusedError(f"不能“{name}”：{event.day} 早于案件已有的事项（{now.last_day}）")
    ours = [
        t for t in TRANSITIONS if t.event == event.event and t.inquiry in (None, rules.inquiry is not None)
    ]
    if not ours:
        raise RefusedError(f"不能“{name}”：{rules.name}案件没有这一步")
    possible = [t for t in ours if now.state in t.sources]
    if not possible:
        expected = dict.fromkeys(s.label for t in ours for s in t.sources)
        raise RefusedError(f"不能“{name}”：案件“{now.state.label}”；应为：{'、'.join(expected)}")
    (transition,) = possible
    if reasons := [r for guard in transition.guards if (r := guard(rules, now, event))]:
        raise RefusedError(f"不能“{name}”：{'；'.join(reasons)}")
    return _counted(replace(now, state=transition.target or now.state, last_day=event.day), event)


def _counted(now: Standing, event: CaseEvent) -> Standing:
    match event.event:
        case "notify":
            return replace(now, first_due=event.due_on)
        case "plan":
            return replace(now, plans=now.plans + 1)
        case "progress":
            return replace(now, progress=now.progress + 1)
        case "evidence" | "find":
            return replace(now, evidence=now.evidence + event.detail["kept"])
        case "inform":
            return replace(now, reply_until=dt.date.fromisoformat(event.detail["reply_until"]))
        case "statement":
            return replace(now, statements=now.statements + 1)
        case "extend":
            return replace(now, extensions=now.extensions + 1)
        case "accept" | "reject" | "establish" | "dismiss":
            return replace(now, unsolved=tuple(event.detail["unsolved"]))
        case "propose":
            return replace(now, outcome=event.detail["outcome"])
        case "return":
            # what was found before is void with the approval that it did not get
            return replace(now, outcome=None, unsolved=None)
    return now


def replay(rules: CaseRules, events: Iterable[CaseEvent]) -> Standing:
    """Return where a case stands after its events, in order."""
    now = Standing()
    for event in events:
        now = apply(rules, now, event)
    return now
