"""One PostgreSQL per test session, one migrated template, a fresh clone of it for every test that asks."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cached_settings import forget

_ROOT = Path(__file__).resolve().parents[1]
# Airflow reads these once, at its first import: no test may read the settings of whoever runs the tests.
os.environ.update(
    AIRFLOW_HOME=tempfile.mkdtemp(prefix="ipgov-airflow-"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(_ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(_ROOT / "plugins"),
)
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("TQDM_DISABLE", "1")

pytest_plugins = ["clause_table"]

KNOWN_AT = dt.datetime(2024, 1, 2, 9, 0, tzinfo=dt.UTC)
_LONGEST = ("tests/faults", "tests/procedures", "tests/centres")


@cache
def _share(nodeid: str) -> str:
    """Return which tests run in one process: those of a file, which share what they set up.

    Those that start a whole Airflow are one share, wherever they stand: two at once are too much.
    """
    path = nodeid.partition("::")[0]
    stack = "mark.scheduler" in (_ROOT / path).read_text(encoding="utf-8")
    return "stack" if stack else path


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or one process waits for another at the end.

    What needs Redis is left out unless it is asked for (make test-distributed).
    """
    if "distributed" not in config.option.markexpr:
        apart = [item for item in items if item.get_closest_marker("distributed")]
        items[:] = [item for item in items if item not in apart]
        config.hook.pytest_deselected(items=apart)
    items.sort(key=lambda item: not _share(item.nodeid).startswith(_LONGEST))
    items.sort(key=lambda item: _share(item.nodeid) != "stack")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand the shares out to the processes that ``make test`` starts."""
    from xdist.scheduler import LoadScopeScheduling

    class ByShare(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _share(nodeid)

    return ByShare(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of a running server; short, because a socket's path may not be long."""
    from ipgov.launcher import postgres as embedded

    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        data = Path(folder) / "pg"
        server = embedded.start(data)
        yield data
        server.cleanup()


@pytest.fixture(scope="session")
def template_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of the template: the rules that every database begins with lie in its object store."""
    return tmp_path_factory.mktemp("template")


@pytest.fixture(scope="session")
def migrated_template(postgres: Path, template_state: Path) -> str:
    from ipgov.launcher import postgres as embedded
    from ipgov.procedures import policy_changes

    name = "ipgov_template"
    embedded.ensure_database(postgres, name, owner=embedded.OWNER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPGOV_OWNER_DATABASE_URL", embedded.url(postgres, name, embedded.OWNER))
        patch.setenv("IPGOV_STATE", str(template_state))
        forget()
        policy_changes.migrate("simulation", "database of a test", KNOWN_AT, "tester")
    forget()
    return name


@pytest.fixture
def database(
    postgres: Path,
    migrated_template: str,
    template_state: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A migrated, empty database of kind *simulation* and an empty object store; yields the state folder."""
    from ipgov.launcher import postgres as embedded

    name = f"test_{os.getpid()}_{abs(hash(tmp_path)) % 10**9}"
    embedded.ensure_database(postgres, name, owner=embedded.OWNER, template=migrated_template)
    monkeypatch.setenv("IPGOV_DATABASE_URL", embedded.url(postgres, name, embedded.APPLICATION))
    monkeypatch.setenv("IPGOV_OWNER_DATABASE_URL", embedded.url(postgres, name, embedded.OWNER))
    monkeypatch.setenv("IPGOV_STATE", str(tmp_path))
    shutil.copytree(template_state / "objects", tmp_path / "objects")
    forget()
    yield tmp_path
    forget()
    embedded.drop_database(postgres, name)


@pytest.fixture(scope="session")
def accounts_database(postgres: Path) -> str:
    """The address of a database of accounts: one of every role, its password ``<login>-password``."""
    from ipgov.launcher import postgres as embedded
    from ipgov.launcher.accounts import DEMO_PEOPLE
    from ipgov.wiring import accounts
    from sqlalchemy import create_engine
    from werkzeug.security import generate_password_hash

    name = "ipgov_accounts"
    embedded.ensure_database(postgres, name, owner=embedded.AIRFLOW)
    url = embedded.url(postgres, name, embedded.AIRFLOW)
    engine = create_engine(url)
    with engine.begin() as connection:
        accounts.USER.metadata.create_all(connection)
        role_ids: dict[str, int] = {}
        for person in DEMO_PEOPLE:
            role = "Admin" if person.role == "administrator" else person.role
            if role not in role_ids:
                inserted = connection.execute(accounts.ROLE.insert().values(name=role))
                role_ids[role] = inserted.inserted_primary_key[0]
            user = connection.execute(
                accounts.USER.insert().values(
                    username=person.login,
                    first_name=person.name,
                    last_name="",
                    email=f"{person.login}@localhost",
                    active=True,
                    # cheap: the strength of a hash is not what these tests are about
                    password=generate_password_hash(f"{person.login}-password", method="pbkdf2:sha256:1"),
                )
            )
            connection.execute(
                accounts.USER_ROLE.insert().values(
                    user_id=user.inserted_primary_key[0], role_id=role_ids[role]
                )
            )
    engine.dispose()
    return url


@pytest.fixture
def passwords(accounts_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Accounts for the command line, and the file of their passwords (in IPGOV_PASSWORD_FILE)."""
    import json

    from ipgov.core import private
    from ipgov.launcher.accounts import DEMO_PEOPLE
    from ipgov.wiring import accounts

    file = tmp_path / "passwords-of-people.json"
    private.write(file, json.dumps({p.login: f"{p.login}-password" for p in DEMO_PEOPLE}))
    monkeypatch.setenv("IPGOV_ACCOUNTS_DATABASE_URL", accounts_database)
    monkeypatch.setenv("IPGOV_PASSWORD_FILE", str(file))
    forget()
    accounts.engine.cache_clear()
    return file


@pytest.fixture
def ipgov(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command as it is typed; return exit code, output and messages. No user ever sees a traceback."""
    import sys

    from ipgov import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run
