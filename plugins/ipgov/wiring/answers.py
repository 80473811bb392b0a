"""Answers given in Airflow's interface, handed to the decision record: at once, and again by the task.

A person's answer resumes the waiting task. Where it comes within about a second of the task's parking, the
scheduler still waits for the exit of the parked process, takes the resumed task for a killed one, and asks
again in a new attempt; that attempt finds no trace of the answer. So the API server hands each answer over as
soon as it has taken it. The record takes the same answer once, however often it is delivered.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from ipgov.procedures.approval import Answered

APPROVAL_DAG = "approval_and_issue"
APPROVE, RETURN = "同意", "退回修改"
_ANSWERS = {APPROVE: "approve", RETURN: "return"}
_PATH = re.compile(
    rf"/api/v2/dags/{APPROVAL_DAG}/dagRuns/(?P<run>[^/]+)/taskInstances/(?P<task>[^/]+)/-1/hitlDetails/?"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a task asked: which step of which round, bound to the fingerprint of what was presented."""

    round_id: int
    step: str
    fingerprint: str


def hand_over(asked: Asked, answer: Mapping[str, Any], known_at: dt.datetime) -> Answered:
    """Give one answer of Airflow's human task to the decision record, and say where the round stands.

    ``answer``: ``chosen_options``, ``params_input``, ``responded_at``, ``responded_by_user`` with a ``name``
    (the login). Raises ValueError for an answer without a person.
    """
    from ipgov.procedures import approval

    (chosen,) = answer["chosen_options"]
    person = answer["responded_by_user"]
    if person is None:
        raise ValueError("an answer without a person")
    return approval.answer(
        asked.round_id,
        asked.step,
        _ANSWERS[chosen],
        person["name"],
        str((answer["params_input"] or {}).get("comment") or ""),
        asked.fingerprint,
        "airflow",
        answer["responded_at"],
        known_at,
    )


class AnswersAtOnce:
    """ASGI middleware of the API server: what it has taken as an answer goes to the decision record, too."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the request pass; afterwards hand over the answer that it brought, if it brought one."""
        named = None
        if scope["type"] == "http" and scope["method"] == "PATCH":
            named = _PATH.fullmatch(scope["path"])
        if named is None:
            return await self.app(scope, receive, send)
        status = 0

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, watched)
        if status == 200:
            from starlette.concurrency import run_in_threadpool

            await run_in_threadpool(_take, unquote(named["run"]), named["task"])
        return None


def _take(run_id: str, task_id: str) -> None:
    """Hand over what was just answered to a task; the task does it again, so a failure is only logged."""
    from ipgov.wiring.run import moment

    try:
        found = _answered(run_id, task_id)
        if found is not None:
            run, asked, answer = found
            hand_over(asked, answer, moment({"dag_run": run})[1])
    except Exception:
        _log.exception("answer to %s of %s is left to the task", task_id, run_id)


def _answered(run_id: str, task_id: str) -> tuple[Any, Asked, Mapping[str, Any]] | None:
    """Return a task's run, what it asked and the answer; None where Airflow holds none (any more)."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    query = (
        select(TaskInstance)
        .where(
            TaskInstance.dag_id == APPROVAL_DAG,
            TaskInstance.run_id == run_id,
            TaskInstance.task_id == task_id,
            TaskInstance.map_index == -1,
        )
        .options(
            joinedload(TaskInstance.hitl_detail),
            joinedload(TaskInstance.rendered_task_instance_fields),
            joinedload(TaskInstance.dag_run),
        )
    )
    with create_session(scoped=False) as session:
        task = session.scalar(query)
        if task is None or task.hitl_detail is None or not task.hitl_detail.response_received:
            return None
        shown = task.rendered_task_instance_fields.rendered_fields
        asked = Asked(int(shown["round_id"]), task_id, str(shown["fingerprint"]))
        answer = task.hitl_detail.as_resume_event_payload()
        session.expunge_all()
        return task.dag_run, asked, answer
