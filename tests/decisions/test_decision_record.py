"""The record itself: two people answering at once, and what nobody can change afterwards."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ipgov.core import tables
from ipgov.core.database import engine, transaction
from ipgov.decisions import approvals
from ipgov.decisions.approvals import decisions
from ipgov.decisions.rounds import state
from ipgov.policy.rules import Approval
from sqlalchemy import Connection, func, select, text

KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)


def count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[no-any-return]


def waiting_for_a_lock(seconds: float = 10) -> None:
    """Return once some session waits for an advisory lock; fail if none does."""
    deadline = time.monotonic() + seconds
    with engine().connect() as connection:
        while time.monotonic() < deadline:
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            if connection.execute(text(waits)).scalar():
                return
            connection.rollback()
            time.sleep(0.01)
    pytest.fail("the second answer did not wait for the first")


def at_once(
    committed_desk: Callable[[Connection], Any], chain: Approval, first: str, second: str
) -> list[approvals.Recorded]:
    """Let ``second`` answer the audit while the transaction in which ``first`` answered is still open."""
    results: list[approvals.Recorded] = []

    def other() -> None:
        with transaction() as connection:
            results.append(committed_desk(connection).under(chain).answer("audit", second))

    thread = threading.Thread(target=other)
    with transaction() as connection:
        results.append(committed_desk(connection).under(chain).answer("audit", first))
        thread.start()
        waiting_for_a_lock()
        assert len(results) == 1
    thread.join(20)
    assert not thread.is_alive()
    return results


def test_two_people_at_once_for_one_place(
    committed_desk: Callable[[Connection], Any], chain: Approval
) -> None:
    first, second = at_once(committed_desk, chain, "shen1", "shen2")
    assert first.decision_id is not None
    assert second.refused == "现在应由“签发”答复，不是“审核”"
    with transaction() as connection:
        assert count(connection, tables.decision) == 1
        assert count(connection, tables.refused_decision) == 1


def test_two_people_at_once_for_two_places(
    committed_desk: Callable[[Connection], Any], quorum_of_2: Approval
) -> None:
    first, second = at_once(committed_desk, quorum_of_2, "shen1", "shen2")
    assert None not in (first.decision_id, second.decision_id)
    with transaction() as connection:
        desk = committed_desk(connection).under(quorum_of_2)
        assert state(connection, desk.round.id, quorum_of_2).steps[0].approvals == ("shen1", "shen2")


def test_one_person_through_two_entries_at_once(
    committed_desk: Callable[[Connection], Any], quorum_of_2: Approval
) -> None:
    first, second = at_once(committed_desk, quorum_of_2, "shen1", "shen1")
    assert second == replace(first, repeated=True)


def test_the_database_knows_one_answer_per_person_and_round(desk: Any) -> None:
    desk.answer("audit", "quan")
    (given,) = decisions(desk.connection, desk.round.id)
    forged = {**vars(given), "step": "sign", "round_id": desk.round.id, "known_at": KNOWN_AT}
    with pytest.raises(Exception, match="uq_decision_round_id_actor"), desk.connection.begin_nested():
        desk.connection.execute(tables.decision.insert().values(**forged))


@pytest.mark.parametrize("table", ["decision", "refused_decision", "review_round", "review_mark", "issue"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET known_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
@pytest.mark.parametrize("role", ["ipgov_app", "ipgov_owner", "postgres"])
def test_nobody_changes_what_was_decided(
    unchangeable: Callable[[str], psycopg.Connection], role: str, statement: str, table: str
) -> None:
    connection = unchangeable(role)
    expected = "permission denied" if role == "ipgov_app" else "facts are appended, never changed"
    if role == "postgres":
        connection.execute("SET session_replication_role = replica")
    with pytest.raises(psycopg.Error, match=expected):
        connection.execute(statement.format(table))
    connection.rollback()
    assert connection.execute("SELECT answer FROM decision").fetchall() == [("approve",)]


@pytest.fixture(scope="module")
def decided(postgres: Path, migrated_template: str) -> Any:
    """One database in which a decision was made, for all of the attempts on it."""
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, "decided", owner=embedded.OWNER, template=migrated_template)
    yield postgres
    embedded.drop_database(postgres, "decided")


@pytest.fixture
def unchangeable(decided: Path) -> Any:
    opened: list[psycopg.Connection] = []

    def connect(role: str) -> psycopg.Connection:
        connection = psycopg.connect(f"postgresql://{role}@/decided?host={decided}")
        opened.append(connection)
        return connection

    with psycopg.connect(f"postgresql://ipgov_app@/decided?host={decided}") as connection:
        if not connection.execute("SELECT 1 FROM decision").fetchone():
            connection.execute(_DECIDED)
    yield connect
    for connection in opened:
        connection.close()


_DECIDED = """
WITH s AS (
    INSERT INTO snapshot (programme, period, mode, as_of, fingerprint, rule_sha256, values_sha256, known_at)
    VALUES ('p', '2024', 'live', '2025-04-15', 'f', 'r', 'v', now()) RETURNING id
), t AS (
    INSERT INTO result_set
        (snapshot_id, programme, period, mode, fingerprint, rule_sha256, engine_version, scores_sha256,
         known_at)
    SELECT id, 'p', '2024', 'live', 'f', 'r', 'e', 's', now() FROM s RETURNING id
), r AS (
    INSERT INTO review_round
        (programme, period, number, result_set_id, fingerprint, rating_list_sha256, rule_sha256, known_at)
    SELECT 'p', '2024', 1, id, 'f', 'l', 'r', now() FROM t RETURNING id
)
INSERT INTO decision (round_id, step, answer, actor, comment, fingerprint, entry, answered_at, known_at)
SELECT id, 'audit', 'approve', 'zhang', '', 'f', 'cli', now(), now() FROM r
"""
