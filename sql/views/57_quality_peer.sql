-- Each number of each accepted body beside what is usual (quality_group): one row for its kind and one for the
-- whole nation. A rule says from how many ``peers`` on, and how far from the middle, a number is an outlier.
SELECT
    v.row_key || '|' || g.scope AS row_key,
    v.unit,
    v.name,
    v.kind,
    v.province,
    v.field,
    v.label,
    v.measure,
    v.type,
    v.value,
    v.sheet,
    v.cell,
    v.submission_id,
    g.scope,
    g.group_name,
    g.peers,
    g.quartile_1,
    g.median,
    g.quartile_3,
    g.quartile_range,
    g.mad,
    abs(v.value - g.median) AS deviation
FROM quality_value v
JOIN quality_group g
    ON g.field = v.field
    AND ((g.scope = 'kind' AND g.peer_group = v.kind) OR g.scope = 'nation')
WHERE v.value IS NOT NULL
