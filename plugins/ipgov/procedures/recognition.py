"""From frozen applications to the list that is put before the office: conditions, scores, proposals.

Freezing, checking, scoring and opening the round are those of every evaluation (``evaluation_cycle``); here
is what recognition has besides (2024-1155#15 to #31).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import Problem, RefusedError
from ipgov.core.fingerprint import fingerprint, short_code
from ipgov.core.steps import Cycle, Mode, StepResult, run_step
from ipgov.core.tables import (
    province_audit,
    recognition_gate,
    recognition_list,
    recognition_proposal,
    result_set,
    snapshot_audit,
    snapshot_unit,
)
from ipgov.decisions import gate_judgements, ratings, rounds
from ipgov.documents import recognition_sheet
from ipgov.documents.model import SIMULATION_BANNER, printable
from ipgov.documents.recognition_sheet import GateRow, RecognitionList, Row
from ipgov.evaluation import eligibility
from ipgov.evaluation.eligibility import Applicant, GateResult, Judgement, Proposal, Said
from ipgov.policy.duty_store import duties
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.gate_review import rule_of, said
from ipgov.procedures.rated_sources import rating_flags
from ipgov.procedures.rating_lists import UnitResult, unit_results
from ipgov.quality import findings as quality_findings
from ipgov.registry.codes import province_name
from ipgov.registry.organisations import organisation

ROUTES = {"province": "经省级申报", "direct": "中央企业直接申报"}
_ABSENT = {"late": "申报书逾期报送", "returned": "申报书被退回，未更正"}


@dataclass(frozen=True)
class _Looked:
    """An applicant with everything that was found of it."""

    result: UnitResult
    submission_id: int | None
    host: str
    name: str  # applied for, else as registered
    industry: str
    gates: tuple[GateResult, ...]
    proposal: Proposal


def make_list(cycle: Cycle, result_set_id: int) -> StepResult:
    """Judge every condition, propose, and write the list that the reviewers read.

    Raises RefusedError where a live round's conditions are not all judged yet, naming every one that is
    open, and where the period's list has been issued.
    """
    with reading() as connection:
        loaded = rules_of(connection, cycle)
        if cycle.mode is Mode.LIVE:
            _refuse_issued(connection, cycle)
        looked = _look(connection, cycle, loaded, result_set_id)
        listed = _compose(connection, cycle, loaded, result_set_id, looked)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    data = recognition_sheet.write(listed, banner)
    sha256 = objects.put_content(data)
    inputs = fingerprint([result_set_id, sha256, [_key(one) for one in looked]])

    def work(connection: Connection) -> StepResult:
        name = f"{loaded.rules.title}-{cycle.period}-拟认定名单.xlsx"
        key = f"reports/{cycle.programme}/{cycle.period}/{cycle.mode}/{sha256[:12]}-{name}"
        objects.store().put(key, data, once=True)
        list_id = _save(connection, cycle, result_set_id, inputs, sha256, looked)
        named = [one.result.unit for one in looked if one.proposal.proposal == "list"]
        output = {"list_id": list_id, "rating_list_sha256": sha256, "key": key, "listed": named}
        return StepResult(read=len(looked), written=1, found=len(named), output=output)

    return run_step(cycle, "recognition_list", inputs, work)


def _refuse_issued(connection: Connection, cycle: Cycle) -> None:
    if rounds.issued_round(connection, cycle.programme, cycle.period, cycle.known_at) is not None:
        raise RefusedError(f"{cycle.period} 年度的名单已经签发，不再另拟")


def _key(one: _Looked) -> list[Any]:
    gates = [[g.gate.code, g.met, g.found, g.judgements] for g in one.gates]
    proposal = one.proposal
    return [proposal.unit, one.name, one.industry, proposal.proposal, proposal.place, proposal.reason, gates]


def _look(connection: Connection, cycle: Cycle, loaded: Loaded, result_set_id: int) -> list[_Looked]:
    """Return every applicant, those proposed for the title by place, then the others by code."""
    rules, rule = loaded.rules, rule_of(loaded.rules)
    results = {r.unit: r for r in unit_results(connection, rules, result_set_id)}
    frozen = _frozen(connection, result_set_id)
    ids = [row["submission_id"] for row in frozen.values() if row["submission_id"] is not None]
    says = said(connection, ids)
    gates = _gates(connection, cycle, rules, frozen, says)
    answers = _answers(connection, _snapshot(connection, result_set_id))
    applicants = [
        Applicant(
            unit, r.total, gates.get(unit, ()), "" if unit in gates else _absent(cycle, rules, r, answers)
        )
        for unit, r in results.items()
    ]
    looked = []
    for proposal in eligibility.propose(rule, applicants):
        unit, row = proposal.unit, frozen[proposal.unit]
        own = says.get(row["submission_id"], {})
        looked.append(
            _Looked(
                results[unit],
                row["submission_id"],
                organisation(connection, row["host_code"], cycle.as_of, cycle.known_at).name,
                _text(own, rule.naming.field) or results[unit].name,
                _text(own, rule.naming.industry),
                gates.get(unit, ()),
                proposal,
            )
        )
    return looked


def _absent(
    cycle: Cycle, rules: RuleVersion, result: UnitResult, answers: Mapping[str, tuple[str, int | None, str]]
) -> str:
    """Say why an application did not come before the reviewers, with the clause."""
    audit = rules.province_audit
    if audit is not None and result.state == "not_copied":
        duty = duties().governing(audit.copy_duty, cycle.as_of)
        basis = "、".join(duty.duty.clause) if duty else ""
        return f"直接申报，没有申报材料报所在地省级知识产权管理部门备案的记录（{basis}）"
    if audit is not None and result.state in ("not_forwarded", "returned_by_province"):
        answer, _, opinion = answers.get(result.unit, ("省级未审核", None, ""))
        said_ = f"：{printable(opinion)}" if opinion else ""
        return f"未经省级知识产权管理部门推荐（{answer}{said_}；{'、'.join(audit.clause)}）"
    return _ABSENT.get(result.state, f"未进入复核评审（{result.state_name}）")


def _snapshot(connection: Connection, result_set_id: int) -> int:
    query = select(result_set.c.snapshot_id).where(result_set.c.id == result_set_id)
    return int(connection.execute(query).scalar_one())


def _text(says: Mapping[str, Said], field: str) -> str:
    found = says.get(field)
    return printable(found.text) if found is not None and found.text else ""


def _frozen(connection: Connection, result_set_id: int) -> dict[str, Mapping[str, Any]]:
    rows = connection.execute(
        select(snapshot_unit)
        .join(result_set, result_set.c.snapshot_id == snapshot_unit.c.snapshot_id)
        .where(result_set.c.id == result_set_id)
        .order_by(snapshot_unit.c.unit)
    ).mappings()
    return {row["unit"]: dict(row) for row in rows}


def _gates(
    connection: Connection,
    cycle: Cycle,
    rules: RuleVersion,
    frozen: Mapping[str, Mapping[str, Any]],
    says: Mapping[int, Mapping[str, Said]],
) -> dict[str, tuple[GateResult, ...]]:
    """Return every condition of every application that was frozen; RefusedError where one is not judged."""
    rule = rule_of(rules)
    given = gate_judgements.standing(connection, cycle.programme, cycle.period, says, cycle.known_at)
    by_pair: dict[tuple[str, str], list[Judgement]] = {}
    for g in given:
        by_pair.setdefault((g.unit, g.gate), []).append(Judgement(g.id, g.reviewer, g.met, g.reason))
    found: dict[str, tuple[GateResult, ...]] = {}
    open_: list[Problem] = []
    for unit, row in frozen.items():
        if row["submission_id"] is None:
            continue
        own: list[GateResult] = []
        for gate in rule.gates:
            if not gate.judged:
                own.append(eligibility.computed(gate, unit, rules.form.fields, says[row["submission_id"]]))
                continue
            there = by_pair.get((unit, gate.code), [])
            judged = eligibility.judged(gate, unit, there, rule.judging.minimum)
            if judged is not None:
                own.append(judged)
            else:
                told = f"{unit} {row['name']}：{gate.code} {gate.name}尚未判断"
                open_.append(Problem("gate_open", told, f"至少 {rule.judging.minimum} 人判断"))
        found[unit] = tuple(own)
    if open_:
        raise RefusedError(f"申报条件尚有 {len(open_)} 处未判断，不能拟定名单", tuple(open_))
    return found


def _save(
    connection: Connection,
    cycle: Cycle,
    result_set_id: int,
    inputs: str,
    sha256: str,
    looked: Sequence[_Looked],
) -> int:
    list_id = int(
        connection.execute(
            recognition_list.insert()
            .values(
                result_set_id=result_set_id, fingerprint=inputs, list_sha256=sha256, known_at=cycle.known_at
            )
            .returning(recognition_list.c.id)
        ).scalar_one()
    )
    gates = [
        {
            "list_id": list_id,
            "unit": one.result.unit,
            "gate": g.gate.code,
            "met": g.met,
            "found": g.found,
            "judged_by": "、".join(g.judged_by),
            "judgements": list(g.judgements),
            "known_at": cycle.known_at,
        }
        for one in looked
        for g in one.gates
    ]
    if gates:
        connection.execute(recognition_gate.insert(), gates)
    if looked:
        connection.execute(
            recognition_proposal.insert(),
            [
                {
                    "list_id": list_id,
                    "unit": one.result.unit,
                    "name": one.name,
                    "industry": one.industry,
                    "proposal": one.proposal.proposal,
                    "place": one.proposal.place,
                    "reason": one.proposal.reason,
                    "submission_id": one.submission_id,
                    "known_at": cycle.known_at,
                }
                for one in looked
            ],
        )
    return list_id


def _compose(
    connection: Connection, cycle: Cycle, loaded: Loaded, result_set_id: int, looked: Sequence[_Looked]
) -> RecognitionList:
    rules = loaded.rules
    head = connection.execute(select(result_set).where(result_set.c.id == result_set_id)).mappings().one()
    flags: dict[str, list[str]] = {}
    for f in quality_findings.findings(connection, head["snapshot_id"]):
        if f.unit is not None and f.severity != "info":
            flags.setdefault(f.unit, []).append(f.message)
    for unit, told in rating_flags(connection, head["snapshot_id"], rules):
        flags.setdefault(unit, []).append(told)
    answers = _answers(connection, head["snapshot_id"])
    spreads = _spreads(connection, head["snapshot_id"], rules)
    listing = rule_of(rules).listing
    places = "不设名额" if listing.places is None else f"至多 {listing.places} 家"
    return RecognitionList(
        title=f"{rules.title}（{cycle.period} 年度）",
        author=rules.issuer.name,
        programme=cycle.programme,
        period=cycle.period,
        code=short_code(head["fingerprint"]),
        rule_sha256=loaded.sha256,
        indicators=tuple(i.name for i in rules.scoring.indicators),
        rows=tuple(_row(one, rules, answers, spreads, flags) for one in looked),
        gates=tuple(
            GateRow(
                one.result.unit,
                one.name,
                g.gate.name,
                "、".join(g.gate.clause),
                printable(g.found),
                g.state,
                "、".join(g.judged_by) or "按填报计算",
                g.bars,
                g.met,
            )
            for one in looked
            for g in one.gates
        ),
        notes=(
            f"列入名单：符合全部申报条件，专家评审不低于 {listing.minimum_total} 分，{places}。",
            "依据：2024-1155#15 至 #24（申报条件）、#30（省级推荐）、#31（复核、专家评审、确定名单）。",
        ),
    )


def _row(
    one: _Looked,
    rules: RuleVersion,
    answers: Mapping[str, tuple[str, int | None, str]],
    spreads: Mapping[tuple[str, str], str],
    flags: Mapping[str, Sequence[str]],
) -> Row:
    r = one.result
    answer, place, opinion = answers.get(r.unit, ("", None, ""))
    scored = tuple(
        (
            r.scores[i.code]["normalised"] if i.code in r.scores else None,
            spreads.get((r.unit, i.code), ""),
        )
        for i in rules.scoring.indicators
    )
    return Row(
        unit=r.unit,
        name=one.name,
        kind=r.kind_name,
        industry=one.industry or r.kind_name,
        host=one.host,
        province=province_name(r.province),
        route=ROUTES[r.route],
        proposal=one.proposal.name,
        listed=one.proposal.proposal == "list",
        place=one.proposal.place,
        total=r.total,
        reason=one.proposal.reason,
        province_answer=answer or r.state_name,
        province_place=place,
        province_opinion=printable(opinion),
        scores=scored,
        flags=tuple(flags.get(r.unit, ())),
    )


def _answers(connection: Connection, snapshot_id: int) -> dict[str, tuple[str, int | None, str]]:
    """Return what each province answered, or when an application was filed with it: answer, rank, opinion."""
    own, audit = snapshot_audit, province_audit
    rows = connection.execute(
        select(own.c.unit, own.c.state, own.c.copied_on, audit.c.answer, audit.c.place, audit.c.opinion)
        .join(audit, audit.c.id == own.c.province_audit_id, isouter=True)
        .where(own.c.snapshot_id == snapshot_id)
    )
    found = {}
    for row in rows:
        late = "（逾期，不计）" if row.state == "late" else ""
        if row.answer is not None:
            found[row.unit] = (f"{row.answer}{late}", row.place, row.opinion)
        elif row.copied_on is not None:
            found[row.unit] = (f"已于 {row.copied_on} 报省级备案", None, "")
        else:
            missing = "没有报省级备案的记录" if row.state == "not_copied" else "省级未审核"
            found[row.unit] = (missing, None, "")
    return found


def _spreads(connection: Connection, snapshot_id: int, rules: RuleVersion) -> dict[tuple[str, str], str]:
    """Return, by applicant and indicator, the scores given and how far they lie apart."""
    if rules.panel is None:
        return {}
    told = {}
    for j in ratings.judge(ratings.frozen(connection, snapshot_id), rules):
        scores = sorted(j.scores)
        if not scores:
            continue
        given = "、".join(f"{s.normalize():f}" for s in scores)
        said_ = ratings.spread_text(j, rules.panel.spread) if rules.panel.spread else ""
        told[j.pair] = f"{len(scores)} 个评分：{given}；{said_}".rstrip("；")
    return told
