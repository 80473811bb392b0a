"""Making a document again, with the workbooks beside it: those come from the record, as known then."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Connection, RowMapping

from ipgov.core.database import reading
from ipgov.documents import register
from ipgov.documents.register import Rebuilt
from ipgov.followup import case_problems, cases
from ipgov.procedures import case_papers

_CASE = re.compile(r"case:(?P<case>\d+)/(?P<kind>.+)")


def rebuild(number_or_id: str) -> Rebuilt:
    """Make a document's files again and compare them with the archive; raises as ``register.rebuild``."""
    with reading() as connection:
        return register.rebuild(connection, number_or_id, lambda row: _beside(connection, row))


def _beside(connection: Connection, row: RowMapping) -> Mapping[str, bytes]:
    """Return the workbooks that went out with a document, by format."""
    of_case = _CASE.fullmatch(row["key"])
    if of_case is None:
        return {}
    case = cases.get(connection, int(of_case["case"]), row["known_at"])
    if of_case["kind"] != case.rules.notice.kind:
        return {}
    # the list of problems ends with its notice: none was added since
    problems = case_problems.of_case(connection, case.obligation_id)
    return {"xlsx": case_papers.form(connection, case, problems)}
