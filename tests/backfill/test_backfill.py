"""Backfills in earnest, by a real scheduler: which years, what they leave alone, what disturbs them.

And what waits for people: corrections asked for in Airflow, rounds that somebody opened elsewhere, answers
that come too soon. The tests share one installation and go on from each other.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from decimal import Decimal

import pytest
from ipgov.launcher import processes
from sqlalchemy import select
from years_stack import (
    APPROVAL,
    EVALUATION,
    PROGRAMME,
    Runs,
    YearsStack,
    answer,
    outbox,
    parked,
    rows,
    task_path,
    wait_until,
    year_of,
)

pytestmark = pytest.mark.scheduler

PARKED = 20
TEN_YEARS = list(range(2016, 2026))
# All that a backfill may add to: frozen data and their checks, recalculated results, the record of steps.
RECALCULATED = {
    "snapshot", "snapshot_unit", "snapshot_value", "snapshot_attachment", "snapshot_rating",
    "quality_check", "finding", "result_set", "result", "score", "proposed_outcome", "step_run",
    "rating_chart",
}  # fmt: skip


def _all(query):
    from ipgov.core.database import reading

    with reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def _ask(runs: Runs, conf: dict[str, str]) -> tuple[str, str]:
    """Trigger a correction as the client's person; return how it ended and why it failed."""
    run_id = f"asked-{time.monotonic_ns()}"
    runs.trigger("correction", run_id, conf)
    state = runs.finished("correction", run_id)
    return state, runs.reason("correction", run_id, "prepare") if state == "failed" else ""


@pytest.fixture(scope="module")
def waiting(runs: Runs, nation) -> None:
    """Twenty runs that wait for people, as in a season of approvals."""
    for n in range(PARKED):
        runs.trigger(APPROVAL, f"parked{n}", {"round_id": str(nation.open_round)})
    path = f"/api/v2/dags/{APPROVAL}/dagRuns/~/hitlDetails"

    def all_wait() -> bool:
        found = runs.client.get(path, response_received="false", limit=100)["hitl_details"]
        return [h["task_instance"]["state"] for h in found] == ["awaiting_input"] * PARKED

    wait_until(all_wait, 180, "all wait for an answer")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2023-01-01", "2025-01-01"),
        ("2023-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        # the form sends what its user's zone makes of midnight: Shanghai, New York
        ("2022-12-31T16:00:00.000Z", "2024-12-31T16:00:00.000Z"),
        ("2023-01-01T05:00:00.000Z", "2025-01-01T05:00:00.000Z"),
        ("2023-01-01T00:00:00+14:00", "2025-12-31T23:59:59+08:00"),
    ],
)
def test_form_takes_the_years_that_are_written(runs: Runs, first: str, last: str) -> None:
    assert runs.dry(first, last) == [2023, 2024, 2025]


def test_command_takes_a_bare_date(stack: YearsStack, runs: Runs) -> None:
    command = ["backfill", "create", "--dag-id", EVALUATION, "--from-date", "2023-01-01"]
    said = stack.airflow(*command, "--to-date", "2025-01-01", "--dry-run")
    assert [y for y in range(2015, 2030) if f"| {y}-01-01 00:00:00+08:00 |" in said] == [2023, 2024, 2025]
    assert runs.dry("2026-01-01", "2027-01-01") == []  # not evaluated yet: nothing that would have to wait


@pytest.mark.clause("2023-156#20")
def test_ten_years_beside_twenty_waiting_approvals(runs: Runs, nation, waiting: None) -> None:
    before, sent = rows(), outbox()
    begun = time.monotonic()
    number = runs.backfill("2016-01-01", "2025-01-01")["id"]
    done = runs.all_ended(TEN_YEARS, 240)
    print(f"ten years beside {PARKED} waiting runs: {time.monotonic() - begun:.1f} s")
    runs.close(number)
    assert {y: r["state"] for y, r in done.items()} == {y: "failed" if y < 2023 else "success" for y in done}

    for year in range(2016, 2023):  # before the first rules: refused with the reason, nothing half-done
        tasks = runs.tasks(EVALUATION, done[year]["dag_run_id"])
        assert {t: i["state"] for t, i in tasks.items() if i["state"] != "upstream_failed"} == {
            "freeze": "failed"
        }
        assert tasks["freeze"]["try_number"] == 1
        reason = runs.reason(EVALUATION, done[year]["dag_run_id"], "freeze")
        assert f"不办理 {year} 年度" in reason
        assert "最早的规则自 2023-09-05 起施行" in reason
    for year in (2023, 2024, 2025):
        tasks = runs.tasks(EVALUATION, done[year]["dag_run_id"])
        assert {t: i["state"] for t, i in tasks.items() if i["state"] != "success"} == {
            "start_approval": "skipped"
        }

    # sent nothing, numbered nothing, opened nothing, changed no title
    after = rows()
    assert {name for name in after if after[name] != before[name]} <= RECALCULATED
    assert after["result_set"] == before["result_set"] + 3
    assert outbox() == sent
    _compared_with_what_was_published()


