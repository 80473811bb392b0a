"""The console: pages inside Airflow's UI, behind its login. Default deny: the guard sits on the whole app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from sqlalchemy import Connection

from ipgov.console import (
    access,
    collection_pages,
    downloads,
    duty_pages,
    problems,
    publicity_pages,
    quality_pages,
    queries,
    release,
    review_queries,
)
from ipgov.console import rendering as r
from ipgov.console.access import Id, Name, Reader, Submitter
from ipgov.core import clock
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, resolve_moment
from ipgov.documents.typography import full_width
from ipgov.policy.store import clauses
from ipgov.registry.asof import listed

# pages show all that is recorded, in a simulation also of days to come
EVERYTHING = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)

app = FastAPI(
    title="治理",
    # routes added later cannot be forgotten; FastAPI's own pages stand outside the guard, so there are none
    dependencies=[Depends(access.may_read)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)


def _page(request: Request, user: Any, template: str, simulation: bool, **values: Any) -> HTMLResponse:
    return r.page(request, template, simulation=simulation, login=user.get_name(), now=access.now(), **values)


def _standings(connection: Connection, rounds: queries.Rows) -> dict[int, dict[str, Any]]:
    """Return for each round what it is called and how many of each step's quorum have agreed."""
    from ipgov.decisions.rounds import RoundStatus

    given: dict[int, list[Any]] = {}
    for decision in review_queries.decisions(connection, [round_["id"] for round_ in rounds]):
        given.setdefault(decision["round_id"], []).append(decision)
    found = {}
    for round_ in rounds:
        answers = given.get(round_["id"], [])
        ending = next((a["answer"] for a in answers if a["answer"] != "approve"), None)
        steps = [
            (s.name, sum(a["step"] == s.step and a["answer"] == "approve" for a in answers), s.quorum)
            for s in r.frozen_rules(round_["rule_sha256"]).approval.steps
        ]
        if round_["issued_at"] is not None:
            status = RoundStatus.ISSUED
        elif ending is not None:
            status = RoundStatus.RETURNED if ending == "return" else RoundStatus.REJECTED
        else:
            complete = all(count >= quorum for _, count, quorum in steps)
            status = RoundStatus.APPROVED if complete else RoundStatus.OPEN
        found[round_["id"]] = {"status": status, "steps": steps, "answers": answers}
    return found


@app.get("/", response_class=HTMLResponse)
def overview(request: Request, user: Reader) -> HTMLResponse:
    """Show every cycle opened, and what lies in the inbox unclaimed."""
    with reading() as connection:
        cycles = queries.cycles(connection)
        newest = {
            (x["programme"], x["period"]): x
            for x in review_queries.rounds(connection)
            if x["result_set_id"] is not None
        }
        standings = _standings(connection, list(newest.values()))
        unclaimed = queries.unclaimed(connection)
        simulation = is_simulation(connection)
    return _page(
        request,
        user,
        "overview.html",
        simulation,
        cycles=[(c, r.frozen_rules(c["rule_sha256"])) for c in cycles],
        today=access.now().astimezone(SHANGHAI).date(),
        newest_round=newest,
        standings=standings,
        unclaimed=unclaimed,
    )


@app.get("/cycle/{programme}/{period}", response_class=HTMLResponse)
def cycle(request: Request, user: Reader, programme: Name, period: Name) -> HTMLResponse:
    """Show one cycle: bodies, results, rounds, findings, documents."""
    from ipgov.procedures import correction
    from ipgov.procedures.rating_lists import STATES
    from ipgov.registry.codes import province_name

    with reading() as connection:
        head = queries.cycle(connection, programme, period)
        bodies = queries.bodies(connection, programme, period, head["evaluate_on"])
        newest = queries.newest_result_set(connection, programme, period)
        results = queries.results(connection, newest["id"]) if newest else []
        rounds = review_queries.rounds(connection, programme, period)
        standings = _standings(connection, rounds)
        check = queries.newest_check(connection, programme, period)
        findings = queries.findings(connection, check["id"]) if check else []
        documents = queries.documents(connection, programme, period)
        case_rounds = review_queries.cases(connection, [x["id"] for x in rounds])
        corrections = {x["round_id"]: x for x in review_queries.corrections(connection, programme, period)}
        always = dt.datetime.max.replace(tzinfo=dt.UTC)  # the page shows all that is on record
        received = correction.received_after_issue(connection, programme, period, always)
        simulation = is_simulation(connection)
    return _page(
        request,
        user,
        "cycle.html",
        simulation,
        after_issue=correction.said_after_issue(received),
        corrections=corrections,
        case_rounds=case_rounds,
        cycle=head,
        rules=r.frozen_rules(head["rule_sha256"]),
        bodies=bodies,
        provinces={b["province"]: province_name(b["province"]) for b in bodies if b["province"]},
        states=STATES,
        result_set=newest,
        results=results,
        rounds=rounds,
        standings=standings,
        check=check,
        findings=_grouped(findings),
        documents=documents,
        recipients=_recipients(documents, bodies),
    )


