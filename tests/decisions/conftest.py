"""A period with evaluated bodies, people of the office, and a chain of approval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.database import transaction
from ipgov.decisions import approvals
from ipgov.decisions.officers import Officer, register_officer
from ipgov.decisions.rounds import Round, open_round
from ipgov.policy.rules import Approval, ApprovalStep
from sqlalchemy import Connection

PROGRAMME, PERIOD = "functional_platform", "2024"
KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
HOST, OPERATOR, ELSEWHERE = "91110000600037341L", "91110000101623741K", "91350211M0000XUF46"
RULE, LIST = "a" * 64, "b" * 64
PEOPLE = (
    ("shen1", "沈一", ("reviewer",)),
    ("shen2", "沈二", ("reviewer",)),
    ("shen3", "沈三", ("reviewer",)),
    ("qian1", "钱一", ("issuer",)),
    ("quan", "全能", ("reviewer", "issuer")),
    ("kan", "阚读", ("viewer",)),
)


@pytest.fixture
def chain() -> Approval:
    return Approval(
        operator="测试",
        steps=(
            ApprovalStep(step="audit", name="审核", role="reviewer", answers=("approve", "return")),
            ApprovalStep(step="sign", name="签发", role="issuer", answers=("approve", "return", "reject")),
        ),
    )


@pytest.fixture
def quorum_of_2(chain: Approval) -> Approval:
    return chain.model_copy(
        update={"steps": (chain.steps[0].model_copy(update={"quorum": 2}), chain.steps[1])}
    )


def insert(connection: Connection, table: Any, **values: Any) -> int:
    statement = table.insert().values(known_at=KNOWN_AT, **values).returning(table.c.id)
    return connection.execute(statement).scalar_one()  # type: ignore[no-any-return]


def evaluated(connection: Connection, fingerprint: str, mode: str = "live", period: str = PERIOD) -> int:
    """Two evaluated bodies: FP01, hosted by HOST and operated by OPERATOR, and FP02 of others."""
    snapshot = insert(
        connection, tables.snapshot, programme=PROGRAMME, period=period, mode=mode,
        as_of=dt.date(2025, 4, 15), fingerprint=fingerprint, rule_sha256=RULE, values_sha256="c" * 64,
    )  # fmt: skip
    for unit, host, operator in (("FP01", HOST, OPERATOR), ("FP02", "91" + "0" * 16, "92" + "0" * 16)):
        insert(
            connection, tables.snapshot_unit, snapshot_id=snapshot, unit=unit, name=f"示例平台{unit}",
            kind="trading", province="11", route="province", host_code=host, operator_code=operator,
            state="accepted",
        )  # fmt: skip
    return insert(
        connection, tables.result_set, snapshot_id=snapshot, programme=PROGRAMME, period=period, mode=mode,
        fingerprint=fingerprint, rule_sha256=RULE, engine_version="test", scores_sha256="d" * 64,
    )  # fmt: skip


@pytest.fixture
def connection(database: object) -> Iterator[Connection]:
    with transaction() as connection:
        yield connection


@pytest.fixture
def evaluate() -> Callable[..., int]:
    return evaluated


@dataclass
class Desk:
    """Where answers are given: one round, one chain; every call says only what is different."""

    connection: Connection
    round: Round
    chain: Approval

    def answer(self, step: str, actor: str, answer: str = "approve", **other: Any) -> approvals.Recorded:
        values: dict[str, Any] = {
            "comment": "" if answer == "approve" else "数据有误",
            "fingerprint": self.round.fingerprint,
            "entry": "console",
            "answered_at": KNOWN_AT,
            "known_at": KNOWN_AT,
            "approval": self.chain,
            **other,
        }
        return approvals.record(self.connection, self.round.id, step, answer, actor, **values)

    def under(self, chain: Approval) -> Desk:
        return replace(self, chain=chain)


def prepare(connection: Connection) -> Round:
    for login, name, roles in PEOPLE:
        register_officer(connection, Officer(login, name, roles, None, True), KNOWN_AT)
    results = evaluated(connection, "e" * 64)
    return open_round(connection, PROGRAMME, PERIOD, results, "f" * 64, LIST, RULE, KNOWN_AT)


@pytest.fixture
def desk(connection: Connection, chain: Approval) -> Desk:
    return Desk(connection, prepare(connection), chain)


@pytest.fixture
def committed_desk(database: object, chain: Approval) -> Callable[[Connection], Desk]:
    """The same, committed, for several connections: call it with each."""
    with transaction() as connection:
        round_ = prepare(connection)
    return lambda connection: Desk(connection, round_, chain)
