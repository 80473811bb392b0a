"""A live period that was not worked on by its day: one letter to the office for each, whoever looks when.

A deadline of Airflow hangs on a run, so it knows nothing of a run that was never made (DAG paused, scheduler
down). This looks at the record instead: the evaluation day is past and no round was opened. A backfill
recalculates and opens no round; it counts neither as done nor as late.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, text

from ipgov.calendars.working_days import known
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.steps import StepResult
from ipgov.documents import dispatch, register, templates
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.policy import store
from ipgov.policy.correspondence import correspondence
from ipgov.procedures.follow_up_papers import working_days_left
from ipgov.procedures.parties import OFFICE

_OVERDUE = """
SELECT c.programme, c.period, c.evaluate_on, v.sha256 AS rule_sha256,
       EXISTS (SELECT 1 FROM snapshot s WHERE s.programme = c.programme AND s.period = c.period
               AND s.mode = 'live' AND s.known_at <= :known_at) AS begun,
       EXISTS (SELECT 1 FROM submission s WHERE s.programme = c.programme AND s.period = c.period
               AND s.outcome = 'accepted' AND s.known_at <= :known_at) AS reported
FROM cycle c JOIN rule_version v ON v.id = c.rule_version_id
WHERE c.evaluate_on < :as_of AND c.known_at <= :known_at
  AND NOT EXISTS (SELECT 1 FROM review_round r WHERE r.programme = c.programme AND r.period = c.period
                  AND r.result_set_id IS NOT NULL AND r.known_at <= :known_at)
ORDER BY c.programme, c.period
"""


def overdue(connection: Connection, as_of: dt.date, known_at: dt.datetime) -> list[dict[str, Any]]:
    """Return the opened periods whose evaluation day is past and that were not put up for review.

    A batch of recognition to which nobody applied is not among them: there is nothing to put up.
    """
    rows = connection.execute(text(_OVERDUE), {"as_of": as_of, "known_at": known_at}).mappings()
    return [dict(row) for row in rows if row["reported"] or not store.recognises(row["programme"])]


def alert(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Write to the office about each such period, once; returns the periods as ``programme period``."""
    with reading() as connection:
        late = overdue(connection, as_of, known_at)
    written = 0
    for row in late:
        key = f"run_overdue/{row['programme']}/{row['period']}"
        with transaction() as connection:
            lock(connection, "run_overdue", key)
            there = connection.execute(text("SELECT 1 FROM document WHERE key = :key"), {"key": key}).first()
            if there is None:
                _file(connection, key, row, as_of, known_at)
                written += 1
    return StepResult(
        read=len(late),
        written=written,
        found=len(late),
        output={"overdue": [f"{r['programme']} {r['period']}" for r in late]},
    )


def _file(
    connection: Connection, key: str, row: dict[str, Any], as_of: dt.date, known_at: dt.datetime
) -> None:
    rules, paper = correspondence(), correspondence().papers.run_overdue
    programme = store.frozen(row["rule_sha256"]).rules
    document, template_sha256 = templates.render(
        paper.template,
        {
            "programme_title": programme.title,
            "period": row["period"],
            "due_on": row["evaluate_on"],
            "state": "评价已开始而未提交审核" if row["begun"] else "尚未评价",
            "days_late": -working_days_left(as_of, row["evaluate_on"], known(as_of)),
        },
        kind="run_overdue",
        issuer=rules.issuer.name,
        recipients=(rules.contact.name,),
        date=as_of,
        banner=SIMULATION_BANNER if is_simulation(connection) else "",
    )
    document_id = register.file_document(
        connection,
        key=key,
        kind="run_overdue",
        programme=row["programme"],
        period=row["period"],
        unit=None,
        recipient=OFFICE,
        document=document,
        template_sha256=template_sha256,
        number=None,
        round_id=None,
        known_at=known_at,
        formats=("pdf",),
        filename=f"{row['programme']}-{row['period']}-{paper.name}",
    )
    dispatch.queue(connection, document_id, OFFICE, "outbox", known_at)
