"""What follows a recalculation: it is compared with what was published of its period, and nothing else.

No notice, no number, no title, no round: a backfill never speaks. Who wants the published result corrected
asks for it (``procedures/correction.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle, Mode, StepResult, run_step
from ipgov.decisions import rounds
from ipgov.evaluation import published
from ipgov.procedures import comparison, published_comparison


@dataclass(frozen=True)
class Against:
    """What was published of a period: ``issued`` here (a round), or ``imported`` (a source)."""

    how: Literal["issued", "imported"]
    id: int
    result_set_id: int | None  # of what was issued
    label: str


def compare(cycle: Cycle, result_set_id: int) -> StepResult:
    """Compare a recalculated result with what was published of its period, known by ``known_at``.

    Issued here goes before imported. The workbook lies with the period's reports; where nothing was
    published there is none. Raises RefusedError for a live cycle.
    """
    if cycle.mode is not Mode.RECALCULATE:
        raise RefusedError("只有重算结果与已发布的比较")
    with reading() as connection:
        against = _published(connection, cycle)
    data, differing = _sheet(cycle, against, result_set_id)
    sha256 = objects.put_content(data) if data else ""

    def work(connection: Connection) -> StepResult:
        output = {"against": against and against.label, "differing": list(differing), "key": ""}
        if data:
            name = f"{cycle.period}-重算比较表.xlsx"
            key = f"reports/{cycle.programme}/{cycle.period}/{cycle.mode}/{sha256[:12]}-{name}"
            objects.store().put(key, data, once=True)
            output |= {"comparison_sha256": sha256, "key": key}
        return StepResult(read=bool(against), written=bool(data), found=len(differing), output=output)

    inputs = fingerprint([result_set_id, against and [against.how, against.id], sha256])
    return run_step(cycle, "compare", inputs, work)


def _published(connection: Connection, cycle: Cycle) -> Against | None:
    issued = rounds.issued_round(connection, cycle.programme, cycle.period, cycle.known_at)
    if issued is not None:
        return Against("issued", issued.id, issued.result_set_id, f"已签发：{issued.label}")
    source = published.newest(connection, cycle.programme, cycle.period, cycle.known_at)
    return None if source is None else Against("imported", source.id, None, f"已公布：{source.label}")


def _sheet(cycle: Cycle, against: Against | None, result_set_id: int) -> tuple[bytes, tuple[str, ...]]:
    """Return the workbook (empty: nothing to compare) and the bodies whose published result differs."""
    if against is None or against.result_set_id == result_set_id:
        return b"", ()
    if against.how == "imported":
        imported = published_comparison.compare(cycle.programme, cycle.period, result_set_id, cycle.known_at)
        return published_comparison.sheet(imported), tuple(u.unit for u in imported.comparison.units)
    issued = comparison.compare(cycle.programme, cycle.period, against.result_set_id, result_set_id)
    units = tuple(u.unit for u in issued.comparison.units if u.before.result != u.after.result)
    return comparison.sheet(issued), units
