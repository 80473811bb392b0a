"""One process of an installation on servers: how it is started, prepared and asked for its health."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.launcher import component, health, prepare_site, site


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_an_unknown_component_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert component.main(["web"]) == 2
    told = capsys.readouterr().err
    assert "没有这样的组件：web" in told
    assert all(name in told for name in [*site.COMPONENTS, "prepare"])


def test_a_worker_can_have_a_name_and_only_the_server_believes_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IPGOV_WORKER_NAME", "second")
    monkeypatch.setenv("IPGOV_PUBLIC_URL", "https://ipgov.example.gov.cn")
    assert component.command("worker")[-2:] == ["--celery-hostname", "second"]
    assert component.command("api-server")[1:] == ["api-server", "--proxy-headers"]
    assert component.command("scheduler")[1:] == ["scheduler", "-s"]


def test_an_address_of_another_role_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_OWNER_DATABASE_URL", "postgresql+psycopg://postgres@db/governance")
    with pytest.raises(EnvironmentProblemError, match="IPGOV_OWNER_DATABASE_URL 须以角色 ipgov_owner 连接"):
        prepare_site._addresses()


def test_the_admin_that_is_out_of_reach_is_told_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("IPGOV_ADMIN_DATABASE_URL", f"postgresql+psycopg://a:hidden@127.0.0.1:{port}/x")
    with pytest.raises(EnvironmentProblemError, match=f"管理员连不上 PostgreSQL（127.0.0.1:{port}）") as told:
        prepare_site._provision({})
    assert "hidden" not in told.value.message


JOB = (
    "CREATE TABLE IF NOT EXISTS job (job_type text, hostname text, state text, latest_heartbeat timestamptz)"
)


@pytest.fixture
def jobs(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Airflow's table of heartbeats, as much of it as is read."""
    import psycopg

    monkeypatch.setenv("IPGOV_ACCOUNTS_DATABASE_URL", postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(JOB)
        connection.execute("TRUNCATE job")
        yield connection


@pytest.fixture
def postgres_url(postgres: Path) -> str:
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, "beats", owner=embedded.AIRFLOW)
    return embedded.url(postgres, "beats", embedded.AIRFLOW)


def beat(jobs: Any, seconds: int, host: str = "", state: str = "running") -> None:
    statement = "INSERT INTO job VALUES ('SchedulerJob', %s, %s, now() - make_interval(secs => %s))"
    jobs.execute(statement, (host or socket.gethostname(), state, seconds))


def test_a_scheduler_is_healthy_by_its_own_beat_only(jobs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main(["scheduler"]) == 1
    beat(jobs, 1, host="another")
    beat(jobs, 1, state="failed")
    assert "没有 SchedulerJob 的心跳" in health.check("scheduler")
    beat(jobs, 600)
    assert "心跳停了 600 秒" in health.check("scheduler")
    beat(jobs, 2)
    assert health.main(["scheduler"]) == 0
    assert "没有 SchedulerJob 的心跳" in capsys.readouterr().err


def test_what_cannot_be_asked_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    nowhere = f"127.0.0.1:{port}"
    for name, value in {
        "API_URL": f"http://{nowhere}",
        "OBJECT_STORE": "s3://x",
        "DATABASE_URL": "postgresql+psycopg://a@h/x",
        "ACCOUNTS_DATABASE_URL": f"postgresql+psycopg://a:hidden@{nowhere}/x",
        "BROKER_URL": f"redis://:hidden@{nowhere}/0",
        "TASK_RESULTS_URL": "postgresql+psycopg://a@h/x",
    }.items():
        monkeypatch.setenv(f"IPGOV_{name}", value)
    monkeypatch.setattr(health, "PATIENCE", 1.0)
    told = [health.check(name) for name in ("api-server", "triggerer", "worker")]
    assert ["没有应答" in told[0], "连不上" in told[1], "连不上" in told[2]] == [True] * 3
    assert not any("hidden" in t for t in told)
