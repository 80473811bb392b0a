"""Monthly exports to the provinces: the day's own bodies, the same bytes again, sent once, closed at once."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cached_settings import forget
from filled_archive import point, restore
from ipgov.core.errors import EnvironmentProblemError, RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from sqlalchemy import text

Day = dt.date
HENAN, SHANDONG, BEIJING = "41", "37", "11"
EVIL = "=HYPERLINK(甲)"
MOVED = Day(2024, 6, 15)  # FP08, until then in 山东


def at(day: Day, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def filled(postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A played year; 山东 hands FP08 over to 河南 in the middle of June, with a name that is a formula."""
    from ipgov.core.database import transaction
    from ipgov.launcher import postgres as embedded
    from ipgov.procedures import policy_changes, province_access
    from ipgov.registry.platforms import add_titled_body

    name, state = "province_exports", tmp_path_factory.mktemp("exports")
    restore("0004", postgres, name, state)
    with pytest.MonkeyPatch.context() as patch:
        point(patch, postgres, name, state)
        forget()
        policy_changes.migrate("simulation", "", at(Day(2024, 5, 2)), "tester")
        for code in (HENAN, SHANDONG):
            province_access.grant(code, "admin1", "申请表已收", at(Day(2024, 5, 2)))
        with transaction() as connection:
            there = connection.execute(text("SELECT * FROM titled_body WHERE unit = 'FP08'")).mappings().one()
            kept = {k: there[k] for k in ("programme", "unit", "kind", "route", "host_code", "operator_code")}
            moved = {**kept, "name": EVIL, "province": HENAN, "valid_from": MOVED, "source": "（试）"}
            add_titled_body(connection, **moved, known_at=at(MOVED))
        yield name
        forget()
    embedded.drop_database(postgres, name)


@pytest.fixture
def here(filled: str) -> str:
    forget()
    return filled


def units(province: str, day: Day) -> dict[str, set[str]]:
    """Return the bodies by table as the province's export of that day tells them."""
    from ipgov.procedures import province_data, province_exports

    data = province_data.read(province, day, province_exports.end_of(day))
    return {t.name: {r["unit"] for r in t.rows if r.get("unit")} for t in data.tables}


def outbox(month: str, province: str) -> dict[str, bytes]:
    from ipgov.core.objects import store

    return {
        i.key.rpartition("/")[2]: store().get(i.key)
        for i in store().list(f"outbox/province_export/{month}/{province}/")
    }


@pytest.mark.clause("2022-985#24")
def test_a_body_is_the_provinces_where_it_is_on_the_day(here: str) -> None:
    before, after = Day(2024, 5, 31), Day(2024, 6, 30)
    assert units(SHANDONG, before)["bodies"] == {"FP08"}
    assert units(HENAN, before)["bodies"] == {"FP09"}
    assert units(HENAN, after)["bodies"] == units(HENAN, after)["results"] == {"FP08", "FP09"}
    gone = units(SHANDONG, after)
    assert not any(gone.values()), "nothing of it but its own papers stays with the former province"
    assert units(SHANDONG, before)["results"] == {"FP08"}, "as of the day: also asked for afterwards"


def test_a_month_is_exported_once_with_the_same_bytes(here: str) -> None:
    from ipgov.procedures import dispatching, province_exports

    now = at(Day(2024, 7, 1), 8)
    with pytest.raises(RefusedError, match="2024-06 尚未结束"):
        province_exports.export("2024-06", at(Day(2024, 6, 30)))
    done = province_exports.export_due(Day(2024, 7, 1), now)
    assert (done.output["month"], done.written) == ("2024-06", 2)
    dispatching.send(now)
    first = {code: outbox("2024-06", code) for code in (HENAN, SHANDONG)}
    endings = ["json", "pdf", "xlsx", "zip"]
    assert [sorted(n.rpartition(".")[2] for n in f) for f in first.values()] == [endings, endings]

    again = province_exports.export_due(Day(2024, 7, 9), at(Day(2024, 7, 9)))
    assert (again.read, again.written) == (0, 0), "the daily run has nothing to do"
    later = province_exports.export("2024-06", at(Day(2024, 7, 20)))
    assert (later.written, later.skipped) == (0, 2)
    dispatching.send(at(Day(2024, 7, 20)))
    assert {code: outbox("2024-06", code) for code in (HENAN, SHANDONG)} == first

    told = json.loads(next(v for k, v in first[HENAN].items() if k.endswith(".json")))
    assert (told["province"], told["as_of"], told["simulation"]) == (HENAN, "2024-06-30", True)
    assert told["rules"][0]["version"] == "2023-09-05"
    assert "FP01" not in json.dumps(told)


def test_no_cell_is_a_formula(here: str) -> None:
    from openpyxl import load_workbook

    found = outbox("2024-06", HENAN) or pytest.fail("made by the test before")
    book = load_workbook(io.BytesIO(next(v for k, v in found.items() if k.endswith(".xlsx"))))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert any(c.value == EVIL for c in cells)
    assert all(c.data_type != "f" for c in cells)
    assert book.sheetnames[0] == "封面"
    cover = {r[0].value: r[1].value for r in book["封面"].iter_rows(min_row=5)}
    assert (cover["省份"], cover["基准日"], cover["单位"]) == ("河南省", "2024年6月30日", "2 行")
    package = zipfile.ZipFile(io.BytesIO(next(v for k, v in found.items() if k.endswith(".zip"))))
    for name in package.namelist():
        rows = list(csv.reader(io.StringIO(package.read(name).decode("utf-8-sig"))))
        assert all(not c.startswith(("=", "+", "-", "@")) for row in rows for c in row), name
    assert f"'{EVIL}" in package.read("单位.csv").decode("utf-8-sig")