def _recipients(documents: queries.Rows, bodies: queries.Rows) -> dict[str, str]:
    """Return the names of those whom documents went to: a body's, a province's office, else as written."""
    from ipgov.registry.codes import province_office

    names = {b["unit"]: f"{b['name'] or '未登记'}（{b['unit']}）" for b in bodies}
    found = {}
    for code in {d["recipient"] for d in documents}:
        province = province_office(code) if code.isdecimal() and len(code) == 2 else code
        found[code] = names.get(code, province)
    return found


def _grouped(findings: queries.Rows) -> list[list[Any]]:
    """Return findings, which come in order, as one list for each rule and severity."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for finding in findings:
        groups.setdefault((finding["severity"], finding["rule"]), []).append(finding)
    return list(groups.values())


@app.get("/unit/{programme}/{period}/{unit}", response_class=HTMLResponse)
def unit(request: Request, user: Reader, programme: Name, period: Name, unit: Name) -> HTMLResponse:
    """Show why a body's figure is what it is, what it sent and what was written to it."""
    from ipgov.procedures import attachment_overview, explanations
    from ipgov.registry.codes import province_name

    with reading() as connection:
        head = queries.cycle(connection, programme, period)
        rules = r.frozen_rules(head["rule_sha256"])
        bodies = queries.bodies(connection, programme, period, head["evaluate_on"])
        body = next((b for b in bodies if b["unit"] == unit), None)
        if body is None:
            there = listed([b["unit"] for b in bodies])
            raise UnknownError(f"“{programme}”{period} 年度没有代码为“{unit}”的单位；现有：{there}")
        result_set = queries.newest_result_set(connection, programme, period)
        results = queries.results(connection, result_set["id"], unit) if result_set else []
        sent = queries.submissions_of(connection, programme, period, unit)
        documents = queries.documents(connection, programme, period, unit)
        of_unit = programme, period, unit, body["kind"] or ""
        attached = attachment_overview.overview(connection, *of_unit, rules, head["due_on"], EVERYTHING)
        simulation = is_simulation(connection)
    explanation = explanations.explain(programme, period, unit) if results else None
    return _page(
        request,
        user,
        "unit.html",
        simulation,
        cycle=head,
        rules=rules,
        unit=unit,
        body=body,
        province=province_name(body["province"]) if body["province"] else "",
        result_set=result_set,
        result=results[0] if results else None,
        explanation=explanation,
        clauses=_clauses_of(explanation, results) if explanation else [],
        submissions=sent,
        attachments=attached,
        newest_accepted=next((s["id"] for s in sent if s["outcome"] == "accepted"), None),
        scans=attachment_overview.SCANS,
        documents=documents,
        recipients=_recipients(documents, bodies),
    )


def _clauses_of(explanation: Any, results: queries.Rows) -> list[tuple[str, Any]]:
    """Return every clause that a result stands under, with its words (None: not in the register)."""
    texts = {explanation.grade_basis} | {p["basis"] for row in results for p in row["proposed"]}
    steps = [explanation.root]
    while steps:
        step = steps.pop()
        texts.add(step.basis)
        steps += step.children
    ids = {part for text in texts for part in text.split("、")} - {"", "operator"}
    known = clauses()
    return [(id_, known.get(id_)) for id_ in sorted(ids)]


@app.get("/round/{round_id}", response_class=HTMLResponse)
def round_(request: Request, user: Reader, round_id: Id) -> HTMLResponse:
    """Show a round: where its chain stands, who answered what, and the form for the returned list."""
    return _round_page(request, user, round_id)


