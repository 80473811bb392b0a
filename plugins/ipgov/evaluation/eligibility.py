"""Conditions of eligibility, exactly; and who is proposed for the title (2024-1155#15 to #31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ipgov.core.errors import UnknownError
from ipgov.evaluation.basis import in_chinese
from ipgov.policy.recognition import Condition, Gate, Listing, Recognition
from ipgov.policy.rules import FormField

Proposed = Literal["list", "refuse", "absent"]
PROPOSALS: Mapping[Proposed, str] = {
    "list": "拟认定",
    "refuse": "不予认定",
    "absent": "未进入评审",
}


@dataclass(frozen=True)
class Said:
    """What an application says in a field: a number (yes is 1, no is 0) or a text, and where."""

    value: Decimal | None
    text: str | None
    sheet: str = ""
    cell: str = ""


@dataclass(frozen=True)
class Judgement:
    """What a reviewer found of a condition, and the row that keeps it."""

    id: int
    reviewer: str
    met: bool
    reason: str


@dataclass(frozen=True)
class GateResult:
    """One condition of one applicant. ``judged_by``: logins; empty: computed."""

    unit: str
    gate: Gate
    met: bool
    found: str
    judged_by: tuple[str, ...] = ()
    judgements: tuple[int, ...] = ()

    @property
    def bars(self) -> bool:
        """Tell whether it stands in the way of the title."""
        return not self.met and not self.gate.soft

    @property
    def state(self) -> str:
        """Return how people read it."""
        return "符合" if self.met else "不符合（只作提示）" if self.gate.soft else "不符合"


def shown(field: FormField, said: Said) -> str:
    """Return what a field says as people read it."""
    if said.value is None:
        return said.text or "未填"
    if field.type == "yes_no":
        return "是" if said.value else "否"
    return f"{said.value.normalize():f}{f' {field.unit}' if field.unit else ''}"


def computed(gate: Gate, unit: str, fields: Mapping[str, FormField], says: Mapping[str, Said]) -> GateResult:
    """Return whether an applicant meets a condition, from its fields; a blank meets none.

    Raises UnknownError for a field that the form does not have.
    """
    answers = [_holds(c, says.get(c.field)) for c in gate.conditions]
    parts = []
    for condition in gate.conditions:
        field = fields.get(condition.field)
        if field is None:
            raise UnknownError(f"资格条件 {gate.code} 的栏目 {condition.field} 不在申报书中")
        said = says.get(condition.field, Said(None, None))
        at = f"（{said.sheet} {said.cell}）" if said.cell else ""
        parts.append(f"{field.label}：{shown(field, said)}{at}")
    met = any(answers) if gate.any_of else all(answers)
    return GateResult(unit, gate, met, "；".join(parts))


def _holds(condition: Condition, said: Said | None) -> bool:
    if said is None:
        return False
    if condition.at_least is not None:
        return said.value is not None and said.value >= condition.at_least
    if condition.is_yes:
        return said.value is not None and said.value == 1
    return said.text in condition.one_of


def judged(gate: Gate, unit: str, given: Sequence[Judgement], minimum: int) -> GateResult | None:
    """Return what reviewers found of a condition: met where all say so; None: too few judged it."""
    if len(given) < minimum:
        return None
    found = "；".join(f"{j.reviewer}：{'符合' if j.met else '不符合'}，{j.reason}" for j in given)
    people, rows = tuple(j.reviewer for j in given), tuple(j.id for j in given)
    return GateResult(unit, gate, all(j.met for j in given), found, people, rows)


@dataclass(frozen=True)
class Applicant:
    """What a proposal rests on. ``absent``: why it was not looked at at all; ``total`` None: not scored."""

    unit: str
    total: Decimal | None
    gates: tuple[GateResult, ...] = ()
    absent: str = ""


@dataclass(frozen=True)
class Proposal:
    """What is proposed of an applicant, why, and its place among those proposed for the title."""

    unit: str
    proposal: Proposed
    place: int | None
    reason: str

    @property
    def name(self) -> str:
        """Return what is proposed, in words."""
        return PROPOSALS[self.proposal]


def propose(rule: Recognition, applicants: Sequence[Applicant]) -> list[Proposal]:
    """Return what is proposed of each applicant: for the title by place, then refused, then absent ones.

    Places go by the total, the best first (equal ones share a place). Only who meets every condition that
    bars and reaches the score takes one.
    """
    listing = rule.listing
    in_line = [a for a in applicants if not _refusal(a, listing)]
    in_line.sort(key=lambda a: (-_total(a), a.unit))
    taken = _within_places(in_line, listing)
    units = {a.unit for a in taken}
    basis = in_chinese(listing.basis or rule.basis)
    listed = []
    for applicant in taken:
        place = 1 + sum(_total(a) > _total(applicant) for a in taken)
        soft = [g.gate.name for g in applicant.gates if not g.met]
        hint = f"；提示：{'、'.join(soft)}不符" if soft else ""
        reason = f"符合申报条件，专家评审 {applicant.total} 分，列第 {place} 位{hint}"
        listed.append(Proposal(applicant.unit, "list", place, reason))
    refused = []
    for applicant in sorted(applicants, key=lambda a: a.unit):
        if applicant.unit not in units:
            full = f"专家评审 {applicant.total} 分，未进入 {listing.places} 个名额（依据：{basis}）"
            kind: Proposed = "absent" if applicant.absent else "refuse"
            refused.append(Proposal(applicant.unit, kind, None, _refusal(applicant, listing) or full))
    refused.sort(key=lambda p: (p.proposal == "absent", p.unit))
    return [*listed, *refused]


def _total(applicant: Applicant) -> Decimal:
    assert applicant.total is not None  # noqa: S101 - who has none is refused before
    return applicant.total


def _refusal(applicant: Applicant, listing: Listing) -> str:
    """Return why an applicant cannot be proposed whatever the others are (Chinese); empty: it can."""
    if applicant.absent:
        return applicant.absent
    why = [f"{g.gate.name}：不符合（{'、'.join(g.gate.clause)}）" for g in applicant.gates if g.bars]
    if applicant.total is None:
        why.append("专家评分不足，没有评审得分")
    elif applicant.total < listing.minimum_total:
        basis = in_chinese(listing.basis)
        why.append(f"专家评审 {applicant.total} 分，低于 {listing.minimum_total} 分（依据：{basis}）")
    return "；".join(why)


def _within_places(in_line: Sequence[Applicant], listing: Listing) -> list[Applicant]:
    """Return those who take a place; ``in_line``: by total, the best first."""
    if listing.places is None or len(in_line) <= listing.places:
        return list(in_line)
    edge = _total(in_line[listing.places - 1])
    if _total(in_line[listing.places]) != edge:
        return list(in_line[: listing.places])
    if listing.tie_at_edge == "all_in":
        return [a for a in in_line if _total(a) >= edge]
    return [a for a in in_line if _total(a) > edge]
