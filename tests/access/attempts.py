"""What somebody who should not get in might try; each answer is kept for the tests to judge."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable
from typing import Any

import jwt

Open = Callable[..., Any]
HOSTILE_LOGINS: tuple[Any, ...] = (
    "' OR 1=1 --", "a" * 10_000, "a\0b", "reviewer1\n2026-01-01 forged line", "\u202ereviewer1", "％s％n",
    {"$ne": ""}, ["reviewer1"], None, 5, True, "", " ",
)  # fmt: skip


async def everything(browser: Open, passwords: dict[str, str], key: str) -> dict[str, Any]:
    """Try all; ``browser(address)`` opens a client of its own address, ``key`` signs tokens."""
    found: dict[str, Any] = {}
    found["tokens"] = await forged_tokens(browser("10.0.0.1"), passwords, key)
    found["logins"] = await hostile_logins(browser("10.0.0.2"))
    found["large"] = await large_bodies(browser("10.0.0.3"))
    found["locked"] = await lock_out(browser, passwords)
    found["logout"] = await signing_out(browser, passwords)
    found["closed"] = await closing(browser, passwords)
    found["headers"] = await headers(browser, passwords)
    return found


async def token(client: Any, login: Any, password: Any) -> Any:
    return await client.post("/auth/token", json={"username": login, "password": password})


async def on_page(client: Any, login: str, password: str) -> Any:
    """Sign in on the page; the answer leads to the interface, or back to the login."""
    page = await client.get("/auth/login/")
    csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert csrf, page.text[:300]
    client.headers["X-CSRFToken"] = csrf[1]
    return await client.post(
        "/auth/login/", data={"username": login, "password": password, "csrf_token": csrf[1]}
    )


async def _reads(client: Any, given: str) -> int:
    answer = await client.get("/api/v2/dags", headers={"Authorization": f"Bearer {given}"})
    return int(answer.status_code)


async def forged_tokens(client: Any, passwords: dict[str, str], key: str) -> dict[str, Any]:
    good = (await token(client, "viewer1", passwords["viewer1"])).json()["access_token"]
    claims = jwt.decode(good, options={"verify_signature": False})
    past = claims | {"exp": int(time.time()) - 60, "iat": claims["iat"] - 7200, "nbf": claims["nbf"] - 7200}
    head, body, sign = good.split(".")
    algorithm = jwt.get_unverified_header(good)["alg"]
    tried = {
        "good": good,
        "signed again": jwt.encode(claims, key, algorithm, headers={"kid": "not-used"}),
        "alg none": jwt.encode(claims, "", "none"),
        "other key": jwt.encode(claims, "x" * 64, algorithm, headers={"kid": "not-used"}),
        "expired": jwt.encode(past, key, algorithm, headers={"kid": "not-used"}),
        "no expiry": jwt.encode(
            {k: v for k, v in claims.items() if k != "exp"}, key, algorithm, headers={"kid": "not-used"}
        ),
        "other audience": jwt.encode(claims | {"aud": "x"}, key, algorithm, headers={"kid": "not-used"}),
        "other body": f"{head}.{body[:-4]}AAAA.{sign}",
        "no signature": f"{head}.{body}.",
        "no such account": jwt.encode(claims | {"sub": "4711"}, key, algorithm, headers={"kid": "not-used"}),
        "nonsense": "nonsense",
        "empty": "",
    }
    return {name: await _reads(client, given) for name, given in tried.items()} | {
        "lifetime": claims["exp"] - claims["iat"]
    }


async def hostile_logins(client: Any) -> list[int]:
    return [(await token(client, login, "x")).status_code for login in HOSTILE_LOGINS] + [
        (await token(client, "viewer1", given)).status_code for given in ("a\0b", "x" * 5000, [1], {"a": 1})
    ]


async def large_bodies(client: Any) -> list[int]:
    large = "x" * 100_000
    return [
        (await token(client, large, "x")).status_code,
        (await client.post("/auth/login/", data={"username": large, "password": "x"})).status_code,
        (await client.post("/auth/token", content=b"[" * 60_000)).status_code,
        (await client.post("/auth/token", content=b"\xff\xfe")).status_code,
    ]


async def lock_out(browser: Open, passwords: dict[str, str]) -> dict[str, Any]:
    """Wrong passwords at three doors, five in all; then the right one at each."""
    from airflow import settings as airflow_settings
    from ipgov.launcher.security_manager import limits
    from ipgov.wiring import accounts

    login, right, client = "issuer2", passwords["issuer2"], browser("10.0.0.4")

    def by_command(password: str) -> bool:
        now, engine = dt.datetime.now(dt.UTC), airflow_settings.get_engine()
        return accounts.verify(engine, login, password, "command", limits(), now) is not None

    wrong = [(await token(client, login, "wrong")).status_code for _ in range(2)]
    page = [(await on_page(browser("10.0.0.4"), login, "wrong")).headers["location"] for _ in range(2)]
    command = await asyncio.to_thread(by_command, "wrong")
    closed = browser("10.0.0.4")
    found = {
        "wrong": [*wrong, *page, command],
        "token": (await token(client, login, right)).status_code,
        "page": (await on_page(closed, login, right)).headers["location"],
        "page cookie": "_token" in closed.cookies,
        "command": await asyncio.to_thread(by_command, right),
        "others": (await token(client, "issuer1", passwords["issuer1"])).status_code,
    }
    with airflow_settings.get_engine().begin() as connection:
        accounts.note(connection, accounts.UNLOCKED, login, dt.datetime.now(dt.UTC))
    return found | {"unlocked": (await token(client, login, right)).status_code}


async def signing_out(browser: Open, passwords: dict[str, str]) -> dict[str, Any]:
    """Copy the cookies, sign out, use the copies."""
    client = browser("10.0.0.5")
    await on_page(client, "reviewer2", passwords["reviewer2"])
    copied = dict(client.cookies)
    thief = browser("10.0.0.5", cookies=copied)
    before = [
        (await thief.get("/api/v2/dags")).status_code,
        (await thief.get("/auth/users/userinfo/")).status_code,
    ]
    await client.get("/api/v2/auth/logout")
    await client.get("/auth/logout")
    thief = browser("10.0.0.5", cookies=copied)
    after = [
        (await thief.get("/api/v2/dags")).status_code,
        (await thief.get("/auth/users/userinfo/")).status_code,
    ]
    return {"before": before, "after": after, "cookies": sorted(copied)}


async def closing(browser: Open, passwords: dict[str, str]) -> dict[str, Any]:
    """An account is closed while its token and its session are in use."""
    from airflow import settings as airflow_settings
    from ipgov.wiring.accounts import USER

    client = browser("10.0.0.6")
    await on_page(client, "reviewer2", passwords["reviewer2"])
    given = (await token(client, "reviewer2", passwords["reviewer2"])).json()["access_token"]
    before = [await _reads(client, given), (await client.get("/auth/users/userinfo/")).status_code]
    mine = USER.update().where(USER.c.username == "reviewer2")
    with airflow_settings.get_engine().begin() as connection:
        connection.execute(mine.values(active=False))
    await asyncio.sleep(5.2)  # [fab] cache_ttl
    other = browser("10.0.0.6")
    after = [
        await _reads(other, given),
        (await client.get("/auth/users/userinfo/")).status_code,
        (await token(other, "reviewer2", passwords["reviewer2"])).status_code,
    ]
    with airflow_settings.get_engine().begin() as connection:
        connection.execute(mine.values(active=True))
    return {"before": before, "after": after}


async def headers(browser: Open, passwords: dict[str, str]) -> dict[str, Any]:
    client = browser("10.0.0.8")
    answer = await on_page(client, "viewer1", passwords["viewer1"])
    short = await client.post(
        "/auth/resetmypassword/form", data={"password": "short", "conf_password": "short"}
    )
    pages = {
        path: dict((await client.get(path)).headers)
        for path in ("/governance/", "/", "/auth/users/userinfo/")
    }
    return {
        "cookies": answer.headers.get_list("set-cookie"),
        "pages": pages,
        "short password": short.text,
        "version": [
            (await browser("10.0.0.8").get("/api/v2/version")).status_code,
            (await client.get("/api/v2/version")).status_code,
        ],
    }
