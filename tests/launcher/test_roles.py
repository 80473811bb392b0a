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