def _compared_with_what_was_published() -> None:
    from ipgov.core import tables
    from ipgov.core.objects import store

    made = _all(select(tables.result_set).where(tables.result_set.c.mode == "recalculate"))
    assert sorted(r["period"] for r in made) == ["2023", "2024", "2025"]
    frozen = _all(select(tables.snapshot).where(tables.snapshot.c.mode == "recalculate"))
    days = _all(select(tables.cycle.c.period, tables.cycle.c.evaluate_on))
    assert {s["period"]: s["as_of"] for s in frozen} == {d["period"]: d["evaluate_on"] for d in days}
    steps = _all(select(tables.step_run).where(tables.step_run.c.step == "compare"))
    compared = {s["period"]: s["result"]["output"] for s in steps}
    assert compared["2023"]["against"] == "已签发：2023 年度第 1 轮"
    assert compared["2023"]["differing"] == []
    assert compared["2024"]["against"].startswith("已公布：虚构公告〔2025〕1号")
    assert compared["2024"]["differing"]
    assert compared["2025"] == {"against": None, "differing": [], "key": ""}
    for year in ("2023", "2024"):
        assert store().get(compared[year]["key"]).startswith(b"PK")


def test_again_backwards_one_by_one_changes_nothing(stack: YearsStack, runs: Runs) -> None:
    assert runs.dry("2016-01-01", "2025-01-01") == []  # none: what has run is left alone
    assert runs.dry("2016-01-01", "2025-01-01", reprocess_behavior="failed") == list(range(2016, 2023))
    assert runs.dry("2016-01-01", "2025-01-01", reprocess_behavior="completed") == TEN_YEARS
    before, sent = rows(), outbox()
    earlier = {r["dag_run_id"]: r["start_date"] for r in runs.of(EVALUATION)}
    command = ["backfill", "create", "--dag-id", EVALUATION, "--from-date", "2024-01-01", "--to-date"]
    options = ["--reprocess-behavior", "completed", "--run-backwards", "--max-active-runs", "1"]
    stack.airflow(*command, "2025-01-01", *options)
    again = lambda: [  # noqa: E731
        r
        for r in runs.of(EVALUATION)
        if year_of(r["logical_date"]) in (2024, 2025)
        and r["state"] in ("success", "failed")
        and r["start_date"] != earlier[r["dag_run_id"]]
    ]
    wait_until(lambda: len(again()) == 2, 120, "both years again")
    last, first = sorted(again(), key=lambda r: year_of(r["logical_date"]))
    assert {first["state"], last["state"]} == {"success"}
    assert first["end_date"] <= last["start_date"]
    assert year_of(first["logical_date"]) == 2025
    for run in (first, last):
        assert runs.tasks(EVALUATION, run["dag_run_id"])["freeze"]["try_number"] == 2
    assert (rows(), outbox()) == (before, sent)
    (backfill,) = [b for b in _backfills(runs) if b["completed_at"] is None]
    runs.close(backfill["id"])


def _backfills(runs: Runs) -> list[dict]:
    return runs.client.get("/api/v2/backfills", dag_id=EVALUATION)["backfills"]


