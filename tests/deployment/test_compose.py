"""docker-compose.yml, its variables and secrets: whole, documented, and safe by what others check, too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from compose_file import COMPOSE, EXAMPLE, ROOT, component, compose, example, services, used
from ipgov.core import site_settings
from ipgov.core.settings import Settings, settings
from ipgov.launcher import health, prepare_site, site

ONE_SHOT = {"prepare", "ipgov"}
SECRETS = "/run/secrets/"
PINNED = re.compile(r"^[a-z0-9./_-]+:(?P<tag>\d[\w.-]*)(@sha256:[0-9a-f]{64})?$")


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_compose_specifications_own_schema_accepts_it() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_that_schema_refuses_what_is_no_compose_file(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("read_only: true", "read_olny: true"))
    assert tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", wrong).returncode == 1


def test_a_linter_of_what_is_unsafe_finds_only_the_missing_digests() -> None:
    """Digests cannot be looked up here; .env.example tells where a site adds them (CL-0019)."""
    done = tool("compose-lint", "check", "--format", "json", COMPOSE)
    found = json.loads(done.stdout)
    findings = found["findings"] if isinstance(found, dict) else found
    assert {f["rule_id"] for f in findings} == {"CL-0019"}, done.stdout
    assert done.returncode == 0


def test_every_variable_is_documented_and_every_documented_one_used() -> None:
    assert sorted(used()) == sorted(example())


def test_every_variable_has_its_own_lines_of_chinese_above_it() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            assert re.match(r"# .*[\u4e00-\u9fff]", lines[number - 1]), line


def test_no_variable_has_a_default_and_only_those_that_say_so_may_be_empty() -> None:
    """An unset one stops the start, with its name; a default would be used unseen."""
    comments = dict(
        zip(example(), re.findall(r"((?:^#.*\n)+)^[A-Z_]+=", EXAMPLE.read_text(), re.M), strict=True)
    )
    for name, after in used().items():
        assert after in (":?", "?"), name
        assert (after == "?") == ("可留空" in comments[name]), name
        assert example()[name] or after == "?", name


@pytest.mark.parametrize("name", services())
def test_every_service_is_shut_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    account, _, group = service["user"].partition(":")
    assert int(account) > 0
    assert int(group) > 0
    for forbidden in ("privileged", "network_mode", "pid", "ipc", "devices", "cap_add"):
        assert forbidden not in service


@pytest.mark.parametrize("name", services())
def test_every_service_has_a_check_a_restart_policy_and_limits(name: str) -> None:
    service = services()[name]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["logging"]["options"]["max-size"]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        check = service["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@pytest.mark.parametrize("name", services())
def test_every_image_has_its_version(name: str) -> None:
    image = services()[name]["image"]
    assert PINNED.match(image), image
    assert image.count("/") <= 1  # no host's name


def test_the_base_image_has_its_version_and_the_one_is_that_of_the_dockerfile() -> None:
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", example()["PYTHON_IMAGE"])
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE={example()['PYTHON_IMAGE']}\n" in dockerfile
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == {"${PYTHON_IMAGE}"}


def test_the_image_has_no_root_no_compiler_and_only_what_the_lock_names() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert dockerfile.rindex("USER 10001:10001") > dockerfile.rindex("RUN ")
    assert "apt-get" not in dockerfile
    assert "ADD " not in dockerfile
    assert dockerfile.count("pip install") == 1
    for option in ("--no-deps", "--require-hashes", "--only-binary :all:", "-r /tmp/requirements-image.lock"):
        assert option in dockerfile


def test_the_image_gets_the_tested_packages_without_the_tools_of_development() -> None:
    def pins(name: str) -> dict[str, str]:
        """Each package's block of the lock, its hashes too, without the comments."""
        lines = [x for x in (ROOT / name).read_text(encoding="utf-8").splitlines() if "#" not in x]
        blocks = re.split(r"\n(?=\S)", "\n".join(lines).strip())
        return {b.partition("==")[0]: b for b in blocks}

    whole, image = pins("requirements.lock"), pins("requirements-image.lock")
    assert len(image) > 150
    assert image.items() <= whole.items()
    assert all("--hash=sha256:" in block for block in image.values())
    assert not image.keys() & {"moto", "nanio", "pytest", "mypy", "uv", "compose-lint", "hypothesis"}


