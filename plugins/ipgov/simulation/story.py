"""Three live years of the synthetic nation, played through Airflow's own API as its people would."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import select

from ipgov.calendars.deadlines import CycleDays, cycle_days
from ipgov.core.database import reading, transaction
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import issue, review_round
from ipgov.policy import store
from ipgov.procedures import follow_up
from ipgov.registry.platforms import roster
from ipgov.simulation import actors, centres, fast_forward, nation, returned_list
from ipgov.simulation.centre_summary import centre_summary
from ipgov.simulation.holiday_summary import holiday_summary
from ipgov.simulation.summary import follow_up_summary, summarise

PERIODS = (2023, 2024, 2025)
SELF_EVALUATION = 2025  # the centres' year that the scheduler evaluates; their others are fast-forwarded
ONE_DAY = dt.timedelta(days=1)
FIRST_BATCH = 16  # days before the due day on which most send (nation.yaml)
PATIENCE = 300  # seconds for one DAG run
APPROVE = "同意"
# A person reads before answering. It also leaves Airflow the moment it needs to note that a task is parked:
# an answer within half a second of that is lost, and the task asks again.
READING = 1.0


class Client(Protocol):
    """A person's session with Airflow's API server."""

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer."""

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send JSON and return the JSON answer."""

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send JSON and return the JSON answer."""

    def download(self, path: str) -> bytes:
        """Return a file."""

    def upload(self, path: str, name: str, data: bytes, fields: Mapping[str, str]) -> str:
        """Send a file from a form and return the page that answers."""


class Stage(Protocol):
    """What the story is played on."""

    def client(self, login: str) -> Client:
        """Return the session of one of the demo's people."""

    def say(self, text: str) -> None:
        """Tell the onlooker what happens."""


def play(stage: Stage) -> str:
    """Play the years that are not issued yet and return the summary (Chinese)."""
    _register(stage)
    for period in PERIODS:
        if _issued(period):
            stage.say(f"{period} 年度已发文，不再办理")
        else:
            _year(stage, period)
    ended = actors.script()["ends"]
    _until(stage, ended)
    _until(stage, centres.script()["ends"])
    last = centres.script()["ends"]
    years = summarise(_programme(), PERIODS, ended)
    fates = centre_summary(last, fast_forward.end_of(last))
    return "\n".join([years, *follow_up_summary(ended), *holiday_summary(ended), *fates])


def _until(stage: Stage, last: dt.date) -> None:
    """Live through the days up to ``last``: what comes in, what is owed, its letters, what people do."""
    for _ in fast_forward.resume():
        pass
    worked = follow_up.last_day()
    first = nation.nation()["recognised_on"] if worked is None else worked + dt.timedelta(days=1)
    if first > last:
        return
    begun, days = time.monotonic(), (last - first).days + 1
    counts: Counter[str] = Counter()
    people = actors.Together(actors.Cast(sends=False), centres.Centres())
    for played in fast_forward.forward(first, days, people, evaluate=centres.PROGRAMMES):
        counts.update(played.counts)
    names = fast_forward.EVENTS.items()
    told = "、".join(f"{name} {counts[event]}" for event, name in names if counts[event])
    stage.say(f"快进 {first} 至 {last}：{told or '无事'}（{time.monotonic() - begun:.1f} 秒）")


def _programme() -> str:
    return str(nation.nation()["programme"])


def _register(stage: Stage) -> None:
    day = nation.nation()["recognised_on"]
    now = dt.datetime.now(dt.UTC)
    with transaction() as connection:
        if not roster(connection, _programme(), day, now):
            nation.register(connection)
            actors.register_pilots(connection)
            stage.say("已登记十二家虚构平台、两家虚构试点平台及其依托单位、运营单位")


def _issued(period: int, programme: str | None = None) -> bool:
    with reading() as connection:
        return (
            connection.execute(
                select(issue.c.id)
                .join(review_round, review_round.c.id == issue.c.round_id)
                .where(review_round.c.programme == (programme or _programme()))
                .where(review_round.c.period == str(period), review_round.c.result_set_id.is_not(None))
            ).first()
            is not None
        )


def _year(stage: Stage, period: int) -> None:
    days = cycle_days(store.governing(_programme(), period).rules.cycle, period)
    operator = stage.client("operator1")
    _until(stage, days.opens.date - ONE_DAY)
    _run(stage, operator, "cycle_calendar", days.opens.date, {"period": str(period)}, f"{period} 年度开启")
    _send_in(period)
    if period == SELF_EVALUATION:
        _centres_year(stage, operator)
    for day, what in (
        (days.due.date - dt.timedelta(days=FIRST_BATCH), "首批"),
        (_last_receipt(period, days), "更正与逾期"),
    ):
        _until(stage, day - ONE_DAY)
        _run(stage, operator, "submission_intake", day, {}, f"{period} 年度接收报送（{what}）")
    _until(stage, days.evaluate_on.date - ONE_DAY)
    _run(stage, operator, "platform_performance", days.evaluate_on.date, {}, f"{period} 年度评价")
    _approve(stage, period, days.evaluate_on.date)


def _centres_year(stage: Stage, operator: Client) -> None:
    """Let the scheduler evaluate a year's self-evaluations of the centres, and people answer it there."""
    programme, period = centres.YEARLY, SELF_EVALUATION
    if _issued(period, programme):
        return
    day = cycle_days(store.governing(programme, period).rules.cycle, period).evaluate_on.date
    _until(stage, day - ONE_DAY)
    _run(stage, operator, programme, day, {"period": str(period)}, f"中心 {period} 年度自评评估")
    _approve(stage, period, day, programme)


