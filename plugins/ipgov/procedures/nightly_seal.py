"""The nightly seal: everything added since the last one is sealed, then the whole chain verified."""

from __future__ import annotations

import datetime as dt

from ipgov.core import audit, seals
from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError
from ipgov.core.steps import StepResult


def seal(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Seal what was added since the last seal; where nothing was, nothing is written.

    Run again the same night it adds nothing, or a link for what came in between. Raises
    EnvironmentProblemError where the last manifest was changed.
    """
    made = seals.add("nightly", as_of.isoformat(), known_at)
    with reading() as connection:
        last = seals.newest(connection)
    output = {"head": audit.head(last) if last else ""}
    rows = last["row_count"] if last and made else 0
    return StepResult(read=rows, written=rows, skipped=int(made is None), output=output)


def verify() -> StepResult:
    """Verify the whole chain; raises GovernanceError with everything that is not as it was sealed."""
    with reading() as connection:
        told = audit.verify(connection)
    if told.problems:
        raise GovernanceError(
            f"封存链核验发现 {len(told.problems)} 处问题：" + "；".join(map(str, told.problems[:50])),
            tuple(told.problems),
        )
    output = {"information": told.information, "seals": told.seals, "files": told.files, "head": told.head}
    return StepResult(read=told.rows, output=output)
