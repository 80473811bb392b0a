-- The bodies of every line, and of all, counted by state.
SELECT coalesce(line, 'total') AS line,
    count(*) AS titled,
    count(*) FILTER (WHERE NOT expected) AS exempt,
    count(*) FILTER (WHERE expected) AS expected,
    count(*) FILTER (WHERE expected AND state <> 'missing') AS received,
    count(*) FILTER (WHERE state = 'accepted') AS accepted,
    count(*) FILTER (WHERE state = 'accepted_late') AS accepted_late,
    count(*) FILTER (WHERE state = 'late') AS late,
    count(*) FILTER (WHERE state = 'returned') AS returned,
    count(*) FILTER (WHERE state = 'refused') AS refused,
    count(*) FILTER (WHERE state = 'missing') AS missing,
    count(*) FILTER (WHERE expected AND extended_until IS NOT NULL) AS extended,
    count(*) FILTER (WHERE overdue_days > 0) AS overdue,
    coalesce(sum(files) FILTER (WHERE expected), 0)::integer AS files,
    coalesce(sum(superseded) FILTER (WHERE expected), 0)::integer AS superseded
FROM body
GROUP BY GROUPING SETS ((line), ())
ORDER BY line = 'direct', line
