"""Tries every route of the API server for everybody, in one process: ``python doors.py OUT.json``.

The routes come from the application itself, so one that is new is tried too. Paths are filled with names
that do not exist and bodies are empty: whoever may pass gets 404 or 422 and changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import attempts

ORIGIN = "http://127.0.0.1:18099"
LOGINS = {role: f"{role}1" for role in ("viewer", "reviewer", "issuer", "operator", "auditor")}
LOGINS["administrator"] = "admin1"
COLUMNS = ("viewer", "reviewer", "issuer", "operator", "auditor", "administrator", "nobody")
KEPT = "kept"  # what there is, among much that is not
MARK = "kept-out-of-every-log"  # what the secrets of this run have in common


def start(state: Path) -> Any:
    """Make databases, accounts and the application, as the launcher does, without another process."""
    from ipgov.core import settings
    from ipgov.launcher import airflow, postgres, prepare, supervisor

    data = state / "pg"
    server = postgres.start(data)
    for name, owner in (("airflow", postgres.AIRFLOW), ("governance", postgres.OWNER)):
        postgres.ensure_database(data, name, owner=owner)
    for secret in ("fernet_key", "api_secret_key", "jwt_secret"):
        _marked_secret(state, secret)
    variables = airflow.environment(state, 18099)
    for name in list(os.environ):
        if name.startswith(("AIRFLOW", "IPGOV")):
            del os.environ[name]
    os.environ.update(variables)
    os.environ["AWS_SECRET_ACCESS_KEY"] = f"s3-{MARK}"
    settings.settings.cache_clear()
    airflow.write_login_page_settings(state / "airflow")
    prepare.main(["simulation"])
    _migrate(state, supervisor)
    _seed()
    from airflow.api_fastapi.app import create_app

    return server, create_app()


def _marked_secret(state: Path, name: str) -> None:
    import base64
    import secrets

    from ipgov.core import private

    def make() -> str:
        if name == "fernet_key":
            return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        return f"{name}-{MARK}-{secrets.token_urlsafe(32)}"

    private.secret(state / "secrets" / name, make)


def _migrate(state: Path, supervisor: Any) -> None:
    import datetime as dt

    from ipgov.launcher import accounts, airflow, postgres
    from ipgov.procedures import policy_changes

    owner = postgres.url(state / "pg", airflow.GOVERNANCE_DATABASE, postgres.OWNER)
    supervisor._use({"IPGOV_OWNER_DATABASE_URL": owner})
    policy_changes.migrate("simulation", "access", dt.datetime.now(dt.UTC), "tester")
    accounts.register_officers(accounts.DEMO_PEOPLE)
    del os.environ["IPGOV_OWNER_DATABASE_URL"]
    supervisor._use({})


def _seed() -> None:
    """Make the few things without which an address is refused for being nothing, before anybody asks who."""
    import datetime as dt

    from airflow.models.backfill import Backfill
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with create_session() as session:
        session.add(DagBundleModel(name=KEPT))
        session.flush()
        session.add(
            DagModel(
                dag_id=KEPT,
                bundle_name=KEPT,
                fileloc=f"{KEPT}.py",
                relative_fileloc=f"{KEPT}.py",
                is_stale=False,
            )
        )
        session.flush()
        session.add(
            Backfill(
                id=999999, dag_id=KEPT, from_date=then, to_date=then, completed_at=then, dag_run_conf={},
                reprocess_behavior="none",
            )
        )  # fmt: skip


def routes(app: Any) -> list[tuple[str, str]]:
    """Return every (method, path) that the application answers, those of mounted applications among them."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from ipgov.console.app import app as console

    found = set(_walk(app.routes, "")) | set(_walk(console.routes, "/governance"))
    # every version of this interface is made of these
    found |= set(_walk(execution_api_router.routes, "/execution"))
    flask_app = get_auth_manager().flask_app
    for rule in flask_app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        found |= {(m, f"/auth{path}") for m in rule.methods - {"HEAD", "OPTIONS"}}
    return sorted(found, key=lambda door: (door[1], door[0]))


def _walk(those: Any, prefix: str) -> Any:
    for route in those:
        path = prefix + getattr(route, "path", "")
        if type(route).__name__ == "Mount":
            if hasattr(route.app, "routes"):
                yield from _walk(route.app.routes, path)
            elif type(route.app).__name__ == "StaticFiles":
                yield "GET", path + "/{file}"
            elif path not in ("/governance", "/auth", "/auth/"):  # those two are looked into by routes()
                yield "GET", path + "/{unknown mount}"
            continue
        for method in sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD", "OPTIONS"}):
            yield method, path


