"""What the letters of the follow-up ask the database: which events wait, who heard what before."""

from __future__ import annotations

# Every event that was not dealt with, oldest first, with its obligation as known now. ``told_due``: the due
# day that letters named before the changes that wait.
WAITING = """
SELECT e.id AS event_id, e.day, e.event, e.step, e.detail, o.id AS obligation_id, o.key, o.duty, o.programme,
       o.period, o.unit, o.owed_by, o.owed_to, o.opened_on, o.cause, o.rule_sha256,
       d.due_on, d.provisional, d.reason AS due_reason,
       told.due_on AS told_due, told.provisional AS told_provisional, told.set_on AS told_on,
       ended.event AS ended, ended.day AS ended_on,
       EXISTS (SELECT 1 FROM case_event c WHERE c.obligation_id = o.id AND c.event = 'notify'
               AND c.known_at <= :known_at) AS noticed
FROM obligation_event e
JOIN obligation o ON o.id = e.obligation_id
CROSS JOIN LATERAL (
    SELECT due_on, provisional, reason FROM obligation_due
    WHERE obligation_id = o.id AND set_on <= :as_of AND known_at <= :known_at
    ORDER BY set_on DESC, id DESC LIMIT 1
) d
LEFT JOIN LATERAL (
    SELECT due_on, provisional, set_on FROM obligation_due
    WHERE obligation_id = o.id AND known_at <= :known_at AND set_on < (
        SELECT min(w.day) FROM obligation_event w
        WHERE w.obligation_id = o.id AND w.event = 'due_set' AND w.detail ->> 'reason' <> 'opened'
          AND NOT EXISTS (SELECT 1 FROM obligation_paper p WHERE p.event_id = w.id))
    ORDER BY set_on DESC, id DESC LIMIT 1
) told ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN detail ->> 'judged' = 'failed' THEN 'failed' ELSE event END AS event, day
    FROM obligation_event
    WHERE obligation_id = o.id AND event IN ('met', 'lapsed', 'withdrawn', 'resumed')
      AND day <= :as_of AND known_at <= :known_at ORDER BY id DESC LIMIT 1
) ended ON ended.event <> 'resumed'
WHERE (e.event IN ('reminded', 'overdue', 'escalated', 'resumed')
       OR e.event = 'withdrawn' AND e.detail ->> 'retracted_by' IS NOT NULL
       OR e.event = 'due_set' AND e.detail ->> 'reason' <> 'opened')
  AND e.day <= :as_of AND e.known_at <= :known_at
  AND NOT EXISTS (SELECT 1 FROM obligation_paper p WHERE p.event_id = e.id)
ORDER BY e.day, e.id
"""
TOLD = """
SELECT DISTINCT e.day, e.event FROM obligation_event e
JOIN obligation_paper p ON p.event_id = e.id AND p.document_id IS NOT NULL
WHERE e.obligation_id = :obligation_id AND e.event IN ('reminded', 'overdue', 'escalated')
  AND e.id < :event_id AND p.known_at <= :known_at
ORDER BY e.day
"""
HEARD = """
SELECT DISTINCT p.recipient FROM obligation_paper p JOIN obligation_event e ON e.id = p.event_id
WHERE e.obligation_id = :obligation_id AND p.document_id IS NOT NULL AND p.known_at <= :known_at
"""
# The day on which it had ended before it was resumed.
ENDED_BEFORE = """
SELECT detail ->> 'on' FROM obligation_event
WHERE obligation_id = :obligation_id AND event IN ('met', 'lapsed') AND id < :event_id
  AND known_at <= :known_at
ORDER BY id DESC LIMIT 1
"""
