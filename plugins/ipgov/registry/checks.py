"""What the documents state of the registry as fact, checked."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from sqlalchemy import Connection

from ipgov.core.errors import Problem
from ipgov.policy.rules import RuleVersion
from ipgov.policy.title_words import title_words
from ipgov.registry.platforms import roster


def check_kind_counts(connection: Connection, rules: RuleVersion, known_at: dt.datetime) -> list[Problem]:
    """Compare the titled bodies of each kind with the published numbers, on the day they were published for.

    3/2/4/3 is a fact of 2023-09-05 (2023-156#09); how the list changes later is not known, so no other day
    is held to it. Nothing is compared where no numbers were published.
    """
    subject = rules.subject
    if subject.counted_on is None:
        return []
    found = Counter(u.kind for u in roster(connection, rules.programme, subject.counted_on, known_at))
    expected = {k.code: k.count for k in subject.kinds if k.count is not None}
    body = title_words(rules.title_programme).body
    return [
        Problem(
            check="kind_counts",
            found=f"{subject.counted_on} {_kind_name(rules, kind)}{body}有 {found[kind]} 家",
            expected=f"{expected.get(kind, 0)} 家",
            basis=subject.basis,
        )
        for kind in (*expected, *sorted(found.keys() - expected.keys()))
        if found[kind] != expected.get(kind, 0)
    ]


def check_routes(
    connection: Connection, rules: RuleVersion, on: dt.date, known_at: dt.datetime
) -> list[Problem]:
    """List the titled bodies whose reporting route is not that of their kind (2023-156#11, #13)."""
    words = {"province": "经省级知识产权局报送", "direct": "直接报送"}
    asked = {code: (k.route, k.basis) for code, k in rules.kinds.items() if k.route is not None}
    return [
        Problem(
            check="routes",
            found=f"{u.unit} {u.name}（{_kind_name(rules, u.kind)}）登记为{words[u.route]}",
            expected=words[asked[u.kind][0]],
            basis=asked[u.kind][1],
        )
        for u in roster(connection, rules.programme, on, known_at)
        if u.kind in asked and u.route != asked[u.kind][0]
    ]


def _kind_name(rules: RuleVersion, code: str) -> str:
    return rules.kinds[code].name if code in rules.kinds else f"类别不明（{code}）"
