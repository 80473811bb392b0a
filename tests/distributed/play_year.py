"""Started by test_cluster.py: a year of the story through the processes on servers; its people are patient.

``python play_year.py URL``, in the environment of the service ``ipgov`` of docker-compose.yml.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

import run_story
from ipgov.core.settings import settings
from ipgov.launcher import accounts, supervisor
from ipgov.simulation import story


def main(url: str) -> int:
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
    sys.exit(main(sys.argv[1]))
