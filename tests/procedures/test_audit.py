"""A played year, attacked table by table with all rights over the database: every attack is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cached_settings import forget
from ipgov.core import audit, objects, seals
from ipgov.core.database import engine, reading
from ipgov.core.errors import GovernanceError
from ipgov.core.tables import document_file, metadata, seal
from ipgov.procedures import nightly_seal
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import Connection, create_engine, select, text

TABLES = [t.name for t in metadata.sorted_tables if t is not seal]
NIGHT = dt.date(2024, 6, 1)
# Of each type: a value, and what a value is changed to.
TYPES = {
    "TEXT": ("'x'", "coalesce({0}, '') || 'x'"),
    "BIG_INTEGER": ("1", "coalesce({0}, 0) + 1"),
    "INTEGER": ("1", "coalesce({0}, 0) + 1"),
    "NUMERIC": ("1.0", "coalesce({0}, 0) * 1.0"),  # the same number, written otherwise
    "BOOLEAN": ("true", "NOT coalesce({0}, false)"),
    "DATE": ("date '2024-01-01'", "coalesce({0}, date '2000-01-01') + 1"),
    "DATETIME": ("now()", "coalesce({0}, now()) + interval '1 microsecond'"),
    "JSONB": ("'{{}}'", "jsonb_build_array({0})"),
    "ARRAY": ("'{{}}'", "array_append({0}, NULL)"),
}


def of_type(table: str, column: str) -> tuple[str, str]:
    return TYPES[metadata.tables[table].c[column].type.__visit_name__.upper()]


@dataclass
class Played:
    objects: Path
    superuser: str
    by_play: list[str]  # the tables that the year itself has filled


@pytest.fixture(scope="module")
def played(
    postgres: Path, migrated_template: str, template_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """One played and sealed year for all attacks; each is taken back."""
    import shutil

    from ipgov.launcher import postgres as embedded

    state, name = tmp_path_factory.mktemp("audited"), "audited"
    shutil.copytree(template_state / "objects", state / "objects")
    embedded.ensure_database(postgres, name, owner=embedded.OWNER, template=migrated_template)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPGOV_DATABASE_URL", embedded.url(postgres, name, embedded.APPLICATION))
        patch.setenv("IPGOV_STATE", str(state))
        forget()
        superuser = embedded.url(postgres, name, "postgres")
        play(Nation(state / "objects"))
        played_tables = fill_the_others(superuser)
        nightly_seal.seal(NIGHT, at(NIGHT))
        yield Played(state / "objects", superuser, played_tables)
    forget()
    embedded.drop_database(postgres, name)


def play(nation: Nation) -> None:
    """A year with a change of the rules and a refused answer, sealed in the night."""
    from ipgov.core.database import transaction
    from ipgov.decisions import policy_changes
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.policy import store
    from ipgov.simulation import nation as synthetic

    with transaction() as connection:
        synthetic.register(connection)
        for login, role in (("reviewer1", "reviewer"), ("issuer1", "issuer")):
            register_officer(connection, Officer(login, login, (role,), None, True), at(dt.date(2023, 9, 5)))
    now = at(dt.date(2024, 1, 3))
    newest = store.versions(PROGRAMME)[-1]
    changed = store.parse(newest.data + b"# approved anew\n", "2025-06-01.yaml")
    objects.put_content(changed.data)
    version = changed.rules.version
    with transaction() as connection:
        policy_changes.propose(connection, changed, "reviewer1", "（试）", now)
        policy_changes.answer(connection, PROGRAMME, version, "approve", "reviewer1", "", now)
        policy_changes.answer(connection, PROGRAMME, version, "approve", "issuer1", "", now)
    nation.collect(2023)
    round_ = nation.evaluate(2023)
    day = nation.days(2023).evaluate_on.date
    nation.answer(round_, "audit", "issuer1", day)  # does not count
    nation.approve(2023, round_)


def fill_the_others(superuser: str) -> list[str]:
    """Put two rows into every table that the year left empty; return the tables that it has filled."""
    root, filled = create_engine(superuser), []
    digest, other_digest = (objects.put_content(b"named by a made-up row %d" % n) for n in (1, 2))
    with root.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # no foreign keys
        for table in TABLES:
            if connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1')).first():  # noqa: S608
                filled.append(table)
                continue
            connection.execute(text(_UNCHECKED.format(table)))
            columns = [c.name for c in metadata.tables[table].columns if c.name != "id"]
            values = [
                f"'{digest}'" if c == "sha256" or c.endswith("_sha256") else of_type(table, c)[0].format()
                for c in columns
            ]
            listed = ", ".join(f'"{c}"' for c in columns)
            row = f"({', '.join(values)})"
            other = row.replace("'x'", "'y'").replace("(1,", "(2,").replace(" 1,", " 2,")
            other = other.replace(digest, other_digest)
            connection.execute(
                text(f'INSERT INTO "{table}" ({listed}) VALUES {row}, {other}')  # noqa: S608
            )
    root.dispose()
    return filled


_UNCHECKED = """
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = '"{0}"'::regclass LOOP
        EXECUTE format('ALTER TABLE "{0}" DROP CONSTRAINT %I', r.conname);
    END LOOP;
