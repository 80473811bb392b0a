"""Started by test_cluster.py: a year of the story through the processes on servers; its people are patient.

``python play_year.py URL CLOCK``, in the environment of the service ``ipgov`` of docker-compose.yml. CLOCK is
told when an object came: an S3 service gives that time itself, and the story's workbooks came in its year.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

import datetime as dt

import requests
import run_story
from ipgov.core import objects
from ipgov.core.settings import settings
from ipgov.launcher import accounts, supervisor
from ipgov.simulation import actors, story


def main(url: str, clock: str) -> int:
    def receive(key: str, data: bytes, at: dt.datetime) -> None:
        objects.store().put(key, data)
        requests.post(clock, json={"key": key, "at": at.timestamp()}, timeout=30).raise_for_status()

    actors.receive = receive
    # the days between, which no process on the servers plays, are left out
    story._until = lambda stage, last: None
    stage = run_story.Stage(url, settings().state, supervisor.progress())
    accounts.register_officers(accounts.DEMO_PEOPLE)
    story.PATIENCE = 600
    run_story.same_files(settings().state.parent / "sent")
    stage.wait_for_dags("cycle_calendar", "submission_intake", "platform_performance", "nightly_seal")
    stage.wait_for_dags("approval_and_issue")
    print("PLAYING", flush=True)
    run_story.play(stage)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
