-- Where the bodies of every line stood at the end of each day: the sum of their turns, first from missing to a
-- state, then from one to the next. What came before the opening counts from it.
,
last_of_day AS (
    SELECT DISTINCT ON (s.unit, greatest(s.day, :opened_on)) r.line, s.unit, s.state,
        greatest(s.day, :opened_on) AS day
    FROM standing s
    JOIN roster r ON r.unit = s.unit AND r.expected
    ORDER BY s.unit, greatest(s.day, :opened_on), s.received_at DESC, s.id DESC
),
turn AS (
    SELECT line, day, state, lag(state, 1, 'missing') OVER (PARTITION BY unit ORDER BY day) AS before
    FROM last_of_day
),
last_grant AS (
    SELECT DISTINCT ON (g.unit, greatest(g.day, :opened_on)) r.line, g.unit, g.until > :due_on AS extended,
        greatest(g.day, :opened_on) AS day
    FROM granted g
    JOIN roster r ON r.unit = g.unit AND r.expected
    ORDER BY g.unit, greatest(g.day, :opened_on), g.known_at DESC, g.id DESC
),
grant_turn AS (
    SELECT line, day, extended, lag(extended, 1, false) OVER (PARTITION BY unit ORDER BY day) AS before
    FROM last_grant
),
move AS (
    SELECT line, day, state, 1 AS bodies FROM turn
    UNION ALL
    SELECT line, day, before, -1 FROM turn
    UNION ALL
    SELECT line, day, 'extended', extended::integer - before::integer FROM grant_turn
    UNION ALL
    SELECT r.line, greatest(s.day, :opened_on), 'files', 1
    FROM sent s
    JOIN roster r ON r.unit = s.unit AND r.expected
    UNION ALL
    SELECT line, :opened_on, 'missing', 1 FROM roster WHERE expected
),
per_day AS (
    SELECT coalesce(line, 'total') AS line, day, state, sum(bodies) AS bodies
    FROM move
    GROUP BY GROUPING SETS ((line, day, state), (day, state))
),
grid AS (
    SELECT l.line, d.day::date AS day
    FROM (SELECT DISTINCT line FROM roster UNION SELECT 'total') AS l
    CROSS JOIN generate_series(
        CAST(:opened_on AS timestamp), CAST(:last_day AS timestamp), interval '1 day'
    ) AS d(day)
)
SELECT g.line, g.day,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'accepted') OVER so_far, 0)::integer AS accepted,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'accepted_late') OVER so_far, 0)::integer AS accepted_late,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'late') OVER so_far, 0)::integer AS late,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'returned') OVER so_far, 0)::integer AS returned,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'refused') OVER so_far, 0)::integer AS refused,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'missing') OVER so_far, 0)::integer AS missing,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'extended') OVER so_far, 0)::integer AS extended,
    coalesce(sum(p.bodies) FILTER (WHERE p.state = 'files') OVER so_far, 0)::integer AS files
FROM grid g
LEFT JOIN per_day p ON p.line = g.line AND p.day = g.day
WINDOW so_far AS (PARTITION BY g.line ORDER BY g.day)
