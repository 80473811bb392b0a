"""Databases of earlier releases, filled, are brought to this one's form: nothing lost, nothing changed."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cached_settings import forget
from filled_archive import REVISIONS, point, restore
from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from sqlalchemy import create_engine, text

NOW = dt.datetime(2024, 5, 6, 9, tzinfo=SHANGHAI)
Rows = dict[str, tuple[int, str]]


def contents(columns: dict[str, list[str]] | None = None) -> tuple[Rows, dict[str, list[str]]]:
    """Return rows and hash of every table, over these columns (default: all that it has), and the columns."""
    engine = create_engine(settings().owner_database_url)
    with engine.connect() as connection:
        if columns is None:
            there = connection.execute(
                text(
                    "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c"
                    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                    " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
                    " AND c.relname <> 'alembic_version' GROUP BY c.relname"
                )
            )
            columns = {name: list(found) for name, found in there}
        rows = {}
        for name, listed in columns.items():
            row = ", ".join(f'"{c}"' for c in listed)
            found = connection.execute(
                text(
                    f"SELECT count(*), coalesce(md5(string_agg(md5(ROW({row})::text), '' ORDER BY id)), '')"  # noqa: S608
                    f' FROM "{name}"'
                )
            ).one()
            rows[name] = (found[0], found[1])
    engine.dispose()
    return rows, columns


def revision() -> str:
    engine = create_engine(settings().owner_database_url)
    with engine.connect() as connection:
        found: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()
    return found


def migrate(kind: str = "simulation") -> None:
    from ipgov.procedures import policy_changes

    policy_changes.migrate(kind, "", NOW, "tester")  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=REVISIONS)
def upgraded(
    request: pytest.FixtureRequest, postgres: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Rows, dict[str, list[str]]]]:
    """A database of an earlier release, brought up; what it held before."""
    from ipgov.launcher import postgres as embedded

    name, state = f"upgraded_{request.param}", tmp_path_factory.mktemp("upgraded")
    restore(request.param, postgres, name, state)
    with pytest.MonkeyPatch.context() as patch:
        point(patch, postgres, name, state)
        forget()
        assert revision() == request.param
        before, columns = contents()
        migrate()
        yield request.param, before, columns
        forget()
    embedded.drop_database(postgres, name)


@pytest.fixture
def earlier(postgres: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of the release before this one, not yet brought up."""
    from ipgov.launcher import postgres as embedded

    name = "earlier"
    restore(REVISIONS[-1], postgres, name, tmp_path)
    point(monkeypatch, postgres, name, tmp_path)
    forget()
    yield name
    forget()
    embedded.drop_database(postgres, name)


def test_nothing_is_lost_and_nothing_changed(upgraded: tuple[str, Rows, dict[str, list[str]]]) -> None:
    from ipgov.core import revisions

    _, before, columns = upgraded
    assert sum(n for n, _ in before.values()) > 1000
    assert contents(columns)[0] == before
    assert revision() == revisions.known()[-1]


