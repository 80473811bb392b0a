"""The manual is true of the code: commands parse, links lead somewhere, messages are still said."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ipgov.core.errors import GovernanceError
from typer import Exit
from typer._click.exceptions import UsageError
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MANUAL = DOCS / "manual"
PAGES = [*sorted(MANUAL.glob("*.md")), ROOT / "README.md", ROOT / "README.zh-CN.md", DOCS / "architecture.md"]
CHAPTERS = [p for p in MANUAL.glob("*.md") if p.name != "commands.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CALL = re.compile(r"^(?:[A-Z_]+=\S+ +)?(?:\.venv/bin/)?ipgov(?= |$)")


def _make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = _make()


def _fenced(page: Path) -> Iterator[str]:
    """Yield the lines of a page's blocks of code, lines that go on joined."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), flags=re.S | re.M):
        yield from block.replace("\\\n", " ").splitlines()


def _inline(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]


def _parse(line: str) -> None:
    """Parse a command as the command line would, without doing it; raises what the parser raises."""
    command: Any = get_command(__import__("ipgov.cli", fromlist=["app"]).app)
    words = shlex.split(line, comments=True)
    words = words[next(i for i, w in enumerate(words) if w.rpartition("/")[2] == "ipgov") + 1 :]
    if words and words[-1] == "--help":
        words.pop()
        for word in words:
            command = command.commands[word]
        return
    context = command.make_context("ipgov", words)
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)


COMMANDS = dict(MAKE.commands())
CALLS = [(page, line.strip()) for page in PAGES for line in _fenced(page) if CALL.match(line.strip())]


@pytest.mark.parametrize(("page", "line"), CALLS, ids=[f"{p.stem}: {c}" for p, c in CALLS])
def test_every_command_of_a_block_parses(page: Path, line: str) -> None:
    _parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_in_a_line_is_one(page: Path) -> None:
    groups = {" ".join(name.split()[:n]) for name in COMMANDS for n in (1, 2, 3)}
    for code in _inline(page):
        if not re.match(r"ipgov(?= |$)", code) or code in COMMANDS or code in groups:
            continue  # the name alone
        _parse(code)


def test_the_parser_used_here_refuses() -> None:
    for wrong in ("ipgov case shows 1", "ipgov case show", "ipgov case show one", "ipgov status --nothing"):
        with pytest.raises((UsageError, Exit)):
            _parse(wrong)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_told_where_people_look(name: str) -> None:
    told = "\n".join(p.read_text() for p in CHAPTERS)
    assert re.search(rf"{name}(?![\w-])", told), f"name it where people look for it: {MANUAL}"


def test_what_is_written_from_data_is_current() -> None:
    for path, text in MAKE.pages().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)} is stale: make manual"


def test_no_two_rooms_use_each_other() -> None:
    used = MAKE.imports()

    def beyond(room: str, seen: set[str]) -> set[str]:
        for inner in used[room] - seen:
            seen.add(inner)
            beyond(inner, seen)
        return seen

    assert [room for room in used if room in beyond(room, set())] == []


def test_the_table_of_rooms_is_whole_and_in_order() -> None:
    table = (DOCS / "architecture.md").read_text().partition("| room ")[2].partition("\n\n")[0]
    order = re.findall(r"`(\w+)/`", table)
    used = MAKE.imports()
    assert sorted(order) == sorted(used)
    for room, others in used.items():
        later = [o for o in others if order.index(o) > order.index(room)]
        same_line = {r for line in table.splitlines() for r in re.findall(r"`(\w+)/`", line) if room in line}
        assert set(later) <= same_line, f"{room} uses {later}, which stand after it"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_and_picture_is_there(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://", "#")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve()
        assert there.exists(), f"{page.name}: {target}"
        if anchor and there.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", there.read_text(), flags=re.M)
            assert anchor in [_anchor(h) for h in heads], f"{page.name}: {target}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_chapter_is_in_the_index() -> None:
    index = (MANUAL / "README.md").read_text()
    assert {p.name for p in MANUAL.glob("*.md")} - {"README.md"} == {
        t.partition("#")[0] for t in LINK.findall(index) if "/" not in t
    }


def test_pictures_are_small_and_used() -> None:
    pictures = sorted((DOCS / "pictures").glob("*.png"))
    said = "\n".join(p.read_text() for p in PAGES)
    assert pictures
    assert [p.name for p in pictures if f"pictures/{p.name}" not in said] == []
    assert max(p.stat().st_size for p in pictures) < 150_000
    assert sum(p.stat().st_size for p in pictures) < 2_500_000


def test_every_dag_file_is_in_the_table_of_what_happens_by_itself() -> None:
    told = (MANUAL / "year.md").read_text()
    files = {f.stem for f in (ROOT / "dags").glob("*.py")}
    assert {f for f in files if f"`{f}`" not in told} == set()


def test_every_make_target_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    for page in PAGES:
        for code in [*_inline(page), *_fenced(page)]:
            if found := re.match(r"make ([a-z-]+)", code.strip()):
                assert found[1] in targets, f"{page.name}: {code}"


# Messages: the table of docs/manual/messages.md quotes them with … for what varies.


@cache
def _said() -> tuple[str, ...]:
    """Return every text of the code that people may read: literals, f-strings with … where values stand."""
    found = []
    for file in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values))
    for file in [*(ROOT / "plugins").rglob("*.html"), ROOT / "Makefile"]:
        found.append(re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "…", file.read_text()))
    return tuple(_plain(text) for text in found)


def _plain(text: str) -> str:
    """Return a text as full_width prints it: pages and messages are written with either."""
    return text.translate(str.maketrans("():;,", "（）：；，"))


def _quoted() -> list[str]:
    rows = re.findall(r"^\| “([^|]+)” \|", (MANUAL / "messages.md").read_text(), flags=re.M)
    return [part for row in rows for part in row.split("”、“")]


def test_messages_are_quoted() -> None:
    assert len(_quoted()) > 60


@pytest.mark.parametrize("message", _quoted())
def test_every_message_is_still_said(message: str) -> None:
    parts = [re.escape(p) for p in _plain(message).split("…") if p]
    pattern = re.compile(".*?".join(parts), re.S)
    assert any(pattern.search(text) for text in _said()), "no such message in the code any more"


def test_every_kind_of_error_is_explained() -> None:
    told = (MANUAL / "messages.md").read_text()
    classes = {
        node.name
        for file in (ROOT / "plugins").rglob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and {getattr(base, "id", "") for base in node.bases} & _kinds()
    }
    assert len(classes) > 5
    assert {c for c in classes | {GovernanceError.__name__} if f"`{c}`" not in told} == set()


def _kinds() -> set[str]:
    """Return the names of GovernanceError and of every class below it in core/errors.py."""
    from ipgov.core import errors

    return {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, GovernanceError)}
