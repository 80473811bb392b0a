"""Airflow's settings: the whole set, known to Airflow, and nothing of the caller's environment in between."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.launcher import airflow, postgres

ROOT = settings().root


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return airflow.environment(tmp_path, 18080)


def test_the_whole_set(variables: dict[str, str], tmp_path: Path) -> None:
    """A change here is a change of how every task runs: each value has its reason in launcher/airflow.py."""
    metadata = f"postgresql+psycopg://airflow@/airflow?host={tmp_path}/pg"
    secret = {
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
    }
    assert {k: v for k, v in variables.items() if k not in secret | {"NO_PROXY", "no_proxy"}} == {
        "AIRFLOW_HOME": f"{tmp_path}/airflow",
        "AIRFLOW__CORE__EXECUTOR": "ipgov.launcher.executor.SupervisedLocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": "ipgov.launcher.auth.GovernanceAuthManager",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__TEST_CONNECTION": "Disabled",
        "AIRFLOW__CORE__DAGS_FOLDER": f"{ROOT}/dags",
        "AIRFLOW__CORE__PLUGINS_FOLDER": f"{ROOT}/plugins",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:18080/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": metadata,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": "18080",
        "AIRFLOW__API__BASE_URL": "http://127.0.0.1:18080",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__API__EXPOSE_STACKTRACE": "False",
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",
        "AIRFLOW__API__INSTANCE_NAME": "知识产权运营治理（模拟）",
        "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "500",
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": "50",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__LOGGING__JSON_LOGS": "True",
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": f"{tmp_path}/logs/tasks",
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": f"{tmp_path}/logs/dag-files",
        "AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME": "3600",
        "AIRFLOW__API_AUTH__JWT_CLI_EXPIRATION_TIME": "3600",
        "AIRFLOW__FAB__AUTH_RATE_LIMITED": "False",
        "AIRFLOW__FAB__SESSION_BACKEND": "database",
        "AIRFLOW__FAB__COOKIE_SAMESITE": "Lax",
        "AIRFLOW__FAB__COOKIE_SECURE": "False",
        "AIRFLOW__FAB__AUTH_ROLE_PUBLIC": "",
        "AIRFLOW__FAB__CACHE_TTL": "5",
        "AIRFLOW__FAB__SESSION_LIFETIME_MINUTES": "60",
        "AIRFLOW__FAB__SESSION_MAX_LIFETIME_MINUTES": "720",
        "IPGOV_ROOT": str(ROOT),
        "IPGOV_STATE": str(tmp_path),
        "IPGOV_BY_THE_CLOCK": "false",
        "IPGOV_DATABASE_URL": f"postgresql+psycopg://ipgov_app@/governance?host={tmp_path}/pg",
        "IPGOV_BACKUP_DATABASE_URL": f"postgresql+psycopg://ipgov_backup@/governance?host={tmp_path}/pg",
        "IPGOV_AIRFLOW_DATABASE_URL": f"postgresql+psycopg://ipgov_backup@/airflow?host={tmp_path}/pg",
        "GX_ANALYTICS_ENABLED": "false",
        "TQDM_DISABLE": "1",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_every_setting_is_one_that_airflow_has(variables: dict[str, str]) -> None:
    """A misspelt option is ignored by Airflow in silence."""
    from airflow.configuration import conf
    from airflow.providers.fab.get_provider_info import get_provider_info

    known = dict(conf.configuration_description) | get_provider_info()["config"]
    ours = [k.removeprefix("AIRFLOW__").lower().split("__") for k in variables if k.startswith("AIRFLOW__")]
    assert len(ours) > 30
    assert [o for o in ours if o[1] not in known[o[0]]["options"]] == []


def test_production_is_not_called_a_simulation(tmp_path: Path) -> None:
    variables = airflow.environment(tmp_path, 1, kind="production")
    assert "模拟" not in variables["AIRFLOW__API__INSTANCE_NAME"]
    assert variables["IPGOV_BY_THE_CLOCK"] == "true"


def test_secrets_are_made_once_and_private(variables: dict[str, str], tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    Fernet(variables["AIRFLOW__CORE__FERNET_KEY"].encode())
    files = sorted((tmp_path / "secrets").iterdir())
    assert [f.name for f in files] == ["api_secret_key", "fernet_key", "jwt_secret"]
    assert {f.stat().st_mode & 0o777 for f in files} == {0o600}
    assert len({f.read_text() for f in files}) == 3
    assert all(len(f.read_text()) >= 44 for f in files)
    assert airflow.environment(tmp_path, 18080) == variables


def test_callers_environment_does_not_reach_airflow(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS",
        "AIRFLOW_CONFIG",
        "IPGOV_OWNER_DATABASE_URL",
    ):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("AWS_PROFILE", "site")
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "smtp://")
    child = airflow.child_environment(airflow.environment(Path(variables["IPGOV_STATE"]), 18080))
    assert "theirs" not in child.values()
    assert "PYTHONDONTWRITEBYTECODE" not in child
    assert child["AWS_PROFILE"] == "site"
    assert child["AIRFLOW_CONN_SMTP_DEFAULT"] == "smtp://"
    assert child["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert child["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_airflow_loads_only_the_plugin_file() -> None:
    """Loaded as a plug-in, launcher/airflow.py would take the place of Airflow itself."""
    from airflow._shared.module_loading import find_path_from_directory

    found = find_path_from_directory(str(ROOT / "plugins"), ".airflowignore", "glob")
    assert [f for f in found if f.endswith(".py")] == [str(ROOT / "plugins" / "governance_plugin.py")]


def test_address_of_a_folder_with_other_characters() -> None:
    from sqlalchemy.engine import make_url

    url = make_url(postgres.url(Path("/srv/治理&=%2F/pg"), "airflow", "airflow"))
    assert url.query["host"] == "/srv/治理&=%2F/pg"


def test_a_proxys_address_leaves_the_server_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPGOV_PUBLIC_URL", "https://ipgov.example.gov.cn/")
    settings.cache_clear()
    found = airflow.environment(tmp_path, 18080)
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert found["AIRFLOW__API__BASE_URL"] == "https://ipgov.example.gov.cn"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"
    assert found["AIRFLOW__FAB__COOKIE_SECURE"] == "True"
    settings.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "http://ipgov.example.gov.cn",
        "ipgov.example.gov.cn",
        "10.1.2.3",
        "https://",
        "https://a:b@host",
        "https://h/x",
    ],
)
def test_an_address_without_tls_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPGOV_PUBLIC_URL", address)
    settings.cache_clear()
    with pytest.raises(EnvironmentProblemError, match="须为 https://主机名"):
        airflow.environment(tmp_path, 18080)
    monkeypatch.delenv("IPGOV_PUBLIC_URL")
    settings.cache_clear()
