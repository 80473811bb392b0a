"""A province sees its own bodies only: every way round it that we know of, tried on a real server."""

# ruff: noqa: S608
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cached_settings import forget
from filled_archive import point, restore
from ipgov.core.tables import metadata
from psycopg import errors, sql

OWN, OTHER = "41", "11"  # 河南: FP09; 北京: FP01 through the province, FP10 and FP12 directly managed
ROLE = f"ipgov_province_{OWN}"
KNOWN_AT = dt.datetime(2024, 5, 2, tzinfo=dt.UTC)
PASSWORD = "correct-Horse-7-battery"  # noqa: S105
UNIT = re.compile(r"\bFP\d\d\b")
MINE = {"FP09"}
TABLES = sorted(metadata.tables)
Connect = Callable[..., "psycopg.Connection[Any]"]


@pytest.fixture(scope="module")
def filled(postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A year of twelve platforms, results issued; one province signs in, another has its exports alone."""
    from ipgov.launcher import postgres as embedded
    from ipgov.procedures import policy_changes, province_access

    name, state = "provinces_filled", tmp_path_factory.mktemp("provinces")
    restore("0004", postgres, name, state)
    with pytest.MonkeyPatch.context() as patch:
        point(patch, postgres, name, state)
        forget()
        policy_changes.migrate("simulation", "", KNOWN_AT, "tester")
        province_access.grant(OWN, "admin1", "申请表已收", KNOWN_AT, PASSWORD)
        province_access.grant(OTHER, "admin1", "申请表已收", KNOWN_AT)
        with embedded.connect(postgres, name) as connection:
            connection.execute("ANALYZE")
            # the office's own, which no row policy is about
            connection.execute(
                "INSERT INTO expert (number, name, organisations, fields, active, known_at)"
                " VALUES ('E1', '专家甲', '{}', '{}', true, now())"
            )
        yield name
        forget()
    embedded.drop_database(postgres, name)


@pytest.fixture
def connect(filled: str, postgres: Path) -> Iterator[Connect]:
    opened: list[psycopg.Connection[Any]] = []

    def open_(role: str = ROLE) -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(f"postgresql://{role}@/{filled}?host={postgres}", autocommit=True))
        return opened[-1]

    yield open_
    for connection in opened:
        connection.close()


@pytest.fixture
def careless(filled: str, postgres: Path) -> Iterator[Connect]:
    """An administrator who by mistake let the province read every table, and make what it likes."""
    from ipgov.launcher import postgres as embedded

    def run(*statements: str) -> None:
        with embedded.connect(postgres, filled) as connection:
            for statement in statements:
                connection.execute(statement)

    run(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"GRANT TEMPORARY, CREATE ON DATABASE {filled} TO {ROLE}",
        f"GRANT CREATE ON SCHEMA province TO {ROLE}",
    )
    opened: list[psycopg.Connection[Any]] = []

    def open_() -> psycopg.Connection[Any]:
        connection = psycopg.connect(f"postgresql://{ROLE}@/{filled}?host={postgres}", autocommit=True)
        connection.execute("SET default_transaction_read_only = off")
        opened.append(connection)
        return connection

    yield open_
    for connection in opened:
        connection.close()
    run(
        f"DROP OWNED BY {ROLE}",  # privileges and objects of the role in this database
        f"GRANT CONNECT ON DATABASE {filled} TO {ROLE}",
    )


def units(found: Any) -> set[str]:
    """Return every body that is spoken of anywhere in an answer."""
    return set(UNIT.findall(str(found)))


def test_the_office_sees_everybody_and_the_test_can_fail(connect: Connect) -> None:
    everybody = units(connect("ipgov_app").execute("SELECT unit FROM titled_body").fetchall())
    assert everybody == {f"FP{n:02}" for n in range(1, 13)}
    assert units(connect("ipgov_app").execute("SELECT * FROM result").fetchall()) == everybody


@pytest.mark.clause("2022-985#24")
def test_a_province_views_and_counts_its_own(connect: Connect) -> None:
    mine = connect()
    views = [r[0] for r in mine.execute("SELECT viewname FROM pg_views WHERE schemaname = 'province'")]
    assert set(views) == {
        "bodies", "title_events", "submissions", "obligations", "results", "documents", "counts"
    }  # fmt: skip
    found = {view: mine.execute(f"SELECT * FROM province.{view}").fetchall() for view in views}
    assert all(found.values())
    assert units(found) == MINE
    assert mine.execute("SELECT unit, grade, passed FROM results").fetchall() == [("FP09", "未通过", False)]
    (document,) = mine.execute("SELECT recipient, title FROM documents").fetchall()
    assert (document[0], "河南省" in document[1]) == (OWN, True)
    assert mine.execute("SELECT bodies, results, failed FROM counts").fetchone() == (1, 1, 1)


def test_every_column_says_in_chinese_what_it_is(connect: Connect) -> None:
    said = connect().execute(
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'province'::regnamespace AND c.relkind = 'v'"
    )
    for view, column, comment, about in said.fetchall():
        assert re.search("[\u4e00-\u9fff]", f"{comment}"), (view, column)
        assert re.search("[\u4e00-\u9fff]", f"{about}"), view


@pytest.mark.parametrize("table", [*TABLES, "alembic_version"])
def test_no_table_and_no_view_of_the_office_is_open(connect: Connect, table: str) -> None:
    mine = connect()
    for statement in (
        "SELECT * FROM public.{}", "SELECT count(*) FROM public.{}", "TABLE public.{}",
        "COPY public.{} TO STDOUT", "EXPLAIN ANALYZE SELECT * FROM public.{}",
        "INSERT INTO public.{} DEFAULT VALUES",
    ):  # fmt: skip
        with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
            mine.execute(sql.SQL(statement).format(sql.Identifier(table)))  # type: ignore[arg-type]


# Each is what somebody tried once somewhere; it may be refused, or answered without another's row.
ATTACKS = {
    "join": "SELECT b.*, r.* FROM province.bodies b FULL JOIN province.results r ON true",
    "another's code": "SELECT * FROM province.bodies WHERE unit = 'FP01' OR true",
    "another's day": "SET ipgov.as_of = '2023-09-06'; SELECT * FROM province.bodies",
    "another's knowledge": "SET ipgov.known_at = '2099-01-01'; SELECT * FROM province.submissions",
    "the other role": f"SET ROLE ipgov_province_{OTHER}; SELECT * FROM province.bodies",
    "the group": "SET ROLE ipgov_province; SELECT * FROM province.bodies",
    "the reader": "SET ROLE ipgov_province_reader; SELECT * FROM public.titled_body",
    "the application": "SET ROLE ipgov_app; SELECT * FROM public.titled_body",
    "the owner": "SET ROLE ipgov_owner; SELECT * FROM public.titled_body",
    "role by setting": f"SELECT set_config('role', 'ipgov_province_{OTHER}', false)",
    "another session": f"SET SESSION AUTHORIZATION ipgov_province_{OTHER}; SELECT * FROM province.bodies",
    "row security off": "SET row_security = off; SELECT * FROM province.bodies",
    "row security off, table": "SET row_security = off; SELECT * FROM public.titled_body",
    "a schema before": "CREATE SCHEMA mine; SET search_path = mine, province",
    "a function of its own": "CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS 'SELECT 1'",
    "a table of its own": "CREATE TEMP TABLE t AS SELECT * FROM public.titled_body",
    "who is asking": "CREATE OR REPLACE FUNCTION province.mine() RETURNS text LANGUAGE sql AS 'SELECT 1'",
    "the functions below": "SELECT province.units(), province.documents(), province.obligations()",
    "the list of who is who": "SELECT * FROM public.province_access",
    "statistics": "SELECT * FROM pg_stats",
    "statistics below": "SELECT * FROM pg_statistic",
    "extended statistics": "SELECT * FROM pg_stats_ext, pg_statistic_ext_data",
    "what others ask": "SELECT query FROM pg_stat_activity",
    "large objects": "SELECT lo_get(loid) FROM pg_largeobject",
    "a file": "SELECT pg_read_file('PG_VERSION')",
    "a file, loaded": "SELECT lo_import('/etc/passwd')",
    "a program": "COPY (SELECT 1) TO PROGRAM 'cat'",
    "copy": "COPY (SELECT * FROM province.bodies) TO STDOUT",
    "xml": "SELECT query_to_xml('SELECT * FROM public.titled_body', true, false, '')",
    "table to xml": "SELECT table_to_xml('public.titled_body', true, false, '')",
    "schema to xml": "SELECT schema_to_xml('public', true, false, '')",
    "catalogue": "SELECT * FROM information_schema.columns; SELECT * FROM information_schema.views",
    "grants itself": f"GRANT SELECT ON public.titled_body TO {ROLE}",
    "joins a group": f"GRANT ipgov_province_{OTHER} TO {ROLE}",
    "turns it off": "ALTER TABLE public.titled_body DISABLE ROW LEVEL SECURITY",
    "drops the policy": "DROP POLICY province ON public.titled_body",
    "is lifted above it": f"ALTER ROLE {ROLE} BYPASSRLS",
    "sequence": "SELECT last_value FROM public.titled_body_id_seq",
    "notices": "LISTEN x",
    "a rule": "CREATE RULE r AS ON SELECT TO province.bodies DO INSTEAD SELECT 1",
    "foreign key": "CREATE TABLE province.t (id bigint REFERENCES public.titled_body (id))",
    "a block": "DO $$ BEGIN RAISE NOTICE '%', (SELECT array_agg(t) FROM public.titled_body t); END $$",
    "prepared": "PREPARE p AS SELECT * FROM public.titled_body; EXECUTE p",
    "cursor": "BEGIN; DECLARE c CURSOR FOR SELECT * FROM public.titled_body; FETCH ALL FROM c",
}


def told(connection: psycopg.Connection[Any], statement: str) -> str:
    """Run statements one by one; return all that came of it: rows, copied bytes, notices, the error."""
    heard: list[str] = []
    connection.add_notice_handler(lambda n: heard.append(str(n.message_primary)))
    for one in (statement,) if "$$" in statement else statement.split("; "):
        try:
            if one.startswith("COPY") and "STDOUT" in one:
                with connection.cursor().copy(one) as rows:  # type: ignore[arg-type]
                    heard += [bytes(r).decode() for r in rows]
                continue
            cursor = connection.execute(one)  # type: ignore[arg-type]
            heard += map(str, cursor.fetchall()) if cursor.description else []
        except psycopg.Error as error:
            heard.append(f"{error.sqlstate} {error} {error.diag.message_detail}")
            break
    return "\n".join(heard)


def shows_another(answer: str) -> bool:
    names = ("虚构交易平台", "虚构金融", "虚构工具平台", "虚构特色平台甲", "虚构特色平台乙", "专家甲", "张三")
    return bool(units(answer) - MINE) or any(n in answer for n in names)


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_gets_nobody_elses_row(connect: Connect, attack: str) -> None:
    statement = ATTACKS[attack]
    asked = units(statement) - MINE  # what it asked for by name may be repeated by an error
    answer = told(connect(), statement)
    for unit in asked:
        answer = answer.replace(unit, "")
    assert not shows_another(answer), answer


def test_the_attacks_would_show_it(connect: Connect) -> None:
    """The same statements as the office: so the test above can fail."""
    would = ("statistics", "cursor", "prepared", "a block")
    shown = {a for a in would if shows_another(told(connect("ipgov_app"), ATTACKS[a]))}
    assert shown == set(would)


@pytest.mark.parametrize("table", ["titled_body", "result", "obligation", "document", "submission"])
def test_a_table_granted_by_mistake_still_shows_its_own_rows_only(careless: Connect, table: str) -> None:
    mine = careless()
    found = mine.execute(f"SELECT * FROM public.{table}").fetchall()
    assert found
    assert not shows_another(str(found)), found
    with mine.cursor().copy(f"COPY public.{table} TO STDOUT") as rows:
        assert not shows_another("".join(bytes(r).decode() for r in rows))
    # the policies stand before any condition of its own, however cheap that calls itself
    mine.execute(
        "CREATE FUNCTION pg_temp.leak(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE 'leak %', t; RETURN true; END $$"
    )
    heard: list[str] = []
    mine.add_notice_handler(lambda n: heard.append(str(n.message_primary)))
    mine.execute(f"SELECT count(*) FROM public.{table} t WHERE pg_temp.leak(t::text)")
    assert heard
    assert not shows_another("".join(heard))
    # an error that names the value it failed on
    answer = told(mine, f"SELECT 1 / (length(t::text) - length(t::text)) FROM public.{table} t")
    assert not shows_another(answer)
    answer = told(mine, f"SELECT t::text::int FROM public.{table} t")
    assert "22P02" in answer
    assert not shows_another(answer)
    assert not shows_another(told(mine, f"SELECT * FROM pg_stats WHERE tablename = '{table}'"))
    joined = f"SELECT * FROM public.{table} a JOIN public.titled_body b ON true"
    assert not shows_another(told(mine, joined))


def test_a_condition_of_its_own_never_comes_near_a_table(careless: Connect) -> None:
    mine = careless()
    mine.execute(
        "CREATE FUNCTION pg_temp.leak(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE 'leak %', t; RETURN true; END $$"
    )
    for view in ("bodies", "title_events", "submissions", "obligations", "results", "documents", "counts"):
        answer = told(mine, f"SELECT count(*) FROM province.{view} v WHERE pg_temp.leak(v::text)")
        assert "leak" in answer
        assert not shows_another(answer)


def test_a_plan_tells_nothing_of_the_tables(connect: Connect) -> None:
    plan = told(
        connect(), "EXPLAIN (ANALYZE, VERBOSE, BUFFERS OFF, TIMING OFF) SELECT * FROM province.bodies"
    )
    assert "Function Scan on province.read_bodies" in plan
    assert "titled_body" not in plan
    assert "Rows Removed" not in plan
    # an estimate is the same for a body that is there and for one that is not
    there, nowhere = (
        told(connect(), f"EXPLAIN SELECT * FROM province.bodies WHERE unit = '{u}'") for u in ("FP01", "FP99")
    )
    assert there.replace("FP01", "") == nowhere.replace("FP99", "")


def test_functions_and_tables_of_its_own_stand_before_no_others(careless: Connect) -> None:
    mine = careless()
    for statement in (
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine.today() RETURNS date LANGUAGE sql AS 'SELECT date ''2000-01-01'''",
        "CREATE FUNCTION mine.text_eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.text_eq)",
        "CREATE TABLE mine.province_access (province text, role text, state text, id bigint)",
        f"INSERT INTO mine.province_access VALUES ('{OTHER}', '{ROLE}', 'login', 9)",
        "CREATE TEMP TABLE titled_body (unit text)",
        "CREATE TEMP TABLE province_access AS TABLE mine.province_access",
        "SET search_path = mine, pg_temp, public, pg_catalog",
    ):
        mine.execute(statement)  # type: ignore[arg-type]
    assert mine.execute("SELECT province.mine()").fetchone() == (OWN,)
    assert units(mine.execute("SELECT * FROM province.bodies").fetchall()) == MINE
    assert units(mine.execute("SELECT * FROM public.titled_body").fetchall()) == MINE


def test_the_office_pays_nothing_for_it(connect: Connect) -> None:
    office = connect("ipgov_app")
    for table in ("titled_body", "result", "obligation", "submission"):
        plan = str(office.execute(f"EXPLAIN SELECT * FROM {table}").fetchall())
        assert "Filter" not in plan, plan
        assert "province" not in plan, plan


def test_what_it_reads_it_cannot_change_nor_fill_the_server(connect: Connect) -> None:
    mine = connect()
    for view in ("bodies", "results"):
        for statement in (f"DELETE FROM province.{view}", f"UPDATE province.{view} SET unit = 'x'"):
            with pytest.raises(psycopg.Error):
                mine.execute(statement)  # type: ignore[arg-type]
    shown = {
        name: mine.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
        for name in ("default_transaction_read_only", "statement_timeout", "search_path")
    }
    assert shown == {
        "default_transaction_read_only": "on", "statement_timeout": "1min", "search_path": "province"
    }  # fmt: skip
    more = [connect() for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        connect()
    assert len(more) == 3


def test_who_is_let_in_is_nobody_special(connect: Connect) -> None:
    row = connect().execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
        " FROM pg_roles WHERE rolname = current_user"
    )
    assert row.fetchone() == (False, False, False, False, False, True)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        connect(f"ipgov_province_{OTHER}")
    for role in ("ipgov_province", "ipgov_province_reader"):
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            connect(role)


def test_the_password_lies_nowhere_as_it_is(filled: str, postgres: Path) -> None:
    from ipgov.launcher import postgres as embedded

    with embedded.connect(postgres, filled) as connection:
        kept = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (ROLE,)).fetchone()
        known = connection.execute("SELECT count(*) FROM province_access").fetchone()
    assert kept[0].startswith("SCRAM-SHA-256$")
    assert known == (2,)
    assert PASSWORD not in (postgres / "log").read_text(encoding="utf-8", errors="replace")


def test_every_table_that_the_reader_reads_has_its_policy(connect: Connect) -> None:
    found = connect("ipgov_owner").execute(
        "SELECT c.relname, c.relrowsecurity, array_agg(p.polname::text ORDER BY p.polname)"
        " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relkind IN ('r', 'v') AND c.relnamespace = 'public'::regnamespace"
        " AND has_table_privilege('ipgov_province_reader', c.oid, 'SELECT') GROUP BY 1, 2"
    )
    rows = found.fetchall()
    assert len(rows) > 10
    assert {(on, tuple(p)) for _, on, p in rows} == {(True, ("application", "province"))}
