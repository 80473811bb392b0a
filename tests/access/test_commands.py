"""Commands in a person's name: every role at every one of them, and no way round the password."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ipgov import cli
from ipgov.core import private
from ipgov.core.settings import settings
from ipgov.launcher.accounts import DEMO_PEOPLE
from ipgov.wiring import accounts
from ipgov.wiring.roles import load_roles

ROLES = load_roles(settings().policies)
LOGINS = {p.role: p.login for p in reversed(DEMO_PEOPLE)}
Run = Callable[..., tuple[int, str]]

# Each with what is asked for besides; none gets as far as to change anything.
COMMANDS = {
    "quality waive": ("none", "2023", "FP01", "R", "--until", "2030-01-01", "--reason", "x"),
    "quality revoke": ("none", "2023", "FP01", "R", "--reason", "x"),
    "extension grant": ("none", "2023", "FP01", "2030-01-01", "--reason", "x"),
    "candidate add": (
        *("none", "IC01", "--name", "x", "--kind", "it", "--province", "31"),
        *("--host", "x", "--host-name", "x"),
    ),
    "registry import": ("none", "none.xlsx", "--source", "x", "--on", "2024-01-01"),
    "gates receive": ("none.xlsx",),
    "experts add": ("", "", "--no-organisation"),
    "experts recuse": ("none", "E1", "FP01", "--reason", "x"),
    "experts panel form": ("none", "2023", "--plan", "none.yaml"),
    "experts panel next": ("none", "2023", "1", "--basis", "x"),
    "experts receive": ("none.xlsx",),
    "history import": ("none.xlsx",),
    "round recall": ("999999", "--reason", "x"),
    "correction prepare": ("none", "2023", "--open-round"),
    "officer add": ("1", "--name", "x", "--role", "viewer", "--password-out", "none"),
    "officer change": ("nobody",),
    "officer deactivate": ("nobody",),
    "officer password": ("nobody", "--password-out", "none"),
    "officer unlock": ("nobody",),
    "contact import": ("none.csv",),
    "province grant": ("none", "--reason", "x"),
    "province revoke": ("none", "--reason", "x"),
    "dispatch settle": ("999999", "--answer", "again", "--reason", "x"),
    "document propose": (
        "none",
        "--programme",
        "none",
        "--subject",
        "none.yaml",
        "--reason",
        "x",
    ),
    "document correct": ("999999", "--reason", "x", "--changes", "none.yaml"),
    "document withdraw": ("999999", "--reason", "x"),
    "document number": ("none", "国知平评函〔2026〕7号"),
    "duty occur": ("none", "FP01", "litigation", "x", "--on", "2024-01-01"),
    "duty retract": ("none", "FP01", "litigation", "x", "--reason", "x"),
    "duty report": ("999999", "--on", "2024-01-01"),
    "duty extend": ("999999", "--until", "2030-01-01", "--reason", "x"),
    "publicity propose": (),
    "publicity recognise": (),
    "objection record": (
        "999999",
        "IC01",
        "x",
        "--objector",
        "x",
        "--contact",
        "x",
        "--received-on",
        "2024-01-01",
    ),
    "objection answer": ("999999", "x", "--rejected", "--reason", "x"),
    "case problem": ("999999", "x", "x"),
    "case notify": ("999999",),
    "case plan": ("999999", "x", "--sender", "x"),
    "case progress": ("999999", "x", "--sender", "x"),
    "case evidence": ("999999", "x", "none.pdf", "--sender", "x"),
    "case extend": ("999999", "2030-01-01", "--reason", "x"),
    "case accept": ("999999", "--note", "x"),
    "case reject": ("999999", "--note", "x"),
    "case send-back": ("999999", "--note", "x"),
    "case reevaluate": ("999999", "--note", "x"),
    "case find": ("x", "IC01", "x", "x", "x", "none.pdf"),
    "case statement": ("999999", "x", "--sender", "x"),
    "case establish": ("999999", "--note", "x"),
    "case dismiss": ("999999", "--note", "x"),
    "case propose": ("999999", "--reason", "x"),
}


@pytest.fixture
def run(
    database: Path, passwords: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    def ipgov(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return int(ended.value.code or 0), told.out + told.err

    monkeypatch.chdir(passwords.parent)
    return ipgov


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, accounts_database: str) -> Iterator[Any]:
    """An account of the test's own: (login, password)."""
    from werkzeug.security import generate_password_hash

    login = f"own{os.urandom(4).hex()}"
    where = accounts.engine()
    with where.begin() as connection:
        user = connection.execute(
            accounts.USER.insert()
            .values(
                username=login,
                first_name="自己",
                last_name="",
                email=login,
                active=True,
                password=generate_password_hash("right-password", method="pbkdf2:sha256:1"),
            )
            .returning(accounts.USER.c.id)
        ).scalar_one()
        role = connection.execute(accounts.ROLE.select().where(accounts.ROLE.c.name == "reviewer")).first()
        connection.execute(accounts.USER_ROLE.insert().values(user_id=user, role_id=role.id))
    yield login
    with where.begin() as connection:
        connection.execute(accounts.USER_ROLE.delete().where(accounts.USER_ROLE.c.user_id == user))
        connection.execute(accounts.USER.delete().where(accounts.USER.c.id == user))


