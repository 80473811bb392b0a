"""Started by stacks.py as a process of its own: everything up, one year of the story, everything stopped.

``python run_story.py STATE PORT [--prepare]``. The people of the story are patient: a page that does not
answer is loaded again, a run that is there already is not started twice.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, TemporaryProblemError
from ipgov.core.fingerprint import sha256_hex
from ipgov.launcher import supervisor
from ipgov.launcher.api import ApiClient, ApiError
from ipgov.launcher.demo import Demo
from ipgov.simulation import nation, story
from sqlalchemy.exc import DBAPIError

PERIOD = 2023
PATIENCE = 240.0
THERE_ALREADY = (409, 422)


class Patient:
    """A person's browser; what the server did not answer is asked again."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client

    def _again(self, ask: Callable[[], Any]) -> Any:
        limit = time.monotonic() + PATIENCE
        asked = 0
        while True:
            try:
                return ask()
            except (requests.RequestException, ApiError, ValueError) as error:
                status = getattr(error, "status", 599)
                if asked and status in THERE_ALREADY:
                    return {}  # it had heard us the first time
                if status < 500 or time.monotonic() > limit:
                    raise
                asked += 1
                time.sleep(0.5)

    def get(self, path: str, **query: Any) -> Any:
        return self._again(lambda: self.client.get(path, **query))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._again(lambda: self.client.post(path, body))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        try:
            return self._again(lambda: self.client.patch(path, body))
        except ApiError as error:
            if error.status in (404, *THERE_ALREADY):  # the attempt that asked has been killed meanwhile
                return {}
            raise


class Stage(Demo):
    """The demo's stage with patient people on it."""

    def client(self, login: str) -> Any:
        return Patient(super().client(login))


def same_files(folder: Path) -> None:
    """Let the bodies send the same files in every year: a spreadsheet program writes the time into them."""
    folder.mkdir(exist_ok=True)
    fill = nation.fill

    def filled(
        form: bytes, values: Mapping[str, Any], drop_sheet: str | None = None, listed: Any = ()
    ) -> bytes:
        asked = repr((sha256_hex(form), sorted(values.items()), drop_sheet, list(listed)))
        path = folder / sha256_hex(asked.encode())
        if not path.exists():
            path.write_bytes(fill(form, values, drop_sheet, listed))
        return path.read_bytes()

    nation.fill = filled


def play(stage: Stage) -> None:
    """Play the year and the night after it; begin again where the database went away under the story."""
    while True:
        try:
            story._register(stage)
            if not story._issued(PERIOD):
                story._year(stage, PERIOD)
            night = dt.date(PERIOD + 1, 12, 31)
            story._run(stage, stage.client("operator1"), "nightly_seal", night, {}, "夜间封存")
            return
        except (DBAPIError, TemporaryProblemError) as error:
            stage.say(f"（数据库中断，继续）{type(error).__name__}")
            time.sleep(1)


def main(state: Path, port: int, prepare: bool) -> int:
    say = supervisor.progress()
    stage = Stage(f"http://127.0.0.1:{port}", state, say)
    played = False

    def ready() -> None:
        nonlocal played
        stage.wait_for_dags("cycle_calendar", "submission_intake", "platform_performance", "nightly_seal")
        stage.wait_for_dags("approval_and_issue")
        if not prepare:
            print("PLAYING", flush=True)
            play(stage)
        played = True

    story.PATIENCE = 600
    same_files(state.parent / "sent")
    try:
        supervisor.up(state, port, ready, say=say)
    except GovernanceError as error:
        print(error.message, flush=True)
        return 2 if isinstance(error, EnvironmentProblemError) else 1
    return 0 if played else 130


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), "--prepare" in sys.argv))