def test_no_host_of_images_or_packages_and_no_docker_socket_anywhere() -> None:
    names = ("Dockerfile", "docker-compose.yml", ".env.example", "deploy/helm-values.yaml", "deploy/pip.conf")
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "docker.sock" not in text
        hosts = re.findall(r"\b[\w-]+(?:\.[\w-]+)*\.(?:io|com|org|net|dev)(?=[/:\s])", text)
        assert hosts == [], name


def test_only_the_consoles_port_is_published_and_on_this_machine_alone() -> None:
    published = {name: s["ports"] for name, s in services().items() if "ports" in s}
    assert published == {"api-server": ["127.0.0.1:8080:8080"]}
    assert compose()["networks"]["inside"]["internal"] is True
    for name, service in services().items():
        assert "inside" in service["networks"]
        assert set(service["networks"]) - {"inside"} <= {"console", "outgoing"}, name
    assert "outgoing" not in services()["api-server"]["networks"]


def test_named_volumes_hold_what_must_last_and_nothing_of_the_host_is_mounted() -> None:
    named = compose()["volumes"].keys()
    mounted = [v.partition(":")[0] for s in services().values() for v in s["volumes"]]
    assert set(mounted) == set(named) == {"postgres", "redis", "objects", "logs"}


def given(service: dict[str, Any]) -> dict[str, str]:
    return {k: str(v) for k, v in (service.get("environment") or {}).items()}


def test_every_setting_is_one_that_exists() -> None:
    from airflow.configuration import conf
    from airflow.providers.celery.get_provider_info import get_provider_info

    known = {f"IPGOV_{name.upper()}" for name in Settings.model_fields}
    options = dict(conf.configuration_description) | get_provider_info()["config"]
    seen = 0
    for service in services().values():
        for variable in given(service):
            if variable.startswith("IPGOV_"):
                seen += 1
                assert variable in known, variable
            if variable.startswith("AIRFLOW__"):
                section, option = variable.removeprefix("AIRFLOW__").lower().split("__")
                assert option in options[section]["options"], variable
    assert seen > 100


def test_the_processes_are_those_that_the_program_knows() -> None:
    found = sorted(filter(None, (component(s) for s in services().values())))
    assert found == sorted([*site.COMPONENTS, "prepare"])
    assert site.LOCAL_COMPONENTS.keys() == site.COMPONENTS.keys() - {"worker"}
    assert services()["worker"]["deploy"]["replicas"] == 2
    for service in services().values():
        if component(service) in site.COMPONENTS:
            asked = ["CMD", "python", "-m", "ipgov.launcher.health", component(service)]
            assert service["healthcheck"]["test"] == asked
    assert health.JOBS.keys() | {"api-server", "worker"} == site.COMPONENTS.keys()


@pytest.mark.parametrize("name", [*site.COMPONENTS, "prepare"])
def test_every_process_gets_what_it_needs_and_no_secret_more(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service = next(s for s in services().values() if component(s) == name)
    environment = given(service)
    monkeypatch.setattr(site_settings, "read", lambda path: f"secret-of-{Path(path).name}")
    monkeypatch.setattr("ipgov.core.settings.read", lambda path: f"secret-of-{Path(path).name}")
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("IPGOV_STATE", str(tmp_path))
    settings.cache_clear()
    try:
        site.require(name)
        variables = site.environment(name)
        opened = settings().database_url
    finally:
        settings.cache_clear()
    assert opened == "postgresql+psycopg://ipgov_app:secret-of-app_db_password@postgres:5432/governance"
    files = {v.removeprefix(SECRETS) for v in environment.values() if v.startswith(SECRETS)}
    assert files == set(service["secrets"])
    # the workers know neither the accounts' database nor a key that signs anything
    keyed = {"AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"}
    assert keyed.isdisjoint(variables) == (name == "worker")
    assert ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in variables) == (name != "worker")
    owner = {"owner_db_password", "postgres_password", "s3_admin_credentials"}
    assert owner.isdisjoint(files) == (name != "prepare")


