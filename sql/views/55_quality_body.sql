-- One row per accepted body with all its numbers side by side, for rules over several fields: sums, ratios of
-- sums, shares. ``number`` is {field: value} (numeric text stays exact: ->> gives it back digit by digit),
-- ``place`` is {field: {sheet, cell}}. A rule names the field that its finding points to:
--   SELECT *, 'F08' AS field, number->>'F08' AS value, place->'F08'->>'cell' AS cell FROM {batch} WHERE ...
SELECT
    unit AS row_key,
    unit,
    name,
    kind,
    province,
    submission_id,
    jsonb_object_agg(field, value) FILTER (WHERE value IS NOT NULL) AS number,
    jsonb_object_agg(field, jsonb_build_object('sheet', sheet, 'cell', cell)) AS place
FROM quality_value
GROUP BY unit, name, kind, province, submission_id
