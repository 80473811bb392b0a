-- Of a period of several years: one row per body to be evaluated and year of the period, with what became of
-- the workbook that the body owed then (snapshot_year). None where the rules build on no yearly workbooks.
SELECT
    y.unit || '|' || y.period AS row_key,
    y.unit,
    u.name,
    u.kind,
    u.province,
    y.period AS year,
    y.state,
    CASE y.state
        WHEN 'accepted' THEN '按期受理'
        WHEN 'accepted_late' THEN '逾期受理'
        WHEN 'late' THEN '逾期过久，未受理'
        WHEN 'returned' THEN '已退回，未更正'
        WHEN 'missing' THEN '未报送'
        WHEN 'exempt' THEN '当年无须报送'
        WHEN 'not_forwarded' THEN '省级部门未转报'
        WHEN 'returned_by_province' THEN '省级部门退回'
        WHEN 'not_copied' THEN '没有抄送省级部门的记录'
        ELSE y.state
    END AS state_name,
    y.state IN ('accepted', 'accepted_late') AS present,
    y.submission_id
FROM quality_unit u
JOIN snapshot_year y
    ON y.snapshot_id = current_setting('ipgov.snapshot')::bigint
    AND y.unit = u.unit
