"""A round about a list of applicants: what the reviewers read, and what its issue does.

The issue fixes the list (2024-1155#31); publicity and recognition come after it and are rounds of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle
from ipgov.core.tables import recognition_list
from ipgov.decisions.rounds import Round
from ipgov.documents.model import printable
from ipgov.evaluation.eligibility import PROPOSALS
from ipgov.policy.lifecycles import Actor
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures.gate_review import rule_of
from ipgov.procedures.notices import Filed, Planned
from ipgov.procedures.recognition_list import proposals
from ipgov.registry.platforms import add_titled_body
from ipgov.registry.titles import life, record_title_event, standings


def is_recognition(connection: Connection, round_: Round) -> bool:
    """Tell whether a round is about a list of applicants."""
    if round_.result_set_id is None:
        return False
    own = recognition_list
    query = select(own.c.id).where(
        own.c.result_set_id == round_.result_set_id, own.c.list_sha256 == round_.rating_list_sha256
    )
    return connection.execute(query.limit(1)).first() is not None


def _cell(text: str) -> str:
    """Return another's text for a Markdown table: one line, no markup of its own."""
    escaped = "".join("\\" + c if c in "\\|`*_<>[]#" else c for c in printable(text))
    return escaped or "—"


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, the list with what is proposed of each applicant."""
    rows = proposals(connection, round_)
    listed = sum(row["proposal"] == "list" for row in rows)
    lines = [
        f"**{rules.title}** {round_.period} 年度 第 {round_.number} 轮",
        "",
        f"申报 {len(rows)} 家，拟认定 {listed} 家。签发后列入名单，公示期满且无异议的方予认定"
        "（2024-1155#31、#32、#33）。",
        "",
        f"名单指纹 `{short_code(round_.fingerprint)}`；申报条件、省级意见、专家评分见“治理”页面的名单。",
        "",
        "| 位次 | 代码 | 名称 | 所属产业 | 拟办 | 理由 |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['place'] or '—'} | {row['unit']} | {_cell(row['name'])} | {_cell(row['industry'])} "
            f"| {PROPOSALS[row['proposal']]} | {_cell(row['reason'])} |"
            for row in rows
        ),
    ]
    return f"{rules.title} {round_.period} 年度拟认定名单", "\n".join(lines)


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return no document: the list goes out as the public notice, which is approved by itself."""
    return []


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Record who passed the check and is on the list, under the name applied for, and who is not."""
    programme = rules.rules.title_programme
    of = life(programme)
    now = standings(connection, programme, cycle.as_of, cycle.known_at)
    rule = rule_of(rules.rules)
    done = []
    for row in proposals(connection, round_):
        unit = str(row["unit"])
        events: tuple[str, ...] = ("rechecked", "listed")
        if row["proposal"] == "list":
            add_titled_body(
                connection,
                programme,
                unit,
                str(row["name"]),
                str(row["kind"]),
                str(row["province"]),
                str(row["route"]),
                str(row["host_code"]),
                str(row["operator_code"]),
                cycle.as_of,
                f"{cycle.period} 年度申报书（{'、'.join(rule.naming.clause)}）",
                cycle.known_at,
            )
        elif of.refusal(now[unit], of.event("not_passed")):
            continue  # never came to the office: its province did not recommend it
        else:
            events = ("not_passed",)
        for event in events:
            by: Actor = "reviewer" if event == "rechecked" else "issuer"
            record_title_event(
                connection,
                programme,
                unit,
                event,
                cycle.as_of,
                of.event(event).basis or "operator",
                f"{cycle.period} 年度第 {round_.number} 轮：{row['reason']}",
                cycle.known_at,
                by=by,
                round_id=round_.id,
            )
            done.append(f"{unit}:{event}")
    return done
