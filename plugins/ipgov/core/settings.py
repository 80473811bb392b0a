"""Where this installation lives. Read from ``IPGOV_*`` variables; the defaults serve one machine."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.site_settings import PASSWORDS, SiteSettings, read, with_password

_ROOT = Path(__file__).resolve().parents[3]


class Settings(SiteSettings):
    """The settings of an installation; every field is an environment variable with the prefix ``IPGOV_``."""

    model_config = SettingsConfigDict(
        env_prefix="IPGOV_",
        extra="forbid",
        env_ignore_empty=True,  # a variable that a site leaves empty is one that it does not set
    )

    root: Path = Field(
        default=_ROOT,
        description="the project's own files: policies, sql, expectations, templates",
    )
    state: Path = Field(
        default=_ROOT / ".state",
        description="everything that this installation writes on local disk",
    )
    database_url: str = Field(
        default="",
        repr=False,  # an address may hold a password
        description="PostgreSQL as the application's role (SQLAlchemy URL, postgresql+psycopg)",
    )
    owner_database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL as the owner of the tables; needed by migrations only",
    )
    accounts_database_url: str = Field(
        default="",
        repr=False,
        description="Airflow's own database, which holds the accounts; for commands in a person's name",
    )
    public_url: str = Field(
        default="",
        description="https address under which a reverse proxy on this machine serves the interface; empty: "
        "nobody but this machine",
    )
    password_file: Path | None = Field(
        default=None,
        description="a private file with the password of whoever gives a command (--password-file)",
    )
    object_store: str = Field(
        default="",
        description="s3://bucket[/prefix] or a folder; empty: <state>/objects",
    )
    s3_endpoint: str | None = Field(
        default=None,
        description="address of the S3 service; empty: the AWS default",
    )
    s3_connect_timeout: int = Field(
        default=5,
        gt=0,
        description="operator: seconds to wait for a connection to the S3 service, at each attempt",
    )
    s3_read_timeout: int = Field(
        default=60,
        gt=0,
        description="operator: seconds of silence of the S3 service after which an attempt has failed",
    )
    s3_attempts: int = Field(
        default=4,
        gt=0,
        description="operator: how often a request to the S3 service is tried in all before it has failed",
    )
    database_connect_timeout: int = Field(
        default=10,
        gt=1,
        description="operator: seconds to wait for a connection to PostgreSQL",
    )
    database_statement_timeout: int = Field(
        default=1800,
        ge=0,
        description="operator: seconds after which PostgreSQL gives up a statement; 0: never",
    )
    clock_tolerance: int = Field(
        default=120,
        gt=0,
        description="operator: seconds by which this machine's clock may differ from the database's, or lie "
        "before the newest record, before a production installation refuses to work",
    )
    dispatch_pauses: tuple[int, ...] = Field(
        default=(15, 30, 60, 240, 720, 1440),
        description="operator: minutes until what could not be sent is tried again, failure by failure (JSON "
        "list); after the last one a person decides",
    )
    shared_folder: Path | None = Field(
        default=None,
        description="the folder, shared with recipients, of the channel “folder”; it must exist",
    )
    publication: str = Field(
        default="",
        description="s3://bucket[/prefix] of the channel “publication”",
    )
    publication_endpoint: str | None = Field(
        default=None,
        description="address of its S3 service; empty: the AWS default",
    )
    smtp_host: str = Field(
        default="",
        description="the mail server of the channel “mail”",
    )
    smtp_port: int = Field(
        default=587,
        description="its port: 587 with starttls, 465 with tls, 25 with none",
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="how the connection is protected; starttls never falls back to none",
    )
    smtp_ca: Path | None = Field(
        default=None,
        description="certificates (PEM) that the mail server's is checked against; empty: the system's",
    )
    smtp_user: str = Field(
        default="",
        description="account at the mail server; empty: none is asked for",
    )
    smtp_password_file: Path | None = Field(
        default=None,
        description="private file (mode 0600) with the account's password",
    )
    smtp_from: str = Field(
        default="",
        description="address that letters come from, and that failures are returned to",
    )
    smtp_timeout: int = Field(
        default=60,
        gt=0,
        description="operator: seconds to wait for an answer of the mail server",
    )
    smtp_end_timeout: int = Field(
        default=600,
        gt=0,
        description="seconds to wait for its answer to a whole letter (RFC 5321 §4.5.3.2.6: 10 minutes)",
    )
    backup_destination: str = Field(
        default="",
        description="s3://bucket[/prefix] or a folder on another disk for the daily backup; empty: none",
    )
    backup_endpoint: str | None = Field(
        default=None,
        description="address of its S3 service; empty: the AWS default",
    )
    backup_database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL as a role that reads every table and changes none (ipgov_backup); empty: the "
        "owner's address",
    )
    airflow_database_url: str = Field(
        default="",
        repr=False,
        description="Airflow's own database as the same role: for its backup, and for what failed there",
    )
    backup_max_age: int = Field(
        default=26,
        gt=0,
        description="operator: hours after which the newest whole backup is too old (a day and some slack)",
    )
    rehearsal_max_age: int = Field(
        default=100,
        gt=0,
        description="operator: days after which a backup has to be restored again on trial",
    )
    alert_webhook: str = Field(
        default="",
        repr=False,  # the path of many a service is its password
        description="https address that alerts are posted to as JSON; empty: none",
    )
    alert_webhook_secret_file: Path | None = Field(
        default=None,
        description="private file (mode 0600) with the secret that signs posted alerts (HMAC-SHA256)",
    )
    alert_webhook_ca: Path | None = Field(
        default=None,
        description="certificates (PEM) that the webhook's is checked against; empty: the system's",
    )
    alert_webhook_timeout: int = Field(
        default=10,
        gt=0,
        description="operator: seconds to wait for the webhook, connection and answer each",
    )
    alert_mail: str = Field(
        default="",
        description="addresses (commas between) that alerts are mailed to over IPGOV_SMTP_…; empty: none",
    )
    alert_repeat: int = Field(
        default=24,
        ge=0,
        description="operator: hours after which an alert that still holds is sent again; 0: never",
    )
    approval_waiting_days: int = Field(
        default=5,
        gt=0,
        description="operator: days for which a round may wait for its approval before somebody is told",
    )
    disk_free_percent: int = Field(
        default=10,
        gt=0,
        lt=100,
        description="operator: a disk with less room than this is nearly full",
    )
    log_keep_days: int = Field(
        default=200,
        ge=180,
        description="operator: days for which logs are kept; network logs at least six months by law",
    )
    fonts: Path | None = Field(
        default=None,
        description="the site's own font files, searched before the shipped ones",
    )
    calendars: Path | None = Field(
        default=None,
        description="folder of statutory days and holiday notices; empty: <root>/policies/calendars. Only a "
        "simulation may have one outside policies",
    )
    automatic_from: int = Field(
        default=2026,
        description="first period that the scheduler runs live by itself; earlier ones are run by a person",
    )
    by_the_clock: bool = Field(
        default=True,
        description="hourly and daily DAGs start by themselves; off where a simulation plays other days",
    )
    max_workbook_bytes: int = Field(
        default=20_000_000,
        description="largest workbook accepted, in bytes",
    )
    max_object_bytes: int = Field(
        default=200_000_000,
        description="largest object of the inbox that is read at all, in bytes",
    )
    scanner: str = Field(
        default="",
        description="the site's malware scanner: a command line that is given a file's path as its last "
        "argument and exits with 0 (clean), 1 (infected) or else (could not scan); empty: none",
    )
    scanner_version: str = Field(
        default="",
        description="a command line whose first line of output names the scanner's version and signatures",
    )
    scanner_timeout: int = Field(
        default=120,
        gt=0,
        description="seconds after which a scan counts as failed",
    )

    @property
    def policies(self) -> Path:
        """Return the folder of documents, clauses, rule versions and calendars."""
        return self.root / "policies"

    @property
    def calendars_folder(self) -> Path:
        """Return the folder of statutory days, holiday notices and overrides, with the default filled in."""
        return self.calendars or self.policies / "calendars"

    @property
    def sql(self) -> Path:
        """Return the folder of migrations, views and the evaluation's SQL."""
        return self.root / "sql"

    @property
    def expectations(self) -> Path:
        """Return the folder of Great Expectations suites."""
        return self.root / "expectations"

    @property
    def templates(self) -> Path:
        """Return the folder of Jinja2 templates of notices, lists and mails."""
        return self.root / "reports" / "templates"

    @property
    def objects_location(self) -> str:
        """Return the object store's address, with the local default filled in."""
        return self.object_store or str(self.state / "objects")


