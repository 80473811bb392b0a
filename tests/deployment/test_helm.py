"""The values for Airflow's Helm chart: the same processes, settings and secrets as docker-compose.yml.

The chart's own schema is in no package; docs/deployment.md tells against which version the keys were held.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from compose_file import ROOT, component, services

PARTS = {
    "prepare": ("migrateDatabaseJob",),
    "api-server": ("apiServer",),
    "scheduler": ("scheduler",),
    "dag-processor": ("dagProcessor",),
    "triggerer": ("triggerer",),
    "worker": ("workers", "celery"),
}
FILES = "/run/secrets/ipgov/"
# What a site fills in: in .env there, in the values here.
OF_THE_SITE = {"IPGOV_PUBLIC_URL", "IPGOV_BACKUP_DESTINATION", "IPGOV_ALERT_MAIL"}


def values() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "helm-values.yaml").read_text(encoding="utf-8"))
    return read


def part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = values()
    for key in PARTS[name]:
        found = found[key]
    return found


def told(name: str) -> dict[str, str]:
    pairs = [*values()["env"], *part(name)["env"]]
    assert len({p["name"] for p in pairs}) == len(pairs)
    return {p["name"]: p["value"] for p in pairs}


def service(name: str) -> dict[str, Any]:
    return next(s for s in services().values() if component(s) == name)


@pytest.mark.parametrize("name", PARTS)
def test_each_process_is_started_and_told_as_by_compose(name: str) -> None:
    assert part(name)["args"] == service(name)["command"]
    here = {
        k: v.replace(FILES, "/run/secrets/").replace("http://ipgov-api-server:", "http://api-server:")
        for k, v in told(name).items()
    }
    there = {k: str(v) for k, v in service(name)["environment"].items()}
    there.pop("FORWARDED_ALLOW_IPS", None)  # the ingress is the cluster's
    assert here.keys() == there.keys()
    differ = {k for k in here if here[k] != there[k]}
    assert differ <= OF_THE_SITE


@pytest.mark.parametrize("name", PARTS)
def test_each_process_gets_the_secret_files_that_it_gets_there_and_no_other(name: str) -> None:
    [volume] = [v for v in part(name)["extraVolumes"] if v["name"] == "secrets"]
    files = {item["key"] for item in volume["secret"]["items"]}
    assert files == set(service(name)["secrets"])
    assert volume["secret"]["defaultMode"] == 0o440
    assert part(name)["extraVolumeMounts"] == [
        {"name": "secrets", "mountPath": FILES.rstrip("/"), "readOnly": True}
    ]


@pytest.mark.parametrize("name", PARTS)
def test_each_process_has_limits_and_a_check(name: str) -> None:
    assert {"cpu", "memory"} <= part(name)["resources"]["limits"].keys()
    if name not in ("prepare", "api-server"):  # a job; asked over HTTP by the chart itself
        assert part(name)["livenessProbe"]["command"] == service(name)["healthcheck"]["test"][1:]


def test_nothing_of_the_chart_has_a_password_of_its_own_or_more_rights() -> None:
    whole = values()
    assert not any(whole["enableBuiltInSecretEnvVars"].values())
    for brought in ("postgresql", "redis", "createUserJob", "statsd"):
        assert whole[brought] == {"enabled": False}
    assert whole["securityContexts"]["pod"]["runAsNonRoot"] is True
    assert whole["securityContexts"]["containers"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert part("worker")["replicas"] == service("worker")["deploy"]["replicas"] == 2
    from importlib.metadata import version

    assert whole["airflowVersion"] == version("apache-airflow")
