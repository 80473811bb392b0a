-- What is usual: per field the numbers of all accepted bodies of a kind (scope ``kind``) and of the whole nation
-- (scope ``nation``): how many, quartiles, median, median absolute deviation (MAD). Exact: PostgreSQL's own
-- percentile_cont computes in floating point, so the ordered values are picked here. Quartiles lie on the line
-- between neighbours (definition 7 of Hyndman and Fan, that of spreadsheet programs): the position
-- 1 + (peers - 1) / 4 has quarters only, and multiplying by 0.25 and 0.5 loses no digit.
-- SET ipgov.kinds names the kinds: {"trading": "交易服务类"}.
WITH member AS (
    SELECT v.unit, v.field, v.label, v.measure, v.type, v.value, g.scope, g.peer_group
    FROM quality_value v
    CROSS JOIN LATERAL (VALUES ('kind', v.kind), ('nation', '')) AS g(scope, peer_group)
    WHERE v.value IS NOT NULL AND v.type IN ('amount', 'count', 'number', 'percent')
),
ordered AS (
    SELECT
        scope, peer_group, field, label, measure, type,
        count(*)::integer AS peers,
        array_agg(value ORDER BY value) AS v
    FROM member
    GROUP BY scope, peer_group, field, label, measure, type
),
middle AS (
    SELECT
        *,
        (v[(peers + 1) / 2] + v[peers / 2 + 1]) * 0.5 AS median,
        v[1 + (peers - 1) / 4] * (4 - (peers - 1) % 4) * 0.25
            + coalesce(v[2 + (peers - 1) / 4], 0) * ((peers - 1) % 4) * 0.25 AS quartile_1,
        v[1 + 3 * (peers - 1) / 4] * (4 - 3 * (peers - 1) % 4) * 0.25
            + coalesce(v[2 + 3 * (peers - 1) / 4], 0) * (3 * (peers - 1) % 4) * 0.25 AS quartile_3
    FROM ordered
),
spread AS (
    SELECT scope, peer_group, field, array_agg(deviation ORDER BY deviation) AS d
    FROM (
        SELECT m.scope, m.peer_group, m.field, abs(e.value - m.median) AS deviation
        FROM middle m
        JOIN member e USING (scope, peer_group, field)
    ) AS deviations
    GROUP BY scope, peer_group, field
)
SELECT
    m.scope || '|' || m.peer_group || '|' || m.field AS row_key,
    m.scope,
    m.peer_group,
    CASE m.scope
        WHEN 'nation' THEN '全国'
        ELSE coalesce(current_setting('ipgov.kinds')::jsonb ->> m.peer_group, m.peer_group)
    END AS group_name,
    m.field,
    m.label,
    m.measure,
    m.type,
    m.peers,  -- the body itself is counted
    m.quartile_1,
    m.median,
    m.quartile_3,
    m.quartile_3 - m.quartile_1 AS quartile_range,
    (s.d[(m.peers + 1) / 2] + s.d[m.peers / 2 + 1]) * 0.5 AS mad
FROM middle m
JOIN spread s USING (scope, peer_group, field)