def test_the_commands_tried_here_are_all_there_are() -> None:
    judged = {"policy propose", "policy approve"}  # by the decision record, which keeps what it refuses
    assert COMMANDS.keys() | judged == {c for role in ROLES.roles for c in role.acts}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_role_at_every_command(command: str, run: Run) -> None:
    may = set()
    for role, login in LOGINS.items():
        code, told = run(*command.split(), *COMMANDS[command], "--by", login)
        assert code in (1, 2), told
        if f"“{login}”的角色不能办理 {command}" not in told:
            may.add(role)
    assert may == {r.code for r in ROLES.that_may(command)}


def test_without_a_password_nothing_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IPGOV_PASSWORD_FILE")
    settings.cache_clear()
    code, told = run("quality", "waive", *COMMANDS["quality waive"], "--by", "reviewer1")
    assert (code, "须验证办理人的密码" in told) == (2, True)


def test_the_password_is_typed_unseen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IPGOV_PASSWORD_FILE")
    settings.cache_clear()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda asked: "reviewer1-password")
    code, told = run("quality", "waive", *COMMANDS["quality waive"], "--by", "reviewer1")
    assert (code, "不能以" in told or "密码" in told) == (2, False)


@pytest.mark.parametrize(
    "login", ["reviewer1", "no-such-login", "x' OR 1=1 --", "a\x1b[2Jb", "\u202e", "", "甲" * 99]
)
def test_a_wrong_password_and_an_unknown_login_are_told_alike(login: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong"
    private.write(file, "wrong-password\n")
    code, told = run("quality", "waive", *COMMANDS["quality waive"], "--by", login, "--password-file", file)
    assert code == 2
    assert "账号或密码不正确，或该账号已停用、因多次输错密码而暂时锁定" in told
    assert "wrong-password" not in told
    assert "\x1b" not in told


def test_a_password_file_that_others_read_is_refused(run: Run, passwords: Path) -> None:
    passwords.chmod(0o644)
    code, told = run("quality", "waive", *COMMANDS["quality waive"], "--by", "reviewer1")
    assert (code, "权限过宽" in told) == (2, True)


def test_wrong_passwords_close_the_account_and_time_opens_it(own: str, accounts_database: str) -> None:
    where, limits = accounts.engine(), ROLES.sign_in
    now = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)

    def tried(password: str, minutes: float) -> bool:
        at = now + dt.timedelta(minutes=minutes)
        return accounts.verify(where, own, password, "command", limits, at) is not None

    assert tried("right-password", 0)
    assert not any(tried("wrong", n / 10) for n in range(1, limits.failures))
    assert tried("right-password", 1)  # one less than too many, and the count begins again
    assert not any(tried("wrong", 2 + n / 10) for n in range(limits.failures))
    assert not tried("right-password", 3)
    assert not tried("right-password", limits.minutes + 1)
    assert tried("right-password", limits.minutes + 3)


def test_parallel_guesses_are_counted_one_by_one(own: str, accounts_database: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    where, limits = accounts.engine(), ROLES.sign_in
    now = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)

    def guess(n: int) -> bool:
        return accounts.verify(where, own, f"wrong{n}", "token", limits, now) is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(guess, range(24)))
    with where.begin() as connection:
        told = connection.execute(
            accounts.LOG.select().where(accounts.LOG.c.owner == own, accounts.LOG.c.event == accounts.FAILED)
        ).all()
    assert len(told) == limits.failures
    assert all("wrong" not in str(row) for row in told)


def test_a_closed_account_and_one_without_password_are_refused(own: str, accounts_database: str) -> None:
    where, now = accounts.engine(), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    mine = accounts.USER.update().where(accounts.USER.c.username == own)
    for state in ({"active": False}, {"active": None}, {"active": True, "password": None}):
        with where.begin() as connection:
            connection.execute(mine.values(state))
        assert accounts.verify(where, own, "right-password", "page", ROLES.sign_in, now) is None


def test_every_command_is_noted_for_the_auditor(run: Run) -> None:
    run("quality", "waive", *COMMANDS["quality waive"], "--by", "viewer1")
    with accounts.engine().begin() as connection:
        rows = connection.execute(accounts.LOG.select().where(accounts.LOG.c.owner == "viewer1")).all()
    assert [r.extra for r in rows if r.event == accounts.COMMAND][-1] == (
        '{"command": "quality waive", "allowed": false}'
    )


def test_an_address_with_a_password_is_never_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "Kept-Out-Of-Sight-77"  # noqa: S105
    url = f"postgresql+psycopg://ipgov_app:{secret}@127.0.0.1:1/governance"
    monkeypatch.setenv("IPGOV_DATABASE_URL", url)
    monkeypatch.setenv("IPGOV_OWNER_DATABASE_URL", url)
    from ipgov.core import database

    database.engine.cache_clear()
    settings.cache_clear()
    assert secret not in repr(settings()) + str(settings())
    for arguments in (("status",), ("audit", "verify"), ("migrate", "--kind", "simulation")):
        code, told = run(*arguments)
        assert (code, secret in told) == (2, False), told
    database.engine.cache_clear()


def test_an_accounts_address_with_a_password_is_never_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "Kept-Out-Of-Sight-78"  # noqa: S105
    monkeypatch.setenv(
        "IPGOV_ACCOUNTS_DATABASE_URL", f"postgresql+psycopg://airflow:{secret}@127.0.0.1:1/airflow"
    )
    settings.cache_clear()
    accounts.engine.cache_clear()
    code, told = run("quality", "waive", *COMMANDS["quality waive"], "--by", "reviewer1")
    assert (code, secret in told) == (2, False), told
    accounts.engine.cache_clear()
