-- One row per body: its state, its newest file, its extension.
,
last AS (
    SELECT DISTINCT ON (unit) * FROM standing ORDER BY unit, received_at DESC, id DESC
),
files AS (
    SELECT unit, count(*) AS files,
        count(*) FILTER (WHERE id IN (SELECT supersedes FROM sent WHERE supersedes IS NOT NULL)) AS superseded
    FROM sent
    GROUP BY unit
),
more_time AS (
    SELECT DISTINCT ON (unit) unit, until FROM granted ORDER BY unit, known_at DESC, id DESC
),
body AS (
    SELECT r.unit, r.name, r.kind, r.line, r.expected,
        CASE WHEN r.expected THEN coalesce(l.state, 'missing') ELSE 'exempt' END AS state,
        l.outcome, l.received_at, l.id AS submission_id, coalesce(l.late, false) AS late,
        coalesce(f.files, 0) AS files, coalesce(f.superseded, 0) AS superseded,
        CASE WHEN m.until > :due_on THEN m.until END AS extended_until,
        greatest(:due_on, m.until) AS due_on,
        CASE
            WHEN r.expected AND coalesce(l.so_far, 0) = 0 THEN greatest(0, :as_of - greatest(:due_on, m.until))
            ELSE 0
        END AS overdue_days
    FROM roster r
    LEFT JOIN last l ON l.unit = r.unit
    LEFT JOIN files f ON f.unit = r.unit
    LEFT JOIN more_time m ON m.unit = r.unit
)