def test_an_export_is_a_document_that_is_made_again(here: str) -> None:
    from ipgov.core.database import reading
    from ipgov.procedures import document_rebuild

    with reading() as connection:
        ids = (
            connection.execute(text("SELECT id FROM document WHERE kind = 'province_export'")).scalars().all()
        )
    assert len(ids) == 2
    for id_ in ids:
        assert document_rebuild.rebuild(str(id_)).formats == {"pdf": True, "xlsx": True}


def test_what_was_known_late_makes_another_one_that_says_so(here: str) -> None:
    from ipgov.core.database import reading, transaction
    from ipgov.procedures import province_exports
    from ipgov.registry.titles import record_title_event

    with transaction() as connection:
        record_title_event(
            connection, "functional_platform", "FP09", "renamed", Day(2024, 6, 20), "operator", "更名",
            at(Day(2024, 6, 20)), by="office",
        )  # fmt: skip
    assert province_exports.export_due(Day(2024, 7, 21), at(Day(2024, 7, 21))).written == 0
    assert province_exports.export("2024-06", at(Day(2024, 7, 21)), [HENAN]).written == 1
    with reading() as connection:
        made = connection.execute(
            text("SELECT count(*) FROM province_export WHERE province = '41' AND month = '2024-06'")
        ).scalar()
    assert made == 2


def test_a_province_that_is_closed_sees_nothing_at_once(here: str, postgres: Path) -> None:
    from ipgov.procedures import province_access, province_exports

    password = "another-Horse-8-battery"  # noqa: S105
    now = at(Day(2024, 8, 1))
    assert province_access.grant(SHANDONG, "admin1", "x", now, password).state == "login"
    where = f"postgresql://ipgov_province_{SHANDONG}@/{here}?host={postgres}"
    signed_in: psycopg.Connection[Any] = psycopg.connect(where, autocommit=True)
    assert len(signed_in.execute("SELECT * FROM documents").fetchall()) >= 1
    done = province_access.revoke(SHANDONG, "admin1", "机构改革", now)
    assert (done.state, done.ended) == ("revoked", 1)
    with pytest.raises(psycopg.OperationalError):
        signed_in.execute("SELECT * FROM documents")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(where)
    assert province_access.revoke(SHANDONG, "admin1", "机构改革", now).repeated
    with pytest.raises(RefusedError, match="山东省（37）的查看没有开通"):
        province_exports.export("2024-06", now, [SHANDONG])
    states = {r["province"]: r["state"] for r in province_access.listed()}
    assert states == {HENAN: "opened", SHANDONG: "revoked"}


def test_a_lost_role_is_told_and_mended(here: str, postgres: Path) -> None:
    from ipgov.launcher import postgres as embedded
    from ipgov.procedures import province_access, province_exports

    with embedded.connect(postgres, here) as connection:
        connection.execute(f"DROP OWNED BY ipgov_province_{HENAN}; DROP ROLE ipgov_province_{HENAN}")
    now = at(Day(2024, 8, 2))
    with pytest.raises(EnvironmentProblemError, match="须重新开通"):
        province_exports.export("2024-07", now, [HENAN])
    assert [r["role_exists"] for r in province_access.listed() if r["province"] == HENAN] == [False]
    assert province_access.grant(HENAN, "admin1", "恢复备份之后", now).repeated
    assert province_exports.export("2024-07", now, [HENAN]).written == 1


@pytest.mark.parametrize(
    ("province", "reason", "password", "message"),
    [
        ("99", "x", None, "99"),
        (BEIJING, " ", None, "须写明依据"),
        (BEIJING, "x", "short", "密码不合要求"),
        (BEIJING, "x", "aaaaaaaaaaaaaaaaaaaaaaaa", "密码不合要求"),
        (BEIJING, "x", "", "密码不合要求"),
    ],
)
def test_who_cannot_be_let_in(
    here: str, province: str, reason: str, password: str | None, message: str
) -> None:
    from ipgov.procedures import province_access

    with pytest.raises((RefusedError, UnknownError), match=message):
        province_access.grant(province, "admin1", reason, at(Day(2024, 8, 1)), password)


def test_by_command(
    here: str, passwords: Path, tmp_path: Path, ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    secret = tmp_path / "login.txt"
    secret.write_text("a-third-Horse-9-battery\n", encoding="utf-8")
    secret.chmod(0o644)
    mine = ("--by", "admin1", "--as-of", "2024-08-03")
    grant = ("province", "grant", BEIJING, "--reason", "x", "--login-password-file", secret, *mine)
    code, _, err = ipgov(*grant)
    assert code == 2
    assert str(secret) in err
    secret.chmod(0o600)
    done = ipgov(*grant)
    assert done[:2] == (0, "11：已开通（可登录），数据库角色 ipgov_province_11\n")
    assert "11 北京市：已开通（可登录）" in ipgov("province", "list")[1]
    code, out, _ = ipgov(
        "province", "export", "--month", "2024-07", "--province", "11", "--as-of", "2024-08-03"
    )
    assert (code, "新导出 1 省" in out) == (0, True)
    assert ipgov("province", "export", "--month", "2024-13", "--as-of", "2024-08-03")[0] == 2
    assert ipgov("province", "revoke", BEIJING, "--reason", "x", *mine)[:2] == (0, "11：已停用\n")
    assert ipgov("province", "grant", BEIJING, "--reason", "x", "--by", "operator1")[0] == 2
