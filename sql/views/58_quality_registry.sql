-- Each body of the snapshot beside the registry, as it was on the snapshot's day and known at
-- SET ipgov.known_at: what the snapshot says of it, and what the registry of SET ipgov.bodies says. SET
-- ipgov.provinces holds the known regions: {"11": "北京市"}; SET ipgov.holds_after the events that give a title
-- or end it, and whether a body holds it then: {"recognised": true, "cancelled": false}.
WITH head AS (
    SELECT s.id, s.programme, s.period, s.as_of, current_setting('ipgov.known_at')::timestamptz AS known
    FROM snapshot s
    WHERE s.id = current_setting('ipgov.snapshot')::bigint
),
body AS (
    SELECT DISTINCT ON (b.unit) b.*
    FROM titled_body b
    JOIN head h ON b.programme = current_setting('ipgov.bodies')
        AND b.valid_from <= h.as_of AND b.known_at <= h.known
    ORDER BY b.unit, b.valid_from DESC, b.known_at DESC, b.id DESC
),
standing AS (
    SELECT DISTINCT ON (e.unit) e.unit, after.holds
    FROM title_event e
    JOIN head h ON e.programme = current_setting('ipgov.bodies')
        AND e.effective_on <= h.as_of AND e.known_at <= h.known
    -- other events leave the title as it was
    JOIN LATERAL (
        SELECT (current_setting('ipgov.holds_after')::jsonb ->> e.event)::boolean AS holds
    ) after ON after.holds IS NOT NULL
    -- a title that this very period's outcome ended was held when the period was evaluated
    WHERE after.holds OR NOT EXISTS (
        SELECT FROM document d
        WHERE d.id = e.document_id AND d.programme = h.programme AND d.period = h.period
    )
    ORDER BY e.unit, e.effective_on DESC, e.id DESC
),
legal_person AS (
    SELECT DISTINCT ON (o.code) o.code, o.name, o.province
    FROM organisation o
    JOIN head h ON o.valid_from <= h.as_of AND o.known_at <= h.known
    ORDER BY o.code, o.valid_from DESC, o.known_at DESC, o.id DESC
)
SELECT
    u.unit AS row_key,
    u.unit,
    u.name,
    u.kind,
    u.province,
    current_setting('ipgov.provinces')::jsonb ->> u.province AS province_name,  -- null: no such code
    u.route,
    u.host_code,
    u.operator_code,
    u.submission_id,
    h.as_of,
    b.unit IS NOT NULL AS registered,
    coalesce(t.holds, false) AS titled,
    current_setting('ipgov.kinds')::jsonb ->> u.kind AS kind_name,  -- null: no such kind
    b.name AS registered_name,
    b.kind AS registered_kind,
    b.province AS registered_province,
    b.route AS registered_route,
    b.host_code AS registered_host_code,
    b.operator_code AS registered_operator_code,
    host.name AS host_name,  -- null: no such organisation
    host.province AS host_province,
    current_setting('ipgov.provinces')::jsonb ->> host.province AS host_province_name,
    op.name AS operator_name
FROM head h
JOIN snapshot_unit u ON u.snapshot_id = h.id
LEFT JOIN body b ON b.unit = u.unit
LEFT JOIN standing t ON t.unit = u.unit
LEFT JOIN legal_person host ON host.code = u.host_code
LEFT JOIN legal_person op ON op.code = u.operator_code
