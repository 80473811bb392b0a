"""The centres' procedures by a real scheduler: a recognition from application to title, three years graded.

And their backfills: what is recalculated, what is refused, how both are compared and explained. The tests
share the installation of this folder and go on from each other.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from announced_list import rows as asked
from applying_centres import Applicants
from evaluated_cohort import CENTRES, TITLE, YEAR, YEARLY, Cohort, at, scaled
from ipgov.launcher.api import ApiClient
from years_stack import APPROVAL, Runs, YearsStack, answer, outbox, parked, rows, wait_until

pytestmark = pytest.mark.scheduler

RECOGNITION, PUBLICITY = "industry_centre_recognition", "center_publicity"
READING = 1.0  # a person reads before answering (simulation/story.py)
# the cohort's codes, beside those of the applicants
BODIES = {f"IC2{number}": own for number, own in enumerate(CENTRES.values(), 1)}
# what a recalculation may add to: frozen data and their checks, results, the record of steps
RECALCULATED = {
    "snapshot", "snapshot_unit", "snapshot_value", "snapshot_attachment", "snapshot_rating", "snapshot_year",
    "snapshot_yearly_value", "snapshot_audit", "quality_check", "finding", "result_set", "result", "score",
    "proposed_outcome", "step_run", "rating_chart", "recognition_list", "recognition_proposal",
    "recognition_gate",
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(stack: YearsStack) -> Runs:
    return Runs(stack.client("operator1"))


@pytest.fixture(scope="module")
def people(stack: YearsStack) -> dict[str, ApiClient]:
    return {step: stack.client(login) for step, login in (("audit", "reviewer1"), ("sign", "issuer1"))}


@pytest.fixture(scope="module")
def cohort(stack: YearsStack) -> Cohort:
    cohort = Cohort(stack.state / "objects", centres=BODIES)
    cohort.register()
    cohort.report()
    return cohort


def done(runs: Runs, dag_id: str, day: dt.date | None, **conf: Any) -> str:
    """Trigger a run as of a day, wait for its good end, and return its id."""
    begun = time.monotonic()
    run_id = f"{dag_id}-{day}-{time.monotonic_ns()}"
    runs.trigger(dag_id, run_id, {"as_of": day.isoformat(), **conf} if day else conf)
    state = runs.finished(dag_id, run_id)
    failed = [t for t, i in runs.tasks(dag_id, run_id).items() if i["state"] == "failed"]
    assert state == "success", [(t, runs.reason(dag_id, run_id, t)) for t in failed]
    print(f"{dag_id} {day}: {time.monotonic() - begun:.1f} s")
    return run_id


def states(runs: Runs, dag_id: str, run_id: str) -> dict[str, str]:
    return {t: i["state"] for t, i in runs.tasks(dag_id, run_id).items()}


def approved(runs: Runs, people: dict[str, ApiClient]) -> None:
    """Let people answer the newest round, and wait until it is issued."""
    (newest,) = asked("SELECT id FROM review_round ORDER BY id DESC LIMIT 1")
    run_id = f"round__{newest['id']}"
    for step, client in people.items():
        wait_until(lambda c=client, s=step: parked(c, run_id, s), 60, f"{step} of {run_id} waits")
        time.sleep(READING)
        answer(client, run_id, step, comment="（试）核对无误")
    assert runs.finished(APPROVAL, run_id) == "success"


def ipgov(stack: YearsStack, *arguments: str) -> str:
    """Run a command as it is typed in a terminal of this installation."""
    command = [sys.executable, "-c", "from ipgov.cli import main; main()", *arguments]
    ran = subprocess.run(
        command, env={**os.environ, **stack.settings()}, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.clause("2024-1155#41", "2024-1155#42")
def test_a_comprehensive_evaluation_is_put_up(runs: Runs, cohort: Cohort) -> None:
    day = cohort.days(TITLE, 2027).evaluate_on.date
    run_id = done(runs, TITLE, day, period="2027")
    assert states(runs, TITLE, run_id) == {
        "freeze": "success", "check": "success", "evaluate": "success", "compare": "skipped",
        "rating_list": "success", "open_round": "success", "start_approval": "success",
    }  # fmt: skip
    grades = {r["unit"]: r["grade"] for r in _results(TITLE, "live")}
    assert grades == {"IC21": "优秀", "IC22": "合格", "IC23": "合格", "IC24": "不合格"}
    (round_,) = asked("SELECT id, period FROM review_round WHERE programme = :p", p=TITLE)
    assert round_["period"] == "2027"
    run = f"round__{round_['id']}"
    wait_until(lambda: parked(runs.client, run, "audit"), 60, "it lies before the reviewers")
    runs.client.patch(f"/api/v2/dags/{APPROVAL}/dagRuns/{run}", {"state": "failed"})


def _backfilled(runs: Runs, dag_id: str, first: int, last: int, **more: Any) -> dict[int, dict[str, Any]]:
    """Backfill a DAG from the form; return its runs by year, once all have ended."""
    span = {"from_date": f"{first}-01-01", "to_date": f"{last}-01-01", "dag_id": dag_id}
    years = runs.dry(f"{first}-01-01", f"{last}-01-01", dag_id=dag_id)
    number = runs.client.post("/api/v2/backfills", {**span, **more})["id"]
    found = runs.all_ended(years, 120, dag_id)
    runs.close(number)
    return found


def _refused(runs: Runs, dag_id: str, run: dict[str, Any], task: str = "freeze") -> str:
    """Return why a run failed: in its first task, at once; nothing came after it."""
    assert run["state"] == "failed"
    tasks = runs.tasks(dag_id, run["dag_run_id"])
    assert {t for t, i in tasks.items() if i["state"] != "upstream_failed"} == {task}
    assert (tasks[task]["state"], tasks[task]["try_number"]) == ("failed", 1)
    return runs.reason(dag_id, run["dag_run_id"], task)


@pytest.mark.clause("2024-1155#56")
def test_the_self_evaluation_of_2025_is_backfilled_and_no_year_before_it(runs: Runs, cohort: Cohort) -> None:
    before, sent = rows(), outbox()
    found = _backfilled(runs, YEARLY, 2023, 2025)
    assert sorted(found) == [2023, 2024, 2025]
    said = _refused(runs, YEARLY, found[2023])
    assert "不办理 2023 年度" in said
    assert "最早的规则自 2024-12-31 起施行" in said
    assert "自 2025 年度起开展，不办理 2024 年度" in _refused(runs, YEARLY, found[2024])
    assert found[2025]["state"] == "success"
    (frozen,) = asked("SELECT as_of, mode FROM snapshot WHERE programme = :p", p=YEARLY)
    assert frozen == {"as_of": cohort.days(YEARLY, 2025).evaluate_on.date, "mode": "recalculate"}
    counted = {r["unit"]: r["grade"] for r in _results(YEARLY, "recalculate")}
    assert counted == dict.fromkeys(BODIES)  # scored, and given no grade
    after = rows()
    assert {name for name in after if after[name] != before[name]} <= RECALCULATED
    assert outbox() == sent


@pytest.mark.clause("2024-1155#56")
def test_no_comprehensive_evaluation_before_the_first_full_period(runs: Runs) -> None:
    found = _backfilled(runs, TITLE, 2020, 2026)
    assert sorted(found) == [2021, 2024]  # as it would be every three years
    assert "最早的规则自 2024-12-31 起施行" in _refused(runs, TITLE, found[2021])
    assert "自 2027 年度起开展，不办理 2024 年度" in _refused(runs, TITLE, found[2024])


def test_three_years_are_recalculated_compared_and_explained(
    stack: YearsStack, runs: Runs, cohort: Cohort
) -> None:
    from ipgov.procedures import extensions

    # for 2025, accepted under an extension long after everything was evaluated
    later = dt.date(2028, 6, 1)
    extensions.grant(YEARLY, "2025", "IC22", later, "某司", "数据有误，准予更正", at(later, 8))
    cohort.send(YEARLY, 2025, "IC22", {**scaled(YEAR, 0.7), "F11": 800}, later)
    cohort.receive(later)
    before, sent = rows(), outbox()
    known = {"recalculate": True, "known_at": at(later).isoformat()}
    run_id = done(runs, TITLE, None, period="2027", **known)
    assert states(runs, TITLE, run_id)["open_round"] == "success"
    assert states(runs, TITLE, run_id)["start_approval"] == "skipped"
    after = rows()
    assert {name for name in after if after[name] != before[name]} <= RECALCULATED
    assert outbox() == sent

    # knowledge, not rules; and the figure down to its workbook's cell and the clause
    told = ipgov(stack, "compare", TITLE, "2027")
    assert "结果变动 1 家；数值不同 2 处，规则不同 0 处" in told
    assert "IC22 国家级虚构2产业知识产权运营中心：72.10 分、第 2 名、“合格” → 75.54 分" in told
    said = "年均转化运营金额：各年平均：2025 年度 {}，2026 年度 1400，2027 年度 1400 → {}万元（依据"
    for result, values, file, found in (
        ([], ("1400", "1400.00"), "IC22-2025-20251217", "1400"),
        (["--result", _newest(TITLE)], ("800", "1200.00"), "IC22-2025-20280601", "800"),
    ):
        told = ipgov(stack, "explain", TITLE, "2027", "IC22", *result)
        assert said.format(*values) in told
        cell = f"“二、对接与转化”表 D11，原文“{found}”，2025 年度自评"
        assert [ln for ln in told.splitlines() if f"来源：{file}.xlsx" in ln and ln.endswith(cell)]
    told = ipgov(stack, "explain", YEARLY, "2025", "IC21", "--result", _newest(YEARLY))
    assert "IC21-2025-20251217.xlsx" in told


def _followed_up(runs: Runs) -> bool:
    """Whether the run that the last issue started has ended well."""
    (last,) = asked("SELECT max(recorded_at) AS at FROM issue")
    started = [
        r["state"]
        for r in runs.of("period_followup")
        if r["partition_key"] == f"{TITLE}:2025" and dt.datetime.fromisoformat(r["queued_at"]) > last["at"]
    ]
    assert "failed" not in started
    return bool(started) and set(started) == {"success"}


def _states(units: tuple[str, ...], day: dt.date) -> set[str]:
    from ipgov.core.database import reading
    from ipgov.registry.titles import standings
    from ipgov.simulation.fast_forward import end_of

    with reading() as connection:
        found = standings(connection, TITLE, day, end_of(day))
    return {found[unit].code for unit in units}


@pytest.mark.clause("2024-1155#31", "2024-1155#32", "2024-1155#33")
def test_a_round_of_recognition_from_its_opening_to_the_titles(
    stack: YearsStack, runs: Runs, people: dict[str, ApiClient], cohort: Cohort
) -> None:
    """After the cohort's years: what was known then must not know of these applicants."""
    applicants = Applicants(stack.state / "objects")
    applicants.enter()
    applicants.collect()
    applicants.review()
    day = applicants.days.evaluate_on.date
    run_id = done(runs, RECOGNITION, day, period="2025")
    assert states(runs, RECOGNITION, run_id)["start_approval"] == "success"
    approved(runs, people)
    chosen = ("IC01", "IC02", "IC04")
    after = day + dt.timedelta(days=1)
    assert _states(chosen, after) == {"listed"}

    done(runs, PUBLICITY, after)
    done(runs, "present_rounds", after)
    approved(runs, people)
    (notice,) = asked("SELECT * FROM publicity WHERE programme = :p", p=TITLE)
    assert _states(chosen, after) == {"in_publicity"}
    done(runs, PUBLICITY, notice["last_on"])
    assert _states(chosen, notice["last_on"]) == {"in_publicity"}

    over = notice["last_on"] + dt.timedelta(days=1)
    done(runs, PUBLICITY, over)
    done(runs, "present_rounds", over)
    approved(runs, people)
    assert _states(chosen, over) == {"recognised"}
    (letter,) = asked("SELECT * FROM document WHERE kind = 'recognition_notice'")
    assert letter["number"].startswith("国知产认函〔2025〕")
    wait_until(lambda: _followed_up(runs), 60, "what follows the issue has run")


