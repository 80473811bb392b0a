"""The record of what came: once, in order, by the clocks that each question needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from intake_workbooks import PERIOD, PROGRAMME, filled, read, unit_of_kind
from ipgov.core import database as db
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import submission, submitted_value, unclaimed_object
from ipgov.intake import submissions
from ipgov.intake.inbox import InboxKey
from ipgov.intake.reading import Reading
from ipgov.policy.store import Loaded
from sqlalchemy import Connection, func, select

DUE = dt.date(2024, 4, 1)


def at(day: int, hour: int = 9, month: int = 3) -> dt.datetime:
    return dt.datetime(2024, month, day, hour, tzinfo=dt.UTC)


class Inbox:
    """Records readings as the procedure does."""

    def __init__(self, connection: Connection, rules: Loaded):
        self.connection, self.rules = connection, rules

    def put(self, reading: Reading, received_at: dt.datetime, unit: str = "FP01", **changed: Any) -> int:
        inbox = InboxKey(PROGRAMME, PERIOD, "31", unit, changed.pop("filename", f"{received_at:%m%d%H}.xlsx"))
        given: dict[str, Any] = {
            "key": inbox.key,
            "data_sha256": sha256_hex(inbox.key.encode()),
            "inbox": inbox,
            "reading": reading,
            "outcome": reading.outcome,
            "rules": self.rules,
            "received_at": received_at,
            "due_on": DUE,
            "late": submissions.is_late(received_at, DUE),
            "answer_sha256": sha256_hex(b"answer"),
            "known_at": received_at,
        }
        return submissions.record(self.connection, **{**given, **changed})


@pytest.fixture(scope="module")
def accepted(rules: Loaded) -> Reading:
    return read(filled(rules, unit_of_kind("trading"), F01="1.2亿元"), rules, unit_of_kind("trading"))


@pytest.fixture(scope="module")
def returned(rules: Loaded) -> Reading:
    return read(filled(rules, unit_of_kind("trading"), F08=None), rules, unit_of_kind("trading"))


@pytest.fixture(scope="module")
def refused(rules: Loaded) -> Reading:
    return read(b"x", rules, unit_of_kind("trading"))


def test_the_module_readings_are_what_they_are_called(
    accepted: Reading, returned: Reading, refused: Reading
) -> None:
    assert [r.outcome for r in (accepted, returned, refused)] == ["accepted", "returned", "refused"]


@pytest.mark.clause("2023-156#19")
def test_a_submission_is_kept_with_every_value_its_cell_and_what_was_done(
    database: Path, rules: Loaded, accepted: Reading
) -> None:
    with db.transaction() as connection:
        row_id = Inbox(connection, rules).put(accepted, at(1))
        row = connection.execute(select(submission).where(submission.c.id == row_id)).mappings().one()
        values = {
            v["field"]: v
            for v in connection.execute(
                select(submitted_value).where(submitted_value.c.submission_id == row_id)
            ).mappings()
        }
    assert (row["form"], row["form_version"], row["rule_sha256"]) == ("FP-ANNUAL", 1, rules.sha256)
    assert (row["outcome"], row["problems"], row["supersedes"], row["late"]) == ("accepted", [], None, False)
    assert set(values) == set(rules.rules.form.fields_for("trading"))
    first = values["F01"]
    assert (str(first["value"]), first["raw"]) == ("12000", "1.2亿元")
    assert (first["sheet"], first["cell"]) == ("一、业务绩效", "D6")
    assert first["transforms"] == ["number_as_text", "unit:亿元→万元"]
    assert (values["F27"]["value"], values["F27"]["text_value"]) == (None, "2024-03-01")


def test_problems_are_kept_with_the_submission(database: Path, rules: Loaded, returned: Reading) -> None:
    with db.transaction() as connection:
        row_id = Inbox(connection, rules).put(returned, at(1))
        kept = connection.execute(select(submission.c.problems).where(submission.c.id == row_id)).scalar_one()
    assert kept == [p.as_dict() for p in returned.problems]


def test_the_same_object_is_recorded_once_but_counts_again_when_it_comes_again(
    database: Path, rules: Loaded, accepted: Reading
) -> None:
    with db.transaction() as connection:
        inbox = Inbox(connection, rules)
        first = inbox.put(accepted, at(1), filename="a.xlsx")
        assert inbox.put(accepted, at(1), filename="a.xlsx") == first
        count = select(func.count()).select_from(submitted_value)
        written = connection.execute(count).scalar_one()
        assert written == len(accepted.values)
        again = inbox.put(accepted, at(9), filename="a.xlsx")
        assert again != first
        assert submissions.newest_accepted(connection, PROGRAMME, PERIOD, at(10))["FP01"]["id"] == again


def test_only_unread_objects_are_read(database: Path, rules: Loaded, refused: Reading) -> None:
    claimed, unclaimed = "inbox/functional_platform/2023/31/FP01/a.xlsx", "inbox/x.xlsx"
    with db.transaction() as connection:
        assert submissions.seen(connection, []) == set()
        Inbox(connection, rules).put(refused, at(1), filename="a.xlsx")
        for _ in range(2):
            submissions.record_unclaimed(connection, unclaimed, "0" * 64, "路径不符合", at(2), at(2))
        asked = [(claimed, at(1)), (claimed, at(2)), (unclaimed, at(2)), ("inbox/new", at(1))]
        assert submissions.seen(connection, asked) == {(claimed, at(1)), (unclaimed, at(2))}
        sha256 = sha256_hex(claimed.encode())
        assert submissions.recorded(connection, claimed, sha256, at(1))
        assert not submissions.recorded(connection, claimed, sha256, at(2))
        assert not submissions.recorded(connection, claimed, "1" * 64, at(1))
        assert submissions.recorded(connection, unclaimed, "0" * 64, at(2))
        assert connection.execute(select(unclaimed_object.c.reason)).scalars().all() == ["路径不符合"]


def test_a_submission_supersedes_the_one_before_it_unless_it_was_refused(
    database: Path, rules: Loaded, accepted: Reading, returned: Reading, refused: Reading
) -> None:
    with db.transaction() as connection:
        inbox = Inbox(connection, rules)
        first = inbox.put(returned, at(1))
        none = inbox.put(refused, at(2))
        other = inbox.put(accepted, at(2), unit="FP02")
        second = inbox.put(accepted, at(3))
        between = inbox.put(returned, at(2, 12))  # came before the second, recorded after it
        last = inbox.put(accepted, at(4))
        kept = dict(connection.execute(select(submission.c.id, submission.c.supersedes)).all())
    assert kept == {first: None, none: None, other: None, second: first, between: first, last: second}


def test_what_counts_is_the_newest_accepted_as_known_at_a_moment(
    database: Path, rules: Loaded, accepted: Reading, returned: Reading
) -> None:
    with db.transaction() as connection:
        inbox = Inbox(connection, rules)
        first = inbox.put(accepted, at(1))
        second = inbox.put(accepted, at(5))
        bad = inbox.put(returned, at(7))
        only = inbox.put(returned, at(2), unit="FP02")

        def newest(day: int) -> dict[str, int]:
            rows = submissions.newest_accepted(connection, PROGRAMME, PERIOD, at(day, 10))
            return {u: r["id"] for u, r in rows.items()}

        assert newest(4) == {"FP01": first}
        assert newest(8) == {"FP01": second}
        states = submissions.states(connection, PROGRAMME, PERIOD, at(8))
        assert {u: r["id"] for u, r in states.items()} == {"FP01": bad, "FP02": only}
        assert submissions.states(connection, PROGRAMME, "2024", at(8)) == {}


def test_what_came_too_late_leaves_what_came_in_time_in_force(
    database: Path, rules: Loaded, accepted: Reading
) -> None:
    until = dt.date(2024, 4, 10)
    with db.transaction() as connection:
        inbox = Inbox(connection, rules)
        early = inbox.put(accepted, at(20))
        inbox.put(accepted, at(10, 16, month=4))  # 11 April in Shanghai
        inbox.put(accepted, at(12, month=4), unit="FP02")
        allowed = inbox.put(accepted, at(10, 15, month=4), unit="FP03")
        extended = inbox.put(accepted, at(20, month=4), unit="FP04", late=False)
        counted = submissions.accepted_in_time(connection, PROGRAMME, PERIOD, at(30, month=4), until)
    assert {u: r["id"] for u, r in counted.items()} == {"FP01": early, "FP03": allowed, "FP04": extended}
    assert counted["FP03"]["late"]


@pytest.mark.parametrize(
    ("moment", "extension", "late"),
    [
        (dt.datetime(2024, 4, 1, 15, 59, 59, tzinfo=dt.UTC), None, False),  # 23:59:59 in Shanghai
        (dt.datetime(2024, 4, 1, 16, 0, tzinfo=dt.UTC), None, True),
        (dt.datetime(2024, 4, 1, 16, 0, tzinfo=dt.UTC), dt.date(2024, 4, 2), False),
        (dt.datetime(2024, 4, 2, 16, 0, tzinfo=dt.UTC), dt.date(2024, 4, 2), True),
        (dt.datetime(2024, 4, 1, 9, tzinfo=dt.UTC), dt.date(2024, 3, 1), False),  # never shortens
    ],
)
def test_late_is_a_day_in_shanghai(moment: dt.datetime, extension: dt.date | None, late: bool) -> None:
    assert submissions.is_late(moment, DUE, extension) is late


def test_an_extension_says_who_why_and_until_when(database: Path) -> None:
    given = (PROGRAMME, PERIOD, "FP01")
    with db.transaction() as connection:
        assert submissions.extension_until(connection, *given, at(9)) is None
        submissions.grant_extension(connection, *given, dt.date(2024, 4, 20), "王某", "系统迁移", at(5))
        submissions.grant_extension(connection, *given, dt.date(2024, 4, 30), "王某", "仍在迁移", at(7))
        assert submissions.extension_until(connection, *given, at(4)) is None
        assert submissions.extension_until(connection, *given, at(6)) == dt.date(2024, 4, 20)
        assert submissions.extension_until(connection, *given, at(9)) == dt.date(2024, 4, 30)
        assert submissions.extension_until(connection, PROGRAMME, PERIOD, "FP02", at(9)) is None
        with pytest.raises(RefusedError, match="为单位“FP01”延期须写明批准人和理由"):
            submissions.grant_extension(connection, *given, dt.date(2024, 5, 1), "王某", " ", at(8))
