"""What the commands share: options, output, errors, the moment that a command stands for."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.core import files
from ipgov.core.errors import GovernanceError, Problem, os_problem

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="基准日，如 2026-04-16；默认今天")]


def group() -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(no_args_is_help=True)


def fail(error: GovernanceError, code: int) -> None:
    """Print an error that a person is meant to read, and exit."""
    if "--json" in sys.argv:
        print_json({"error": error.message, "problems": [p.as_dict() for p in error.problems]})
    else:
        print(error.message, file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    sys.exit(code)


def print_json(value: Any) -> None:
    """Print plain data for machines."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def report(problems: Iterable[Problem], as_json: bool, good: str) -> None:
    """List problems and exit with 1, or say that all is ``good`` and exit with 0."""
    listed = list(problems)
    if as_json:
        print_json({"problems": [p.as_dict() for p in listed]})
    elif listed:
        for problem in listed:
            print(problem)
        print(f"共 {len(listed)} 处问题")
    else:
        print(good)
    raise typer.Exit(1 if listed else 0)


def moment(as_of: str | None, known_at: dt.datetime | None = None) -> tuple[dt.date, dt.datetime]:
    """Return the day and the moment of knowledge that a command works with; the only look at the clock."""
    from ipgov.core import clock
    from ipgov.core.database import reading
    from ipgov.core.steps import resolve_moment

    with reading() as connection:
        now, simulation = clock.read(connection)
    return resolve_moment(now, simulation, as_of=day(as_of) if as_of else None, known_at=known_at)


def told(done: dict[str, Any], as_json: bool, said: str) -> None:
    """Print what a step did; done before, it says so."""
    if as_json:
        print_json(done)
    else:
        print(("此前已办理，没有变化。" if done["repeated"] else "") + said)


def round_opened(output: Mapping[str, Any]) -> str:
    """Return in words which round was opened."""
    return f"已开第 {output['number']} 轮（轮次编号 {output['round_id']}），转“审核与签发”办理"


def day(text: str) -> dt.date:
    """Read a day as typed; raises GovernanceError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise GovernanceError(f"“{text}”不是日期，应为 2026-04-16 的形式") from None


def instant(text: str) -> dt.datetime:
    """Read a moment as typed, Beijing time where no other is named; raises GovernanceError."""
    from ipgov.core.steps import SHANGHAI

    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise GovernanceError(f"“{text}”不是时刻，应为 2026-04-16T18:00 的形式") from None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def write(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what was there; raises EnvironmentProblemError."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe
            path.write_bytes(data)
        else:
            files.write(path, data)
    except OSError as error:
        raise os_problem(f"无法写入 {path}", error) from None


def read(path: Path) -> bytes:
    """Read a file; raises EnvironmentProblemError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise os_problem(f"无法读取 {path}", error) from None