def _case_of(connection: Connection, round_id: int) -> dict[str, Any] | None:
    """Return the case that a round is about, whole, and what is proposed; None for other rounds."""
    from ipgov.procedures import case_overview

    about = review_queries.cases(connection, [round_id]).get(round_id)
    if about is None:
        return None
    shown = case_overview.of_round(connection, about["obligation_id"], about["outcome"])
    return {**shown, "opened_by": about["opened_by"], "reason": about["reason"]}


def _round_page(
    request: Request,
    user: Any,
    round_id: int,
    status: int = 200,
    message: str = "",
    refused: str = "",
    problems: Sequence[Any] = (),
) -> HTMLResponse:
    from ipgov.procedures import paper_round, recognition_list

    with reading() as connection:
        head = review_queries.review_round(connection, round_id)
        standing = _standings(connection, [head])[round_id]
        refusals = review_queries.refused_decisions(connection, round_id)
        marks = review_queries.marks(connection, round_id)
        corrected = review_queries.correction(connection, round_id)
        case = _case_of(connection, round_id)
        paper = paper_round.overview(connection, round_id)
        applicants = recognition_list.overview(connection, round_id)
        simulation = is_simulation(connection)
    rules = r.frozen_rules(head["rule_sha256"])
    return _page(
        request,
        user,
        "round.html",
        simulation,
        status=status,
        round=head,
        corrected=corrected,
        case=case,
        paper=paper,
        applicants=applicants,
        rules=rules,
        steps={step.step: step.name for step in rules.approval.steps},
        standing=standing,
        refusals=refusals,
        marks=marks,
        message=message,
        refused=refused,
        problems=problems,
    )


@app.post("/round/{round_id}", response_class=HTMLResponse, dependencies=[Depends(access.from_own_page)])
def answer(
    request: Request,
    user: Submitter,
    round_id: Id,
    upload: Annotated[access.Upload, Depends(access.uploaded)],
) -> HTMLResponse:
    """Take a returned rating list; 422 with every refused cell, else the round's page."""
    from ipgov.procedures import approval

    login = user.get_name()
    with reading() as connection:
        review_queries.review_round(connection, round_id)
        now, simulation = clock.read(connection)
    try:
        _, known_at = resolve_moment(now, simulation, as_of=_as_of(upload.fields, simulation))
        answered = approval.answer_by_workbook(
            round_id, upload.data, actor=login, answered_at=now, known_at=known_at
        )
    except EnvironmentProblemError:
        raise
    except GovernanceError as error:
        refused = full_width("评级表未被接受，没有记录任何内容。") if error.problems else error.message
        return _round_page(request, user, round_id, 422, refused=refused, problems=error.problems)
    if answered.refused:
        refused = f"评级表中的标注已记录；答复未被采纳：{answered.refused}"
        return _round_page(request, user, round_id, 422, refused=refused)
    with reading() as connection:
        decision = review_queries.decision_of(connection, round_id, login)
    if decision is None:
        return _round_page(
            request, user, round_id, message=full_width("评级表已收下，标注已记录；表中没有给出答复。")
        )
    hint = release.release(access.base_url(), access.token(request), round_id, dict(decision))
    said = f"评级表已收下；您的答复“{r.word('answer', decision['answer'])}”已在案。{hint}"
    return _round_page(request, user, round_id, message=full_width(said))


def _as_of(fields: dict[str, str], simulation: bool) -> dt.date | None:
    text = fields.get("as_of", "").strip()
    if not text:
        return None
    if not simulation:
        raise RefusedError("只有模拟库才可以指定基准日")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"基准日“{text}”不是日期，应为 2026-04-15 的形式") from None


app.include_router(downloads.router)
app.include_router(quality_pages.router)
app.include_router(collection_pages.router)
app.include_router(duty_pages.router)
app.include_router(publicity_pages.router)


@app.get("/static/{name}")
def static(user: Reader, name: Name) -> Response:
    """Hand out the style sheet; a mounted folder would stand outside the guard."""
    if name != "console.css":
        raise UnknownError(f"没有名为“{name}”的静态文件；现有：console.css")
    headers = {**r.HEADERS, "Cache-Control": "private, max-age=300"}
    return FileResponse(r.HERE / "static" / name, media_type="text/css; charset=utf-8", headers=headers)


@app.get("/{rest:path}")
def nothing_else(user: Reader, rest: str) -> Response:
    """Answer for every other address behind the guard, so that nobody learns without login what exists."""
    raise UnknownError(f"没有“/{rest[:100]}”这个页面；可从“总览”进入各年度、单位、轮次")


problems.install(app)
