"""What is thrown away after a time: log files. The record, its objects and its seals never are."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

from ipgov.core.errors import os_problem
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
