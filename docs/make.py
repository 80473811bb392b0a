"""Write what the documents take from the code's own data: ``python docs/make.py`` (``make manual``).

``docs/manual/commands.md`` from the command line's help; the days of a year in ``docs/manual/year.md`` from
the rules in force and the working days; the rooms in ``docs/architecture.md`` from their imports. A part of a
page stands between ``<!-- written: name -->`` and ``<!-- /written -->``. ``tests/docs`` compares.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "plugins" / "ipgov"
# the options that many commands share are explained once, at the head of the page
SHARED = {"as_json", "as_of", "password_file"}
YEAR = 2026  # the governance year that the manual shows: the newest whose holiday notice is known
_COMMANDS = """\
# 常用命令

*本页由 `make manual` 据命令行自身的帮助生成，请勿手工改动。*

每个命令先写组，再写命令、参数、选项；`ipgov --help`、`ipgov case --help` 等随时列出同样的内容。先载入
本安装的设置（单机演示：`. .state/env`），否则命令找不到数据库。

多数命令另有以下选项，下文不再重复：

| 选项 | 含义 |
|---|---|
| `--json` | 输出 JSON，供程序读取 |
| `--as-of 日期` | 基准日，默认今天；晚于今天的，只有模拟库才可以 |
| `--by 账号` | 以谁的名义办理；须验证其密码 |
| `--password-file 文件` | 存放该密码的文件（权限 600）；也可由 `IPGOV_PASSWORD_FILE` 指定；默认在终端询问 |

退出码：0 已办；1 办了，但发现问题；2 用法、设置或环境有误，没有办理。\
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the command line with its full name, ``ipgov case list``, in the CLI's order."""
    from ipgov.cli import app
    from typer.main import get_command

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for sub, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{name} {sub}", inner)
        if not hasattr(command, "commands"):
            yield name, command

    yield from walk("ipgov", get_command(app))


def commands_page() -> str:
    """Return the page of commands: each with what it does, its arguments and its options."""
    parts, group = [_COMMANDS], ""
    for name, command in commands():
        words = name.split()
        if len(words) > 2 and words[1] != group:
            group = words[1]
            parts.append(f"\n## ipgov {group}\n")
        elif len(words) == 2:
            group = ""
            parts.append(f"\n## {name}\n")
        if len(words) > 2:
            parts.append(f"### {name}\n")
        parts.append(
            " ".join(line.strip() for line in (command.help or "").split("\n") if line.strip()) + "\n"
        )
        rows = [_parameter(p) for p in command.params if p.name not in {*SHARED, "help", "by"}]
        if any(p.name == "by" for p in command.params):
            rows.append("- `--by`：办理人的账号")
        parts.append("\n".join(rows) + "\n" if rows else "")
    return "\n".join(p for p in parts if p)


def _parameter(parameter: Any) -> str:
    named = "、".join(f"`{o}`" for o in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        named = f"`{parameter.metavar or parameter.name.upper()}`"
    needed = "（必填）" if parameter.required else ""
    said = (getattr(parameter, "help", "") or _ARGUMENTS.get(parameter.name, "")).strip()
    return f"- {named}{needed}" + (f"：{said}" if said else "")


# what arguments without a help text of their own are, by name
_ARGUMENTS = {
    "programme": "业务，如 functional_platform",
    "period": "年度，四位年份",
    "unit": "单位代码，如 FP01",
    "files": "文件",
    "file": "文件",
    "version": "规则版本，如 2025-06-01",
    "until": "延至哪一天",
    "number": "编号",
    "date": "起始日",
    "days": "工作日数",
    "login": "账号",
    "name": "姓名",
    "rule": "质量规则的编号，如 FPQ005",
    "expert": "专家编号",
}


def days_of_the_year() -> str:
    """Return the calendar of a governance year (Markdown table): what opens, is due and is evaluated when."""
    from ipgov.calendars.deadlines import cycle_days
    from ipgov.policy import store
    from ipgov.policy.title_words import day_words

    rows = []
    for programme in store.programmes():
        for period in range(YEAR - 3, YEAR + 1):
            rules = store.governing(programme, period).rules if _governed(programme, period) else None
            if rules is None or not rules.cycle.has(period):
                continue
            days = cycle_days(rules.cycle, period)
            words = day_words(programme)
            told = {
                f"{words.opens}，发出空白表": days.opens,
                words.due: days.due,
                words.late_until: days.late_until,
                words.evaluate_on: days.evaluate_on,
            }
            if days.late_until.date == days.due.date:
                del told[words.late_until]  # nothing late is taken
            for what, day in told.items():
                if day.date.year == YEAR or (what == words.evaluate_on and days.opens.date.year == YEAR):
                    mark = "（暂定）" if day.provisional else ""
                    rows.append((day.date, f"| {day.date}{mark} | {rules.title} | {period} | {what} |"))
    return "\n".join(
        ["| 日期 | 业务 | 年度 | 事项 |", "|---|---|---|---|", *(row for _, row in sorted(rows))]
    )


def _governed(programme: str, period: int) -> bool:
    from ipgov.core.errors import UnknownError
    from ipgov.policy import store

    try:
        store.governing(programme, period)
    except UnknownError:
        return False
    return True


def imports() -> Mapping[str, set[str]]:
    """Return for each room of the package the rooms that it imports."""
    found: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.glob("*/**/*.py")):
        room = file.relative_to(PACKAGE).parts[0]
        used = found.setdefault(room, set())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module] if node.module != "ipgov" else [f"ipgov.{n}" for n in names]
            used |= {n.split(".")[1] for n in names if n.startswith("ipgov.")}
    return {room: {u for u in used if u != room and u in found} for room, used in found.items()}


def rooms() -> str:
    """Return the diagram of rooms (Mermaid): arrows to what is used, but where a longer way leads."""
    used = imports()

    def beyond(room: str, seen: set[str]) -> set[str]:
        for inner in used[room] - seen:
            seen.add(inner)
            beyond(inner, seen)
        return seen

    reached = {room: set().union(*(beyond(u, set()) for u in used[room] if u != room)) for room in used}
    arrows = [
        f"    {room} --> {other}" for room in sorted(used) for other in sorted(used[room] - reached[room])
    ]
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```"])


def pages() -> dict[Path, str]:
    """Return every page that is written from data, whole, by its path."""
    blocks = {
        DOCS / "manual" / "year.md": {"calendar": days_of_the_year()},
        DOCS / "architecture.md": {"rooms": rooms()},
    }
    return {
        DOCS / "manual" / "commands.md": commands_page(),
        **{path: _filled(path.read_text(encoding="utf-8"), blocks[path]) for path in blocks},
    }


def _filled(text: str, blocks: Mapping[str, str]) -> str:
    for name, block in blocks.items():
        mark = rf"(<!-- written: {name} -->\n).*?(<!-- /written -->)"
        text, count = re.subn(mark, lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text, flags=re.S)
        if count != 1:
            raise ValueError(f"{name}: {count} places")
    return text


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    sys.exit(0)