def test_a_process_without_a_setting_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    from ipgov.core.errors import EnvironmentProblemError

    monkeypatch.setenv("IPGOV_DATABASE_URL", "postgresql+psycopg://ipgov_app@h/governance")
    settings.cache_clear()
    with pytest.raises(
        EnvironmentProblemError, match="组件 worker 缺少设置：IPGOV_API_URL、IPGOV_OBJECT_STORE"
    ):
        site.environment("worker")
    settings.cache_clear()


def test_airflow_knows_every_option_of_an_installation_on_servers() -> None:
    from airflow.configuration import conf
    from airflow.providers.celery.get_provider_info import get_provider_info

    known = dict(conf.configuration_description) | get_provider_info()["config"]
    wrong = [
        (s, o) for s, options in site.ON_WORKERS.items() for o in options if o not in known[s]["options"]
    ]
    assert wrong == []


def test_a_task_handed_out_is_given_to_nobody_else_before_its_time_is_over() -> None:
    """Redis gives an unanswered task to another worker after the visibility timeout."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    limits = [t.execution_timeout for d in bag.dags.values() for t in d.tasks if t.execution_timeout]
    assert len(limits) > 20
    assert max(limits).total_seconds() * 2 < site.VISIBILITY_TIMEOUT


def test_the_roles_of_the_addresses_are_those_that_the_database_knows() -> None:
    from sqlalchemy.engine import make_url

    environment = given(services()["prepare"])
    for name, role in prepare_site.ROLES.items():
        url = make_url(environment[f"IPGOV_{name.upper()}"])
        assert (url.username, url.password, url.host) == (role, None, "postgres")


def test_redis_keeps_every_task_on_disk_and_shows_no_password() -> None:
    words = services()["redis"]["command"][-1]
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in words
    assert "requirepass $(cat /run/secrets/redis_password)" in words


def make_secrets(folder: Path) -> str:
    script = ROOT / "deploy" / "make-secrets.sh"
    done = subprocess.run(["sh", str(script), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_secrets_that_are_made_are_those_that_are_mounted(tmp_path: Path) -> None:
    from configparser import ConfigParser

    from cryptography.fernet import Fernet

    folder = tmp_path / "secrets"
    told = make_secrets(folder)
    mounted = {n for n, s in compose()["secrets"].items() if s["file"].startswith("./secrets/")}
    assert {f.name for f in folder.iterdir()} == mounted == compose()["secrets"].keys() - {"pip_conf"}
    contents = {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir()}
    Fernet(contents["fernet_key"].encode())
    tokens = [v for k, v in contents.items() if k.endswith(("password", "_key", "_secret")) and v]
    assert len(set(tokens)) == len(tokens) == 10
    assert all(len(t) >= 43 and re.fullmatch(r"[\w=-]+", t) for t in tokens)
    assert not any(t in told for t in tokens)
    for name, identity in (("s3_credentials", 0), ("s3_admin_credentials", 1)):
        ini = ConfigParser()
        ini.read_string(contents[name])
        known = json.loads(contents["s3_identities"])["identities"][identity]["credentials"][0]
        assert ini["default"]["aws_access_key_id"] == known["accessKey"]
        assert ini["default"]["aws_secret_access_key"] == known["secretKey"]
    assert {f.stat().st_mode & 0o777 for f in folder.iterdir()} == {0o640}
    assert folder.stat().st_mode & 0o777 == 0o750
    assert make_secrets(folder) == ""  # a second time changes nothing
    assert {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir()} == contents