@pytest.mark.clause("2024-1155#56")
def test_a_recognition_is_backfilled_without_a_word(stack: YearsStack, runs: Runs) -> None:
    before, sent = rows(), outbox()
    found = _backfilled(runs, RECOGNITION, 2023, 2025)
    assert "最早的规则自 2024-12-31 起施行" in _refused(runs, RECOGNITION, found[2023], "catch_up")
    assert "自 2025 年度起开展" in _refused(runs, RECOGNITION, found[2024], "catch_up")
    assert found[2025]["state"] == "success"
    after = rows()
    assert {name for name in after if after[name] != before[name]} <= RECALCULATED
    assert outbox() == sent
    assert "结果变动 0 家" in ipgov(stack, "compare", RECOGNITION, "2025")


def _newest(programme: str) -> str:
    """The number of the newest recalculated result."""
    (found,) = asked(
        "SELECT max(id) AS n FROM result_set WHERE programme = :p AND mode <> 'live'", p=programme
    )
    return str(found["n"])


def _results(programme: str, mode: str) -> list[dict[str, Any]]:
    return asked(
        "SELECT r.* FROM result r JOIN result_set s ON s.id = r.result_set_id"
        " WHERE s.programme = :p AND s.mode = :m ORDER BY r.unit",
        p=programme,
        m=mode,
    )
