"""Settings of an installation on servers: passwords come from files, and from files that few can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ipgov.core import private, site_settings
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import Settings, settings
from sqlalchemy.engine import make_url

PASSWORD = "p@ss:/word?%#汉"  # noqa: S105  of a test
Given = Callable[..., Settings]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    file.chmod(0o640)
    return file


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Given]:
    def set_variables(**variables: object) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(f"IPGOV_{name.upper()}", str(value))
        settings.cache_clear()
        return settings()

    yield set_variables
    settings.cache_clear()


def test_a_password_of_any_letters_gets_into_its_address(secret: Path, given: Given) -> None:
    found = given(
        database_url="postgresql+psycopg://ipgov_app@db:5432/governance",
        database_password_file=secret,
        broker_url="redis://redis:6379/0",
        broker_password_file=secret,
    )
    url = make_url(found.database_url)
    assert (url.username, url.password, url.host, url.port) == ("ipgov_app", PASSWORD, "db", 5432)
    broker = make_url(found.broker_url)
    assert (broker.username, broker.password, broker.host) == ("", PASSWORD, "redis")
    assert PASSWORD not in repr(found)


def test_one_role_of_two_databases_has_one_file(secret: Path, given: Given) -> None:
    found = given(
        backup_database_url="postgresql+psycopg://ipgov_backup@db/governance",
        airflow_database_url="postgresql+psycopg://ipgov_backup@db/airflow",
        backup_database_password_file=secret,
    )
    assert make_url(found.backup_database_url).password == PASSWORD
    assert make_url(found.airflow_database_url).password == PASSWORD


def test_an_address_with_a_password_already_is_refused_without_showing_it(secret: Path, given: Given) -> None:
    with pytest.raises(EnvironmentProblemError, match="IPGOV_DATABASE_URL 须为不含口令的地址") as told:
        given(database_url="postgresql+psycopg://a:hidden@db/x", database_password_file=secret)
    assert "hidden" not in told.value.message


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o666])
def test_a_file_that_others_may_read_or_the_group_change_is_refused(
    mode: int, secret: Path, given: Given
) -> None:
    secret.chmod(mode)
    with pytest.raises(EnvironmentProblemError, match="权限过宽"):
        given(database_url="postgresql+psycopg://a@db/x", database_password_file=secret)


def test_a_containers_own_folder_of_secrets_has_the_engines_modes(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.chmod(0o444)
    monkeypatch.setattr(private, "MOUNTED", secret.parent)
    assert site_settings.read(secret) == PASSWORD


@pytest.mark.parametrize(("content", "told"), [(None, "读不到机密文件"), ("\n", "是空的")])
def test_a_missing_or_empty_file_is_named(
    content: str | None, told: str, tmp_path: Path, given: Given
) -> None:
    file = tmp_path / "none"
    if content is not None:
        file.write_text(content)
        file.chmod(0o600)
    with pytest.raises(EnvironmentProblemError, match=told) as error:
        given(database_url="postgresql+psycopg://a@db/x", database_password_file=file)
    assert str(file) in error.value.message


def test_a_variable_that_a_site_leaves_empty_is_not_set(given: Given) -> None:
    found = given(s3_endpoint="", smtp_ca="", smtp_port="", public_url="")
    assert (found.s3_endpoint, found.smtp_ca, found.smtp_port, found.public_url) == (None, None, 587, "")


def test_every_password_file_belongs_to_addresses_that_exist() -> None:
    fields = Settings.model_fields
    for file, addresses in site_settings.PASSWORDS.items():
        assert file in fields
        for name in addresses:
            assert name in fields
            assert fields[name].repr is False