@cache
def settings() -> Settings:
    """Return the settings, read once per process.

    Raises UnknownError for an IPGOV_ variable that is no setting, GovernanceError for values that do not fit.
    """
    known = {f"IPGOV_{name}".upper() for name in Settings.model_fields}
    given = {name.upper(): name for name in os.environ if name.upper().startswith("IPGOV_")}
    if unknown := sorted(given[name] for name in given.keys() - known):
        raise UnknownError(f"没有名为 {'、'.join(unknown)} 的设置；可用：{'、'.join(sorted(known))}")
    try:
        return _with_passwords(Settings())
    except ValidationError as error:
        wrong = "；".join(
            f"IPGOV_{'.'.join(map(str, e['loc'])).upper()} 为“{e['input']}”：{e['msg']}"
            for e in error.errors()
        )
        raise GovernanceError(f"设置有误：{wrong}") from None


def _with_passwords(given: Settings) -> Settings:
    """Put the passwords that lie in files into the addresses that they belong to."""
    filled = {}
    for file, addresses in PASSWORDS.items():
        path = getattr(given, file)
        if path is None:
            continue
        for name in addresses:
            if url := getattr(given, name):
                filled[name] = with_password(url, read(path), f"IPGOV_{name.upper()}")
    return given.model_copy(update=filled)
