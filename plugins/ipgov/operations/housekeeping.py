"""What is thrown away after a time: logs, runs by the clock. Record, objects and seals never are."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, os_problem
from ipgov.core.settings import settings
from ipgov.core.steps import StepResult


def clean(now: dt.datetime) -> StepResult:
    """Delete log files that nothing was written to for ``log_keep_days``, then folders that became empty.

    Raises EnvironmentProblemError, after all others are deleted, for a file that cannot be.
    """
    root = settings().state / "logs"
    oldest = now - dt.timedelta(days=settings().log_keep_days)
    read = deleted = size = 0
    failed: OSError | None = None
    for path in _files(root):
        read += 1
        try:
            stat = path.lstat()
            if dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC) < oldest:
                path.unlink()
                deleted, size = deleted + 1, size + stat.st_size
        except FileNotFoundError:  # taken away meanwhile
            continue
        except OSError as error:
            failed = error
    _empty_folders(root)
    if failed is not None:
        raise os_problem(f"过期的日志 {failed.filename} 无法删除", failed) from failed
    output = {"bytes": size, "older_than": oldest.isoformat()}
    return StepResult(read=read, written=deleted, skipped=read - deleted, output=output)


def _files(root: Path) -> Iterator[Path]:
    """Yield every file below a folder; links are files, so that nothing outside is reached."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder) / name for name in names)


def _empty_folders(root: Path) -> None:
    """Remove empty folders, the innermost first; one that a task is about to fill is made by it again."""
    for folder, _, _ in sorted(os.walk(root), reverse=True):
        if Path(folder) != root and not any(Path(folder).iterdir()):
            try:
                Path(folder).rmdir()
            except OSError:  # something came in meanwhile
                continue


# Started by the clock many times a day: after a time nobody asks about a single run of these. All others are
# the history of procedures, and stay.
FREQUENT = ("backup", "dispatch", "operations_watch", "present_rounds", "submission_intake")
_TRACES = ("job", "import_error", "callback", "trigger", "celery_taskmeta", "celery_tasksetmeta")
# Airflow looks there for a column dag_id that the table does not have; its rows go with their runs.
_FALSE_ALARM = "and did not clean them: ['deadline']"


def clean_runs(now: dt.datetime) -> None:
    """Delete old runs of the frequent DAGs, and Airflow's own traces, by ``airflow db clean``.

    Airflow's log of who did what is not touched. Raises EnvironmentProblemError where its database is not
    known or the command fails.
    """
    url = settings().accounts_database_url
    if not url:
        raise EnvironmentProblemError("没有 Airflow 数据库的地址：请设置 IPGOV_ACCOUNTS_DATABASE_URL")
    before = (now - dt.timedelta(days=settings().log_keep_days)).isoformat()
    own = {
        "AIRFLOW_HOME": str(settings().state / "airflow"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": url,  # else it asks for another driver
    }
    common = ["db", "clean", "--yes", "--skip-archive", "--error-on-cleanup-failure"]
    for more in (["--tables", "dag_run", "--dag-ids", ",".join(FREQUENT)], ["--tables", ",".join(_TRACES)]):
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("airflow")),
                *common,
                "--clean-before-timestamp",
                before,
                *more,
            ],
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and _FALSE_ALARM not in done.stderr + done.stdout:
            said = " ".join((done.stderr or done.stdout).split())[-500:]
            raise EnvironmentProblemError(f"airflow db clean 未成（退出码 {done.returncode}）：{said}")
