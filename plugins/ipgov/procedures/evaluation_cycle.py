"""The yearly evaluation of any programme: freeze → check → evaluate → rating list → open a round.

What differs between programmes is policy, not a step here. First user: the functional platforms
(2023-156#20, #22).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from ipgov.calendars.deadlines import cycle_days
from ipgov.core import objects, seals
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle, Mode, StepResult, run_step
from ipgov.core.tables import result_set, snapshot, snapshot_unit
from ipgov.decisions import rounds
from ipgov.documents import rating_list as rating
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.documents.rating_layout import list_name
from ipgov.evaluation import engine, outcomes
from ipgov.evaluation import store as results
from ipgov.policy.rules import RuleVersion
from ipgov.policy.title_words import day_words, title_words
from ipgov.procedures import rating_charts, scoring_state, snapshots, yearly_reports
from ipgov.procedures.choosing import choose
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.published_history import check_not_imported
from ipgov.procedures.rating_lists import compose
from ipgov.quality import findings as quality_findings
from ipgov.quality import gate
from ipgov.registry.checks import check_kind_counts


def freeze(cycle: Cycle) -> StepResult:
    """Freeze who is evaluated on what: received in time, accepted by ``known_at``, the newest of each body.

    A body received after the time allowed, returned, missing, or titled too short stands in the snapshot with
    its state, and is not evaluated. Of what experts score, what came in by ``known_at`` and in time counts.
    """
    with reading() as connection:
        rules = rules_of(connection, cycle)
        _refuse_before_evaluation_day(cycle, rules.rules)
        if problems := check_kind_counts(connection, rules.rules, cycle.known_at):
            body = title_words(cycle.programme).body
            raise RefusedError(f"{body}名单与认定文件不符：" + "；".join(map(str, problems)), tuple(problems))
        units = snapshots.bodies(connection, cycle, rules.rules)
        chosen = choose(connection, cycle, rules, units)
        years = yearly_of(connection, cycle, rules.rules, chosen)
        ratings = scoring_state.to_freeze(connection, cycle, rules.rules, chosen)
    inputs = fingerprint(
        {"rules": rules.sha256, "as_of": cycle.as_of, "units": [u.key for u in chosen]}
        | ({"ratings": [r.key for r in ratings]} if rules.rules.panel else {})
        | ({"years": [y.key for y in years]} if rules.rules.yearly else {})
    )

    def work(connection: Connection) -> StepResult:
        snapshot_id = snapshots.save(connection, cycle, chosen, ratings, years, rules, inputs)
        counts = {s: sum(u.state == s for u in chosen) for s in sorted({u.state for u in chosen})}
        return StepResult(read=len(chosen), written=1, output={"snapshot_id": snapshot_id, "states": counts})

    result = run_step(cycle, "freeze", inputs, work)
    if cycle.mode is Mode.LIVE:  # also when repeated: it may have been killed before this
        seals.ensure("freeze", f"snapshot:{result.output['snapshot_id']}", cycle.known_at)
    return result


def _refuse_before_evaluation_day(cycle: Cycle, rules: RuleVersion) -> None:
    day = cycle_days(rules.cycle, cycle.year).evaluate_on
    if cycle.as_of < day.date:
        raise RefusedError(f"{cycle.period} 年度自 {day.date} 起评价，基准日 {cycle.as_of} 尚早")
    if day.provisional and cycle.mode is Mode.LIVE:
        name = day_words(cycle.programme).evaluate_on
        raise RefusedError(f"{name} {day.date} 由暂定工作日推算（放假通知未录入），不能据以办理有效力的评价")


def yearly_of(
    connection: Connection, cycle: Cycle, rules: RuleVersion, chosen: Sequence[snapshots.Chosen]
) -> list[yearly_reports.Year]:
    """Return the yearly workbooks of the bodies to be evaluated, by body and year, that the rules build on.

    Of each year counts what counts in that year's own procedure; a body that owed nothing then is exempt.
    """
    if rules.yearly is None:
        return []
    units = [c.unit for c in chosen if c.state != "exempt"]
    found = []
    for year in rules.cycle.years(cycle.year):
        of_year = replace(cycle, programme=rules.yearly.programme, period=str(year), mode=Mode.RECALCULATE)
        known = rules_of(connection, of_year)
        if year < known.rules.cycle.first_period:
            found += [yearly_reports.Year(u.unit, str(year), "exempt") for u in units]
            continue
        found += [
            yearly_reports.Year(c.unit.unit, str(year), c.state, c.submission_id, c.submission_sha256)
            for c in choose(connection, of_year, known, units)
        ]
    return sorted(found, key=lambda y: (y.unit, y.period))


def check(cycle: Cycle, snapshot_id: int) -> StepResult:
    """Run the quality gate on a snapshot; findings are stored, a critical one stops the cycle.

    Raises RefusedError that lists every critical finding.
    """
    with reading() as connection:
        rules = rules_of(connection, cycle)
    verdict = gate.check(snapshot_id, rules.rules, cycle.known_at)
    found = [f.as_dict() for f in verdict.findings]
    inputs = fingerprint(
        {"snapshot": snapshot_id, "suite": verdict.suite_sha256, "found": found, "as_of": cycle.as_of}
    )

    def work(connection: Connection) -> StepResult:
        written = quality_findings.save(connection, snapshot_id, verdict, cycle.known_at)
        by_severity = {
            s: sum(f.severity == s for f in verdict.findings) for s in ("critical", "warning", "info")
        }
        return StepResult(
            written=written, found=len(found), output={"passed": verdict.passed, "findings": by_severity}
        )

    result = run_step(cycle, "check", inputs, work)
    if not verdict.passed:
        critical = [f.message for f in verdict.findings if f.stops]
        raise RefusedError(f"数据质量有 {len(critical)} 处严重问题，评价中止：" + "；".join(critical))
    return result


def evaluate(cycle: Cycle, snapshot_id: int) -> StepResult:
    """Turn the frozen values into scores, ranks, grades, and what they mean for titles (2023-156#21)."""
    with reading() as connection:
        rules = rules_of(connection, cycle)
        frozen = connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id)).mappings().one()
        absent = _not_evaluated(connection, snapshot_id, rules.rules)
        history = results.history(connection, cycle.programme, cycle.period, cycle.known_at)
    evaluation = engine.evaluate(
        snapshots.values_table(frozen["values_sha256"]),
        rules.rules.scoring,
        groups=tuple(rules.rules.kinds),
        allowed_unused=rules.rules.inputs,
    )
    inputs = fingerprint(
        {
            "snapshot": frozen["fingerprint"],
            "values": frozen["values_sha256"],
            "rules": rules.sha256,
            "engine": engine.ENGINE_VERSION,
            "history": {u: [y.as_dict() for y in years] for u, years in sorted(history.items())},
        }
    )

    def work(connection: Connection) -> StepResult:
        this_year = results.year_results(evaluation, absent, cycle.year)
        proposed = outcomes.propose(
            rules.rules,
            {u: [*history.get(u, ()), y] for u, y in this_year.items()},
            cycle.year,
        )
        result_set_id = results.save(
            connection, cycle, snapshot_id, rules.sha256, evaluation, absent, inputs, proposed, cycle.known_at
        )
        return StepResult(
            read=evaluation.results.num_rows,
            written=evaluation.results.num_rows + len(absent),
            found=len(proposed),
            output={"result_set_id": result_set_id, "proposed": [f"{p.unit}:{p.name}" for p in proposed]},
        )

    return run_step(cycle, "evaluate", inputs, work)