def _last_receipt(period: int, days: CycleDays) -> dt.date:
    return max([days.late_until.date, *(e.until for e in nation.extensions(period))])


def _send_in(period: int) -> None:
    opened = cycle_days(store.governing(_programme(), period).rules.cycle, period).opens.date
    actors.send_in(period, fast_forward.end_of(opened))


def _run(
    stage: Stage, operator: Client, dag_id: str, as_of: dt.date, conf: Mapping[str, str], what: str
) -> str:
    """Trigger a DAG run as of a day and wait until the scheduler has run it."""
    begun = time.monotonic()
    moment = dt.datetime.combine(as_of, dt.time(10), tzinfo=SHANGHAI)
    run_id = f"simulation__{as_of}" + (f"__{conf['period']}" if "period" in conf else "")
    path = f"/api/v2/dags/{dag_id}/dagRuns"
    there = operator.get(path, run_id_pattern=run_id)["dag_runs"]
    if not any(r["dag_run_id"] == run_id for r in there):
        operator.post(
            path,
            {
                "dag_run_id": run_id,
                "logical_date": moment.isoformat(),
                "conf": {"as_of": as_of.isoformat(), **conf},
            },
        )
    _await(lambda: _finished(operator, dag_id, run_id), f"{what}（{dag_id}）")
    stage.say(f"{what}（基准日 {as_of}）：{time.monotonic() - begun:.1f} 秒")
    return run_id


def _finished(client: Client, dag_id: str, run_id: str) -> bool:
    state = client.get(f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"]
    if state == "failed":
        raise EnvironmentProblemError(f"流程 {dag_id} 的运行 {run_id} 失败，原因见其任务日志")
    return bool(state == "success")


def _await(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise EnvironmentProblemError(f"等待“{what}”超过 {PATIENCE} 秒")
        time.sleep(0.25)


def _approve(stage: Stage, period: int, as_of: dt.date, programme: str = "") -> None:
    """Answer as the reviewer and the issuer: in the browser's API, in the last year by the returned list.

    ``programme``: another than the platforms'; all of it is answered in the browser.
    """
    programme, what = programme or _programme(), f"{period} 年度"
    if programme != _programme():
        what = f"中心 {period} 年度自评"
    with reading() as connection:
        round_id = (
            connection.execute(
                select(review_round.c.id)
                .where(review_round.c.programme == programme, review_round.c.period == str(period))
                .where(review_round.c.result_set_id.is_not(None))
                .order_by(review_round.c.number.desc())
            )
            .scalars()
            .first()
        )
    if round_id is None:
        raise EnvironmentProblemError(f"{what}没有待审核的轮次")
    begun = time.monotonic()
    run_id = f"round__{round_id}"
    reviewer, issuer = stage.client("reviewer1"), stage.client("issuer1")
    checked = "数据与依据核对无误（模拟）"
    if (programme, period) == (_programme(), PERIODS[-1]):
        _await(lambda: _asks(reviewer, run_id, "audit"), f"{what}审核")
        time.sleep(READING)
        listed = reviewer.download(f"/governance/rating-list/{round_id}")
        marks = {unit: (mark, remark) for unit, (mark, remark) in nation.nation()["marks"].items()}
        answered = returned_list.fill(listed, APPROVE, checked, marks)
        reviewer.upload(
            f"/governance/round/{round_id}", "评级表.xlsx", answered, {"as_of": as_of.isoformat()}
        )
    _decide(reviewer, run_id, "audit", checked)
    _decide(issuer, run_id, "sign", "同意发布（模拟）")
    _await(lambda: _finished(issuer, "approval_and_issue", run_id), f"{what}发文")
    stage.say(f"{what}审核、签发、发文：{time.monotonic() - begun:.1f} 秒")
    begun = time.monotonic()
    _await(lambda: _handed_over(issuer, programme, period), f"{what}后续事项（period_followup）")
    stage.say(f"{what}发文已转后续事项：{time.monotonic() - begun:.1f} 秒")


def _handed_over(client: Client, programme: str, period: int) -> bool:
    """Tell whether the issue of a period has started its follow-up, and that has ended well."""
    runs = client.get("/api/v2/dags/period_followup/dagRuns")["dag_runs"]
    states = [r["state"] for r in runs if r.get("partition_key") == f"{programme}:{period}"]
    if "failed" in states:
        raise EnvironmentProblemError(f"{period} 年度的后续事项（period_followup）失败，原因见其任务日志")
    return bool(states) and all(s == "success" for s in states)


def _decide(client: Client, run_id: str, task: str, comment: str) -> None:
    """Answer a step once it asks, and again if it asks again, until it is decided."""
    path = f"/api/v2/dags/approval_and_issue/dagRuns/{run_id}/taskInstances/{task}"

    def decided() -> bool:
        if _asks(client, run_id, task):
            time.sleep(READING)
            body = {"chosen_options": [APPROVE], "params_input": {"comment": comment}}
            client.patch(f"{path}/-1/hitlDetails", body)
        return bool(client.get(path)["state"] == "success")

    _await(decided, f"{run_id} {task}")


def _asks(client: Client, run_id: str, task: str) -> bool:
    waiting = client.get(
        f"/api/v2/dags/approval_and_issue/dagRuns/{run_id}/hitlDetails", response_received="false"
    )["hitl_details"]
    return any(
        h["task_instance"]["task_id"] == task and h["task_instance"]["state"] == "awaiting_input"
        for h in waiting
    )
