"""Every role at every door: what the application's own routes answer is what docs/access-table.md says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_table import BROKEN, COLUMNS, OPEN, OPERATES, READS, TABLE, allowed, commands, markdown
from doors import LOGINS, MARK
from ipgov.core.settings import settings
from ipgov.wiring.roles import load_roles

ROLES = load_roles(settings().policies)


@pytest.fixture(scope="module")
def rights(seen: dict[str, Any]) -> dict[str, frozenset[str]]:
    return {door: allowed(door, statuses) for door, statuses in seen["doors"].items()}


def test_the_table_is_what_was_seen(seen: dict[str, Any]) -> None:
    told, found = TABLE.read_text(encoding="utf-8").splitlines(), markdown(seen).splitlines()
    changed = [f"- {x}" for x in told if x not in found] + [f"+ {x}" for x in found if x not in told]
    assert told == found, "access changed; if it is meant: python tests/access/access_table.py\n" + "\n".join(
        changed
    )


def test_nobody_gets_further_than_the_login(rights: dict[str, frozenset[str]]) -> None:
    """Provinces and bodies have no account, and no role is theirs."""
    assert {door for door, who in rights.items() if "nobody" in who} == OPEN.keys()
    assert {r.code for r in ROLES.roles} == set(COLUMNS) - {"nobody"}


def test_every_door_was_really_tried(seen: dict[str, Any]) -> None:
    """A request refused for its form before anybody asked who sends it proves nothing."""
    for door, statuses in seen["doors"].items():
        roles = {statuses[c][:3] for c in LOGINS}
        if door not in OPEN:
            assert roles != {"422"}, door
            assert "429" not in roles, door
        if door not in BROKEN:
            assert not [s for s in statuses.values() if s.startswith("5")] or "/auth/" in door, (
                door,
                statuses,
            )


def test_those_who_read_change_nothing_but_their_own(rights: dict[str, frozenset[str]]) -> None:
    own = {"POST /auth/resetmypassword/form", "POST /auth/userinfoeditview/form"}
    harmless = {  # a long query; a mark for oneself
        "POST /api/v2/dags/{dag_id}/dagRuns/list",
        "POST /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list",
        "POST /api/v2/dags/{dag_id}/favorite",
        "POST /api/v2/dags/{dag_id}/unfavorite",
    }
    for role in ("viewer", "auditor"):
        writing = {d for d, who in rights.items() if role in who and not d.startswith("GET ")}
        assert writing - OPEN.keys() - own - harmless == set(), role


def test_answers_are_the_reviewers_and_issuers(rights: dict[str, frozenset[str]]) -> None:
    answering = {d for d in rights if d.startswith("PATCH") and "hitlDetails" in d and "/api/" in d}
    assert answering
    for door in answering | {"POST /governance/round/{round_id}"}:
        assert rights[door] == {"reviewer", "issuer", "administrator"}, door


def test_no_persons_token_opens_the_tasks_interface(rights: dict[str, frozenset[str]]) -> None:
    doors = {d for d in rights if "/execution/" in d and d not in OPEN}
    assert len(doors) > 40
    assert {d for d in doors if rights[d]} == set()


def test_every_command_asks_for_a_person_or_is_known_not_to_need_one() -> None:
    found = commands()
    acting = {c for c, by in found.items() if by}
    assert found.keys() - acting == READS | OPERATES
    assert acting == {c for role in ROLES.roles for c in role.acts}


def test_no_secret_in_any_log(seen: dict[str, Any]) -> None:
    """Passwords, tokens, keys: in their files of mode 0600 and nowhere else of all that was written."""
    import json

    state = Path(seen["state"])
    private = {state / "passwords.json", *(state / "secrets").iterdir()}
    assert {f.stat().st_mode & 0o777 for f in private} == {0o600}
    hidden = {MARK, *json.loads((state / "passwords.json").read_text()).values(), *seen["tokens"]}
    hidden |= {f.read_text().strip() for f in (state / "secrets").iterdir()}
    assert len(hidden) > 15
    files = [f for f in _files(state) if f not in private]
    assert len(files) > 3
    assert len(seen["output"]) > 100_000  # tests/launcher/test_stack.py looks at the logs of the whole stack
    written = {str(f): f.read_bytes() for f in files} | {"output": seen["output"].encode()}
    assert [name for name, text in written.items() if any(h.encode() in text for h in hidden)] == []


def _files(state: Path) -> Iterator[Path]:
    """Everything but the databases' own files, where hashes lie, and what Airflow keeps of a session."""
    for path in state.rglob("*"):
        if path.is_file() and "pg" not in path.relative_to(state).parts:
            yield path


@pytest.fixture(scope="module", autouse=True)
def _clean(seen: dict[str, Any]) -> Iterator[None]:
    yield
    shutil.rmtree(seen["state"], ignore_errors=True)
