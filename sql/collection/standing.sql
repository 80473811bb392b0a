-- What every body of the roster sent for a period by the end of a day, and where it stood from each file on.
-- A file counts where it was accepted and came by the last day for late ones, or is not late at all (extension).
-- The files of this folder are put together: standing [+ bodies] + what is asked (procedures/collection.py).
WITH roster AS (
    SELECT *
    FROM unnest(CAST(:units AS text[]), CAST(:names AS text[]), CAST(:kinds AS text[]),
        CAST(:lines AS text[]), CAST(:expected AS boolean[])) AS r(unit, name, kind, line, expected)
),
sent AS (
    SELECT s.id, s.unit, s.outcome, s.late, s.received_at, s.supersedes, d.day,
        s.outcome = 'accepted' AND (NOT s.late OR d.day <= :late_until) AS counts
    FROM submission s
    CROSS JOIN LATERAL (SELECT (s.received_at AT TIME ZONE 'Asia/Shanghai')::date AS day) AS d
    WHERE s.programme = :programme AND s.period = :period AND s.unit IS NOT NULL
        AND s.known_at <= :known_at AND d.day <= :as_of
),
counted AS (
    SELECT *, count(*) FILTER (WHERE counts) OVER (PARTITION BY unit ORDER BY received_at, id) AS so_far
    FROM sent
),
standing AS (  -- where the body stands from each of its files on
    SELECT *,
        CASE
            WHEN so_far > 0 AND first_value(late) OVER (PARTITION BY unit, so_far ORDER BY received_at, id)
                THEN 'accepted_late'
            WHEN so_far > 0 THEN 'accepted'
            WHEN outcome = 'accepted' THEN 'late'
            ELSE outcome
        END AS state
    FROM counted
),
granted AS (
    SELECT e.id, e.unit, e.until, e.known_at, (e.known_at AT TIME ZONE 'Asia/Shanghai')::date AS day
    FROM extension e
    WHERE e.programme = :programme AND e.period = :period AND e.known_at <= :known_at
        AND (e.known_at AT TIME ZONE 'Asia/Shanghai')::date <= :as_of
)
