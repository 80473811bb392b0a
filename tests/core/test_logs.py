"""Every line within a step says which programme, period, step, mode and run it is about."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ipgov.core import logs
from ipgov.core.steps import Cycle, Mode, StepResult, run_step

NOW = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
CYCLE = Cycle("p", "2023", NOW.date(), NOW, Mode.RECALCULATE)
FACTS = {"programme": "p", "period": "2023", "mode": "recalculate"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_within_a_step(database: Path, tmp_path: Path) -> None:
    from structlog.contextvars import clear_contextvars, get_contextvars

    file, said = tmp_path / "ipgov.jsonl", []
    clear_contextvars()

    def work(connection: Any) -> StepResult:
        logging.getLogger("ipgov.deep.below").warning("数值 %s", 3)
        return StepResult(read=2)

    with logs.also(file, said.append) as say:
        say("开始")
        for _ in range(2):
            run_step(CYCLE, "freeze", "f", work)
        with logs.about(run="r1", step="check"):
            try:
                raise ZeroDivisionError
            except ZeroDivisionError:
                logging.getLogger("ipgov.x").exception("failed")
    logging.getLogger("ipgov.x").warning("after")
    begun, within, done, again, failed = lines(file)
    assert (begun["event"], said) == ("开始", ["开始"])
    run = f"process-{os.getpid()}"
    for line in (within, done, again):
        assert {k: line[k] for k in (*FACTS, "step", "run")} == FACTS | {"step": "freeze", "run": run}
    assert within["event"] == "数值 3"
    assert (within["level"], within["logger"]) == ("warning", "ipgov.deep.below")
    assert done["event"] == "步骤 freeze 办理完毕（读 2，写 0，略过 0，问题 0）"
    assert "此前已办理" in again["event"]
    assert (failed["run"], failed["step"]) == ("r1", "check")
    assert "ZeroDivisionError" in failed["error"]
    assert get_contextvars() == {}
    assert file.stat().st_mode & 0o077 == 0


def test_a_task_binds_its_run(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ipgov.wiring import run
    from structlog.contextvars import clear_contextvars, get_contextvars

    clear_contextvars()
    made = SimpleNamespace(
        conf={"as_of": "2024-04-01"},
        data_interval_end=dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        run_type="manual",
        backfill_id=None,
    )
    context = {"dag_run": made, "run_id": "manual__1", "ti": SimpleNamespace(task_id="freeze")}
    try:
        run.cycle(context, "p")
        assert get_contextvars() == {
            "programme": "p", "period": "2023", "mode": "live", "step": "freeze", "run": "manual__1",
        }  # fmt: skip
    finally:
        clear_contextvars()


def test_airflows_own_lines_bear_it_too() -> None:
    """As a task process writes them: Airflow's configuration of logging, whole."""
    code = """
import logging, sys
from airflow.sdk.log import configure_logging
configure_logging(json_output=True, output=sys.stdout.buffer, sending_to_supervisor=True)
from ipgov.core import logs
logs.bind(run="scheduled__1")
with logs.about(programme="p", period="2023", step="freeze", mode="live"):
    logging.getLogger("ipgov.x").warning("within")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = [json.loads(x) for x in done.stdout.splitlines() if "within" in x]
    expected = {"programme": "p", "period": "2023", "step": "freeze", "mode": "live", "run": "scheduled__1"}
    assert {k: line[k] for k in expected} == expected


def test_a_log_is_rotated_under_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scheduler.log"
    with path.open("ab", buffering=0) as writer:
        for n in range(8):
            writer.write(f"{n}".encode() * 20)
            assert logs.rotate(path, 10) is True
        assert logs.rotate(path, 10) is False
        writer.write(b"now")
    assert path.read_bytes() == b"now"
    kept = sorted(p.name for p in tmp_path.iterdir())
    assert kept == ["scheduler.log", *(f"scheduler.log.{n}" for n in range(1, logs.KEPT + 1))]
    assert (tmp_path / "scheduler.log.1").read_bytes() == b"7" * 20
    assert logs.rotate(tmp_path / "absent", 10) is False
