-- Two fields of one body side by side, for rules between them. ``field``, ``sheet`` and ``cell`` are those of
-- the first, where a finding points to. Always name both fields: unfiltered this is fields x fields per body.
SELECT
    a.unit || '|' || a.field || '|' || b.field AS row_key,
    a.unit,
    a.name,
    a.kind,
    a.province,
    a.field,
    a.label,
    a.measure,
    a.value,
    a.sheet,
    a.cell,
    a.submission_id,
    b.field AS other_field,
    b.label AS other_label,
    b.measure AS other_measure,
    b.value AS other_value,
    b.sheet AS other_sheet,
    b.cell AS other_cell
FROM quality_value a
JOIN quality_value b ON b.unit = a.unit AND b.field <> a.field
