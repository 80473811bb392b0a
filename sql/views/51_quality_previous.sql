-- The values of the last period of the same programme that was issued, as known at SET ipgov.known_at:
-- what a jump is measured against.
WITH last_issued AS (
    SELECT r.snapshot_id, r.period
    FROM issue i
    JOIN review_round o ON o.id = i.round_id
    JOIN result_set r ON r.id = o.result_set_id
    JOIN snapshot s ON s.id = current_setting('ipgov.snapshot')::bigint
    WHERE r.programme = s.programme
      AND r.period < s.period
      AND i.known_at <= current_setting('ipgov.known_at')::timestamptz
    -- of several issues of one period the newest counts
    ORDER BY r.period DESC, i.id DESC
    LIMIT 1
)
SELECT v.unit, v.field, v.value, l.period
FROM last_issued l
JOIN snapshot_value v ON v.snapshot_id = l.snapshot_id
