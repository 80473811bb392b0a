"""The settings that only an installation on servers of its own needs (docs/deployment.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field
from pydantic_settings import BaseSettings

from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError

# The file of a password, and the addresses that it belongs to.
PASSWORDS = {
    "database_password_file": ("database_url",),
    "owner_database_password_file": ("owner_database_url",),
    "accounts_database_password_file": ("accounts_database_url",),
    "backup_database_password_file": ("backup_database_url", "airflow_database_url"),
    "admin_database_password_file": ("admin_database_url",),
    "broker_password_file": ("broker_url",),
    "task_results_password_file": ("task_results_url",),
}


class SiteSettings(BaseSettings):
    """Addresses, secrets from files and sizes of an installation of several processes or machines."""

    database_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_DATABASE_URL",
    )
    owner_database_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_OWNER_DATABASE_URL",
    )
    accounts_database_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_ACCOUNTS_DATABASE_URL",
    )
    backup_database_password_file: Path | None = Field(
        default=None,
        description="file with the password of IPGOV_BACKUP_DATABASE_URL and IPGOV_AIRFLOW_DATABASE_URL",
    )
    admin_database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL as an account that may create roles and databases, for “prepare” only; "
        "empty: the site's database administrators made them",
    )
    admin_database_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_ADMIN_DATABASE_URL",
    )
    broker_url: str = Field(
        default="",
        repr=False,
        description="Redis through which tasks are handed to the workers (redis://host:6379/0)",
    )
    broker_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_BROKER_URL",
    )
    task_results_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL in which the workers tell what became of a task (a database of its own)",
    )
    task_results_password_file: Path | None = Field(
        default=None,
        description="file with the password that belongs into IPGOV_TASK_RESULTS_URL",
    )
    fernet_key_file: Path | None = Field(
        default=None,
        description="file with the key that Airflow encrypts stored connections with",
    )
    api_secret_key_file: Path | None = Field(
        default=None,
        description="file with the key that the interface signs its cookies with",
    )
    jwt_secret_file: Path | None = Field(
        default=None,
        description="file with the key that the API server signs tokens with",
    )
    api_url: str = Field(
        default="",
        description="address under which the other processes reach the API server (http://api-server:8080)",
    )
    listen: str = Field(
        default="127.0.0.1",
        description="address that the API server listens on; anything else only in a container whose port is "
        "published on 127.0.0.1",
    )
    kind: Literal["production", "simulation"] = Field(
        default="production",
        description="what “prepare” makes a new database; it can never be changed",
    )
    parallelism: int = Field(
        default=16,
        gt=0,
        description="operator: tasks that run at once in the whole installation of several workers",
    )
    worker_name: str = Field(
        default="",
        description="name of a worker, where several run on one machine; empty: the machine's name",
    )
    worker_slots: int = Field(
        default=4,
        gt=0,
        description="operator: tasks that one worker runs at once",
    )


def read(path: Path) -> str:
    """Return the secret in a file, without the newline at its end; raises EnvironmentProblemError."""
    try:
        secret = private.read_shared(path).strip()
    except OSError as error:
        raise EnvironmentProblemError(f"读不到机密文件 {path}：{error.strerror}") from None
    if not secret:
        raise EnvironmentProblemError(f"机密文件 {path} 是空的")
    return secret


def with_password(url: str, password: str, name: str) -> str:
    """Return an address with its password; EnvironmentProblemError where it has one already.

    ``name``: the setting, for the message, which never holds the address.
    """
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    account, _, host = authority.rpartition("@")
    if not separator or ":" in account:
        raise EnvironmentProblemError(f"{name} 须为不含口令的地址：口令在其文件中另给")
    return f"{scheme}://{account}:{quote(password, safe='')}@{host}{slash}{path}"
