"""When a live yearly run is late: by the end of its own evaluation day, and never for a backfill.

Airflow's built-in references also arm for the runs of a backfill: an alert for every year of the past. This
one returns no deadline for them. What a deadline cannot see, a run that was never made, is looked for every
day in the record (procedures/run_alerts.py); both write the same letter, once.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineReference, deadline_reference

from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI

_ONE_DAY = dt.timedelta(days=1)


@deadline_reference(DeadlineReference.TYPES.DAGRUN_CREATED)
@dataclass
class LiveRunDue(BaseDeadlineReference):
    """The end of the evaluation day of a run's period, or of the day on which a late run was made.

    None, so no deadline: for what recalculates, and where a simulation plays other days than the clock's.
    """

    programme: str = ""

    required_kwargs = {"dag_id", "run_id"}  # noqa: RUF012 - Airflow's own shape

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str, **_: Any) -> dt.datetime | None:
        from airflow.models import DagRun
        from sqlalchemy import select

        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return None if run is None else due_of(run, self.programme)

    def serialize_reference(self) -> dict[str, Any]:
        """Return what the scheduler needs to rebuild this reference."""
        return {"reference_type": self.reference_name, "programme": self.programme}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> LiveRunDue:
        """Rebuild the reference in the scheduler."""
        return cls(reference_data["programme"])


def due_of(run: Any, programme: str) -> dt.datetime | None:
    """Return when a run is late (None: never); at midnight in Shanghai after its day."""
    kind = str(getattr(run.run_type, "value", run.run_type))
    if kind == "backfill" or run.backfill_id is not None or (run.conf or {}).get("recalculate"):
        return None
    if run.data_interval_end is None or not settings().by_the_clock:
        return None
    from ipgov.wiring.timetables import evaluation_day

    year = (run.data_interval_end.astimezone(SHANGHAI) - dt.timedelta(seconds=1)).year
    made_on = run.run_after.astimezone(SHANGHAI).date()
    last = max(evaluation_day(programme, year), made_on)
    return dt.datetime.combine(last + _ONE_DAY, dt.time(), tzinfo=SHANGHAI)


def tell(**context: Any) -> None:
    """Write to the office about every period that is late; called in a worker at a missed deadline."""
    from ipgov.core import clock
    from ipgov.core.database import reading
    from ipgov.procedures import approval, run_alerts

    with reading() as connection:
        now, _ = clock.read(connection)
    result = run_alerts.alert(now.astimezone(SHANGHAI).date(), now)
    approval.send(now)
    logging.getLogger(__name__).warning("未按期办结：%s", "；".join(result.output["overdue"]) or "无")
