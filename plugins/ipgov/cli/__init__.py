"""The command ``ipgov``: Chinese text for people, ``--json`` for machines.

Exit codes: 0 done, 1 found problems, 2 bad usage or environment. A user's mistake never shows a traceback.
"""

from __future__ import annotations

import typer

from ipgov.cli import (
    alerts,
    audits,
    backup,
    cases,
    clock,
    comparison,
    correction,
    dispatching,
    duties,
    evaluation,
    experts,
    forms,
    history,
    officers,
    papers,
    policy_changes,
    provinces,
    publicities,
    quality,
    recognition,
    registry,
    rounds,
    sensitivity,
    simulate,
    work_plan,
)
from ipgov.cli.common import fail
from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.core.faults import fault

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="知识产权运营体系治理"
)
for room in (
    policy_changes,
    forms,
    evaluation,
    comparison,
    quality,
    sensitivity,
    papers,
    experts,
    recognition,
    registry,
    publicities,
    history,
    officers,
    correction,
    clock,
    dispatching,
    cases,
    duties,
    work_plan,
    rounds,
    audits,
    provinces,
    backup,
    alerts,
    simulate,
):
    app.add_typer(room.app)


def main() -> None:
    """Run the command line; turn every error that a person is meant to read into text and an exit code."""
    try:
        app()
    except EnvironmentProblemError as error:
        fail(error, 2)
    except GovernanceError as error:
        fail(error, 1 if error.problems else 2)
    except Exception as error:
        found = fault(error)
        if found is None:  # a mistake of the program: its traceback is what helps
            raise
        fail(found, 2)
