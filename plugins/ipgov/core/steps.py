"""Steps: the units of work that can be run again, killed at any instant, and always end the same."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from ipgov.core import logs
from ipgov.core.database import lock, transaction
from ipgov.core.errors import RefusedError
from ipgov.core.tables import step_run

SHANGHAI = ZoneInfo("Asia/Shanghai")
_LOG = logging.getLogger(__name__)


class Mode(StrEnum):
    """Why a period is computed: to take effect, to be compared, or to see what would be."""

    LIVE = "live"
    RECALCULATE = "recalculate"
    WHAT_IF = "what_if"


@dataclass(frozen=True)
class Cycle:
    """A programme's period, seen as of a day with what was known at a moment.

    ``as_of`` says whose rules and whose registry; ``known_at`` which facts were known. Read once at the edge
    (DAG task, CLI, console); nothing inside reads a clock.
    """

    programme: str
    period: str
    as_of: dt.date
    known_at: dt.datetime
    mode: Mode = Mode.LIVE

    def __post_init__(self) -> None:
        if self.known_at.tzinfo is None:
            raise ValueError("known_at needs a time zone")

    @property
    def year(self) -> int:
        """Return the last calendar year of the period (a period is named by it)."""
        return int(self.period)


@dataclass(frozen=True)
class StepResult:
    """What a step did: rows read, written, skipped, problems found, and where its output is."""

    read: int = 0
    written: int = 0
    skipped: int = 0
    found: int = 0
    output: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False  # the same inputs were worked on before; nothing was changed

    def as_dict(self) -> dict[str, Any]:
        """Return plain data: what a DAG task hands on and the CLI prints as JSON."""
        return {
            "read": self.read,
            "written": self.written,
            "skipped": self.skipped,
            "found": self.found,
            "output": dict(self.output),
            "repeated": self.repeated,
        }


def run_step(
    cycle: Cycle, step: str, fingerprint: str, work: Callable[[Connection], StepResult]
) -> StepResult:
    """Do ``work`` in one transaction, once per (programme, period, step, mode, fingerprint of its inputs).

    Run again with the same inputs it changes nothing and returns what it returned then.
    """
    told = {"programme": cycle.programme, "period": cycle.period, "step": step, "mode": str(cycle.mode)}
    with logs.about(**told):
        result = _run_once(cycle, step, fingerprint, work)
        counts = f"读 {result.read}，写 {result.written}，略过 {result.skipped}，问题 {result.found}"
        _LOG.info("步骤 %s %s（%s）", step, "此前已办理" if result.repeated else "办理完毕", counts)
    return result


def _run_once(
    cycle: Cycle, step: str, fingerprint: str, work: Callable[[Connection], StepResult]
) -> StepResult:
    with transaction() as connection:
        lock(connection, "step", cycle.programme, cycle.period, step, cycle.mode)
        done = connection.execute(
            select(step_run.c.result).where(
                step_run.c.programme == cycle.programme,
                step_run.c.period == cycle.period,
                step_run.c.step == step,
                step_run.c.mode == cycle.mode,
                step_run.c.fingerprint == fingerprint,
            )
        ).scalar()
        if done is not None:
            return StepResult(**{**done, "repeated": True})
        # as it will be read again: the first run and every later one return the same
        result = StepResult(**json.loads(json.dumps(work(connection).as_dict())))
        connection.execute(
            step_run.insert().values(
                programme=cycle.programme,
                period=cycle.period,
                step=step,
                mode=cycle.mode,
                fingerprint=fingerprint,
                result=result.as_dict(),
                known_at=cycle.known_at,
            )
        )
        return result


def last_result(connection: Connection, cycle: Cycle, step: str) -> StepResult | None:
    """Return the newest result of a step of this cycle, or None where it never ran."""
    row = connection.execute(
        select(step_run.c.result)
        .where(
            step_run.c.programme == cycle.programme,
            step_run.c.period == cycle.period,
            step_run.c.step == step,
            step_run.c.mode == cycle.mode,
            step_run.c.known_at <= cycle.known_at,
        )
        .order_by(step_run.c.id.desc())
        .limit(1)
    ).scalar()
    return None if row is None else StepResult(**row)


def resolve_moment(
    now: dt.datetime,
    simulation: bool,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
) -> tuple[dt.date, dt.datetime]:
    """Turn the edge's clock reading and what the run asked for into (as_of, known_at).

    What lies ahead of the clock is refused except in a simulation. There a run for a day knows what was known
    at the end of that day; elsewhere what is known now, unless ``known_at`` says otherwise.
    """
    today = now.astimezone(SHANGHAI).date()
    if as_of is not None and as_of > today and not simulation:
        raise RefusedError(f"基准日 {as_of} 晚于今天（{today}），只有模拟库才可以")
    if known_at is not None and known_at > now and not simulation:
        raise RefusedError(f"知悉时刻 {known_at.isoformat()} 晚于现在（{now.isoformat()}），只有模拟库才可以")
    if known_at is None and as_of is not None and simulation:
        known_at = dt.datetime.combine(as_of, dt.time(23, 59, 59), tzinfo=SHANGHAI)
    return as_of or today, known_at or now
