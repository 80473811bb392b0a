-- The last day on which anything came or was granted, and files of units that are not expected to report.
SELECT
    greatest(max(s.day), (SELECT max(day) FROM granted)) AS last_day,
    count(*) FILTER (WHERE r.unit IS NULL) AS of_others
FROM sent s
LEFT JOIN roster r ON r.unit = s.unit AND r.expected
