"""Airflow's settings: complete, and each with its reason; for one machine here, for several in site.py."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.launcher import postgres
from ipgov.wiring.roles import load_roles

AIRFLOW_DATABASE, GOVERNANCE_DATABASE = "airflow", "governance"

Kind = Literal["production", "simulation"]

# What is the same in every installation. What depends on the folder or the port: environment().
FIXED = {
    "core": {
        # FAB, but answering an approval needs no right to edit (so to pause) the DAG
        "auth_manager": "ipgov.launcher.auth.GovernanceAuthManager",
        "load_examples": "False",
        # a naive "2016-01-01" on the command line is Shanghai's: in UTC a backfill drops its first period
        "default_timezone": "Asia/Shanghai",
        # ours have catchup=False and their timetable makes no past run, so nothing starts by surprise
        "dags_are_paused_at_creation": "False",
        # the default asks DNS for the full name, which takes seconds where there is none
        "hostname_callable": "socket.gethostname",
        "test_connection": "Disabled",
    },
    "api": {
        # launcher/gate.py counts the attempts to sign in, in memory
        "workers": "1",
        "expose_config": "False",
        "expose_stacktrace": "False",
        # they would be open to whoever reaches the port
        "enable_swagger_ui": "False",
    },
    "scheduler": {
        "catchup_by_default": "False",
        # with the default 20, that many runs waiting for people keep every backfill from starting
        "max_dagruns_per_loop_to_schedule": "500",
        "max_dagruns_to_create_per_loop": "50",
        # a step follows the one before within 0.2 s (default 1 s)
        "scheduler_idle_sleep_time": "0.2",
        # what a killed scheduler was running is taken up by its successor within half a minute: it counts as
        # dead after 20 s without a heartbeat (default 30), and that is looked for every 10 s (default 300)
        "scheduler_health_check_threshold": "20",
        "orphaned_tasks_check_interval": "10",
        # a task whose machine died is run again after 1 minute (default 5)
        "task_instance_heartbeat_timeout": "60",
        # this health server listens on 0.0.0.0; the API server answers for all components
        "enable_health_check": "False",
    },
    "workers": {
        # the default 5 keeps a worker's slot for 5 s after more than half of all tasks
        "min_heartbeat_interval": "1",
    },
    "dag_processor": {
        # DAG files change with a release, not by the minute; a start reads them all
        "min_file_process_interval": "300",
        "refresh_interval": "300",
    },
    "logging": {
        "colored_console_log": "False",
        # each line an object with what it is about (core/logs.py), for whoever gathers them
        "json_logs": "True",
        # 200 lines at each import, in every task's log
        "namespace_levels": "great_expectations=WARNING",
        "file_task_handler_new_folder_permissions": "0o700",
        "file_task_handler_new_file_permissions": "0o600",
    },
    "fab": {
        # ours counts the login page and /auth/token alike (launcher/gate.py); FAB's only knows the page
        "auth_rate_limited": "False",
        # in the database, so that a session can be ended on the server's side
        "session_backend": "database",
        "cookie_samesite": "Lax",
        # nobody gets in without an account
        "auth_role_public": "",
        # someone who lost a role loses it everywhere within 5 s (default 30)
        "cache_ttl": "5",
    },
}  # fmt: skip

# What one machine has of its own.
LOCAL = {
    "core": {
        "executor": "ipgov.launcher.executor.SupervisedLocalExecutor",
        # the default 32 forks 32 idle workers
        "parallelism": "4",
    },
    "api": {
        # the default is 0.0.0.0
        "host": "127.0.0.1",
    },
}

# Of the caller's environment, these would change what our processes do.
FOREIGN_PREFIXES = ("AIRFLOW__", "_AIRFLOW")
FOREIGN = (
    "AIRFLOW_HOME",
    "AIRFLOW_CONFIG",
    "IPGOV_OWNER_DATABASE_URL",
    "IPGOV_ADMIN_DATABASE_URL",
    # set, every process compiles Airflow anew: 3 s instead of 1 s for each of them
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _token() -> str:
    return secrets.token_urlsafe(48)


def environment(
    state: Path, port: int, *, kind: Kind = "simulation", dags: Path | None = None
) -> dict[str, str]:
    """Return every variable that Airflow's processes need beside the caller's own environment.

    ``state`` is the folder of all that this installation writes; the secrets in ``state/secrets`` are made
    once (mode 0600). ``dags`` replaces the project's DAG folder (tests).
    """
    root = settings().root
    data = state / "pg"
    metadata = postgres.url(data, AIRFLOW_DATABASE, postgres.AIRFLOW)
    address = f"http://127.0.0.1:{port}"
    here = {
        "core": {
            "dags_folder": str(dags or root / "dags"),
            "fernet_key": private.secret(state / "secrets" / "fernet_key", _fernet_key),
            "execution_api_server_url": f"{address}/execution/",
        },
        "database": {
            # one driver for both: asyncpg would take other options
            "sql_alchemy_conn": metadata,
            "sql_alchemy_conn_async": metadata,
        },
        "api": {
            "port": str(port),
            "base_url": public_url() or address,
            "secret_key": private.secret(state / "secrets" / "api_secret_key", _token),
        },
        "api_auth": {
            "jwt_secret": private.secret(state / "secrets" / "jwt_secret", _token),
        },
    }
    variables = as_variables(FIXED, LOCAL, of_installation(state, kind), here)
    if kind == "simulation" and (state / "calendars").is_dir():
        variables["IPGOV_CALENDARS"] = str(state / "calendars")  # its own, with fictitious holidays
    return (
        variables
        | {
            "AIRFLOW_HOME": str(state / "airflow"),
            "IPGOV_ROOT": str(root),
            "IPGOV_STATE": str(state),
            # a simulation plays other days than today's
            "IPGOV_BY_THE_CLOCK": "false" if kind == "simulation" else "true",
            # the application's role only: no process of Airflow can change or delete a fact
            "IPGOV_DATABASE_URL": postgres.url(data, GOVERNANCE_DATABASE, postgres.APPLICATION),
            # a role that reads all and changes nothing: the daily backup, and what failed in Airflow
            "IPGOV_BACKUP_DATABASE_URL": postgres.url(data, GOVERNANCE_DATABASE, postgres.BACKUP),
            "IPGOV_AIRFLOW_DATABASE_URL": postgres.url(data, AIRFLOW_DATABASE, postgres.BACKUP),
        }
        | quiet()
    )


def as_variables(*parts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the environment variables of Airflow's options (section, option, value); later parts win."""
    return {
        f"AIRFLOW__{section}__{key}".upper(): value
        for part in parts
        for section, options in part.items()
        for key, value in options.items()
    }


