"""The state of an installation: what needs a person is found where it is, and told by the exit code."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.settings import settings
from played_nation import Nation, at

Ipgov = Callable[..., tuple[int, str, str]]
DAY = dt.timedelta(days=1)


def keys(day: dt.date) -> list[str]:
    from ipgov.operations import conditions

    return [n.key for n in conditions.find(day, at(day))]


def test_a_year_in_which_things_are_left_undone(nation: Nation, ipgov: Ipgov) -> None:
    from ipgov.core.database import reading
    from ipgov.operations import conditions

    nation.open(2023)
    nation.collect(2023)
    day = nation.days(2023).evaluate_on.date
    assert keys(day) == []
    assert keys(day + DAY) == ["run_overdue/functional_platform/2023"]
    round_ = nation.evaluate(2023)
    assert keys(day + DAY) == []
    limit = settings().approval_waiting_days
    with reading() as connection:
        (waiting,) = conditions.waiting_rounds(connection)
    assert (waiting["waiting_for"], waiting["role"]) == ("审核", "reviewer")
    assert keys(waiting["since"].date() + limit * DAY) == []
    late = waiting["since"].date() + (limit + 2) * DAY
    assert keys(late) == [f"approval/{round_['round_id']}/audit"]
    code, said, _ = ipgov("status", "--as-of", late, "--json")
    told = json.loads(said)
    assert (code, [n["kind"] for n in told["needs_person"]]) == (1, ["approval"])
    assert told["database_bytes"] > 1_000_000
    assert told["objects"]["bytes"] > told["objects"]["count"] > 10
    assert told["approvals"][0]["label"] == waiting["label"]
    code, said, _ = ipgov("status", "--as-of", late)
    assert code == 1
    assert "需要人处理：审批久候：" in said
    assert "最近封存：" in said


def test_backups_that_are_old_have_gaps_or_were_never_tried(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ipgov: Ipgov
) -> None:
    from ipgov.core.database import transaction
    from ipgov.core.tables import backup_event

    monkeypatch.setenv("IPGOV_BACKUP_DESTINATION", str(tmp_path / "b"))
    settings.cache_clear()
    now = dt.datetime(2026, 3, 2, 23, tzinfo=dt.UTC)

    def event(kind: str, hours: float, **detail: Any) -> None:
        moment = now - dt.timedelta(hours=hours)
        values = {"backup": f"b{hours}", "place": "p", "seconds": 61, "objects": 1, "bytes": 2_000_000}
        with transaction() as connection:
            connection.execute(
                backup_event.insert().values(
                    kind=kind, snapshot_at=moment, known_at=moment, performed_by="t", detail=detail, **values
                )
            )

    def found() -> list[str]:
        from ipgov.operations import conditions

        return [n.key for n in conditions.find(now.date(), now)]

    assert found() == ["backup/none"]
    event("made", 30)
    assert found() == ["backup/old/b30"]
    event("incomplete", 4, problems=["content/x：缺失"])
    assert found() == ["backup/old/b30", "backup/gap/b4"]
    event("made", 2)
    assert found() == []
    event("made", 24 * 101)
    assert found() == ["rehearsal/old"]
    event("rehearsal_failed", 1, problems=["x"])
    assert [k.split("/")[:2] for k in found()] == [["rehearsal", "failed"]]
    event("rehearsed", 0.5)
    assert found() == []
    said = ipgov("status", "--as-of", "2026-03-02")[1]
    assert "最近备份：b2，" in said
    assert "用时 61 秒，1.9 MB（p）" in said
    assert "最近恢复演练：成功" in said


def test_failures_and_components_as_airflow_has_them(
    database: Path, airflow_like: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.operations import airflow_state
    from sqlalchemy import create_engine, text

    assert "无法读取" in airflow_state.look().unknown  # no such tables
    engine = create_engine(airflow_like)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE job (job_type text, latest_heartbeat timestamptz)",
            "CREATE TABLE dag_run (dag_id text, run_id text, run_type text, state text, backfill_id int,"
            " run_after timestamptz, start_date timestamptz, queued_at timestamptz, end_date timestamptz)",
            "CREATE TABLE task_instance (dag_id text, run_id text, task_id text, state text)",
            "INSERT INTO job VALUES ('SchedulerJob', now()), ('TriggererJob', now() - interval '1 hour')",
            "INSERT INTO task_instance VALUES ('nightly_seal', 'n2', 'verify', 'failed'),"
            " ('approval_and_issue', 'a1', 'issue', 'failed'), ('dispatch', 'd2', 'send', 'running')",
        ):
            connection.execute(text(statement))
        rows = [
            ("nightly_seal", "n2", "scheduled", "failed", None, 1),
            ("dispatch", "d1", "scheduled", "failed", None, 3),  # made good by d2
            ("dispatch", "d2", "scheduled", "success", None, 2),
            ("dispatch", "d3", "scheduled", "running", None, 1),
            ("platform_performance", "b1", "backfill", "failed", 7, 1),  # the past speaks to nobody
            ("approval_and_issue", "a1", "manual", "failed", None, 2),
            ("approval_and_issue", "a2", "manual", "success", None, 1),  # of another round
            ("correction", "c1", "manual", "failed", None, 24 * 15),  # history
        ]
        for dag, run, kind, state, backfill, hours in rows:
            connection.execute(
                text(
                    "INSERT INTO dag_run VALUES (:dag, :run, :kind, :state, :backfill,"
                    " now() - make_interval(hours => :hours), now() - make_interval(hours => :hours), NULL,"
                    " CASE WHEN :state = 'running' THEN NULL ELSE now() - make_interval(hours => :hours) END)"
                ),
                {"dag": dag, "run": run, "kind": kind, "state": state, "backfill": backfill, "hours": hours},
            )
    engine.dispose()
    found = keys(dt.date(2026, 3, 2))
    assert sorted(found) == [
        "component_down/dag-processor",
        "component_down/triggerer",
        "task_failed/approval_and_issue/a1",
        "task_failed/nightly_seal/n2",
    ]
    from ipgov.operations import conditions

    kinds = {n.key: n.kind for n in conditions.find(dt.date(2026, 3, 2), at(dt.date(2026, 3, 2)))}
    assert kinds["task_failed/nightly_seal/n2"] == "seal_broken"
    assert [(r["dag_id"], r["run_id"]) for r in airflow_state.look().running] == [("dispatch", "d3")]


def test_a_condition_that_cannot_be_judged_is_told_and_stops_no_other(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.operations import conditions
    from sqlalchemy import text

    def broken(moment: Any) -> Any:
        yield from moment.connection.execute(text("SELECT 1 FROM no_such_table"))

    monkeypatch.setattr(conditions, "CHECKS", (broken, *conditions.CHECKS))
    monkeypatch.setenv("IPGOV_DISK_FREE_PERCENT", "99")
    settings.cache_clear()
    found = conditions.find(dt.date(2026, 3, 2), at(dt.date(2026, 3, 2)))
    assert found[0].kind == "check_failed"
    assert {n.kind for n in found[1:]} == {"disk"}


def test_old_log_files_go_and_nothing_else(database: Path, ipgov: Ipgov) -> None:
    logs = database / "logs" / "tasks" / "dag_id=x" / "run_id=y"
    logs.mkdir(parents=True)
    old, new, outside = logs / "attempt=1.log", database / "logs" / "scheduler.log", database / "secrets"
    for path in (old, new, outside):
        path.write_text("x", encoding="utf-8")
    (database / "logs" / "link").symlink_to(outside)
    long_ago = dt.datetime.now(dt.UTC).timestamp() - (settings().log_keep_days + 1) * 86400
    for path in (old, outside):
        os.utime(path, (long_ago, long_ago))
    code, said, _ = ipgov("housekeeping", "--json")
    assert (code, json.loads(said)["written"]) == (0, 1)
    assert [p.exists() for p in (old, logs, new, outside)] == [False, False, True, True]


def test_logs_are_kept_for_half_a_year_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    from ipgov.core.errors import GovernanceError

    monkeypatch.setenv("IPGOV_LOG_KEEP_DAYS", "90")
    settings.cache_clear()
    with pytest.raises(GovernanceError, match="IPGOV_LOG_KEEP_DAYS"):
        settings()
    settings.cache_clear()