def _not_evaluated(connection: Connection, snapshot_id: int, rules: RuleVersion) -> list[results.Absent]:
    rows = connection.execute(
        select(snapshot_unit)
        .where(
            snapshot_unit.c.snapshot_id == snapshot_id,
            snapshot_unit.c.state.not_in(("accepted", "accepted_late")),
        )
        .order_by(snapshot_unit.c.unit)
    ).mappings()
    return [results.absent(rules, row["unit"], row["kind"], row["state"]) for row in rows]


def make_rating_list(cycle: Cycle, result_set_id: int) -> StepResult:
    """Write the rating list that the reviewers mark, and the pages of charts that go with it."""
    with reading() as connection:
        rules = rules_of(connection, cycle)
        listed = compose(connection, cycle, rules, result_set_id)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    listed = rating_charts.draw(listed, banner)
    data = rating.write(listed, banner)
    sha256 = objects.put_content(data)

    def work(connection: Connection) -> StepResult:
        name = f"{rules.rules.title}-{cycle.period}-{list_name(rules.rules)}.xlsx"
        key = f"reports/{cycle.programme}/{cycle.period}/{cycle.mode}/{sha256[:12]}-{name}"
        objects.store().put(key, data, once=True)
        rating_charts.record(connection, result_set_id, sha256, listed, cycle.known_at)
        output = {"rating_list_sha256": sha256, "key": key, "charts_sha256": listed.charts_sha256}
        return StepResult(read=len(listed.rows), written=1, output=output)

    return run_step(cycle, "rating_list", fingerprint([result_set_id, sha256]), work)


def open_round(cycle: Cycle, result_set_id: int, rating_list_sha256: str) -> StepResult:
    """Put the result before the reviewers: a round bound to the fingerprint of exactly what they see.

    Only a live cycle opens a round; a recalculated one never speaks.
    """
    if cycle.mode is not Mode.LIVE:
        raise RefusedError("重算结果只供比较，不提交审核")
    with reading() as connection:
        check_not_imported(connection, cycle.programme, cycle.period)
        rules = rules_of(connection, cycle)
        result_fingerprint = connection.execute(
            select(result_set.c.fingerprint).where(result_set.c.id == result_set_id)
        ).scalar_one()
    bound = fingerprint(
        {"results": result_fingerprint, "rating_list": rating_list_sha256, "rules": rules.sha256}
    )

    def work(connection: Connection) -> StepResult:
        opened = rounds.open_round(
            connection,
            cycle.programme,
            cycle.period,
            result_set_id,
            bound,
            rating_list_sha256,
            rules.sha256,
            cycle.known_at,
        )
        return StepResult(
            written=1, output={"round_id": opened.id, "number": opened.number, "fingerprint": bound}
        )

    return run_step(cycle, "open_round", bound, work)