END $$
"""


@pytest.fixture
def superuser(played: Played) -> Iterator[Connection]:
    """A transaction with all rights and no guard, constraint or unique index left; taken back at the end."""
    root = create_engine(played.superuser, connect_args={"options": "-c timezone=UTC"})
    with root.connect() as connection:
        connection.execute(text(_DISARM))
        yield connection
        connection.rollback()
    root.dispose()


_DISARM = """
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
             WHERE contype IN ('c', 'u', 'f') AND connamespace = 'public'::regnamespace
             ORDER BY contype = 'f' DESC LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', r.t, r.conname);
    END LOOP;
    FOR r IN SELECT indexrelid::regclass AS i FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
             WHERE indisunique AND NOT indisprimary AND c.relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('DROP INDEX %s', r.i);
    END LOOP;
    FOR r IN SELECT oid::regclass AS t FROM pg_class
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
             AND relname <> 'alembic_version' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only', r.t);
    END LOOP;
END $$
"""


def rows_found(connection: Connection) -> dict[tuple[str, int | None], audit.Finding]:
    found = [p for p in audit.verify(connection).problems if isinstance(p, audit.Finding)]
    return {(p.table, p.row): p for p in found if p.check == "seal_row"}


def of_each(connection: Connection, statement: str) -> dict[str, int]:
    """Run a statement on every table; return the id of the row that it was about."""
    ids = {}
    for table in TABLES:
        columns = [c.name for c in metadata.tables[table].columns if c.name != "id"]
        assignments = ", ".join(f'"{c}" = {of_type(table, c)[1]}'.format(f'"{c}"') for c in columns)
        listed = ", ".join(f'"{c}"' for c in columns)
        row = connection.execute(text(statement.format(t=f'"{table}"', set=assignments, columns=listed)))
        ids[table] = row.scalar_one()
    return ids


def test_an_untouched_year_is_as_it_was_sealed(played: Played) -> None:
    with reading() as connection:
        told = audit.verify(connection)
    assert told.problems == []
    assert told.information == []
    assert told.rows > 1000
    assert told.files > 50
    assert len(played.by_play) >= 25


def test_a_changed_row_of_every_table_is_named_with_its_columns(
    played: Played, superuser: Connection
) -> None:
    ids = of_each(superuser, "UPDATE {t} SET {set} WHERE id = (SELECT max(id) FROM {t}) RETURNING id")
    found = rows_found(superuser)
    assert found.keys() == set(ids.items())
    for table, row in ids.items():
        columns = tuple(c.name for c in metadata.tables[table].columns if c.name != "id")
        assert found[table, row].columns == columns
        assert (
            f"表 {table} 第 {row} 行在第 {found[table, row].seal} 号封存之后被修改" in found[table, row].found
        )


def test_a_removed_row_of_every_table_is_named(played: Played, superuser: Connection) -> None:
    ids = of_each(superuser, "DELETE FROM {t} WHERE id = (SELECT min(id) FROM {t}) RETURNING id")
    found = rows_found(superuser)
    assert found.keys() == set(ids.items())
    assert all(f.found.endswith("被删除") for f in found.values())


def test_a_back_dated_row_of_every_table_is_named(played: Played, superuser: Connection) -> None:
    ids = of_each(
        superuser,
        "INSERT INTO {t} (id, {columns}) OVERRIDING SYSTEM VALUE"
        " SELECT -9223372036854775808, {columns} FROM {t} ORDER BY id LIMIT 1 RETURNING id",
    )
    found = rows_found(superuser)
    assert found.keys() == set(ids.items())
    assert all(f.found.endswith("被插入") for f in found.values())


def test_swapped_rows_of_every_table_are_named(played: Played, superuser: Connection) -> None:
    """The two last rows exchange their ids."""
    pairs = {}
    for table in TABLES:
        ids = list(
            superuser.execute(text(f'SELECT id FROM "{table}" ORDER BY id DESC LIMIT 2')).scalars()  # noqa: S608
        )
        if len(ids) == 2:
            pairs[table] = ids
            for old, new in ((ids[0], 0), (ids[1], ids[0]), (0, ids[1])):
                superuser.execute(
                    text(
                        f'ALTER TABLE "{table}" ALTER COLUMN id DROP IDENTITY IF EXISTS;'  # noqa: S608
                        f' UPDATE "{table}" SET id = {new} WHERE id = {old}'
                    )
                )
    found = rows_found(superuser)
    assert found.keys() == {(t, i) for t, ids in pairs.items() for i in ids}
    assert set(TABLES) - set(pairs) < set(played.by_play)
    named = [f for f in found.values() if "次序被改动" in f.found]
    # rows of two different seals are named as changed only
    assert len(named) > len(found) / 2
    assert all("被修改" in f.found for f in found.values())


def test_put_aside_guards_of_every_table_are_named(superuser: Connection) -> None:
    problems = audit.verify(superuser).problems
    assert {p.table for p in problems if isinstance(p, audit.Finding) and p.check == "seal_guard"} == {
        *TABLES,
        "seal",
    }


def test_changed_bytes_of_issued_documents_are_named(played: Played) -> None:
    """In the archive, where the row and the seal are named, and where the recipient fetches them."""
    with reading() as connection:
        row = connection.execute(
            select(document_file.c.id, document_file.c.sha256, document_file.c.filename)
            .where(document_file.c.format == "pdf")
            .order_by(document_file.c.id.desc())
        ).first()
    assert row is not None
    key = objects.content_key(row.sha256)
    (copy,) = [
        p
        for p in (played.objects / "outbox").rglob(row.filename)
        if p.read_bytes() == objects.get_content(row.sha256)
    ]
    for path in (played.objects / key, copy):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b"x")
        try:
            with reading() as connection:
                (problem,) = audit.verify(connection).problems
            with pytest.raises(GovernanceError, match="封存链核验发现 1 处问题"):
                nightly_seal.verify()
        finally:
            path.write_bytes(whole)
        assert isinstance(problem, audit.Finding)
        assert problem.object_key == path.relative_to(played.objects).as_posix()
        if path == copy:
            assert "已发文书" in problem.found
        else:
            assert (problem.table, problem.row, problem.columns) == ("document_file", row.id, ("sha256",))


def test_the_same_night_twice_seals_nothing_twice(played: Played) -> None:
    with reading() as connection:
        before = seals.current(connection)
    again = nightly_seal.seal(NIGHT, at(NIGHT))
    assert (again.written, again.skipped) == (0, 1)
    with reading() as connection:
        assert seals.current(connection) == before
    assert nightly_seal.verify().output["head"].endswith(before)


def test_the_commands(played: Played, monkeypatch, capsys) -> None:
    import json
    import sys

    from ipgov import cli

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", "audit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    code, head = run("head")
    assert code == 0
    assert run("verify", "--head", head.strip())[0] == 0
    number, _, value = head.strip().partition(":")
    code, out = run("verify", "--head", f"{int(number) + 1}:{value}", "--json")
    told = json.loads(out)
    assert (code, told["problems"][0]["check"], told["head"]) == (1, "seal_head", head.strip())
    assert run("seal")[1].strip() == "没有新增，未封存"
    assert engine().url.username == "ipgov_app"  # none of this needs more rights
