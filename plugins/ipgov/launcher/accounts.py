"""Roles and accounts: policies/roles.yaml brought into FAB's tables and the register of officers.

In python and not by ``airflow users create``, whose password everybody reads in the list of processes.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ipgov.core.errors import UnknownError
from ipgov.launcher import private

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Role(BaseModel):
    """A role: what Airflow lets it do, and which approval steps it decides (by their Chinese names).

    ``policies``: what it may do in a change of the rules.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    decides: tuple[str, ...]
    policies: tuple[Literal["propose", "approve"], ...] = ()  # read by policy/officials.py
    includes: tuple[str, ...] = ()
    allow: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    built_in: str | None = None  # the auth manager's own role that stands for this one

    @property
    def account_role(self) -> str:
        """Return the name of the role in the auth manager."""
        return self.built_in or self.code


class Roles(BaseModel):
    """All roles of policies/roles.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str
    roles: tuple[Role, ...]

    @cached_property
    def _by_code(self) -> dict[str, Role]:
        return {r.code: r for r in self.roles}

    def role(self, code: str) -> Role:
        """Return a role; UnknownError names those that exist."""
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownError(f"没有“{code}”这一角色；可用：{'、'.join(self._by_code)}") from None

    def permissions(self, code: str) -> frozenset[tuple[str, str]]:
        """Return every (action, resource) of a role, those of the roles it includes among them."""
        role = self.role(code)
        own = {(action, resource) for action, resources in role.allow.items() for resource in resources}
        return frozenset(own).union(*(self.permissions(other) for other in role.includes))


def load_roles(policies: Path) -> Roles:
    """Read ``roles.yaml`` of the policies folder; raises pydantic.ValidationError where its form is wrong."""
    return Roles.model_validate(yaml.safe_load((policies / "roles.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Person:
    """Someone with an account."""

    login: str
    name: str
    role: str
    organisation_code: str | None = None


# The invented officers of a simulation.
DEMO_PEOPLE = (
    Person("viewer1", "查阅员甲", "viewer"),
    Person("reviewer1", "审核员甲", "reviewer"),
    Person("reviewer2", "审核员乙", "reviewer"),
    Person("issuer1", "签发人甲", "issuer"),
    Person("issuer2", "签发人乙", "issuer"),
    Person("operator1", "运行员甲", "operator"),
    Person("auditor1", "审计员甲", "auditor"),
    Person("admin1", "管理员甲", "administrator"),
)


def passwords_file(state: Path) -> Path:
    """Return the file of the demo accounts' passwords (JSON, login to password, mode 0600)."""
    return state / "passwords.json"


def read_passwords(state: Path) -> dict[str, str]:
    """Return the demo accounts' passwords; EnvironmentProblemError where others can read the file."""
    passwords: dict[str, str] = json.loads(private.read(passwords_file(state)))
    return passwords


def ensure_passwords(state: Path, people: tuple[Person, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Give every person a random password that has none; return all of them and whose are new."""
    there = read_passwords(state) if passwords_file(state).exists() else {}
    new = frozenset(p.login for p in people) - there.keys()
    if new:
        there |= {login: secrets.token_urlsafe(18) for login in sorted(new)}
        private.write(passwords_file(state), json.dumps(there, indent=1, sort_keys=True) + "\n")
    return there, new


def synchronise(session: Session, roles: Roles, people: tuple[Person, ...], state: Path) -> None:
    """Make FAB's roles exactly those of the file, and see that every person has an account with its role.

    A password is set where the account is new or its password is not known any more; one that its owner
    changed stays.
    """
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    manager = ApplessAirflowSecurityManager(session=session)
    manager.sync_roles()
    for role in roles.roles:
        if role.built_in is None:
            _synchronise_role(manager, role.code, roles.permissions(role.code))
    # Admin has every permission, those just made among them
    manager.update_admin_permission()
    passwords, new = ensure_passwords(state, people)
    for person in people:
        role_row = manager.find_role(roles.role(person.role).account_role)
        _synchronise_person(manager, person, role_row, passwords[person.login], person.login in new)
    session.commit()


def _synchronise_role(manager: Any, code: str, permissions: frozenset[tuple[str, str]]) -> None:
    role = manager.find_role(code) or manager.add_role(code)
    role.permissions = [manager.create_permission(*permission) for permission in sorted(permissions)]
    manager.session.commit()


def _synchronise_person(manager: Any, person: Person, role: Any, password: str, reset: bool) -> None:
    from werkzeug.security import generate_password_hash

    user = manager.find_user(username=person.login)
    if user is None:
        manager.add_user(
            username=person.login,
            first_name=person.name,
            last_name="",
            email=f"{person.login}@localhost",
            role=role,
            hashed_password=generate_password_hash(password, method="scrypt"),
        )
        return
    user.roles = [role]
    user.active = True
    if reset:
        user.password = generate_password_hash(password, method="scrypt")


def register_officers(people: tuple[Person, ...]) -> int:
    """Enter a simulation's people into the register of officers; return how many entries were new or changed.

    They are known from the first day that any rules are in force: the years to be played lie behind us.
    """
    from ipgov.core.database import transaction
    from ipgov.core.steps import SHANGHAI
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.policy import store

    first = min(v.rules.effective for programme in store.programmes() for v in store.versions(programme))
    known_at = dt.datetime.combine(first, dt.time(), tzinfo=SHANGHAI)
    officers = [Officer(p.login, p.name, (p.role,), p.organisation_code, True) for p in people]
    with transaction() as connection:
        return sum(register_officer(connection, officer, known_at) for officer in officers)
