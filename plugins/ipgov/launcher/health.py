"""Whether one process of an installation works: ``python -m ipgov.launcher.health NAME``, 0 or 1.

Asked every few seconds by what watches the containers, so nothing of Airflow is imported.
"""

from __future__ import annotations

import socket
import sys
from urllib.parse import urlsplit

from ipgov.core.errors import GovernanceError
from ipgov.core.settings import settings
from ipgov.launcher import site

JOBS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
# A heartbeat every 5 s ([scheduler] job_heartbeat_sec); a busy machine misses some.
OLDEST_BEAT = 60
PATIENCE = 5.0


def check(name: str) -> str:
    """Return what is wrong with a component on this machine; empty: nothing."""
    if name == "api-server":
        return _api_server()
    if name == "worker":
        return _worker()
    return _job(JOBS[name])


def _api_server() -> str:
    import requests

    port = urlsplit(settings().api_url).port or 8080
    session = requests.Session()
    session.trust_env = False  # a proxy has no part in this
    try:
        answer = session.get(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=PATIENCE)
        state = answer.json()["metadatabase"]["status"]
    except (requests.RequestException, ValueError, KeyError) as error:
        return f"API 服务没有应答（{type(error).__name__}）"
    return "" if state == "healthy" else "API 服务连不上数据库"


def _worker() -> str:
    from celery import Celery
    from kombu.exceptions import OperationalError

    site.require("worker")
    asked = Celery(broker=settings().broker_url, set_as_current=False)
    me = f"celery@{settings().worker_name or socket.gethostname()}"
    try:
        answers = asked.control.ping(destination=[me], timeout=PATIENCE, limit=1)
    except (OSError, OperationalError) as error:
        return f"连不上消息队列（{type(error).__name__}）"
    return "" if answers else f"工作进程 {me} 没有应答"


def _job(kind: str) -> str:
    """Tell whether this machine's component has noted a heartbeat lately, in Airflow's own table."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    statement = text(
        "SELECT extract(epoch FROM now() - max(latest_heartbeat)) FROM job"
        " WHERE job_type = :kind AND hostname = :host AND state = 'running'"
    )
    engine = create_engine(
        settings().accounts_database_url, poolclass=NullPool, connect_args={"connect_timeout": int(PATIENCE)}
    )
    try:
        with engine.connect() as connection:
            age = connection.execute(statement, {"kind": kind, "host": socket.gethostname()}).scalar()
    except SQLAlchemyError as error:
        return f"连不上 Airflow 的数据库（{type(error).__name__}）"
    if age is None:
        return f"没有 {kind} 的心跳"
    return "" if age < OLDEST_BEAT else f"{kind} 的心跳停了 {age:.0f} 秒"


def main(arguments: list[str]) -> int:
    """Print what is wrong and return 1, or 0."""
    try:
        wrong = check(arguments[0])
    except GovernanceError as error:
        wrong = error.message
    if wrong:
        print(wrong, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