NUMBERS = {
    "asset_alias_id", "asset_id", "attachment_id", "backfill_id", "document_id",
    "import_error_id", "map_index", "offset", "pk", "round_id", "submission_id", "task_try_number",
    "try_number", "version_number",
}  # fmt: skip
# Without these the form of a request is refused before who asks: the right is read off the request.
QUERIES = {
    "GET /api/v2/backfills": "dag_id=none",
    "GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait": "interval=1",
    "GET /ui/dashboard/historical_metrics_data": "start_date=2026-01-01T00:00:00Z",
    "GET /ui/pending_partitioned_dag_run/{dag_id}": "partition_key=none",
    "GET /ui/structure/structure_data": "dag_id=none",
    "GET /ui/backfills": "dag_id=none",
}
_DELETE = {"actions": [{"action": "delete", "entities": ["none"], "action_on_non_existence": "skip"}]}
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/v2/connections": _DELETE,
    "PATCH /api/v2/pools": _DELETE,
    "PATCH /api/v2/variables": _DELETE,
    "POST /api/v2/connections/enqueue-test": {"connection_id": "none", "conn_type": "none"},
    "PATCH /api/v2/dags/{dag_id}/dagRuns": _DELETE,
    "PATCH /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances": _DELETE,
    "POST /api/v2/dags/{dag_id}/clearDagRuns": {"dag_runs": [{"dag_run_id": "none"}]},
}


def filled(method: str, path: str) -> str:
    """Return a path with its parameters filled by what does not exist."""
    name = f"{method} {path}"
    there = re.sub(
        r"\{([^{}:]+)(?::[^{}]*)?\}", lambda m: "999999" if m[1] in NUMBERS else "none", path
    ).replace("/users/action/none/", "/users/action/userinfoedit/")
    there = there.replace("/eventLogs/none", "/eventLogs/1").replace(
        "/parseDagFile/none", f"/parseDagFile/{_file()}"
    )
    if path.endswith("/list") and method == "POST":
        there = there.replace("/none", "/~")  # they take no other
    return f"{there}?{QUERIES[name]}" if name in QUERIES else there


def _file() -> str:
    from airflow.configuration import conf
    from itsdangerous import URLSafeSerializer

    of_dag = {"bundle_name": KEPT, "relative_fileloc": f"{KEPT}.py"}
    return str(URLSafeSerializer(conf.get("api", "secret_key")).dumps(of_dag))


async def sign_in(client: Any, login: str, password: str) -> str:
    """Sign in on the login page (the client keeps the session) and return a token for REST."""
    page = await client.get("/auth/login/")
    csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert csrf, page.text[:500]
    answer = await client.post(
        "/auth/login/", data={"username": login, "password": password, "csrf_token": csrf[1]}
    )
    assert answer.status_code == 302, (answer.status_code, answer.text[:500])
    assert "_token" in client.cookies
    client.headers["X-CSRFToken"] = csrf[1]
    token = await client.post("/auth/token", json={"username": login, "password": password})
    assert token.status_code == 201, token.text
    return str(token.json()["access_token"])


async def with_lifespan(app: Any, state: Path) -> dict[str, Any]:
    """Try all while the application runs: the tasks' interface is made at its start."""
    async with app.router.lifespan_context(app):
        return await everything(app, state)


async def everything(app: Any, state: Path) -> dict[str, Any]:
    """Try all and return ``{"doors": {"GET /x": {column: status}}, "menus": {column: [...]}}``."""
    import httpx
    from ipgov.launcher import accounts

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("127.0.0.1", 1))
    passwords = accounts.read_passwords(state)
    clients, menus, tokens = {}, {}, []
    for column in COLUMNS:
        client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=60)
        clients[column] = client
        if column == "nobody":
            continue
        token = await sign_in(client, LOGINS[column], passwords[LOGINS[column]])
        tokens.append(token)
        client.headers["Authorization"] = f"Bearer {token}"
        answer = (await client.get("/ui/auth/menus")).json()
        extra = [m["text"] for m in answer["extra_menu_items"]]
        menus[column] = sorted([*answer["authorized_menu_items"], *extra])
    tried = routes(app)
    doors = {}
    for method, path in sorted(tried, key=lambda d: "logout" in d[1]):
        asked = [_status(clients[c], method, path) for c in COLUMNS]
        doors[f"{method} {path}"] = dict(zip(COLUMNS, await asyncio.gather(*asked), strict=True))

    def browser(address: str, **given: Any) -> Any:
        from_there = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=from_there, base_url=ORIGIN, timeout=60, **given)

    key = (state / "secrets" / "jwt_secret").read_text()
    tried = await attempts.everything(browser, passwords, key)
    return {"doors": doors, "menus": menus, "tokens": tokens, "attempts": tried}


async def _status(client: Any, method: str, path: str) -> str:
    body: dict[str, Any] = {}
    if method != "GET":
        page = path.startswith("/auth/") and "/fab/" not in path and "/token" not in path
        form = page or path.startswith("/governance/")
        body = {"data": {"action": "userinfoedit"}} if form else {"json": BODIES.get(f"{method} {path}", {})}
    headers = {"Airflow-Connection-Test-Token": "none"} if path.endswith("/enqueue-test") else {}
    answer = await client.request(method, filled(method, path), headers=headers, **body)
    where = answer.headers.get("location", "").removeprefix(ORIGIN)
    return f"{answer.status_code}{' ' + where if where else ''}"


def main(out: Path) -> None:
    """Write what was seen; the folder of the run goes beside it."""
    state = Path(tempfile.mkdtemp(prefix="ipg"))
    server, app = start(state)
    found = asyncio.run(with_lifespan(app, state))
    found["state"] = str(state)
    out.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    sys.stdout.flush()
    server.cleanup()
    os._exit(0)  # Airflow's threads need not be waited for


if __name__ == "__main__":
    main(Path(sys.argv[1]))
