-- One row per accepted body and field: every field that the form asks of its kind, answered or not, and
-- everything that was answered, asked or not. SET ipgov.form holds the form's fields as JSON (policy).
WITH form AS (
    SELECT *
    FROM jsonb_to_recordset(current_setting('ipgov.form')::jsonb) AS f(
        field text, label text, measure text, type text, required boolean,
        minimum numeric, maximum numeric, decimals integer, choices jsonb, kinds jsonb
    )
),
accepted AS (
    SELECT * FROM quality_unit WHERE state IN ('accepted', 'accepted_late')
),
asked AS (
    SELECT a.unit, f.*
    FROM accepted a
    JOIN form f ON f.kinds = '[]' OR f.kinds ? a.kind
),
given AS (
    SELECT v.unit, v.field, v.value, v.text_value, w.sheet, w.cell, w.submission_id
    FROM snapshot_value v
    JOIN submitted_value w ON w.id = v.submitted_value_id
    WHERE v.snapshot_id = current_setting('ipgov.snapshot')::bigint
)
SELECT
    unit || '|' || field AS row_key,
    unit,
    a.name,
    a.kind,
    a.province,
    field,
    q.label,  -- null: a field that the form does not ask of this kind
    q.measure,
    q.type,
    q.required,
    q.minimum,
    q.maximum,
    q.decimals,
    q.choices,  -- a list; empty: any text
    g.value,
    g.text_value,
    CASE q.type WHEN 'date' THEN g.text_value::date END AS day,
    coalesce(g.text_value, g.value::text) AS answer,  -- null: left open
    g.sheet,
    g.cell,
    coalesce(g.submission_id, a.submission_id) AS submission_id,
    a.received_on,
    -- a period is named by its last year
    make_date(a.period::integer, 12, 31) AS period_end,
    p.value AS previous,
    p.period AS previous_period
FROM asked q
FULL JOIN given g USING (unit, field)
LEFT JOIN accepted a USING (unit)
LEFT JOIN quality_previous p USING (unit, field)
