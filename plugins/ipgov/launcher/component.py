"""One process of an installation on servers: ``python -m ipgov.launcher.component NAME``.

NAME: api-server, scheduler, dag-processor, triggerer, worker; or prepare, which brings databases, bucket,
roles and accounts to their newest form and ends. Becomes the process of Airflow, so that signals reach it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.core.settings import settings
from ipgov.launcher import airflow, site


def command(name: str) -> list[str]:
    """Return the command line of one of site.COMPONENTS."""
    program = Path(sys.executable).with_name("airflow")
    # only then is what a caller says of its address and scheme a proxy's word
    proxied = ["--proxy-headers"] if name == "api-server" and airflow.public_url() else []
    named = ["--celery-hostname", settings().worker_name] if settings().worker_name else []
    return [str(program), *site.COMPONENTS[name], *proxied, *(named if name == "worker" else ())]


def become(name: str) -> None:
    """Replace this process by one of Airflow's; raises EnvironmentProblemError."""
    variables = site.environment(name)
    airflow.write_login_page_settings(site.home())
    words = command(name)
    os.execve(  # noqa: S606  our own program
        words[0], words, airflow.child_environment(variables)
    )


def main(arguments: list[str]) -> int:
    """Run one component; 2 after an error's message."""
    try:
        match arguments:
            case ["prepare"]:
                from ipgov.launcher import prepare_site

                prepare_site.prepare()
            case [name] if name in site.COMPONENTS:
                become(name)
            case _:
                known = "、".join([*site.COMPONENTS, "prepare"])
                raise EnvironmentProblemError(f"没有这样的组件：{' '.join(arguments)}；可用：{known}")
    except GovernanceError as error:
        print(error.message, *error.problems, sep="\n", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