def of_installation(state: Path, kind: Kind) -> dict[str, dict[str, str]]:
    """Return the options that follow from the folders, policies/roles.yaml and the address of the site."""
    sign_in = load_roles(settings().policies).sign_in
    return {
        "core": {
            "dags_folder": str(settings().root / "dags"),
            "plugins_folder": str(settings().root / "plugins"),
        },
        "api": {
            "instance_name": "知识产权运营治理（模拟）" if kind == "simulation" else "知识产权运营治理",
        },
        "api_auth": {
            "jwt_expiration_time": str(60 * sign_in.token_minutes),
            "jwt_cli_expiration_time": str(60 * sign_in.token_minutes),
        },
        "fab": {
            "session_lifetime_minutes": str(sign_in.idle_minutes),
            "session_max_lifetime_minutes": str(sign_in.longest_minutes),
            "cookie_secure": str(bool(public_url())),
        },
        "logging": {
            "base_log_folder": str(state / "logs" / "tasks"),
            "dag_processor_child_process_log_directory": str(state / "logs" / "dag-files"),
        },
    }


def quiet(*hosts: str) -> dict[str, str]:
    """Return the variables by which nothing calls out or draws into a log; ``hosts`` are asked directly."""
    return {
        "GX_ANALYTICS_ENABLED": "false",
        "TQDM_DISABLE": "1",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        # tasks speak to the API server directly, also where a proxy is set
        "NO_PROXY": _no_proxy(*hosts),
        "no_proxy": _no_proxy(*hosts),
    }


def public_url() -> str:
    """Return the address that others use, or an empty text where nobody but this machine does.

    The API server itself only ever listens on 127.0.0.1. Raises EnvironmentProblemError unless the address is
    https: passwords and tokens would cross the network in the clear.
    """
    given = settings().public_url.rstrip("/")
    parts = urlsplit(given)
    more = parts.path or parts.query or parts.username
    if given and (parts.scheme != "https" or not parts.hostname or more):
        raise EnvironmentProblemError(
            "IPGOV_PUBLIC_URL 须为 https://主机名[:端口]："
            "界面只在 127.0.0.1 上监听，对外服务须由本机的反向代理以 TLS 提供"
        )
    return given


def _no_proxy(*hosts: str) -> str:
    theirs = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join(dict.fromkeys([*filter(None, theirs.split(",")), "127.0.0.1", "localhost", *hosts]))


def child_environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the caller's environment without what would disturb Airflow, with ``variables`` in place."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    binaries = str(Path(sys.executable).parent)
    own["PATH"] = os.pathsep.join([binaries, own.get("PATH", os.defpath)])
    return own | variables


def write_command_line_settings(state: Path, ours: dict[str, str]) -> None:
    """Write ``STATE/env`` for the command line in another terminal: ``. STATE/env``.

    Only there stands where the accounts are: Airflow's tasks have no business with them.
    """
    where = postgres.url(state / "pg", AIRFLOW_DATABASE, postgres.AIRFLOW)
    typed = ours | {"IPGOV_ACCOUNTS_DATABASE_URL": where}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(typed.items())]
    private.write(state / "env", "".join(lines))


def write_login_page_settings(home: Path) -> None:
    """Write the file from which FAB's pages take their language, their check of passwords and their form."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = (
        "from flask_appbuilder.const import AUTH_DB\n"
        "from ipgov.launcher.security_manager import GovernanceSecurityManager, long_enough\n\n"
        "AUTH_TYPE = AUTH_DB\n"
        "SECURITY_MANAGER_CLASS = GovernanceSecurityManager\n"
        "FAB_PASSWORD_COMPLEXITY_ENABLED = True\n"
        "FAB_PASSWORD_COMPLEXITY_VALIDATOR = long_enough\n"
        "WTF_CSRF_ENABLED = True\n"
        'BABEL_DEFAULT_LOCALE = "zh"\n'
        'LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}}\n'
    )
    (home / "webserver_config.py").write_text(text, encoding="utf-8")
