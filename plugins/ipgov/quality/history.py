"""Each rule over the years: what the last check of every period found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core import objects
from ipgov.quality import suite
from ipgov.quality.suite import SEVERITIES

_LAST = """
    WITH last AS (
        SELECT DISTINCT ON (s.period) s.period, c.id, c.suite_sha256, c.passed, c.known_at
        FROM quality_check c
        JOIN snapshot s ON s.id = c.snapshot_id
        WHERE s.programme = :programme AND s.mode = 'live' AND c.known_at <= :known_at
        ORDER BY s.period, c.id DESC
    )
"""
_PERIODS = text(
    _LAST  # noqa: S608
    + """
    SELECT period, id AS check_id, suite_sha256, passed, known_at FROM last ORDER BY period
    """
)
_FOUND = text(
    _LAST  # noqa: S608
    + """
    SELECT l.period, f.rule, f.severity, count(*) AS found, count(DISTINCT f.unit) AS bodies,
        count(f.waiver_id) AS waived
    FROM last l
    JOIN finding f ON f.check_id = l.id
    GROUP BY l.period, f.rule, f.severity
    ORDER BY f.rule, l.period, f.severity
    """
)


@dataclass(frozen=True)
class Year:
    """The last check of a period."""

    period: str
    check_id: int
    passed: bool
    known_at: dt.datetime
    severities: Mapping[str, int]  # findings by severity


@dataclass(frozen=True)
class Seen:
    """What a rule found in a period: failing rows, bodies, waived rows."""

    found: int
    bodies: int
    waived: int


@dataclass(frozen=True)
class RuleHistory:
    """A rule over the periods; a period in whose suite it did not stand is missing, not nought."""

    rule: str
    title: str
    severity: str
    periods: Mapping[str, Seen]
    first_seen: str | None
    last_seen: str | None


@dataclass(frozen=True)
class History:
    """Every rule that ever stood in a checked period's suite."""

    programme: str
    years: Sequence[Year]
    rules: Sequence[RuleHistory]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def history(connection: Connection, programme: str, known_at: dt.datetime) -> History:
    """Return each rule's findings by period, as known at a moment: the last live check of every period."""
    given = {"programme": programme, "known_at": known_at}
    heads = connection.execute(_PERIODS, given).mappings().all()
    seen: dict[str, dict[str, Seen]] = {}
    severities: dict[str, dict[str, int]] = {h["period"]: dict.fromkeys(SEVERITIES, 0) for h in heads}
    names: dict[str, tuple[str, str]] = {}
    for head in heads:
        for id_, rule in suite.kept(objects.get_content(head["suite_sha256"])).items():
            seen.setdefault(id_, {})[head["period"]] = Seen(0, 0, 0)
            names[id_] = (rule.name, rule.severity)  # as in the newest period that has it
    for row in connection.execute(_FOUND, given).mappings():
        names.setdefault(row["rule"], (row["rule"], row["severity"]))
        of_rule = seen.setdefault(row["rule"], {})
        before = of_rule.get(row["period"], Seen(0, 0, 0))
        of_rule[row["period"]] = Seen(
            before.found + row["found"], before.bodies + row["bodies"], before.waived + row["waived"]
        )
        severities[row["period"]][row["severity"]] += row["found"]
    return History(
        programme,
        [
            Year(h["period"], h["check_id"], h["passed"], h["known_at"], severities[h["period"]])
            for h in heads
        ],
        [_rule(rule, *names[rule], seen[rule]) for rule in sorted(seen)],
    )


def _rule(rule: str, title: str, severity: str, periods: Mapping[str, Seen]) -> RuleHistory:
    found = [p for p in sorted(periods) if periods[p].found]
    return RuleHistory(
        rule, title, severity, periods, found[0] if found else None, found[-1] if found else None
    )
