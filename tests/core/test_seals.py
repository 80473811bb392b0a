"""Whoever changes history with all rights over the database is found out, and what was changed is named."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ipgov.core import audit, objects, seals
from ipgov.core import database as db
from ipgov.core.database import engine, reading, transaction
from ipgov.core.errors import EnvironmentProblemError, Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import extension, policy_change, rule_version, seal
from sqlalchemy import Connection, func, select, text

KNOWN_AT = dt.datetime(2024, 4, 1, 9, 0, tzinfo=SHANGHAI)
Tamper = Callable[..., None]
EXTENSION = {
    "programme": "functional_platform",
    "period": "2023",
    "until": dt.date(2024, 4, 15),
    "granted_by": "李四",
    "reason": "系统故障",
    "known_at": KNOWN_AT,
}


def add_rows(unit: str = "FP001", content: bytes = b"rules") -> None:
    """Add an extension, which names no file, and a rule version, which names one."""
    digest = objects.put_content(content)
    with transaction() as connection:
        connection.execute(extension.insert().values(EXTENSION | {"unit": unit}))
        connection.execute(
            rule_version.insert().values(
                programme="functional_platform", version=unit, sha256=digest, known_at=KNOWN_AT
            )
        )


def begun_with() -> int:
    """Return how many rows a database begins with: its kind, and every policy in force from the first."""
    with reading() as connection:
        policies = connection.execute(select(func.count()).select_from(policy_change)).scalar_one()
    return 1 + int(policies)


@contextmanager
def taken_back() -> Iterator[Connection]:
    """Take back what is written."""
    with engine().connect() as connection:
        yield connection
        connection.rollback()


def verified() -> list[Problem]:
    with reading() as connection:
        return audit.verify(connection).problems


def found() -> list[str]:
    return [p.found for p in verified()]


@pytest.fixture
def two_seals(database: Path) -> Path:
    add_rows("FP001", b"one")
    seals.add("freeze", "snapshot:1", KNOWN_AT)
    add_rows("FP002", b"two")
    add_rows("FP003", b"three")
    seals.add("issue", "round:1", KNOWN_AT)
    assert verified() == []
    return database / "objects"


@pytest.fixture
def tamper(database: Path, postgres: Path) -> Tamper:
    """Run SQL as a superuser who has put the guards aside."""
    name = settings().database_url.partition("@/")[2].partition("?")[0]

    def tamper(*statements: str) -> None:
        with psycopg.connect(f"postgresql://postgres@/{name}?host={postgres}") as connection:
            for table in ("extension", "rule_version", "seal"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")  # type: ignore[arg-type]
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]
            # as somebody would who does not want to be seen
            for table in ("extension", "rule_version", "seal", "database_identity"):
                connection.execute(f"ALTER TABLE IF EXISTS {table} ENABLE ALWAYS TRIGGER append_only")  # type: ignore[arg-type]

    return tamper


def manifest_of(sequence: int) -> str:
    with reading() as connection:
        found = connection.execute(select(seal.c.manifest_sha256).where(seal.c.sequence == sequence))
        return str(found.scalar_one())


def test_seals_form_a_chain(two_seals: Path) -> None:
    with reading() as connection:
        first, second = connection.execute(select(seal).order_by(seal.c.sequence)).mappings()
        assert seals.current(connection) == second["chain_sha256"]
        assert seals.find(connection, "freeze", "snapshot:1") == first["chain_sha256"]
        assert seals.find(connection, "freeze", "snapshot:2") is None
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["previous_chain_sha256"] == seals.GENESIS
    assert second["previous_chain_sha256"] == first["chain_sha256"]
    assert first["chain_sha256"] == sha256_hex((seals.GENESIS + first["manifest_sha256"]).encode())
    # the first also seals what the database begins with
    assert (first["row_count"], second["row_count"]) == (begun_with() + 2, 4)
    manifest = json.loads(objects.store().get(f"seals/{first['manifest_sha256']}.json"))
    assert set(manifest["tables"]) == {"database_identity", "policy_change", "extension", "rule_version"}


def test_unsealed_database_has_no_chain(database: Path) -> None:
    with reading() as connection:
        assert seals.current(connection) == seals.GENESIS
        assert audit.verify(connection).problems == []


def test_night_without_news_makes_no_seal_but_an_occasion_does(two_seals: Path) -> None:
    assert seals.add("nightly", "2024-04-01", KNOWN_AT) is None
    assert seals.add("approval", "round:1", KNOWN_AT) is not None
    add_rows("FP004")
    assert seals.add("nightly", "2024-04-02", KNOWN_AT) is not None
    assert verified() == []


def test_rows_not_yet_sealed_are_no_problem(two_seals: Path) -> None:
    add_rows("FP009", b"nine")
    assert verified() == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "UPDATE extension SET reason = '人情' WHERE id = 2",
            "表 extension 第 2 行在第 2 号封存之后被修改（reason）",
        ),
        (
            "UPDATE extension SET recorded_at = now() WHERE id = 2",
            "表 extension 第 2 行在第 2 号封存之后被修改（recorded_at）",
        ),
        ("DELETE FROM extension WHERE id = 1", "表 extension 第 1 行在第 1 号封存之后被删除"),
        ("DELETE FROM extension WHERE id = 3", "表 extension 第 3 行在第 2 号封存之后被删除"),
        ("DELETE FROM database_identity", "表 database_identity 第 1 行在第 1 号封存之后被删除"),
    ],
)
def test_changed_and_deleted_rows_are_named(
    two_seals: Path, tamper: Tamper, statement: str, what: str
) -> None:
    tamper("ALTER TABLE database_identity DISABLE TRIGGER ALL", statement)
    assert found() == [what]
    assert [p.check for p in verified()] == ["seal_row"]


@pytest.mark.parametrize("row_id", [2, 0, -5])
def test_row_inserted_into_the_sealed_range_is_named(database: Path, tamper: Tamper, row_id: int) -> None:
    add_rows("FP001")
    with taken_back() as connection:  # a step that fails leaves a gap: the id 2 is free
        connection.execute(extension.insert().values(EXTENSION | {"unit": "FP002"}))
    add_rows("FP003")
    seals.add("manual", "", KNOWN_AT)
    assert verified() == []
    columns = "programme, period, unit, until, granted_by, reason, known_at"
    tamper(
        f"INSERT INTO extension (id, {columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608
        f" SELECT {row_id}, {columns} FROM extension WHERE id = 1"
    )
    assert found() == [f"表 extension 第 {row_id} 行在第 1 号封存之后被插入"]


def test_reordered_rows_are_named(two_seals: Path, tamper: Tamper) -> None:
    tamper(
        "CREATE TEMP TABLE kept AS SELECT * FROM extension WHERE id IN (2, 3)",
        "DELETE FROM extension WHERE id IN (2, 3)",
        "INSERT INTO extension OVERRIDING SYSTEM VALUE"
        " SELECT 5 - id, programme, period, unit, until, granted_by, reason, known_at, recorded_at FROM kept",
    )
    assert found() == [
        f"表 extension 第 {n} 行在第 2 号封存之后被修改（内容为封存时第 {5 - n} 行的：次序被改动）"
        for n in (2, 3)
    ]


@pytest.mark.parametrize("change", ["DROP COLUMN reason", "RENAME TO gone"])
def test_lost_column_or_table_is_named(two_seals: Path, tamper: Tamper, change: str) -> None:
    tamper(f"ALTER TABLE extension {change}")
    problems = found()
    assert len(problems) == 2
    assert all("表 extension 在第" in p and "reason" in p for p in problems)


def test_changed_and_missing_files_are_named(two_seals: Path) -> None:
    changed, missing = (sha256_hex(c) for c in (b"two", b"three"))
    (two_seals / objects.content_key(changed)).write_bytes(b"tw0")
    (two_seals / objects.content_key(missing)).unlink()
    assert found() == [
        f"表 rule_version 第 2 行的文件 {changed} 被改动（第 2 号封存）",
        f"表 rule_version 第 3 行的文件 {missing} 缺失（第 2 号封存）",
    ]
    assert {p.check for p in verified()} == {"seal_file"}


def test_changed_manifest_is_named_and_nothing_more_is_sealed_on_it(two_seals: Path) -> None:
    digest = manifest_of(2)
    path = two_seals / "seals" / f"{digest}.json"
    path.write_bytes(path.read_bytes().replace(b"round:1", b"round:2"))
    assert found() == [
        f"封存清单 {digest} 的内容与其指纹不符，可能被篡改",
        "第 2 号封存的清单缺失或被改动，其封存的 4 行无法逐行核验",
    ]
    with pytest.raises(EnvironmentProblemError, match=f"封存清单 {digest} 的内容与其指纹不符"):
        seals.add("manual", "", KNOWN_AT)


def test_missing_manifest_is_named(two_seals: Path) -> None:
    (two_seals / "seals" / f"{manifest_of(1)}.json").unlink()
    assert found() == [f"第 1 号封存的清单缺失或被改动，其封存的 {begun_with() + 2} 行无法逐行核验"]


def removed(sequence: int, chain: str) -> str:
    made = {1: "freeze snapshot:1", 2: "issue round:1"}[sequence]
    return f"第 {sequence} 号封存（链值 {chain}，{made}）曾经作出，数据库中已没有：封存记录被删除或改写"


def chains() -> list[str]:
    with reading() as connection:
        return list(connection.execute(select(seal.c.chain_sha256).order_by(seal.c.sequence)).scalars())


def mark(objects_: Path, sequence: int) -> Path:
    (found,) = (objects_ / "seal-marks").glob(f"{sequence:012d}-*.json")
    return found


def test_removed_seal_in_the_middle_is_named(two_seals: Path, tamper: Tamper) -> None:
    first, _ = chains()
    tamper("DELETE FROM seal WHERE sequence = 1")
    assert found() == [removed(1, first), "第 2 号封存未接在上一号之后"]


def test_removed_last_seal_is_named(two_seals: Path, tamper: Tamper) -> None:
    """Nothing in the database tells of it, but its mark lies in the store, and without that its manifest."""
    _, second = chains()
    digest = manifest_of(2)
    tamper("DELETE FROM seal WHERE sequence = 2")
    assert found() == [removed(2, second)]
    mark(two_seals, 2).write_bytes(b"{}")
    assert [p.partition("（")[0] for p in found() if "曾经作出" in p] == ["第 2 号封存"]
    mark(two_seals, 2).unlink()
    assert found() == [f"对象库中有第 2 号封存的清单 {digest}，数据库中没有这次封存"]


def test_chain_rewritten_consistently_is_named(two_seals: Path, tamper: Tamper) -> None:
    """All seals removed, a row changed, everything sealed anew: the store knows of both seals and the row."""
    first, second = chains()
    tamper("DELETE FROM seal", "UPDATE extension SET reason = '人情' WHERE id = 2")
    seals.add("freeze", "snapshot:1", KNOWN_AT)
    seals.add("issue", "round:1", KNOWN_AT)
    assert found() == [
        removed(1, first),
        removed(2, second),
        "表 extension 第 2 行在第 2 号封存之后被修改（reason）",
    ]


def test_tail_removed_with_all_that_the_store_keeps_of_it_is_told_by_a_deposited_head(
    two_seals: Path, tamper: Tamper
) -> None:
    """This is where the database and the store together know nothing more: only what lies elsewhere does."""
    first, second = chains()
    manifest = manifest_of(2)
    tamper(*(f"DELETE FROM {t} WHERE id > 1" for t in ("extension", "rule_version", "seal")))  # noqa: S608
    mark(two_seals, 2).unlink()
    (two_seals / "seals" / f"{manifest}.json").unlink()
    assert found() == []
    with reading() as connection:
        told = audit.verify(connection, [f"1:{first}", f"2:{second}"])
        assert [p.found for p in told.problems] == [
            "外存的链头为第 2 号，数据库中没有这次封存（现有 1 次）：末尾被删除"
        ]
        other = audit.verify(connection, [f"1:{second}"])
        assert ["与外存的链头不同" in p.found for p in other.problems] == [True]
        with pytest.raises(UnknownError, match="应为 序号:链值"):
            audit.verify(connection, ["12"])


def test_changed_seal_row_is_held_against_its_mark(two_seals: Path, tamper: Tamper) -> None:
    tamper("UPDATE seal SET recorded_at = '2020-01-01T00:00:00Z' WHERE sequence = 2")
    assert found() == ["第 2 号封存的 recorded_at 为“2020-01-01T00:00:00+00:00”"]


def test_seal_killed_before_its_mark_gets_it_with_the_next(two_seals: Path) -> None:
    mark(two_seals, 2).unlink()
    assert verified() == []
    seals.add("manual", "", KNOWN_AT)
    assert mark(two_seals, 2).exists()
    assert verified() == []


def test_guards_put_aside_are_named(two_seals: Path, postgres: Path) -> None:
    name = settings().database_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"postgresql://postgres@/{name}?host={postgres}") as connection:
        connection.execute("ALTER TABLE extension DISABLE TRIGGER append_only")
        connection.execute("DROP TRIGGER append_only ON issue")
    assert found() == [f"表 {t} 的只增不改保护被停用或删除" for t in ("extension", "issue")]


def test_what_is_not_proved_is_told_and_is_no_problem(two_seals: Path) -> None:
    extra = objects.put_content(b"nobody names this")
    add_rows("FP009", b"nine")
    with reading() as connection:
        told = audit.verify(connection)
    assert told.problems == []
    assert told.information == [
        "上次封存之后新增 2 行，尚未封存，不在核验之列：extension 1 行、rule_version 1 行",
        f"对象库中有 1 个文件没有任何记录提到：{objects.content_key(extra)}",
    ]
    assert (told.seals, told.rows) == (2, begun_with() + 6)
    assert told.head == f"2:{chains()[-1]}"


def test_a_hundred_thousand_rows_are_verified_in_seconds(database: Path) -> None:
    with transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO extension (programme, period, unit, until, granted_by, reason, known_at)"
                " SELECT 'p', '2023', 'U' || n, date '2024-04-15', '李四', '理由', now()"
                " FROM generate_series(1, 100000) n"
            )
        )
    seals.add("manual", "", KNOWN_AT)
    begun = time.process_time(), time.monotonic()
    assert verified() == []
    assert time.process_time() - begun[0] < 10
    assert time.monotonic() - begun[1] < 60  # of a machine that does other things, too


def test_history_rewritten_under_a_new_last_seal_is_named(two_seals: Path, tamper: Tamper) -> None:
    """The last seal removed, a row changed, and sealed anew: the old manifest still knows the row."""
    _, second = chains()
    tamper("DELETE FROM seal WHERE sequence = 2", "UPDATE extension SET reason = '人情' WHERE id = 2")
    seals.add("issue", "round:1", KNOWN_AT)
    assert found() == [removed(2, second), "表 extension 第 2 行在第 2 号封存之后被修改（reason）"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("occasion = 'manual'", "第 2 号封存的 occasion 为“manual”"),
        ("subject = 'round:2'", "第 2 号封存的 subject 为“round:2”"),
        ("row_count = 9", "第 2 号封存的 row_count 为“9”"),
        ("known_at = '2020-01-01T00:00:00Z'", "第 2 号封存的 known_at 为“2020-01-01T00:00:00+00:00”"),
        ("chain_sha256 = 'x'", "第 2 号封存的链值不符"),
        ("manifest_sha256 = 'x'", "第 2 号封存的清单缺失或被改动，其封存的 4 行无法逐行核验"),
        ("previous_chain_sha256 = 'x'", "第 2 号封存未接在上一号之后"),
        ("sequence = 3", "第 3 号封存的 sequence 为“3”"),
    ],
)
def test_changed_seal_is_named(two_seals: Path, tamper: Tamper, change: str, what: str) -> None:
    tamper(f"UPDATE seal SET {change} WHERE sequence = 2")  # noqa: S608
    assert what in found()


def test_seal_killed_before_its_commit_is_made_again(
    two_seals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rows("FP004", b"four")

    class KilledError(Exception):
        pass

    class KillAfterPut:
        def put(self, key: str, data: bytes, *, once: bool = False) -> None:
            objects.store().put(key, data, once=once)
            raise KilledError

        def __getattr__(self, name: str) -> Any:
            return getattr(objects.store(), name)

    with monkeypatch.context() as patch:
        patch.setattr(seals, "store", KillAfterPut)
        with pytest.raises(KilledError):
            seals.add("nightly", "2024-04-02", KNOWN_AT)
    assert ["对象库中有第 3 号封存的清单" in p for p in found()] == [True]
    assert seals.add("nightly", "2024-04-03", KNOWN_AT) is not None
    assert verified() == []


def test_seal_waits_for_a_writer_and_a_writer_for_a_seal(database: Path) -> None:
    """A step half-done when the seal begins is either in it whole or not at all, never under its mark."""
    started, done = threading.Event(), threading.Event()
    order: list[str] = []

    def write() -> None:
        with transaction() as connection:
            connection.execute(extension.insert().values(EXTENSION | {"unit": "FP001"}))
            started.set()
            time.sleep(0.5)
            order.append("written")
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert started.wait(10)
    seals.add("manual", "", KNOWN_AT)
    order.append("sealed")
    thread.join()
    assert order == ["written", "sealed"]
    with reading() as connection:
        assert connection.execute(select(seal.c.row_count)).scalar_one() == begun_with() + 1
    assert verified() == []


def test_many_writers_and_seals_at_once_stay_verifiable(database: Path) -> None:
    stop = threading.Event()
    errors: list[Exception] = []

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            try:
                add_rows(f"{name}{number}", f"{name}{number}".encode())
            except Exception as error:
                errors.append(error)
                return
            number += 1

    threads = [threading.Thread(target=write, args=(n,)) for n in "abc"]
    for t in threads:
        t.start()
    for n in range(5):
        time.sleep(0.05)
        seals.add("manual", str(n), KNOWN_AT)
    stop.set()
    for t in threads:
        t.join()
    seals.add("manual", "last", KNOWN_AT)
    assert errors == []
    assert verified() == []
    with reading() as connection:
        sealed = connection.execute(select(seal.c.row_count)).scalars().all()
        rows = [connection.execute(select(t.c.id)).all() for t in (extension, rule_version)]
    assert sum(sealed) == sum(map(len, rows)) + begun_with()


def test_table_of_the_code_cannot_be_forgotten() -> None:
    assert {t.name for t in seals._SEALED_TABLES} == set(db.database_identity.metadata.tables) - {"seal"}