def test_failed_only_runs_what_failed_and_a_day_for_all_years_is_refused(runs: Runs) -> None:
    states = {r["dag_run_id"]: r["end_date"] for r in runs.of(EVALUATION)}
    conf = {"as_of": "2026-01-01"}
    number = runs.backfill("2022-01-01", "2023-01-01", reprocess_behavior="failed", dag_run_conf=conf)["id"]
    run = lambda: {year_of(r["logical_date"]): r for r in runs.of(EVALUATION)}[2022]  # noqa: E731
    wait_until(
        lambda: run()["state"] == "failed" and run()["end_date"] != states[run()["dag_run_id"]], 60, "2022"
    )
    runs.close(number)
    changed = {r["dag_run_id"] for r in runs.of(EVALUATION) if r["end_date"] != states[r["dag_run_id"]]}
    assert changed == {run()["dag_run_id"]}
    path = f"{EVALUATION}/dagRuns/{run()['dag_run_id']}".replace(":", "%3A").replace("+", "%2B")
    log = runs.client.get(f"/api/v2/dags/{path}/taskInstances/freeze/logs/2")
    assert "不接受运行参数 as_of" in str(log)


def test_a_killed_task_late_files_and_a_live_run_disturb_nothing(
    stack: YearsStack, runs: Runs, nation
) -> None:
    from ipgov.core import tables

    before, sent = rows(), outbox()
    number = runs.backfill("2023-01-01", "2024-01-01", reprocess_behavior="completed")["id"]
    # a file for 2023 that comes years too late, taken in meanwhile; 2025, live, at once
    units = nation.units(nation.days(2023).opens.date)
    data = nation.blank("2023", "FP02")
    nation.put(
        f"inbox/{PROGRAMME}/2023/{units['FP02'].province}/FP02/late.xlsx",
        data,
        nation.at(dt.date(2026, 6, 1)),
    )
    day = nation.days(2025).evaluate_on.date
    moment = dt.datetime.combine(day, dt.time(10), tzinfo=dt.timezone(dt.timedelta(hours=8))).isoformat()
    conf = {"as_of": day.isoformat()}
    runs.trigger("submission_intake", "late", {})
    live = runs.trigger(EVALUATION, "live", conf, logical_date=moment)

    found = {
        year_of(r["logical_date"]): r["dag_run_id"]
        for r in runs.of(EVALUATION)
        if r["run_type"] == "backfill"
    }
    checking = lambda: runs.tasks(EVALUATION, found[2023])["check"]  # noqa: E731
    victim = wait_until(lambda: (c := checking())["state"] == "running" and c["pid"], 90, "check runs")
    os.kill(victim, signal.SIGKILL)

    def both() -> bool:
        states = {r["dag_run_id"]: r["state"] for r in runs.of(EVALUATION)}
        return states[found[2023]] == states[found[2024]] == "success"

    wait_until(both, 180, "both years")
    runs.close(number)
    assert checking()["try_number"] == 3  # the first time; cleared, and killed; again
    assert runs.finished(EVALUATION, live) == "success"
    assert runs.finished("submission_intake", "late") == "success"
    after = rows()
    # the late file was answered; of results and steps there is nothing new
    assert {n for n in after if after[n] != before[n]} & RECALCULATED <= {"step_run"}
    assert set(outbox()) >= set(sent)
    assert after["review_round"] == before["review_round"]
    received = _all(select(tables.submission).where(tables.submission.c.period == "2023"))
    assert [s["unit"] for s in received if s["received_at"].year == 2026] == ["FP02"]


def _correct(nation, unit: str, level: str, day: dt.date) -> None:
    """After the issue of 2023 a body gets an extension and sends corrected data, which is accepted."""
    from ipgov.procedures import extensions
    from ipgov.simulation import nation as synthetic

    bodies, rules = nation.units(nation.days(2023).opens.date), synthetic._rules(2023)
    extensions.grant(PROGRAMME, "2023", unit, day, "运行组", "发文后更正", nation.at(day, 8))
    values = synthetic._values(bodies[unit], 2023, rules, day, {"level": Decimal(level)})
    key = f"inbox/{PROGRAMME}/2023/{bodies[unit].province}/{unit}/更正{day}.xlsx"
    nation.put(key, synthetic.fill(nation.blank("2023", unit), values), nation.at(day, 10))
    nation.receive(day)


