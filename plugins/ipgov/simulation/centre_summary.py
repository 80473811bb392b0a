"""What became of every centre of the story, with the documents and clauses, told in Chinese."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.policy import lifecycles
from ipgov.policy.store import clauses
from ipgov.registry.titles import standings
from ipgov.simulation import centres

# what a person wants to hear of a life: how it was decided, not every step on the way
TOLD = (
    "not_passed", "publicised", "objection_upheld", "recognised", "rated_excellent", "rated_qualified",
    "rated_unqualified", "kept", "cancelled", "revoked",
)  # fmt: skip
# why: what was proposed on the list, the score, what was reckoned of the case, what was found of an objection
_LIVES = """
SELECT e.unit, e.event, e.effective_on, e.basis, coalesce(e.document_number, d.number) AS number,
       CASE
         WHEN e.event IN ('recognised', 'not_passed') THEN (
           SELECT p.reason FROM recognition_proposal p WHERE p.unit = e.unit AND p.known_at <= e.known_at
           ORDER BY p.id DESC LIMIT 1)
         WHEN e.event LIKE 'rated%' THEN (
           SELECT '总分 ' || r.total || '，列第 ' || r.rank || ' 位' FROM review_round o
           JOIN result r ON r.result_set_id = o.result_set_id
           WHERE o.id = e.round_id AND r.unit = e.unit)
         WHEN e.event = 'objection_upheld' THEN (
           SELECT a.reason FROM objection_answer a WHERE a.document_id = e.document_id)
         ELSE (
           SELECT string_agg(coalesce(nullif(c.detail ->> 'reckoned', ''), c.note), '；' ORDER BY c.sequence)
           FROM case_round n JOIN case_event c ON c.obligation_id = n.obligation_id
           WHERE n.round_id = e.round_id AND c.event IN ('find', 'establish', 'pass_again', 'fail_again'))
       END AS why
FROM title_event e LEFT JOIN document d ON d.id = e.document_id
WHERE e.programme = :programme AND e.known_at <= :known_at AND e.event = ANY(:told)
ORDER BY e.unit, e.effective_on, e.id
"""
_PRAISE = """
SELECT kind, title, number FROM document
WHERE programme = :programme AND kind IN ('praise_circular', 'praise_case') AND known_at <= :known_at
ORDER BY kind DESC, id
"""
_OBJECTIONS = """
SELECT o.unit, o.received_on, a.outcome, a.answered_on, a.reason, d.number
FROM objection o JOIN objection_answer a ON a.objection_id = o.id
JOIN document d ON d.id = a.document_id
WHERE o.known_at <= :known_at ORDER BY o.id
"""


def centre_summary(last: dt.date, known_at: dt.datetime) -> list[str]:
    """Return each centre's fate as of a day, and why; empty where nobody has applied by then."""
    place = {"programme": centres.TITLE, "known_at": known_at, "told": list(TOLD)}
    with reading() as connection:
        now = standings(connection, centres.TITLE, last, known_at)
        lives = connection.execute(text(_LIVES), place).all()
        praise = connection.execute(text(_PRAISE), place).all()
        answered = connection.execute(text(_OBJECTIONS), place).all()
    if not lives:
        return []
    names = {e.code: e.name for e in lifecycles.lifecycle(centres.TITLE).events}
    lines = [f"── 国家级产业知识产权运营中心（全部虚构，至 {last}）──"]
    for unit in (c["unit"] for c in centres.script()["candidates"] if c["unit"] in now):
        own = [e for e in lives if e.unit == unit]
        fate = f"——{names[own[-1].event]}{_because(own[-1].why)}" if own else ""
        lines.append(f"  {unit} {centres.name_of(unit)}：{now[unit].name}{fate}")
        # an objection before what was decided on it the same day
        told = [
            (
                o.answered_on,
                f"对公示的异议（{o.received_on}）{'成立' if o.outcome == 'upheld' else '不成立'}"
                + _source(o.number, "2024-1155#33")
                + _because(o.reason),
            )
            for o in answered
            if o.unit == unit
        ]
        told += [
            (e.effective_on, f"{names[e.event]}{_source(e.number, e.basis)}{_because(e.why)}") for e in own
        ]
        lines += [f"    {day}  {what}" for day, what in sorted(told, key=lambda t: t[0])]
    lists, sent = (f"{settings().objects_location}/{part}/{centres.TITLE}" for part in ("reports", "outbox"))
    return [
        *lines,
        *(f"  {p.title}{_source(p.number, '2024-1155#43')}" for p in praise),
        f"  名单、评级表在 {lists}*，文书在 {sent}*，各按年度、单位",
    ]


def _because(why: str | None) -> str:
    return f"：{why}" if why else ""


def _source(number: str | None, basis: str) -> str:
    """Return the document's number and the clauses' places in the published text."""
    places = "、".join(_place(code) for code in basis.split("、"))
    return f"（{number}；{places}）" if number else f"（{places}）"


def _place(code: str) -> str:
    clause = clauses().get(code)
    return code if clause is None else f"{clause['section']}，{code}"
