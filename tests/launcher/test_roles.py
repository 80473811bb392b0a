"""policies/roles.yaml: what each role may do in Airflow, and that it fits the rest of the house."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.decisions.officers import Role as OfficerRole
from ipgov.launcher import accounts
from ipgov.policy import store
from ipgov.wiring.roles import load_roles

ROLES = load_roles(settings().policies)
OWN = {("can_edit", "My Profile"), ("can_edit", "My Password")}


def changes(code: str) -> set[tuple[str, str]]:
    return {p for p in ROLES.permissions(code) if p[0] not in ("can_read", "menu_access")}


def test_roles_are_those_that_the_decision_record_knows() -> None:
    assert len({r.code for r in ROLES.roles}) == len(ROLES.roles)
    assert {r.code for r in ROLES.roles} == set(OfficerRole)


def test_every_approval_step_has_its_role() -> None:
    steps = {
        (step.name, step.role)
        for programme in store.programmes()
        for version in store.versions(programme)
        for step in version.rules.approval.steps
    }
    assert steps
    assert steps == {(name, role.code) for role in ROLES.roles for name in role.decides}


@pytest.mark.parametrize("code", ["reviewer", "issuer"])
def test_those_who_decide_change_nothing_else(code: str) -> None:
    asks = {("can_create", "DAG Run:correction")} if code == "reviewer" else set()
    assert changes(code) == OWN | {("can_edit", "HITL Detail"), ("can_create", "governance")} | asks


@pytest.mark.parametrize("code", ["viewer", "auditor"])
def test_those_who_read_change_nothing(code: str) -> None:
    assert changes(code) == OWN


def test_operator_runs_and_does_not_answer() -> None:
    assert {("can_create", "DAG Runs"), ("can_create", "Backfills"), ("can_edit", "DAGs")} < changes(
        "operator"
    )
    assert not {p for p in changes("operator") if p[1] in ("HITL Detail", "governance", "XComs", "Variables")}


def test_only_auditor_and_administrator_read_the_audit_log() -> None:
    readers = {r.code for r in ROLES.roles if ("can_read", "Audit Logs") in ROLES.permissions(r.code)}
    assert readers == {"auditor"}
    assert ROLES.role("administrator").built_in == "Admin"


def test_unknown_role_names_those_that_exist() -> None:
    with pytest.raises(UnknownError, match="没有“boss”这一角色；可用：viewer、reviewer"):
        ROLES.role("boss")


def test_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text("operator: x\nroles: [{code: a, name: b, decides: [], alow: {}}]")
    with pytest.raises(GovernanceError) as refused:
        load_roles(tmp_path)
    assert "policies/roles.yaml roles.0.alow：不认识的键；应为：角色与登录限制所用的键" in [
        str(p) for p in refused.value.problems
    ]


def test_every_demo_person_has_a_role_and_the_two_steps_two_people() -> None:
    people = [ROLES.role(p.role).code for p in accounts.DEMO_PEOPLE]
    assert people.count("reviewer") == people.count("issuer") == 2
    assert set(people) == {r.code for r in ROLES.roles}


def test_passwords_are_made_once_for_each_person(tmp_path: Path) -> None:
    first, new = accounts.ensure_passwords(tmp_path, accounts.DEMO_PEOPLE[:3])
    assert new == {p.login for p in accounts.DEMO_PEOPLE[:3]}
    assert len(set(first.values())) == 3
    assert all(len(p) >= 24 for p in first.values())
    assert accounts.passwords_file(tmp_path).stat().st_mode & 0o777 == 0o600
    again, new = accounts.ensure_passwords(tmp_path, accounts.DEMO_PEOPLE)
    assert new == {p.login for p in accounts.DEMO_PEOPLE[3:]}
    assert {login: again[login] for login in first} == first
    assert accounts.read_passwords(tmp_path) == again


def test_a_private_file_is_private_from_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    replace = os.replace

    def look_first(source: Path, target: Path) -> None:
        modes.append(source.stat().st_mode & 0o777)
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_first)
    before = os.umask(0)
    try:
        private.write(tmp_path / "f", "secret")
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert [f.name for f in tmp_path.iterdir()] == ["f"]


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    accounts.ensure_passwords(tmp_path, accounts.DEMO_PEOPLE)
    accounts.passwords_file(tmp_path).chmod(0o640)
    with pytest.raises(EnvironmentProblemError, match=r"passwords\.json 的权限过宽"):
        accounts.read_passwords(tmp_path)


def test_officers_are_known_when_the_first_rules_take_effect(database: Path) -> None:
    import datetime as dt

    from ipgov.core.database import reading
    from ipgov.decisions.officers import officer

    assert accounts.register_officers(accounts.DEMO_PEOPLE) == len(accounts.DEMO_PEOPLE)
    assert accounts.register_officers(accounts.DEMO_PEOPLE) == 0
    with reading() as connection:
        found = officer(connection, "issuer2", dt.datetime(2023, 9, 5, 1, tzinfo=dt.UTC))
    assert (found.name, found.roles, found.active) == ("签发人乙", ("issuer",), True)


def spoiled(tmp_path: Path, old: str, new: str) -> list[str]:
    """Load the real file with one thing changed; return the problems that are told."""
    text = (settings().policies / "roles.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "roles.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(GovernanceError) as refused:
        load_roles(tmp_path)
    return [str(p) for p in refused.value.problems] or [refused.value.message]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("can_read: [Website", "can_fly: [Website", "没有“can_fly”这种权限"),
        ("[Website, DAGs,", "[Web, DAGs,", "没有“Web”这一权限对象"),
        ("[Website, DAGs,", "[DAGs, DAGs,", "“DAGs”写了不止一次"),
        ("code: issuer", "code: reviewer", "角色“reviewer”写了 2 次"),
        ("code: issuer", "code: reviewer", "缺少角色“issuer”"),
        ("code: auditor", "code: boss", "没有“boss”这一角色"),
        ("includes: []", "includes: [nobody]", "没有“nobody”这一角色"),
        ("includes: []", "includes: [reviewer]", "与“reviewer”互相包含"),
        ("includes: []", "includes: [viewer]", "与“viewer”互相包含"),
        ("built_in: Admin", "built_in: Admin\n    includes: [viewer]", "内置角色另写了权限"),
        ("built_in: Admin", "built_in: Public", "内容无效"),
        ("policies: [propose]", "policies: [decree]", "内容无效"),
        ("failures: 5", "failures: 0", "数值过小"),
        ("failures: 5", "failures: many", "不是整数"),
        ("password_length: 12", "password_length: 1", "不小于 8 的整数"),
        ("sign_in:", "sign_out:", "缺少该键"),
        ("roles:", "roles: {}\nroles:", "键重复：roles"),
        ("roles:", "roles: [", "不是有效的 YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    problems = spoiled(tmp_path, old, new)
    assert any(told in p for p in problems), problems
    assert all("policies/roles.yaml" in p for p in problems)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblemError, match=r"roles\.yaml 无法读取"):
        load_roles(tmp_path)


def test_a_wrong_file_stops_the_start_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.launcher import supervisor

    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "roles.yaml").write_text("operator: x\nroles: []\n", encoding="utf-8")
    monkeypatch.setenv("IPGOV_ROOT", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(GovernanceError, match=r"policies/roles\.yaml 有 \d+ 处问题"):
        supervisor.up(tmp_path / "state", 1, lambda: None)
    assert not (tmp_path / "state").exists()
    monkeypatch.undo()
    settings.cache_clear()


def test_known_resources_are_those_of_the_auth_manager() -> None:
    from airflow.providers.fab.www.security import permissions
    from ipgov.wiring.roles import ACTIONS, CONSOLE, RESOURCES

    theirs = {v for k, v in vars(permissions).items() if k.startswith("RESOURCE_") and isinstance(v, str)}
    actions = {v for k, v in vars(permissions).items() if k.startswith("ACTION_") and isinstance(v, str)}
    # a prefix of the resources of single DAGs; "DAG Run:<dag>" is one of those
    ours = {r for r in RESOURCES if ":" not in r}
    assert ours == (theirs - {permissions.RESOURCE_DAG_PREFIX}) | {CONSOLE}
    assert set(ACTIONS) == actions


def test_tables_of_accounts_are_those_of_the_auth_manager() -> None:
    from airflow.models.log import Log
    from airflow.providers.fab.auth_manager.models import Model
    from ipgov.wiring import accounts
    from sqlalchemy import Table

    theirs: dict[str, Table] = {**Model.metadata.tables, "log": Log.__table__}
    for ours in (accounts.USER, accounts.ROLE, accounts.USER_ROLE, accounts.LOG):
        real = theirs[ours.name]
        assert {c.name for c in ours.columns} <= {c.name for c in real.columns}
        # what we insert must be all that is needed
        needed = {c.name for c in real.columns if not c.nullable and c.default is None and not c.primary_key}
        assert needed <= {c.name for c in ours.columns}, ours.name