def test_it_has_exactly_the_tables_of_the_code(upgraded: object) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from ipgov.core.tables import metadata

    engine = create_engine(settings().owner_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        checks = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
        named = set(connection.execute(text(checks)).scalars())
    engine.dispose()
    from sqlalchemy import CheckConstraint

    assert named == {
        c.name for t in metadata.tables.values() for c in t.constraints if isinstance(c, CheckConstraint)
    }


def test_the_seals_hold(upgraded: object, ipgov: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = ipgov("audit", "verify")
    assert code == 0, out + err
    from ipgov.core import audit, seals
    from ipgov.core.database import reading

    with reading() as connection:
        told = audit.verify(connection)
        assert (told.seals, told.problems) == (6, [])
        assert told.rows > 1000
    assert seals.add("manual", "升级之后", NOW) is not None
    with reading() as connection:
        assert audit.verify(connection).problems == []


def test_a_grade_is_explained_to_the_cell_and_the_clause(
    upgraded: object, ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = ipgov("explain", "functional_platform", "2023", "FP09")
    assert code == 0, err
    assert "FP09-2023-0316.xlsx" in out
    assert re.search(r"[一二三]、[^ ]+[!表 ]*[A-Z]+\d+", out)
    assert "2023-156" in out or "国知发运函字〔2023〕156号" in out


def test_every_issued_document_is_made_again_byte_for_byte(
    upgraded: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the upgrade, and after every template was changed as well: each has its own version."""
    from ipgov.core.database import reading
    from ipgov.procedures import document_rebuild

    with reading() as connection:
        issued = connection.execute(
            text(
                "SELECT DISTINCT ON (kind, unit IS NULL) id FROM document"
                " WHERE unit = 'FP09' OR recipient = '41' OR kind = 'correction'"
                " ORDER BY kind, unit IS NULL, id"
            )
        ).scalars()
        ids = list(map(str, issued))
    assert len(ids) >= 4
    again = {i: document_rebuild.rebuild(i) for i in ids}
    assert {i: all(r.formats.values()) for i, r in again.items()} == dict.fromkeys(ids, True)
    assert any("pdf" in r.formats for r in again.values())

    folder = tmp_path / "templates"
    shutil.copytree(settings().templates, folder)
    for file in folder.rglob("*.y*ml"):
        file.write_text(file.read_text(encoding="utf-8").replace("特此通知", "此致"), encoding="utf-8")
    monkeypatch.setattr(type(settings()), "templates", folder)
    assert {i: all(document_rebuild.rebuild(i).formats.values()) for i in ids} == dict.fromkeys(ids, True)


def test_a_second_time_changes_nothing(upgraded: tuple[str, Rows, dict[str, list[str]]]) -> None:
    before = contents()
    migrate()
    assert contents() == before


def test_rules_that_came_with_the_program_are_put_in_force_once(
    upgraded: tuple[str, Rows, dict[str, list[str]]],
) -> None:
    from ipgov.procedures import follow_up, policy_changes

    found, _, _ = upgraded
    day = follow_up.last_day()
    assert day is not None
    day += dt.timedelta(days=1)
    moment = dt.datetime.combine(day, dt.time(8), tzinfo=SHANGHAI)
    waiting = policy_changes.not_in_force(moment)
    if found == "0003":
        assert {"policies/cases/functional_platform.yaml", "policies/correspondence.yaml"} <= set(waiting)
    if waiting:
        with pytest.raises(
            RefusedError, match=r"ipgov policy propose .*程序升级带来的新规则文件也须提出并批准一次"
        ):
            follow_up.advance(day, moment)
    for source in waiting:
        done = policy_changes.propose(settings().root / source, "reviewer1", "程序升级", moment)
        assert done.change is not None, done.refused
        name = (done.change.programme, done.change.version)
        assert policy_changes.answer(*name, "approve", "issuer1", "", moment).change is not None
    assert policy_changes.not_in_force(moment) == []
    follow_up.advance(day, moment)
    assert follow_up.last_day() == day


def test_an_interrupted_upgrade_leaves_what_was_there(
    earlier: str, postgres: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.core import database
    from ipgov.launcher import postgres as embedded

    before = contents()
    whole = database._create_views

    def broken(connection: Any) -> None:
        whole(connection)
        raise KeyboardInterrupt

    def killed(connection: Any) -> None:
        with embedded.connect(postgres, earlier) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ipgov_owner'"
                " AND datname = %s",
                (earlier,),
            )
        whole(connection)

    for stop, error in ((broken, KeyboardInterrupt), (killed, EnvironmentProblemError)):
        monkeypatch.setattr(database, "_create_views", stop)
        with pytest.raises(error):
            migrate()
        assert (revision(), contents()) == (REVISIONS[-1], before)
    monkeypatch.setattr(database, "_create_views", whole)
    migrate()
    assert contents(before[1])[0] == before[0]


def test_the_program_works_with_its_own_form_only(
    earlier: str, ipgov: Callable[..., tuple[int, str, str]], postgres: Path
) -> None:
    from ipgov.core import revisions
    from ipgov.core.database import kind_before_migration, reading, transaction
    from ipgov.launcher import postgres as embedded

    ours = revisions.known()[-1]
    older = rf"为 0004 版，早于本程序的 {ours} 版，不能办理：请先以原来的程序备份，再运行 ipgov migrate 升级"
    with pytest.raises(EnvironmentProblemError, match=older), reading():
        pytest.fail("read from an older database")
    with pytest.raises(EnvironmentProblemError, match=older), transaction():
        pytest.fail("wrote to an older database")
    code, _, err = ipgov("status")
    assert (code, "请先以原来的程序备份，再运行 ipgov migrate 升级" in err) == (2, True)
    assert kind_before_migration() == "simulation"
    migrate()
    with transaction():
        pass
    with embedded.connect(postgres, earlier) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = "为 9999 版，本程序只认得"
    with pytest.raises(EnvironmentProblemError, match=newer), reading():
        pytest.fail("read from a newer database")
    with pytest.raises(EnvironmentProblemError, match=newer), transaction():
        pytest.fail("wrote to a newer database")
    with pytest.raises(RefusedError, match="不能用较旧的程序升级"):
        migrate()


def test_a_database_that_was_never_made_is_told(
    postgres: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.core.database import reading, transaction
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, "never_made", owner=embedded.OWNER)
    point(monkeypatch, postgres, "never_made", tmp_path)
    forget()
    for opened in (reading, transaction):
        with pytest.raises(EnvironmentProblemError, match="请先运行 ipgov migrate"), opened():
            pytest.fail("worked without a database")
    forget()
    embedded.drop_database(postgres, "never_made")
