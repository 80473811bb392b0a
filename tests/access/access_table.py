"""The table of who may do what: made of what doors.py saw, the commands and policies/roles.yaml.

``python tests/access/access_table.py`` tries everything and writes docs/access-table.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ipgov.core.settings import settings
from ipgov.wiring.roles import load_roles

HERE = Path(__file__).parent
TABLE = settings().root / "docs" / "access-table.md"
COLUMNS = ("viewer", "reviewer", "issuer", "operator", "auditor", "administrator", "nobody")

# Open to whoever reaches the port, and why; nothing else answers without an account.
OPEN = {
    "GET /api/v2/auth/login": "leads to the login page",
    "GET /api/v2/auth/logout": "ends the session",
    "GET /auth/logout": "ends the session",
    "GET /auth/logout/": "ends the session",
    "GET /auth/login/": "the login page",
    "POST /auth/login/": "signing in",
    "POST /auth/token": "signing in (REST)",
    "POST /auth/token/cli": "signing in (REST)",
    "GET /api/v2/monitor/health": "health of the components",
    "GET /execution/health": "health",
    "GET /execution/health/ping": "health",
    "GET /auth/": "leads to the interface",
    "GET /auth/back": "leads to the interface",
    "GET /static/{file}": "style sheets and scripts of the interface",
    "GET /auth/static/{filename}": "style sheets and scripts of the login page",
    "GET /auth/static/appbuilder/{filename}": "style sheets and scripts of the login page",
    "GET /{rest_of_path:path}": "the empty page of the interface, without data",
}
# Airflow's own mistakes: whoever passes gets an error of the server.
BROKEN = {"GET /ui/dependencies", "GET /auth/userstatschartview/chart/{group_by}"}

# Commands that need no person, so whoever has the operating system's account and the database's address.
READS = {
    "policy check", "policy changes", "policy diff", "workday add", "form blank", "form check", "evaluate",
    "explain", "compare", "what-if", "collection", "quality report", "quality history", "quality waivers",
    "sensitivity", "status", "document rebuild", "document blank", "document awaited", "form rebuild",
    "audit verify", "audit head", "backup list", "backup verify", "alert list",
    "candidate list", "candidate approved", "gates sheets", "gates status",
    "experts list", "experts sheets", "experts status", "history blank", "history list", "officer list",
    "clock check",
    "work-plan", "calendar-file", "case list", "case show", "contact list", "dispatch list",
    "duty list", "duty show", "publicity list", "objection list", "province-audit show",
    "province list", "registry template", "registry list",
}  # fmt: skip
# … of which these write what follows from facts, decide nothing and name the system's account.
OPERATES = {
    "migrate", "audit seal",
    "backup create", "backup restore", "backup rehearse", "alert send", "alert test", "housekeeping",
    "clock accept", "dispatch send", "province-audit send", "province export", "simulate",
}  # fmt: skip

SECTIONS = (
    ("Airflow's REST interface", "/api/"),
    ("Data of Airflow's interface", "/ui/"),
    ("Accounts and signing in", "/auth/"),
    ("The console", "/governance/"),
    ("The tasks' own interface (tokens of running tasks only)", "/execution/"),
    ("The rest", "/"),
)


def see() -> dict[str, Any]:
    """Try every route in a process of its own; ``output`` is what that process printed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "seen.json"
        done = subprocess.run(
            [sys.executable, str(HERE / "doors.py"), str(out)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found | {"output": done.stdout + done.stderr}


def passes(door: str, status: str) -> bool:
    """Tell whether a status means that somebody got past the guard."""
    code = int(status[:3])
    if code in (401, 403) or (code == 400 and door.startswith("POST /auth/")):  # 400: no CSRF token
        return False
    # the pages of accounts answer a refusal by leading elsewhere
    return not (300 <= code < 400 and " /auth/" in f" {door.split()[1]}")


def allowed(door: str, seen: dict[str, str]) -> frozenset[str]:
    """Return the columns that may; an address that is nothing to everybody is closed."""
    if door in OPEN:
        return frozenset(COLUMNS)
    if {s[:3] for s in seen.values()} == {"404"}:
        return frozenset()
    return frozenset(c for c in COLUMNS if passes(door, seen[c]))


def commands() -> dict[str, bool]:
    """Return every command, and whether it asks for a person."""
    import typer
    from ipgov.cli import app

    def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                yield from leaves(inner, (*path, name))
        else:
            yield " ".join(path), any("--by" in p.opts for p in command.params)

    return dict(leaves(typer.main.get_command(app)))


def markdown(found: dict[str, Any]) -> str:
    """Return the whole table."""
    rights = {door: allowed(door, seen) for door, seen in found["doors"].items()}
    lines = [
        "# Who may do what: the table",
        "",
        "Made by `python tests/access/access_table.py`, which tries every door for every role; a test",
        "compares ([how access works](access.md)). ● gets in, – is refused. “nobody” is whoever has no",
        "account, provinces and bodies among them.",
    ]
    rest = dict(rights)
    for title, prefix in SECTIONS:
        here = {d: r for d, r in rest.items() if d.split()[1].startswith(prefix)}
        rest = {d: r for d, r in rest.items() if d not in here}
        lines += _section(title, [(f"`{d}`" + _why(d), r) for d, r in here.items()])
    names = sorted({m for menu in found["menus"].values() for m in menu})
    menus = [(n, frozenset(c for c, menu in found["menus"].items() if n in menu)) for n in names]
    lines += _section("Menus of Airflow's interface", menus)
    roles = load_roles(settings().policies)
    acts = [
        (f"`ipgov {c}`", frozenset(r.code for r in roles.that_may(c)))
        for c, by in sorted(commands().items())
        if by
    ]
    lines += _section("Commands in a person's name (password asked)", acts)
    lines += [
        "",
        "Every other command only reads, or operates without deciding anything, and asks for no person but",
        "for the operating system's account that has the database's address:",
        "",
        "".join(f"`{c}`, " for c in sorted(READS)).rstrip(", ") + ";",
        "operating: " + ", ".join(f"`{c}`" for c in sorted(OPERATES)) + ".",
    ]
    return "\n".join([*lines, *_sql()]) + "\n"


def _why(door: str) -> str:
    return f" ({OPEN[door]})" if door in OPEN else ""


def _section(title: str, rows: list[tuple[str, frozenset[str]]]) -> list[str]:
    if not rows:
        return []
    head = ["", f"## {title}", "", "| | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    return head + [f"| {n} | " + " | ".join("●" if c in r else "–" for c in COLUMNS) + " |" for n, r in rows]


# Statements, and whether the application's role and the owner of the tables may run them on a table of facts.
SQL = {
    "SELECT": (True, True),
    "INSERT": (True, True),
    "UPDATE": (False, False),
    "DELETE": (False, False),
    "TRUNCATE": (False, False),
    "COPY … TO STDOUT": (True, True),
    "COPY … FROM STDIN": (True, True),
    "COPY … TO a file or PROGRAM": (False, False),
    "ALTER, DROP, CREATE": (False, True),
    "DISABLE TRIGGER": (False, True),
    "SET ROLE to the owner": (False, True),
}


def _sql() -> list[str]:
    lines = [
        "",
        "## SQL",
        "",
        "No role has a login to the database; Airflow's processes and the command line have `ipgov_app`, and",
        "migrations alone the owner. What the owner could undo, `ipgov audit verify` finds.",
        "",
        "| statement on a table of facts | ipgov_app | owner |",
        "|---|---|---|",
    ]
    return lines + [f"| {s} | {'●' if a else '–'} | {'●' if o else '–'} |" for s, (a, o) in SQL.items()]


if __name__ == "__main__":
    TABLE.write_text(markdown(see()), encoding="utf-8")
    print(TABLE)
