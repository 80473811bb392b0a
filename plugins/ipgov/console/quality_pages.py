"""Pages of data quality: a check's report, by plain links down to every cell; each rule over the years."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from ipgov.console import access, charts
from ipgov.console import rendering as r
from ipgov.console.access import Name, Reader
from ipgov.console.downloads import download
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.procedures import quality
from ipgov.quality import report as reports
from ipgov.quality.report import Filter, Found, Report

router = APIRouter()
FINDINGS_PER_PAGE, BODIES_PER_PAGE = 100, 20

Number = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
Place = Annotated[int, Query(ge=1, le=10**9)]
Word = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f]+$")]
_KNOWN = {"check", "severity", "rule", "province", "unit", "waived", "page", "bodies"}


def _chosen(
    severity: Word = None,
    rule: Word = None,
    province: Word = None,
    unit: Word = None,
    waived: Word = None,
) -> Filter:
    """Read from the address which findings are chosen."""
    return Filter(severity=severity, rule=rule, province=province, unit=unit, waived=waived)


Chosen = Annotated[Filter, Depends(_chosen)]


def refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """Refuse a parameter that the page does not know: a typing error must not pass unseen."""
    if wrong := sorted(set(request.query_params) - known):
        raise RefusedError(f"地址中有未知的参数：{'、'.join(wrong)[:200]}；可用：{'、'.join(sorted(known))}")


def last_page(found: int, size: int, page: int, what: str) -> int:
    """Return how many pages there are; UnknownError for one beyond."""
    last = max(1, -(-found // size))
    if page > last:
        raise UnknownError(f"{what}没有第 {page} 页；共 {last} 页")
    return last


def _links(request: Request, check: int | None, chosen: Filter) -> Callable[..., str]:
    """Return what makes the address of this report with something else chosen (None: no longer chosen)."""

    def to(*more: str, **changed: Any) -> str:
        programme, period = request.path_params["programme"], request.path_params["period"]
        whole = {"check": check, **chosen.as_dict(), **changed}
        query = urlencode({k: v for k, v in whole.items() if v is not None})
        return r.link(request, "quality", programme, period, *more) + (f"?{query}" if query else "")

    return to


@router.get("/quality/{programme}/{period}", response_class=HTMLResponse)
def report(
    request: Request,
    user: Reader,
    programme: Name,
    period: Name,
    chosen: Chosen,
    check: Number = None,
    page: Place = 1,
    bodies: Place = 1,
) -> HTMLResponse:
    """Show what a period's check found: counts in every view, the findings chosen, what to do, waivers."""
    refuse_unknown_parameters(request, _KNOWN)
    now = access.now()
    start = (page - 1) * FINDINGS_PER_PAGE
    known_at = quality.everything_until(now)
    found = quality.period_report(
        programme, period, known_at, check, chosen, size=FINDINGS_PER_PAGE, start=start
    )
    pages = last_page(found.report.total.found, FINDINGS_PER_PAGE, page, "发现")
    body_pages = last_page(len(found.report.bodies), BODIES_PER_PAGE, bodies, "按单位")
    with reading() as connection:
        simulation = is_simulation(connection)
    return r.page(
        request,
        "quality.html",
        simulation=simulation,
        login=user.get_name(),
        now=now,
        programme=programme,
        period=period,
        rules=found.rules,
        report=found.report,
        check=found.report.check,
        newest=found.checks[0],
        checks=found.checks[:20],
        waivers=found.waivers,
        to_do=_to_do(found) if found.report.check.id == found.checks[0].id else [],
        chips=[(name, _said(name, value)) for name, value in chosen.as_dict().items()],
        to=_links(request, check, chosen),
        groups=_grouped(found.report, start),
        first_finding=start,
        page=page,
        pages=pages,
        bodies_shown=found.report.bodies[(bodies - 1) * BODIES_PER_PAGE :][:BODIES_PER_PAGE],
        first_body=(bodies - 1) * BODIES_PER_PAGE,
        bodies_page=bodies,
        body_pages=body_pages,
        severities=reports.SEVERITY_NAMES,
        place_name=reports.place_name,
        basis_words=reports.basis_words,
    )


@dataclass(frozen=True)
class _Group:
    """Findings of one rule that stand together, each with its number in the whole list."""

    rule: str
    severity: str
    basis: str
    title: str
    findings: list[tuple[int, Found]]


def _grouped(report: Report, start: int) -> list[_Group]:
    titles = {r.rule: r.title for r in report.rules}
    numbered = enumerate(report.findings, start + 1)
    return [
        _Group(rule, severity, basis, titles[rule], list(part))
        for (rule, severity, basis), part in groupby(
            numbered, key=lambda at: (at[1].rule, at[1].severity, at[1].basis)
        )
    ]


def _said(name: str, value: str) -> str:
    """Return what is chosen, in words."""
    words = {
        "severity": lambda: f"严重程度：{reports.SEVERITY_NAMES[value]}",
        "rule": lambda: f"规则：{value}",
        "province": lambda: f"省份：{reports.place_name(value)}",
        "unit": lambda: f"单位：{value}",
        "waived": lambda: reports.WAIVED[value],
    }
    return words[name]()


def _to_do(found: quality.PeriodReport) -> list[tuple[str, str]]:
    """Return body and rule of what stops the newest check, the first few: what a command must name."""
    stopping = [(f.unit or "*", f.rule) for f in found.report.findings if f.stops]
    return list(dict.fromkeys(stopping))[:10]


@router.get("/quality/{programme}/{period}/{format_}")
def file(
    request: Request,
    user: Reader,
    programme: Name,
    period: Name,
    format_: Name,
    chosen: Chosen,
    check: Number = None,
) -> Response:
    """Hand out the report with every finding chosen, as a workbook or as JSON."""
    refuse_unknown_parameters(request, _KNOWN - {"page", "bodies"})
    if format_ not in ("xlsx", "json"):
        raise UnknownError(f"数据质量报告没有“{format_}”格式；可用：xlsx、json")
    found = quality.period_report(programme, period, quality.everything_until(access.now()), check, chosen)
    name = f"{found.rules.title}-{period}-数据质量报告-检查{found.report.check.id}.{format_}"
    if format_ == "json":
        return download(reports.to_json(found.report).encode(), name, "json")
    return download(quality.report_workbook(found), name, "xlsx")


@router.get("/quality/{programme}", response_class=HTMLResponse)
def history(request: Request, user: Reader, programme: Name) -> HTMLResponse:
    """Show each rule over the years: the last check of every period."""
    refuse_unknown_parameters(request, set())
    now = access.now()
    found = quality.rule_history(programme, quality.everything_until(now))
    periods = [y.period for y in found.years]
    with reading() as connection:
        simulation = is_simulation(connection)
    return r.page(
        request,
        "quality_history.html",
        simulation=simulation,
        login=user.get_name(),
        now=now,
        title=quality.programme_title(programme),
        history=found,
        chart=charts.years(found.years),
        sparks={rule.rule: charts.spark(rule, periods) for rule in found.rules},
        spark_width=max(1, len(periods)) * charts.SPARK_STEP,
        spark_height=charts.SPARK_HEIGHT,
        severities=reports.SEVERITY_NAMES,
        report_link=lambda period, rule=None: (
            r.link(request, "quality", programme, period) + (f"?{urlencode({'rule': rule})}" if rule else "")
        ),
    )
