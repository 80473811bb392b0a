"""Three live years of the synthetic nation, step by step: what the demo shows, proved."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from ipgov.core.database import reading
from ipgov.core.steps import Mode
from ipgov.core.tables import (
    decision,
    dispatch_attempt,
    document,
    document_number,
    issue,
    proposed_outcome,
    result,
    result_set,
    score,
    submission,
    submitted_value,
    title_event,
)
from sqlalchemy import func, select

PROGRAMME = "functional_platform"


def _rows(statement):
    with reading() as connection:
        return connection.execute(statement).mappings().all()


def _count(table):
    with reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def _outcomes(period):
    rows = _rows(
        select(submission.c.unit, submission.c.outcome)
        .where(submission.c.period == str(period))
        .order_by(submission.c.received_at, submission.c.id)
    )
    found: dict[str, list[str]] = {}
    for r in rows:
        found.setdefault(r["unit"], []).append(r["outcome"])
    return found


@pytest.mark.clause("2023-156#19")
def test_2023_is_collected_answered_and_superseded(nation):
    nation.collect(2023)
    outcomes = _outcomes(2023)
    assert outcomes.pop("FP02") == ["accepted", "accepted"]  # the newer supersedes, both are kept
    assert outcomes.pop("FP03") == ["refused", "accepted"]  # sent another body's form
    assert outcomes.pop("FP07") == ["returned", "accepted"]  # text, out of range and a blank in one go
    assert outcomes.pop("FP10") == ["refused", "accepted"]  # no workbook
    assert outcomes.pop("FP11") == ["returned", "accepted"]  # a sheet missing
    assert set(map(tuple, outcomes.values())) == {("accepted",)}
    late = _rows(select(submission.c.unit).where(submission.c.period == "2023", submission.c.late))
    assert [r["unit"] for r in late] == ["FP12"]


@pytest.mark.clause("2023-156#20", "2023-156#21", "2023-156#22")
def test_two_failed_years_running_end_a_title_only_after_approval(nation):
    first = nation.year(2023)
    failed = _rows(select(result).where(result.c.result_set_id == first["result_set_id"], ~result.c.passed))
    assert {r["unit"] for r in failed} == {"FP08", "FP09"}
    assert _count(title_event) == 12  # all recognised, none ended: one failed year has no such effect

    nation.collect(2024)
    second = nation.evaluate(2024)
    proposed = _rows(
        select(proposed_outcome.c.unit, proposed_outcome.c.outcome).where(
            proposed_outcome.c.result_set_id == second["result_set_id"]
        )
    )
    assert [(p["unit"], p["outcome"]) for p in proposed] == [("FP09", "cancel_title")]
    assert _count(title_event) == 12  # proposed, not done
    nation.approve(2024, second)
    ended = _rows(select(title_event).where(title_event.c.event == "cancelled"))
    assert [(e["unit"], e["basis"]) for e in ended] == [("FP09", "2023-156#21")]
    assert ended[0]["document_number"].startswith("国知平评函〔2025〕")

    # the year in which FP08 was not evaluated neither fails nor passes, and the operator passes over it
    third = nation.year(2025)
    assert "FP09" not in nation.units(nation.days(2025).opens.date)
    ended = _rows(
        select(title_event.c.unit).where(title_event.c.event == "cancelled").order_by(title_event.c.id)
    )
    assert [e["unit"] for e in ended] == ["FP09", "FP08"]
    vetoed = _rows(
        select(result).where(result.c.result_set_id == third["result_set_id"], result.c.unit == "FP04")
    )[0]
    assert vetoed["passed"] is False
    assert vetoed["total"] > 60  # the veto, not the score


def test_every_step_run_again_changes_nothing(nation):
    first = nation.year(2023)
    before = {t: _count(t) for t in (submission, submitted_value, result_set, result, score, document, issue)}
    again = nation.year(2023)
    assert {t: _count(t) for t in before} == before
    assert again["rating_list_sha256"] == first["rating_list_sha256"]
    assert again["fingerprint"] == first["fingerprint"]
    assert again["issued"].repeated


def test_numbers_have_no_gap_and_documents_are_sent_once(nation):
    nation.year(2023)
    serials = [
        r["serial"] for r in _rows(select(document_number.c.serial).order_by(document_number.c.serial))
    ]
    assert serials == list(range(1, len(serials) + 1))
    assert len(serials) > 12
    sent = _count(dispatch_attempt)
    nation.year(2023)
    assert _count(dispatch_attempt) == sent


def test_contributions_sum_to_the_total(nation):
    year = nation.year(2023)
    for row in _rows(select(result).where(result.c.result_set_id == year["result_set_id"])):
        if row["total"] is None:
            continue
        top = _rows(
            select(score.c.contribution).where(
                score.c.result_set_id == year["result_set_id"],
                score.c.unit == row["unit"],
                score.c.node.in_(("D1", "D2", "D3", "D4", "D5")),
            )
        )
        assert len(top) == 5
        assert abs(sum((t["contribution"] for t in top), Decimal(0)) - row["total"]) <= Decimal(20)


def test_a_recalculation_speaks_to_nobody(nation):
    nation.year(2023)
    before = {t: _count(t) for t in (document, document_number, title_event, decision)}
    again = nation.evaluate(2023, Mode.RECALCULATE)
    assert "round_id" not in again
    assert {t: _count(t) for t in before} == before
    modes = [r["mode"] for r in _rows(select(result_set.c.mode).order_by(result_set.c.id))]
    assert modes == ["live", "recalculate"]


def test_a_return_voids_approvals_and_the_next_evaluation_opens_the_next_round(nation):
    from ipgov.core.errors import RefusedError
    from ipgov.procedures import approval

    at = nation.at

    nation.collect(2023)
    day = nation.days(2023).evaluate_on.date
    first = nation.evaluate(2023)
    nation.answer(first, "audit", "reviewer1", day)
    assert nation.answer(first, "sign", "issuer1", day, "return").status == "returned"
    with pytest.raises(RefusedError, match="未经完整审批"):
        approval.issue(first["round_id"], day, at(day))

    data = nation.blank("2023", "FP01")
    from ipgov.simulation import nation as synthetic

    units = nation.units(day)
    rules = synthetic._rules(2023)
    values = synthetic._values(units["FP01"], 2023, rules, day, {"level": Decimal("0.6")})
    from ipgov.procedures import extensions

    extensions.grant(PROGRAMME, "2023", "FP01", day + dt.timedelta(days=3), "运行组", "审核要求更正", at(day))
    nation.put(
        f"inbox/{PROGRAMME}/2023/{units['FP01'].province}/FP01/更正.xlsx",
        synthetic.fill(data, values),
        at(day + dt.timedelta(days=1)),
    )
    nation.receive(day + dt.timedelta(days=1))
    second = nation.evaluate(2023, day=day + dt.timedelta(days=2))
    assert second["number"] == first["number"] + 1
    assert second["fingerprint"] != first["fingerprint"]
    assert nation.answer(second, "audit", "reviewer1", day).status == "open"  # the earlier approval is void
