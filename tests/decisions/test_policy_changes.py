"""A rule file governs live periods once two different people have put it in force; others never."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.decisions import policy_changes as changes
from ipgov.decisions.officers import Officer, register_officer
from ipgov.policy import store

P = "functional_platform"
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=SHANGHAI)
LATER = NOW + dt.timedelta(hours=1)
END = dt.date(2025, 12, 31)


@pytest.fixture
def office(database: Path) -> Path:
    with transaction() as connection:
        for login, role in (
            ("reviewer1", "reviewer"),
            ("issuer1", "issuer"),
            ("issuer2", "issuer"),
            ("operator1", "operator"),
        ):
            register_officer(connection, Officer(login, login, (role,), None, True), NOW)
    return database


def in_force() -> store.Loaded:
    return store.governing(P, 2025)


def edited(old: str = "floor: 88", new: str = "floor: 89", of: store.Loaded | None = None) -> store.Loaded:
    data = (of or in_force()).data
    assert old.encode() in data
    changed = store.parse(data.replace(old.encode(), new.encode(), 1), "2025-06-01.yaml")
    objects.put_content(changed.data)
    return changed


def propose(
    loaded: store.Loaded, by: str = "reviewer1", note: str = "上调", at: dt.datetime = NOW
) -> changes.Acted:
    with transaction() as connection:
        return changes.propose(connection, loaded, by, note, at)


def answer(by: str = "issuer1", given: changes.Answer = "approve", **more: str) -> changes.Acted:
    with transaction() as connection:
        comment = more.get("comment", "同意")
        return changes.answer(connection, P, "2025-06-01", given, by, comment, LATER, more.get("code"))


def allowed(loaded: store.Loaded, at: dt.datetime = LATER, on: dt.date = END) -> bool:
    with reading() as connection:
        try:
            changes.require_approved(connection, loaded, on, at)
        except RefusedError:
            return False
    return True


def refusals() -> list[tuple[str, str, str]]:
    with reading() as connection:
        return [(r["act"], r["actor"], r["reason"]) for r in changes.refused(connection, P, LATER)]


def test_what_a_database_begins_with_is_in_force_and_recorded_as_that(office: Path) -> None:
    with reading() as connection:
        there = changes.changes(connection, P, NOW)
    assert [(c.state, c.version, c.proposed_by, c.answered_by) for c in there] == [
        ("initial", v.rules.version, "tester", None) for v in store.versions(P)
    ]
    assert allowed(in_force(), dt.datetime(2020, 1, 1, tzinfo=SHANGHAI))  # a simulation plays earlier days
    assert all(objects.get_content(c.sha256) for c in there)


def test_two_people_put_a_changed_file_in_force_and_the_former_out_of_it(office: Path) -> None:
    changed = edited()
    assert not allowed(changed)
    proposed = propose(changed)
    assert proposed.change is not None
    assert proposed.change.replaces_sha256 == in_force().sha256
    assert not allowed(changed)
    assert propose(changed).repeated
    approved = answer(code=proposed.change.code)
    assert approved.change is not None
    assert (approved.change.state, approved.change.answered_by) == ("approved", "issuer1")
    assert answer().repeated
    assert allowed(changed)
    assert not allowed(changed, NOW)  # not known yet
    assert not allowed(in_force())  # the same name, other bytes: replaced
    assert allowed(store.governing(P, 2024), on=dt.date(2024, 12, 31))
    # back again is a change like any other, bound to what it replaces now
    back = propose(in_force(), at=LATER)
    assert back.change is not None
    assert back.change.replaces_sha256 == changed.sha256
    assert answer("issuer2").change
    assert allowed(in_force())
    assert not allowed(changed)
    assert refusals() == []


def test_the_message_says_what_to_do(office: Path) -> None:
    changed = edited()
    with (
        reading() as connection,
        pytest.raises(RefusedError, match=r"先运行：ipgov policy propose .* approve"),
    ):
        changes.require_approved(connection, changed, END, LATER)
    propose(changed)
    with reading() as connection, pytest.raises(RefusedError, match="已由 reviewer1 提出，尚未批准"):
        changes.require_approved(connection, changed, END, LATER)


def test_an_approved_file_that_is_gone_is_not_replaced_by_an_older_one(office: Path) -> None:
    old = store.governing(P, 2024)
    with reading() as connection, pytest.raises(RefusedError, match="2025-06-01 版规则没有对应的规则文件"):
        changes.require_approved(connection, old, END, LATER)


@pytest.mark.parametrize(
    ("by", "note", "why"),
    [
        ("operator1", "上调", "规则变更须由审核（reviewer）、签发（issuer）提出"),
        ("nobody", "上调", "没有账号为“nobody”的人员"),
        ("reviewer1", "  ", "须写明为何变更"),
    ],
)
def test_a_proposal_that_does_not_count_is_recorded(office: Path, by: str, note: str, why: str) -> None:
    refused = propose(edited(), by, note).refused
    assert refused is not None
    assert why in refused
    assert refusals() == [("propose", by, refused)]


def test_drafts_and_what_is_in_force_already_are_not_proposed(office: Path) -> None:
    assert "相同" in str(propose(in_force()).refused)
    assert "草案" in str(propose(edited("status: in_force", "status: draft")).refused)
    assert len(refusals()) == 2


@pytest.mark.parametrize(
    ("by", "more", "why"),
    [
        ("reviewer1", {}, "规则变更须由签发（issuer）批准；提出人与批准人须为不同的两人"),
        ("issuer1", {"code": "0000-0000-0000"}, "校验码 0000-0000-0000 不是本次变更的"),
        ("issuer1", {"given": "reject", "comment": ""}, "不同意须写明意见"),
    ],
)
def test_an_answer_that_does_not_count_is_recorded(office: Path, by: str, more: dict, why: str) -> None:
    changed = edited()
    propose(changed)
    refused = answer(by, **more).refused
    assert refused is not None
    assert why in refused
    assert refusals() == [(more.get("given", "approve"), by, refused)]
    assert not allowed(changed)


def test_one_person_of_both_roles_cannot_do_both(office: Path) -> None:
    changed = edited()
    propose(changed, "issuer1")
    assert "不同的两人" in str(answer("issuer1").refused)
    assert answer("issuer2").change
    assert allowed(changed)


def test_a_rejected_and_an_overtaken_proposal_cannot_be_approved(office: Path) -> None:
    first, second = edited(), edited("floor: 88", "floor: 90")
    propose(first)
    propose(second)
    assert answer(given="reject", comment="幅度过大").change
    with pytest.raises(UnknownError, match="没有待批准的 2025-06-01 版变更；待批准：无"):
        answer()
    with reading() as connection:
        states = [c.state for c in changes.changes(connection, P, LATER)]
    assert states == ["initial", "initial", "overtaken", "rejected"]
    assert not allowed(first)
    assert not allowed(second)


def test_a_proposal_against_rules_that_changed_since_is_not_approved(office: Path) -> None:
    """A new version replaces what governs its first day; that has other bytes by now."""
    new = edited(
        'version: "2025-06-01"\neffective: 2025-06-01', 'version: "2026-01-01"\neffective: 2026-01-01'
    )
    assert propose(new).change
    changed = edited()
    propose(changed)
    assert answer().change
    with transaction() as connection:
        stale = changes.answer(connection, P, "2026-01-01", "approve", "issuer1", "", LATER)
    assert "它所替代的规则已经变更" in str(stale.refused)
    assert not allowed(new, on=dt.date(2026, 12, 31))
