"""A snapshot written row by row: twelve clean bodies of four kinds, to which a test does harm."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from ipgov.core import objects
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import (
    issue,
    organisation,
    result_set,
    review_round,
    snapshot,
    snapshot_unit,
    snapshot_value,
    submission,
    submitted_value,
    title_event,
    titled_body,
)
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

PROGRAMME = "functional_platform"
KNOWN_AT = dt.datetime(2024, 4, 22, 18, 0, tzinfo=SHANGHAI)
KINDS = ("trading",) * 3 + ("financial",) * 2 + ("characteristic",) * 4 + ("tool",) * 3

_SERIAL = count()

# What a careful body answers; a value 2 wherever nothing else is said.
CLEAN: dict[str, Any] = {
    "F08": 300,
    "F09": 200,
    "F10": 95,
    "F11": 40,
    "F12": 40,
    "F17": Decimal("99.5"),
    "F19": 1,
    "F22": 0,
    "F23": 0,
    "F24": 0,
    "F27": "2024-03-15",
    "F28": "张三",
}


@dataclass
class Body:
    """One body of a snapshot and its answers; a number is a value, a string a text."""

    unit: str
    kind: str
    answers: dict[str, Any]
    state: str = "accepted"
    province: str = "11"
    route: str = "province"
    received_at: dt.datetime = dt.datetime(2024, 3, 20, 10, 0, tzinfo=SHANGHAI)

    @property
    def name(self) -> str:
        return f"示例平台{self.unit}"


@dataclass
class Snapshot:
    """Bodies to be written as one snapshot."""

    rules: RuleVersion
    period: str
    bodies: list[Body] = field(default_factory=list)

    def body(self, kind: str) -> Body:
        return next(b for b in self.bodies if b.kind == kind)

    def write(self, connection: Connection) -> int:
        snapshot_id = _insert(
            connection,
            snapshot,
            programme=self.rules.programme,
            period=self.period,
            mode="live",
            as_of=KNOWN_AT.date(),
            fingerprint=f"fingerprint {next(_SERIAL)}",
            rule_sha256=objects.put_content(_bytes(self.rules)),
            values_sha256="0" * 64,
        )
        register(connection, self.bodies, self.rules.title_programme)
        for body in self.bodies:
            self._write_body(connection, snapshot_id, body)
        return snapshot_id

    def _write_body(self, connection: Connection, snapshot_id: int, body: Body) -> None:
        accepted = body.state in ("accepted", "accepted_late")
        submission_id = self._submission(connection, body) if accepted else None
        _insert(
            connection,
            snapshot_unit,
            snapshot_id=snapshot_id,
            unit=body.unit,
            name=body.name,
            kind=body.kind,
            province=body.province,
            route=body.route,
            host_code="HOST",
            operator_code="OPERATOR",
            state=body.state,
            submission_id=submission_id,
        )
        if submission_id is None:
            return
        both = [
            {
                "field": code,
                "value": None if isinstance(answer, str) else answer,
                "text_value": answer if isinstance(answer, str) else None,
            }
            for code, answer in body.answers.items()
        ]
        submitted = connection.execute(
            submitted_value.insert().returning(submitted_value.c.id, submitted_value.c.field),
            [
                row
                | {
                    "submission_id": submission_id,
                    "raw": "原文",
                    "sheet": "一、业务绩效",
                    "cell": f"C{int(row['field'][1:]) + 3}",
                    "transforms": [],
                    "known_at": KNOWN_AT,
                }
                for row in both
            ],
        ).all()
        ids = {code: row_id for row_id, code in submitted}
        connection.execute(
            snapshot_value.insert(),
            [
                row
                | {
                    "snapshot_id": snapshot_id,
                    "unit": body.unit,
                    "submitted_value_id": ids[row["field"]],
                    "known_at": KNOWN_AT,
                }
                for row in both
            ],
        )

    def _submission(self, connection: Connection, body: Body) -> int:
        return _insert(
            connection,
            submission,
            object_key=f"inbox/{self.rules.programme}/{self.period}/11/{body.unit}/{next(_SERIAL)}.xlsx",
            sha256="0" * 64,
            programme=self.rules.programme,
            period=self.period,
            unit=body.unit,
            received_at=body.received_at,
            late=False,
            outcome="accepted",
            problems=[],
            answer_sha256="0" * 64,
        )


def _bytes(rules: RuleVersion) -> bytes:
    """Return a version's file."""
    every = store.versions(rules.programme)
    return next(v.data for v in every if v.rules.version == rules.version)


RECOGNISED = dt.date(2023, 9, 5)


def register(connection: Connection, bodies: list[Body], programme: str = PROGRAMME) -> None:
    """Enter bodies as the snapshot will show them, with one host and one operating unit for all."""
    common = {"valid_from": RECOGNISED, "source": "测试", "known_at": KNOWN_AT}
    there = connection.execute(select(organisation.c.id)).first()
    if there is None:
        both = [{"code": c, "name": f"示例单位{c}", "province": "11"} for c in ("HOST", "OPERATOR")]
        connection.execute(organisation.insert(), [o | common | {"central_enterprise": False} for o in both])
    if not bodies:
        return
    connection.execute(
        titled_body.insert(),
        [
            {
                "unit": b.unit,
                "programme": programme,
                "name": b.name,
                "kind": b.kind,
                "province": b.province,
                "route": b.route,
                "host_code": "HOST",
                "operator_code": "OPERATOR",
            }
            | common
            for b in bodies
        ],
    )
    connection.execute(
        insert(title_event).on_conflict_do_nothing(),
        [
            {
                "programme": programme,
                "unit": b.unit,
                "event": "recognised",
                "effective_on": RECOGNISED,
                "basis": "2023-156#01",
                "note": "测试",
                "known_at": KNOWN_AT,
            }
            for b in bodies
        ],
    )


def _insert(connection: Connection, table: Any, **values: Any) -> int:
    return int(
        connection.execute(
            table.insert().values(known_at=values.pop("known_at", KNOWN_AT), **values).returning(table.c.id)
        ).scalar_one()
    )


def issue_snapshot(connection: Connection, snapshot_id: int, period: str, known_at: dt.datetime) -> None:
    """Let a snapshot's period be evaluated, approved and issued, as far as the rows go."""
    found = connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id)).mappings().one()
    sha = "0" * 64
    results = _insert(
        connection,
        result_set,
        snapshot_id=snapshot_id,
        programme=found["programme"],
        period=period,
        mode="live",
        fingerprint=found["fingerprint"],
        rule_sha256=sha,
        engine_version="1",
        scores_sha256=sha,
    )
    number = connection.execute(select(review_round.c.id)).rowcount + 1
    fingerprint = f"round {snapshot_id}"
    opened = _insert(
        connection,
        review_round,
        programme=found["programme"],
        period=period,
        number=number,
        result_set_id=results,
        fingerprint=fingerprint,
        rating_list_sha256=sha,
        rule_sha256=sha,
    )
    _insert(connection, issue, round_id=opened, fingerprint=fingerprint, known_at=known_at)
