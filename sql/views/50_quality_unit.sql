-- Every body of ONE snapshot. A session chooses it: SET ipgov.snapshot = '12'.
-- Without that setting the view refuses to answer rather than mix snapshots.
SELECT
    u.unit AS row_key,
    u.unit,
    u.name,
    u.kind,
    u.province,
    u.route,
    u.state,
    CASE u.state
        WHEN 'accepted' THEN '按期受理'
        WHEN 'accepted_late' THEN '逾期受理'
        WHEN 'late' THEN '逾期过久，未受理'
        WHEN 'returned' THEN '已退回，未更正'
        WHEN 'missing' THEN '未报送'
        WHEN 'exempt' THEN '本期免予评价'
        WHEN 'not_forwarded' THEN '省级部门未转报'
        WHEN 'returned_by_province' THEN '省级部门退回'
        WHEN 'not_copied' THEN '没有抄送省级部门的记录'
    END AS state_name,
    s.programme,
    s.period,
    u.submission_id,
    -- the day in the office's time zone on which the workbook came in
    (w.received_at AT TIME ZONE 'Asia/Shanghai')::date AS received_on,
    w.due_on
FROM snapshot s
JOIN snapshot_unit u ON u.snapshot_id = s.id
LEFT JOIN submission w ON w.id = u.submission_id
WHERE s.id = current_setting('ipgov.snapshot')::bigint