def test_a_correction_is_refused_in_words(stack: YearsStack, runs: Runs, nation) -> None:
    _correct(nation, "FP01", "0.55", dt.date(2024, 5, 6))
    before = rows()
    reviewer, asked = Runs(stack.client("reviewer1")), {"programme": PROGRAMME, "period": "2023"}
    for who, conf, reason in (
        (runs, {"period": "2019"}, "“functional_platform”2019 年度尚未发文"),
        (runs, {"programme": "none", "period": "2023"}, "没有名为“none”的业务规则"),
        (
            runs,
            {**asked, "by": "reviewer1", "reason": "报送有误"},
            "须为触发本次运行的账号本人，本次运行由“operator1”",
        ),
        (runs, {**asked, "by": "operator1", "reason": "报送有误"}, "“operator1”不能提出更正"),
        (reviewer, {**asked, "by": "reviewer2", "reason": "报送有误"}, "须为触发本次运行的账号本人"),
        (reviewer, {**asked, "by": "reviewer1"}, "提出更正须写明事由"),
    ):
        state, said = _ask(who, conf)
        assert (state, reason in said) == ("failed", True), (conf, said)
    assert rows() == before
    assert _ask(runs, asked) == ("success", "")  # compared only
    assert rows()["review_round"] == before["review_round"]


def test_a_correction_asked_for_in_airflow_is_issued(stack: YearsStack, runs: Runs, nation) -> None:
    from ipgov.core import tables

    people = {login: stack.client(login) for login in ("reviewer1", "reviewer2", "issuer1")}
    asked = {"programme": PROGRAMME, "period": "2023", "by": "reviewer1", "reason": "报送有误"}
    assert _ask(Runs(people["reviewer1"]), asked) == ("success", "")
    (opened,) = _all(select(tables.correction))
    run_id = f"round__{opened['round_id']}"
    scheduler = processes.load(stack.state).components["scheduler"].pid
    for task, login in (("audit", "reviewer2"), ("sign", "issuer1")):
        wait_until(lambda t=task: parked(people["reviewer1"], run_id, t), 60, f"{task} waits")
        # an answer so soon that the scheduler has not yet seen the parked process end
        os.kill(scheduler, signal.SIGSTOP)
        try:
            answer(people[login], run_id, task)
            time.sleep(1.5)
        finally:
            os.kill(scheduler, signal.SIGCONT)
    assert runs.finished(APPROVAL, run_id) == "success"
    tries = {t: runs.client.get(task_path(run_id, t))["try_number"] for t in ("audit", "sign")}
    print("attempts", tries)
    query = select(tables.decision).where(tables.decision.c.round_id == opened["round_id"])
    decisions = _all(query.order_by(tables.decision.c.id))
    assert [(d["step"], d["actor"]) for d in decisions] == [("audit", "reviewer2"), ("sign", "issuer1")]
    letters = _all(select(tables.document).where(tables.document.c.round_id == opened["round_id"]))
    assert {d["kind"] for d in letters} == {"result_correction", "result_correction_province"}
    assert all(d["corrects"] for d in letters)


def test_a_round_opened_by_command_is_presented_too(stack: YearsStack, runs: Runs, nation) -> None:
    from ipgov.procedures import correction

    _correct(nation, "FP02", "0.60", dt.date(2024, 6, 3))
    now = dt.datetime.now(dt.UTC)
    opened = correction.prepare(PROGRAMME, "2023", now, "reviewer1", "又有更正")  # as the command does
    runs.trigger("present_rounds", "now", {})
    assert runs.finished("present_rounds", "now") == "success"
    run_id, reviewer = f"round__{opened.round_id}", stack.client("reviewer2")
    wait_until(lambda: parked(reviewer, run_id, "audit"), 60, "asked")
    runs.trigger("present_rounds", "again", {})
    assert runs.finished("present_rounds", "again") == "success"
    presented = [r["dag_run_id"] for r in runs.of(APPROVAL) if r["dag_run_id"].startswith("round__")]
    assert sorted(presented) == sorted({*presented})
    assert f"round__{nation.open_round}" in presented
    answer(reviewer, run_id, "audit", "退回修改", "先核实")
    assert runs.finished(APPROVAL, run_id) == "success"
    assert runs.client.get(task_path(run_id, "issue"))["state"] == "skipped"
