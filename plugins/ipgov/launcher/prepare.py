"""Bring Airflow's own database to its newest form and its accounts to those of policies/roles.yaml.

Run by the supervisor as a process of its own (``python -m ipgov.launcher.prepare``): Airflow reads its
settings when it is imported. It prints nothing of an account but its login.
"""

from __future__ import annotations

import sys

from ipgov.core.settings import settings
from ipgov.launcher import accounts
from ipgov.wiring.roles import load_roles


def main(arguments: list[str]) -> int:
    """Migrate, then synchronise roles and people; ``production`` makes no demo people."""
    from airflow.utils import db
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded
    from airflow.utils.session import create_session

    @providers_configuration_loaded
    def work() -> None:
        db.upgradedb()
        with create_session() as session:
            people = accounts.DEMO_PEOPLE if arguments == ["simulation"] else ()
            accounts.synchronise(session, load_roles(settings().policies), people, settings().state)

    work()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
