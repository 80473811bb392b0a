"""Officers in production: account and register of officers are made, changed and closed together."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ipgov import cli
from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.decisions.officers import officer
from ipgov.launcher import postgres as embedded
from ipgov.wiring import accounts
from ipgov.wiring.roles import load_roles
from sqlalchemy import create_engine

Run = Callable[..., tuple[int, str]]
LIMITS = load_roles(settings().policies).sign_in


@pytest.fixture
def run(
    database: Path,
    postgres: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """The command line of a new installation: roles, and not one account."""
    name = f"officers_{abs(hash(tmp_path)) % 10**9}"
    embedded.ensure_database(postgres, name, owner=embedded.AIRFLOW)
    url = embedded.url(postgres, name, embedded.AIRFLOW)
    engine = create_engine(url)
    with engine.begin() as connection:
        accounts.USER.metadata.create_all(connection)
        names = [{"name": n} for n in ("viewer", "reviewer", "issuer", "operator", "auditor", "Admin")]
        connection.execute(accounts.ROLE.insert(), names)
    engine.dispose()
    monkeypatch.setenv("IPGOV_ACCOUNTS_DATABASE_URL", url)
    settings.cache_clear()
    accounts.engine.cache_clear()

    def ipgov(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    yield ipgov
    accounts.engine().dispose()
    accounts.engine.cache_clear()
    embedded.drop_database(postgres, name)


def password_of(file: Path) -> str:
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text().strip()


def signs_in(login: str, password: str) -> bool:
    now = dt.datetime.now(dt.UTC)
    return accounts.verify(accounts.engine(), login, password, "page", LIMITS, now) is not None


def registered(login: str) -> tuple[str, tuple[str, ...], bool]:
    with reading() as connection:
        found = officer(connection, login, dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    return found.name, found.roles, found.active


def start(run: Run, tmp_path: Path) -> tuple[str, ...]:
    """Make the first administrator; return what signs the next commands."""
    code, told = run(
        "officer",
        "add",
        "boss",
        "--name",
        "管甲",
        "--role",
        "administrator",
        "--password-out",
        tmp_path / "boss",
    )
    assert code == 0, told
    return ("--by", "boss", "--password-file", str(tmp_path / "boss"))


def test_the_first_administrator_and_then_nobody_without(run: Run, tmp_path: Path) -> None:
    by = start(run, tmp_path)
    assert signs_in("boss", password_of(tmp_path / "boss"))
    add = (
        "officer",
        "add",
        "zhang.san",
        "--name",
        "张三",
        "--role",
        "reviewer",
        "--password-out",
        tmp_path / "z",
    )
    code, told = run(*add)
    assert (code, "须以 --by 写明系统管理员的账号" in told) == (2, True)
    assert run(*add, *by)[0] == 0
    assert registered("zhang.san") == ("张三", ("reviewer",), True)
    assert signs_in("zhang.san", password_of(tmp_path / "z"))
    assert password_of(tmp_path / "z") not in told
    again = run(*add[:-1], tmp_path / "z2", *by)
    assert again == (0, "“zhang.san”没有变化\n")
    assert not (tmp_path / "z2").exists()
    code, told = run(*add, *by)
    assert (code, "已存在；初始密码须写入新文件" in told) == (2, True)
    code, told = run(*add[:3], "--name", "李四", *add[5:-1], tmp_path / "z3", *by)
    assert (code, "已登记为 张三" in told) == (2, True)


def test_a_change_is_one_on_both_sides(run: Run, tmp_path: Path) -> None:
    by = start(run, tmp_path)
    run("officer", "add", "li", "--name", "李四", "--role", "viewer", "--password-out", tmp_path / "li", *by)
    assert run("officer", "change", "li", "--role", "issuer", "--name", "李思", *by)[0] == 0
    assert registered("li") == ("李思", ("issuer",), True)
    with accounts.engine().begin() as connection:
        found = accounts.account(connection, "li")
    assert found is not None
    assert (found.name, found.roles) == ("李思", {"issuer"})
    assert run("officer", "change", "li", "--role", "issuer", *by) == (0, "“li”没有变化\n")
    code, told = run("officer", "change", "li", "--role", "boss", *by)
    assert (code, "没有“boss”这一角色" in told) == (2, True)
    listed = json.loads(run("officer", "list", "--json")[1])
    assert [(o["login"], o["roles"], o["problem"]) for o in listed] == [
        ("boss", ["administrator"], ""),
        ("li", ["issuer"], ""),
    ]


def test_closing_ends_account_register_and_sessions(run: Run, tmp_path: Path) -> None:
    import msgspec

    by = start(run, tmp_path)
    run("officer", "add", "wang", "--name", "王五", "--role", "viewer", "--password-out", tmp_path / "w", *by)
    with accounts.engine().begin() as connection:
        found = accounts.account(connection, "wang")
        assert found is not None
        for n, owner in enumerate((found.id, found.id, found.id + 1)):
            data = msgspec.msgpack.encode({"_user_id": str(owner)})
            connection.execute(accounts.SESSION.insert().values(session_id=f"s{n}", data=data))
        connection.execute(accounts.SESSION.insert().values(session_id="broken", data=b"\xc1"))
    code, told = run("officer", "deactivate", "wang", *by)
    assert (code, "已结束 2 个登录会话" in told) == (0, True)
    assert registered("wang") == ("王五", ("viewer",), False)
    assert not signs_in("wang", password_of(tmp_path / "w"))
    assert run("officer", "deactivate", "wang", *by) == (0, "“wang”没有变化\n")
    assert run("officer", "change", "wang", "--active", *by)[0] == 0
    assert signs_in("wang", password_of(tmp_path / "w"))


def test_the_last_administrator_stays(run: Run, tmp_path: Path) -> None:
    by = start(run, tmp_path)
    for last in (("deactivate", "boss"), ("change", "boss", "--role", "viewer")):
        code, told = run("officer", *last, *by)
        assert (code, "唯一在用的系统管理员" in told) == (2, True)
    assert registered("boss") == ("管甲", ("administrator",), True)


def test_a_new_password_and_unlocking(run: Run, tmp_path: Path) -> None:
    by = start(run, tmp_path)
    run("officer", "add", "zhao", "--name", "赵六", "--role", "viewer", "--password-out", tmp_path / "a", *by)
    first = password_of(tmp_path / "a")
    for _ in range(LIMITS.failures):
        signs_in("zhao", "wrong")
    assert not signs_in("zhao", first)
    assert "已锁定" in run("officer", "list")[1]
    assert run("officer", "unlock", "zhao", *by) == (0, "“zhao”已解除锁定\n")
    assert run("officer", "unlock", "zhao", *by) == (0, "“zhao”未被锁定\n")
    assert signs_in("zhao", first)
    assert run("officer", "password", "zhao", "--password-out", tmp_path / "b", *by)[0] == 0
    assert (signs_in("zhao", first), signs_in("zhao", password_of(tmp_path / "b"))) == (False, True)


@pytest.mark.parametrize("login", ["", "1abc", "a b", "甲", "a'--", "a\nb", "a" * 65, "../x"])
def test_a_login_that_is_none_is_refused(login: str, run: Run, tmp_path: Path) -> None:
    code, told = run(
        "officer", "add", login, "--name", "x", "--role", "viewer", "--password-out", tmp_path / "p"
    )
    assert (code, "无效：应为 2 至 64 个字母" in told) == (2, True), told
    assert not (tmp_path / "p").exists()


def test_a_password_is_never_printed_into_a_pipe(run: Run) -> None:
    code, told = run("officer", "add", "boss", "--name", "管甲", "--role", "administrator")
    assert (code, "--password-out" in told) == (2, True)
    assert json.loads(run("officer", "list", "--json")[1]) == []


def test_both_sides_apart_are_listed(run: Run, tmp_path: Path) -> None:
    start(run, tmp_path)
    with accounts.engine().begin() as connection:
        connection.execute(accounts.USER.update().values(active=False))
        connection.execute(
            accounts.USER.insert().values(
                username="stray", first_name="x", last_name="", email="x", active=True
            )
        )
    code, told = run("officer", "list")
    assert code == 1
    assert "boss 管甲：administrator，在用；账户已停用而登记在用" in told
    assert "stray x：无角色，在用；未在人员登记中" in told
