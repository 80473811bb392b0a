"""How long obligations take: 500 bodies, 30 duties, two years of days, worked on day by day in the database.

    .venv/bin/python benchmarks/bench_follow_up.py

The first year is worked on at once, then half of what is open is reported, then the second year; and last the
cost of a day on which nothing is to be done. Bodies, duties and events are synthetic.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, insert, select

UNITS, DUTIES, FIRST = 500, 30, dt.date(2024, 1, 1)
PROGRAMME = "functional_platform"
ROOT = Path(__file__).resolve().parents[1]

LADDER = """
document: 2023-156
ladders:
  - code: long
    name: 样例
    operator: 样例
    rungs:
      - {step: opening, at: opening, to: [body, operating]}
      - {step: halfway, at: halfway, to: [body]}
      - {step: before_5, working_days_before: 5, to: [body, operating]}
      - {step: due, at: due, to: [body]}
      - {step: overdue_1, working_days_after: 1, to: [body, province]}
      - {step: overdue_5, working_days_after: 5, to: [province, office]}
duties:
"""
DUTY = (
    "  - {{code: {code}, name: 样例, programme: functional_platform, effective: 2023-09-05, operator: 样例,"
    " owed_by: body, owed_to: office, opened_by: {opened_by}, due: {{limit: {{months: 1}}}},"
    " met_by: report, ladder: long}}\n"
)


def duties() -> str:
    """25 duties on days of their own, one monthly, four opened by occurrences."""
    text = LADDER
    for n in range(DUTIES - 5):
        day = FIRST + dt.timedelta(days=28 * n)
        text += DUTY.format(code=f"fixed_{n}", opened_by=f"{{day: {day}, whom: titled}}")
    text += DUTY.format(code="monthly", opened_by="{monthly: 5, whom: titled}")
    for n in range(4):
        kind = f"{{occurrences: [{{code: kind_{n}, name: 样例}}]}}"
        text += DUTY.format(code=f"matter_{n}", opened_by=kind)
    return text


def register(chance: random.Random) -> None:
    from ipgov.core import tables as t
    from ipgov.core.database import transaction
    from ipgov.followup.store import begin

    known_at = begin(dt.date(2023, 9, 5))
    units = [f"FP{n:03}" for n in range(UNITS)]
    common = {"programme": PROGRAMME, "known_at": known_at}
    with transaction() as connection:
        connection.execute(
            insert(t.titled_body),
            [
                common
                | {
                    "unit": unit, "name": f"样例平台{unit}", "kind": "trading", "province": "31",
                    "route": "province", "host_code": "91310000MA1FL00000",
                    "operator_code": "91310000MA1FL00000", "valid_from": known_at.date(), "source": "样例",
                }
                for unit in units
            ],
        )  # fmt: skip
        connection.execute(
            insert(t.title_event),
            [
                common
                | {
                    "unit": u,
                    "event": "recognised",
                    "effective_on": known_at.date(),
                    "basis": "operator",
                    "note": "",
                }
                for u in units
            ],
        )
        days = [FIRST + dt.timedelta(days=chance.randrange(730)) for _ in range(4 * UNITS)]
        connection.execute(
            insert(t.occurrence),
            [
                {
                    "programme": PROGRAMME, "party": units[n % UNITS], "kind": f"kind_{n // UNITS}",
                    "subject": "样例", "occurred_on": day, "reported_by": "样例", "note": "",
                    "reported_on": day + dt.timedelta(days=5) if n % 2 else None,
                    "known_at": begin(day + dt.timedelta(days=chance.randrange(9))),
                }
                for n, day in enumerate(days)
            ],
        )  # fmt: skip


def report_half(day: dt.date, chance: random.Random) -> int:
    from ipgov.core import tables as t
    from ipgov.core.database import transaction
    from ipgov.followup.store import begin

    with transaction() as connection:
        ids = list(connection.execute(select(t.obligation.c.id)).scalars())
        chosen = chance.sample(ids, len(ids) // 2)
        rows = [
            {
                "obligation_id": i,
                "received_on": day,
                "reported_by": "样例",
                "note": "",
                "known_at": begin(day),
            }
            for i in chosen
        ]
        connection.execute(insert(t.obligation_report), rows)
    return len(chosen)


def timed(what: str, work: Callable[[], object]) -> None:
    start, used = time.perf_counter(), time.process_time()
    result = work()
    spent = time.perf_counter() - start, time.process_time() - used
    print(f"{what}: {spent[0]:.1f} s, of which {spent[1]:.1f} s of this process  {result}", flush=True)


def main() -> None:
    from ipgov.launcher import postgres as embedded

    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        root, data = Path(folder) / "root", Path(folder) / "pg"
        for name in ("policies", "sql"):
            shutil.copytree(ROOT / name, root / name)
        shutil.rmtree(root / "policies" / "duties")
        (root / "policies" / "duties").mkdir()
        (root / "policies" / "duties" / "sample.yaml").write_text(duties(), encoding="utf-8")
        server = embedded.start(data)
        embedded.ensure_database(data, "bench", owner=embedded.OWNER)
        os.environ |= {
            "IPGOV_ROOT": str(root),
            "IPGOV_STATE": folder,
            "IPGOV_DATABASE_URL": embedded.url(data, "bench", embedded.APPLICATION),
            "IPGOV_OWNER_DATABASE_URL": embedded.url(data, "bench", embedded.OWNER),
        }
        try:
            measure()
        finally:
            server.cleanup()


def measure() -> None:
    from ipgov.core import tables as t
    from ipgov.core.database import reading
    from ipgov.followup.obligations import owed
    from ipgov.followup.store import begin
    from ipgov.procedures import follow_up, policy_changes

    chance = random.Random(1)
    policy_changes.migrate("simulation", "benchmark", begin(dt.date(2023, 9, 5)), "benchmark")
    register(chance)
    days = [dt.date(2024, 12, 31), dt.date(2025, 12, 31), dt.date(2026, 1, 1)]

    def advanced(day: dt.date) -> dict[str, object]:
        return dict(follow_up.advance(day, begin(day), FIRST).output)

    timed("first year", lambda: advanced(days[0]))
    print(f"reports: {report_half(days[0] - dt.timedelta(days=30), chance)}")
    timed("second year", lambda: advanced(days[1]))
    timed("one day more", lambda: advanced(days[2]))
    with reading() as connection:
        timed("who owes what", lambda: len(owed(connection, days[2], begin(days[2]))))
        for table in (t.obligation, t.obligation_due, t.obligation_event):
            rows = connection.execute(select(func.count()).select_from(table)).scalar()
            print(f"{table.name}: {rows} rows")


if __name__ == "__main__":
    main()
