"""``make demo``: everything started, the simulated years played through it, a summary, then the interface.

``python -m ipgov.launcher.demo [--no-wait] [--port N] [--state FOLDER]``
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.core.settings import settings
from ipgov.launcher import accounts, supervisor
from ipgov.launcher.api import ApiClient, ApiError
from ipgov.policy.programmes import of_procedure


@dataclass
class Demo:
    """A running installation as the play sees it: its address, its folder, its people's browsers."""

    base_url: str
    state: Path
    say: Callable[[str], None]
    _clients: dict[str, ApiClient] = field(default_factory=dict)

    def client(self, login: str) -> ApiClient:
        """Return the signed-in browser of one of accounts.DEMO_PEOPLE."""
        if login not in self._clients:
            password = accounts.read_passwords(self.state)[login]
            self._clients[login] = ApiClient(self.base_url, login, password)
        return self._clients[login]

    def wait_for_dags(self, *dag_ids: str, limit: float = 120) -> None:
        """Wait until Airflow has read these DAGs; EnvironmentProblemError names what kept them away."""
        client = self.client("admin1")
        end = time.monotonic() + limit
        missing = set(dag_ids)
        while True:
            for dag_id in sorted(missing):
                try:
                    client.get(f"/api/v2/dags/{dag_id}")
                    missing.discard(dag_id)
                except ApiError as error:
                    if error.status != 404:
                        raise
            if not missing:
                return
            if time.monotonic() > end:
                errors = [e["stack_trace"] for e in client.get("/api/v2/importErrors")["import_errors"]]
                raise EnvironmentProblemError(
                    f"Airflow 未读到流程 {'、'.join(sorted(missing))}" + "".join(f"\n{e}" for e in errors)
                )
            time.sleep(0.3)


Play = Callable[[Demo], str]


def main(
    play: Play, arguments: list[str] | None = None, furnish: Callable[[Path], object] | None = None
) -> int:
    """Start everything, call ``play``, print the summary it returns, keep the interface up until Ctrl-C.

    ``furnish`` lays into the state folder what the play needs there (see ``supervisor.up``).
    Returns 0, 130 where it was interrupted before its end, 1 or 2 after an error's message.
    """
    options = _options(arguments)
    say = supervisor.progress()
    demo = Demo(f"http://127.0.0.1:{options.port}", options.state.absolute(), say)
    played = False

    def ready() -> None:
        nonlocal played
        demo.wait_for_dags(*dag_ids(settings().root / "dags"))
        summary = play(demo)
        played = True
        _tell(summary, demo)
        if options.wait:
            print("按 Ctrl-C 停止。", flush=True)
            while True:
                signal.pause()

    try:
        supervisor.up(demo.state, options.port, ready, say=say, furnish=furnish)
    except GovernanceError as error:
        print(error.message, *error.problems, sep="\n", file=sys.stderr, flush=True)
        return 2 if isinstance(error, EnvironmentProblemError) else 1
    return 0 if played else 130


def dag_ids(folder: Path) -> list[str]:
    """Return the DAGs that the files of a folder make.

    A file is one procedure and its DAG is named like it, but for the procedures of centres
    (``center_<procedure>.py``): those have a DAG for each programme of the procedure.
    """
    return [
        dag_id
        for file in sorted(folder.glob("*.py"))
        for dag_id in [p.code for p in of_procedure(file.stem.removeprefix("center_"))] or [file.stem]
    ]


def _tell(summary: str, demo: Demo) -> None:
    print("", summary, "", sep="\n")
    print(f"界面：{demo.base_url}/")
    print(f"账户与密码：{accounts.passwords_file(demo.state)}（仅本人可读）", flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ipgov-demo", description="模拟三个年度的平台绩效评价")
    parser.add_argument(
        "--wait", action=argparse.BooleanOptionalAction, default=True, help="演示后保持界面运行"
    )
    parser.add_argument("--port", type=int, default=8080, help="界面端口，只在 127.0.0.1 上监听")
    parser.add_argument("--state", type=Path, default=settings().state, help="本次安装写入一切内容的文件夹")
    return parser.parse_args(arguments)


def _entry() -> int:
    from ipgov.launcher import demo  # by its name: not a second copy of this file as __main__
    from ipgov.simulation import fictitious_holidays, story

    return demo.main(story.play, furnish=fictitious_holidays.supply)


if __name__ == "__main__":
    sys.exit(_entry())
