"""What has to be there before an installation's processes start: roles, databases, bucket, tables, accounts.

Every part can be run again: at each start and each upgrade it changes what differs, and nothing else.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

from ipgov.core import objects
from ipgov.core.database import account
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.s3 import S3Store
from ipgov.core.settings import settings
from ipgov.launcher import airflow, postgres, site
from ipgov.launcher.airflow import Kind

RESULTS = "ipgov_results"  # the workers' role: knows its own database only
# Which role each address is of: sql/ grants to these names.
ROLES = {
    "owner_database_url": postgres.OWNER,
    "database_url": postgres.APPLICATION,
    "accounts_database_url": postgres.AIRFLOW,
    "backup_database_url": postgres.BACKUP,
    "airflow_database_url": postgres.BACKUP,
    "task_results_url": RESULTS,
}
OWNERS = ("owner_database_url", "accounts_database_url", "task_results_url")


def prepare() -> None:
    """Bring everything to its newest form, as this release needs it; raises GovernanceError."""
    site.require("prepare")
    addresses = _addresses()
    if settings().admin_database_url:
        _provision(addresses)
        _say("数据库角色与数据库已就绪")
    if isinstance(store := objects.store(), S3Store):
        store.ensure_bucket()
        _say("存储桶已就绪")
    _clear_results()
    _migrate()
    _say("治理数据库已是最新")
    prepare_airflow()
    _say("Airflow 数据库、角色与账户已是最新")


def _say(text: str) -> None:
    print(text, flush=True)


def _addresses() -> dict[str, Any]:
    """Return the addresses given, read; EnvironmentProblemError where one is another role's."""
    from sqlalchemy.engine import make_url

    found = {}
    for name, role in ROLES.items():
        if given := getattr(settings(), name):
            url = make_url(given)
            if url.username != role or not url.database:
                raise EnvironmentProblemError(f"IPGOV_{name.upper()} 须以角色 {role} 连接一个数据库")
            found[name] = url
    return found


def _provision(addresses: dict[str, Any]) -> None:
    """Create roles and databases where they are missing, and set every password to that of its file."""
    import psycopg
    from psycopg import sql
    from sqlalchemy.engine import make_url

    admin = make_url(settings().admin_database_url)
    try:
        connection = psycopg.connect(
            host=admin.host,
            port=admin.port,
            user=admin.username,
            password=str(admin.password or ""),
            dbname=admin.database,
            autocommit=True,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        why = f"（{admin.host}:{admin.port or 5432}）：{error.sqlstate or '无应答'}"
        raise EnvironmentProblemError(f"管理员连不上 PostgreSQL{why}") from None
    with connection:
        postgres.ensure_roles(connection)
        roles = {r[0] for r in connection.execute("SELECT rolname FROM pg_roles")}
        if RESULTS not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(RESULTS)))
        for url in addresses.values():
            if url.password:
                # as a verifier: the password itself would stand in the server's log
                verifier = connection.pgconn.encrypt_password(
                    url.password.encode(), url.username.encode(), b"scram-sha-256"
                ).decode()
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(url.username), sql.Literal(verifier)))
        for name in OWNERS:
            postgres.create_database(connection, addresses[name].database, owner=addresses[name].username)
        for database in {url.database for url in addresses.values()}:
            users = {url.username for url in addresses.values() if url.database == database}
            postgres.admit(connection, database, *sorted(users))


OLD_RESULTS = "DELETE FROM celery_taskmeta WHERE date_done < now() - interval '7 days'"


def _clear_results() -> None:
    """Forget what workers told long ago: it is asked for within seconds, and Celery never deletes it."""
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.exc import OperationalError

    engine = create_engine(settings().task_results_url)
    try:
        with engine.begin() as connection:
            if inspect(connection).has_table("celery_taskmeta"):
                connection.execute(text(OLD_RESULTS))
    except OperationalError as error:
        why = getattr(error.orig, "sqlstate", None) or "无应答"
        raise EnvironmentProblemError(f"连不上任务结果库（IPGOV_TASK_RESULTS_URL）：{why}") from None
    finally:
        engine.dispose()


def _migrate() -> None:
    from ipgov.procedures import policy_changes

    kind = settings().kind
    note = "多进程模拟" if kind == "simulation" else "多进程安装"
    policy_changes.migrate(kind, note, dt.datetime.now(dt.UTC), account())


def prepare_airflow(people: Kind = "production") -> None:
    """Migrate Airflow's database and bring its roles to those of policies/roles.yaml.

    In a process of its own, since Airflow reads its settings when it is imported. ``simulation`` makes the
    invented officers' accounts, too, with passwords in the state folder.
    """
    variables = site.environment("prepare")
    airflow.write_login_page_settings(site.home())
    done = subprocess.run(
        [sys.executable, "-m", "ipgov.launcher.prepare", people],
        env=airflow.child_environment(variables),
        check=False,
    )
    if done.returncode:
        raise EnvironmentProblemError(f"Airflow 数据库准备失败（退出码 {done.returncode}），原因见上")
