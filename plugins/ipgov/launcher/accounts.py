"""Roles and accounts: policies/roles.yaml brought into FAB's tables and the register of officers.

In python and not by ``airflow users create``, whose password everybody reads in the list of processes.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core import private
from ipgov.wiring.accounts import hashed
from ipgov.wiring.roles import Roles

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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
    user = manager.find_user(username=person.login)
    if user is None:
        manager.add_user(
            username=person.login,
            first_name=person.name,
            last_name="",
            email=f"{person.login}@localhost",
            role=role,
            hashed_password=hashed(password),
        )
        return
    user.roles = [role]
    user.active = True
    if reset:
        user.password = hashed(password)


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
