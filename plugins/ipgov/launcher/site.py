"""Airflow's settings where each process is a container or machine of its own, and tasks run on workers.

Every process is given the addresses and secret files that it needs and no others (``NEEDS``); what it is not
given, it cannot read.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ipgov.core import site_settings
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.launcher import airflow

# Longer than any task may take (dags/*.py, a test compares): what is handed out is given to nobody else
# before. Airflow's own heartbeat finds a lost worker long before that.
VISIBILITY_TIMEOUT = 86_400

ON_WORKERS = {
    "core": {"executor": "CeleryExecutor"},
    "celery": {
        # a task is taken from the queue when it is done, not when it is begun: a killed worker loses none
        "task_acks_late": "True",
        # with that, a worker holds no task that it does not run
        "worker_prefetch_multiplier": "1",
        "task_track_started": "True",
        # the default second is short for a busy machine, and a task that cannot be handed out loses a try
        "operation_timeout": "5.0",
        # two workers of one name are refused, and the health check asks them
        "worker_enable_remote_control": "True",
    },
    "celery_broker_transport_options": {"visibility_timeout": str(VISIBILITY_TIMEOUT)},
}

# Airflow's processes, as they are started; -s and --skip-serve-logs: without the servers of log files, which
# listen on every address. The log pages read the shared folder instead.
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "-s"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "-s"),
    "worker": ("celery", "worker", "--skip-serve-logs", "--queues", "default"),
}
LOCAL_COMPONENTS = {name: words for name, words in COMPONENTS.items() if name != "worker"}

_GOVERNANCE = ("database_url", "api_url", "object_store")
_METADATA = ("accounts_database_url", "fernet_key_file", "api_secret_key_file", "jwt_secret_file")
_TASKS = ("broker_url", "task_results_url")
NEEDS: dict[str, tuple[str, ...]] = {
    "api-server": (*_GOVERNANCE, *_METADATA),
    "scheduler": (*_GOVERNANCE, *_METADATA, *_TASKS),
    "dag-processor": (*_GOVERNANCE, *_METADATA),
    "triggerer": (*_GOVERNANCE, *_METADATA),
    # neither the accounts nor a key: a task asks the API server, with a token of its own
    "worker": (*_GOVERNANCE, *_TASKS),
    "prepare": (
        *_GOVERNANCE,
        *_METADATA,
        "owner_database_url",
        "task_results_url",
    ),
}


def require(component: str) -> None:
    """Raise EnvironmentProblemError, naming every setting that a process needs and was not given."""
    missing = [f"IPGOV_{name.upper()}" for name in NEEDS[component] if not getattr(settings(), name)]
    if missing:
        raise EnvironmentProblemError(f"组件 {component} 缺少设置：{'、'.join(missing)}")


def environment(component: str) -> dict[str, str]:
    """Return every variable that one of Airflow's processes needs beside the caller's own environment."""
    require(component)
    given, options = settings(), airflow.of_installation(settings().state, settings().kind)
    parts = [airflow.FIXED, ON_WORKERS, options, _addresses(), _secrets(component)]
    reached = urlsplit(given.api_url).hostname or ""
    return (
        airflow.as_variables(*parts)
        | airflow.quiet(reached)
        | {
            "AIRFLOW_HOME": str(home()),
            "IPGOV_ROOT": str(given.root),
            "IPGOV_STATE": str(given.state),
        }
    )


def home() -> Path:
    """Return the folder of the files that Airflow's processes find their settings of the login page in."""
    return settings().state / "airflow"


def _addresses() -> dict[str, dict[str, str]]:
    given = settings()
    api = given.api_url.rstrip("/")
    port = urlsplit(api).port or 8080
    return {
        "core": {
            "execution_api_server_url": f"{api}/execution/",
            "parallelism": str(given.parallelism),
        },
        "celery": {"worker_concurrency": str(given.worker_slots)},
        "api": {
            "host": given.listen,
            "port": str(port),
            "base_url": airflow.public_url() or f"http://127.0.0.1:{port}",
        },
    }


def _secrets(component: str) -> dict[str, dict[str, str]]:
    """Return the options that hold a secret: only what the process was given."""
    given, needs = settings(), NEEDS[component]
    found: dict[str, dict[str, str]] = {}
    if "accounts_database_url" in needs:
        metadata = given.accounts_database_url
        found["database"] = {"sql_alchemy_conn": metadata, "sql_alchemy_conn_async": metadata}
    for name, section, option in (
        ("fernet_key_file", "core", "fernet_key"),
        ("api_secret_key_file", "api", "secret_key"),
        ("jwt_secret_file", "api_auth", "jwt_secret"),
    ):
        if name in needs:
            found.setdefault(section, {})[option] = site_settings.read(getattr(given, name))
    if "broker_url" in needs:
        found["celery"] = {
            "broker_url": given.broker_url,
            "result_backend": f"db+{given.task_results_url}",
        }
    return found
