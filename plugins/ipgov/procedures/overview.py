"""Where every cycle stands: one row per programme and period."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from ipgov.core.database import reading

_CYCLES = """
SELECT c.programme, c.period, v.version AS rules, c.due_on, c.due_provisional, c.evaluate_on,
       count(*) FILTER (WHERE s.outcome = 'accepted') AS accepted,
       count(*) FILTER (WHERE s.outcome = 'returned') AS returned,
       count(*) FILTER (WHERE s.outcome = 'refused') AS refused,
       -- accepted since the data of the last issued result were frozen: counts for nothing published
       (SELECT count(*) FROM submission late WHERE late.programme = c.programme AND late.period = c.period
        AND late.outcome = 'accepted' AND late.known_at > p.frozen_at) AS after_issue,
       CASE WHEN i.id IS NOT NULL THEN '已发文'
            WHEN r.id IS NOT NULL THEN '审批中或已退回（第 ' || r.number || ' 轮）'
            ELSE '报送中' END AS state
FROM cycle c
JOIN rule_version v ON v.id = c.rule_version_id
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (unit) unit, outcome FROM submission
    WHERE programme = c.programme AND period = c.period ORDER BY unit, received_at DESC, id DESC
) s ON true
LEFT JOIN LATERAL (
    SELECT id, number FROM review_round
    WHERE programme = c.programme AND period = c.period AND result_set_id IS NOT NULL
    ORDER BY number DESC LIMIT 1
) r ON true
LEFT JOIN issue i ON i.round_id = r.id
LEFT JOIN LATERAL (
    SELECT n.known_at AS frozen_at FROM review_round o
    JOIN issue j ON j.round_id = o.id
    JOIN result_set t ON t.id = o.result_set_id
    JOIN snapshot n ON n.id = t.snapshot_id
    WHERE o.programme = c.programme AND o.period = c.period ORDER BY o.number DESC LIMIT 1
) p ON true
GROUP BY c.programme, c.period, v.version, c.due_on, c.due_provisional, c.evaluate_on, i.id, r.id,
    r.number, p.frozen_at
ORDER BY c.programme, c.period
"""


def cycles() -> list[dict[str, Any]]:
    """Return programme, period, rules, days, counts of the newest submissions by outcome, and the state."""
    with reading() as connection:
        return [dict(row) for row in connection.execute(text(_CYCLES)).mappings()]
