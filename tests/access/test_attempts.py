"""Forged tokens, hostile logins, guessing, copied cookies: tried at the real application (attempts.py)."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def tried(seen: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = seen["attempts"]
    return found


def test_only_a_token_that_was_given_is_taken(tried: dict[str, Any]) -> None:
    found = dict(tried["tokens"])
    assert found.pop("lifetime") == 3600
    assert (found.pop("good"), found.pop("signed again")) == (
        200,
        200,
    )  # so the others fail for what they are
    assert set(found) > {"alg none", "other key", "expired", "no expiry", "other body", "no such account"}
    assert set(found.values()) <= {401, 403}, found


def test_a_hostile_login_is_a_wrong_login(tried: dict[str, Any]) -> None:
    assert set(tried["logins"]) <= {400, 401, 422}, tried["logins"]


def test_a_large_body_is_not_read(tried: dict[str, Any]) -> None:
    assert tried["large"][:2] == [413, 413]
    assert set(tried["large"][2:]) <= {400, 422}


def test_wrong_passwords_close_an_account_at_every_door(tried: dict[str, Any]) -> None:
    found = tried["locked"]
    assert found["wrong"][:2] == [401, 401]
    assert all("/login" in where for where in found["wrong"][2:4])
    assert found["wrong"][4] is False
    assert (found["token"], found["command"], found["page cookie"]) == (401, False, False)
    assert "/login" in found["page"]
    assert (found["others"], found["unlocked"]) == (201, 201)


def test_signing_out_ends_what_was_copied(tried: dict[str, Any]) -> None:
    found = tried["logout"]
    assert found["cookies"] == ["_token", "session"]
    assert found["before"] == [200, 200]
    assert found["after"][0] in (401, 403)
    assert found["after"][1] == 302


def test_a_closed_account_is_out_within_seconds(tried: dict[str, Any]) -> None:
    assert tried["closed"]["before"] == [200, 200]
    reads, page, again = tried["closed"]["after"]
    assert (page, again) == (302, 401)
    assert reads in (401, 403)


def test_cookies_stay_with_the_browser_and_this_site(tried: dict[str, Any]) -> None:
    cookies = {c.partition("=")[0]: c.lower() for c in tried["headers"]["cookies"]}
    assert {"_token", "session"} <= set(cookies)
    for name in ("_token", "session"):
        assert "httponly" in cookies[name]
        assert "samesite=lax" in cookies[name]


def test_pages_say_how_they_may_be_used(tried: dict[str, Any]) -> None:
    for path, headers in tried["headers"]["pages"].items():
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "SAMEORIGIN", path
        assert headers["referrer-policy"] == "same-origin", path
    assert "default-src 'none'" in tried["headers"]["pages"]["/governance/"]["content-security-policy"]


def test_what_airflow_runs_is_told_to_accounts_only(tried: dict[str, Any]) -> None:
    assert tried["headers"]["version"] == [401, 200]


def test_a_new_password_must_be_long_enough(tried: dict[str, Any]) -> None:
    assert "密码不得少于 12 个字符" in tried["headers"]["short password"]
