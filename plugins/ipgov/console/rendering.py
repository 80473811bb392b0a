"""Pages: Jinja2 with everything escaped and nothing undefined, and how values are written on them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from ipgov.core.fingerprint import short_code
from ipgov.core.steps import SHANGHAI
from ipgov.documents.typography import full_width
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.policy.title_words import day_words, title_words

BANNER = full_width("模拟数据库，所列单位、数据、文件均为虚构")
HERE = Path(__file__).parent

# Nothing from elsewhere, no script at all; framed by Airflow's own pages only.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}

# What the words of the record are called on a page.
WORDS: Mapping[str, Mapping[str, str]] = {
    "submission": {"accepted": "合格", "returned": "退回更正", "refused": "拒收"},
    "attachment": {"kept": "已保存", "refused": "拒收"},
    "answer": {"approve": "同意", "return": "退回修改", "reject": "否决"},
    "mark": {"agree": "同意", "question": "有疑问"},
    "entry": {"airflow": "待办任务", "workbook": "评级表", "console": "治理页面", "cli": "命令行"},
    "severity": {"critical": "严重", "warning": "警告", "info": "提示"},
    "route": {"province": "经省级知识产权局", "direct": "直接报送"},
}


def word(kind: str, value: str) -> str:
    """Return the Chinese word for a value of the record; a value without one is shown as it is."""
    return WORDS[kind].get(value, value)


def number(value: Decimal | int | None) -> str:
    """Write a decimal as it is kept, without exponent; a dash where there is none."""
    return "—" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def plain(value: Decimal | None) -> str:
    """Write a decimal without zeros at its end; nothing where there is none."""
    if value is None:
        return ""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(value: dt.datetime | None) -> str:
    """Write a moment in Shanghai's time, to the minute."""
    return "—" if value is None else value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def filename(key: str) -> str:
    """Return the last part of an object's key."""
    return key.rpartition("/")[2]


@lru_cache(maxsize=64)
def frozen_rules(sha256: str) -> RuleVersion:
    """Return the rule version that is kept under a hash; content never changes, so it is read once."""
    return store.frozen(sha256).rules


def clause_text(clause_id: str) -> str:
    """Return a clause with its document, place and words, for a reader; the id itself where it is none."""
    row = store.clauses().get(clause_id)
    if row is None:
        return clause_id
    return f"{row['doc_no']}{row['section']}：“{row['key_zh']}”（{clause_id}）"


class ChinesePunctuation(Extension):
    """Gives the words of a template, not its tags and not what is filled in, full-width punctuation."""

    _MARKUP = re.compile(r"(\{[{%#].*?[}%#]\}|<[^>]*>)", re.DOTALL)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the template's source with its own text rewritten."""
        parts = self._MARKUP.split(source)
        return "".join(part if at % 2 else full_width(part) for at, part in enumerate(parts))


@cache
def environment() -> Environment:
    """Return the templates of the console."""
    made = Environment(
        loader=FileSystemLoader(HERE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[ChinesePunctuation],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "plain": plain,
        "moment": moment,
        "filename": filename,
        "short_code": short_code,
        "clause": clause_text,
        "full_width": full_width,
        "word": lambda value, kind: word(kind, value),
        "titled": title_words,
        "days": day_words,
    }
    return made


def link(request: Request, *parts: object) -> str:
    """Return the address of a page of the console, wherever it is mounted; every part is quoted."""
    root: str = request.scope.get("root_path", "")
    return f"{root.rstrip('/')}/" + "/".join(quote(str(p), safe="") for p in parts)


def page(
    request: Request,
    template: str,
    *,
    simulation: bool,
    login: str,
    now: dt.datetime,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Render a page. ``login`` is empty where nobody is logged in; ``now`` is printed on it."""
    text = (
        environment()
        .get_template(template)
        .render(
            banner=BANNER if simulation else "",
            login=login,
            now=now,
            link=lambda *parts: link(request, *parts),
            **values,
        )
    )
    return HTMLResponse(text, status, HEADERS)
