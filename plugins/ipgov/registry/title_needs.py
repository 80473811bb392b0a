"""What an event of a title needs besides its state: an approval, a notice that is over, no open objection.

``approval`` is proved here: the round must have been issued. The facts of public notices lie in other rooms:
whoever keeps them provides the check (``provide``), which says in Chinese what is missing, or None. A need
that nobody provides a check for is not met.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import UnknownError
from ipgov.policy import store
from ipgov.policy.lifecycles import NEED_NAMES, Need

# (connection, programme, unit, on, known_at) → what is missing, or None
Check = Callable[[Connection, str, str, dt.date, dt.datetime], str | None]
_CHECKS: dict[Need, Check] = {}


def provide(need: Need, check: Check) -> None:
    """Say how a need is checked; called once, where the module that keeps the facts is imported."""
    if need == "approval":
        raise UnknownError("approval 由称号登记自行核实，不另设办法")
    _CHECKS[need] = check


def missing(
    connection: Connection,
    needs: Sequence[Need],
    programme: str,
    unit: str,
    on: dt.date,
    known_at: dt.datetime,
    round_id: int | None,
) -> list[str]:
    """Return what is missing of an event's needs, in Chinese; UnknownError for a need that has no check."""
    found = []
    for need in needs:
        if need == "approval":
            reason = _unapproved(connection, programme, round_id, known_at)
        elif need in _CHECKS:
            reason = _CHECKS[need](connection, programme, unit, on, known_at)
        else:
            raise UnknownError(f"{unit}：没有核实“{NEED_NAMES[need]}”的办法（{need}），不予登记")
        if reason is not None:
            found.append(reason)
    return found


def _unapproved(
    connection: Connection, programme: str, round_id: int | None, known_at: dt.datetime
) -> str | None:
    """Tell why a round is no approval: there is none, another programme's, or not issued by that moment.

    A round is issued only once its whole chain approved it; the row of its issue is written before it takes
    effect, in the same transaction.
    """
    if round_id is None:
        return "须经审批签发，本次没有审批轮次"
    round_, issue = tables.review_round, tables.issue
    row = connection.execute(
        select(round_.c.programme, issue.c.id.label("issued"))
        .join(issue, (issue.c.round_id == round_.c.id) & (issue.c.known_at <= known_at), isouter=True)
        .where(round_.c.id == round_id)
    ).first()
    if row is None:
        return f"须经审批签发，没有编号为 {round_id} 的审批轮次"
    if store.governs(row.programme) != programme:
        return f"须经审批签发，审批轮次 {round_id} 属于另一业务“{row.programme}”"
    if row.issued is None:
        return f"须经审批签发，审批轮次 {round_id} 尚未签发"
    return None
