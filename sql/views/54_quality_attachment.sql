-- One row per accepted body and attachment that is asked for or listed: a kind that stands for the workbook as
-- a whole once, evidence once for every value that it may prove; a listed file once for each value that it
-- proves. What stood for it is what was frozen with the snapshot.
-- SET ipgov.attachments holds the kinds that the form asks for as JSON (policy); '[]' where it asks for none.
WITH asked AS (
    SELECT *
    FROM jsonb_to_recordset(current_setting('ipgov.attachments')::jsonb) AS k(
        code text, name text, required boolean, fields jsonb, kinds jsonb
    )
),
accepted AS (
    SELECT * FROM quality_unit WHERE state IN ('accepted', 'accepted_late')
),
answered AS (
    SELECT v.unit, v.field, v.kind, v.label, v.measure, v.value, v.sheet, v.cell
    FROM quality_value v
    WHERE v.answer IS NOT NULL
),
expected AS (
    SELECT a.unit, k.code, '' AS field
    FROM accepted a
    JOIN asked k ON k.kinds = '[]' OR k.kinds ? a.kind
    WHERE k.fields = '[]'
    UNION ALL
    SELECT v.unit, k.code, v.field
    FROM answered v
    JOIN asked k ON k.fields ? v.field AND (k.kinds = '[]' OR k.kinds ? v.kind)
),
listed AS (
    SELECT
        s.unit,
        l.kind AS code,
        coalesce(f.field, '') AS field,
        l.name,
        l.sheet,
        l.cell,
        t.sha256,
        t.media_type,
        t.bytes,
        t.received_at,
        t.scan
    FROM snapshot_attachment s
    JOIN listed_attachment l ON l.id = s.listed_attachment_id
    LEFT JOIN attachment t ON t.id = s.attachment_id
    LEFT JOIN LATERAL unnest(l.fields) AS f(field) ON true
    WHERE s.snapshot_id = current_setting('ipgov.snapshot')::bigint
)
SELECT
    unit || '|' || code || '|' || field || '|' || coalesce(l.name, '') AS row_key,
    unit,
    a.name,
    a.kind,
    a.province,
    code AS attachment_kind,
    k.name AS attachment_kind_name,
    k.required,
    l.name AS attachment,  -- the file's name as listed; null: none is listed
    l.name IS NOT NULL AS listed,
    l.sha256 IS NOT NULL AS present,
    nullif(field, '') AS field,  -- null: it stands for the workbook as a whole
    v.label,
    v.measure,
    v.value,
    -- where it is listed, else the value that it would prove
    coalesce(l.sheet, v.sheet) AS sheet,
    coalesce(l.cell, v.cell) AS cell,
    l.sha256,
    l.media_type,
    l.bytes,
    l.received_at,
    l.scan,
    a.submission_id
FROM expected e
FULL JOIN listed l USING (unit, code, field)
JOIN accepted a USING (unit)
LEFT JOIN asked k USING (code)
LEFT JOIN answered v USING (unit, field)
