-- What a province may read. Each function runs as ipgov_province_reader, so its rows are those of the policies;
-- a function that runs as another role is never merged into the query that calls it.
GRANT CREATE ON SCHEMA province TO ipgov_province_reader;
SET LOCAL ROLE ipgov_province_reader;

CREATE FUNCTION province.read_bodies() RETURNS TABLE (
    programme text, unit text, name text, kind text, host_code text, host_name text, operator_code text,
    operator_name text, recognised_on date, last_event text, last_event_on date
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH body AS (
        SELECT DISTINCT ON (programme, unit) * FROM public.titled_body
        WHERE valid_from <= province.today()
        ORDER BY programme, unit, valid_from DESC, known_at DESC, id DESC
    ), organisation AS (
        SELECT DISTINCT ON (code) code, name FROM public.organisation
        WHERE valid_from <= province.today()
        ORDER BY code, valid_from DESC, known_at DESC, id DESC
    )
    SELECT b.programme, b.unit, b.name, b.kind, b.host_code, h.name, b.operator_code, o.name,
           r.recognised_on, e.event, e.effective_on
    FROM body b
    LEFT JOIN organisation h ON h.code = b.host_code
    LEFT JOIN organisation o ON o.code = b.operator_code
    LEFT JOIN LATERAL (
        SELECT max(t.effective_on) AS recognised_on FROM public.title_event t
        WHERE t.programme = b.programme AND t.unit = b.unit AND t.event = 'recognised'
          AND t.effective_on <= province.today()
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT t.event, t.effective_on FROM public.title_event t
        WHERE t.programme = b.programme AND t.unit = b.unit AND t.effective_on <= province.today()
        ORDER BY t.effective_on DESC, t.id DESC LIMIT 1
    ) e ON true
    ORDER BY b.programme, b.unit
$$;

CREATE FUNCTION province.read_title_events() RETURNS TABLE (
    programme text, unit text, event text, effective_on date, basis text, document_number text
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT programme, unit, event, effective_on, basis, document_number FROM public.title_event
    ORDER BY programme, unit, effective_on, id
$$;

CREATE FUNCTION province.read_submissions() RETURNS TABLE (
    programme text, period text, unit text, received_at timestamptz, due_on date, late boolean, outcome text,
    counts boolean
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.programme, s.period, s.unit, s.received_at, s.due_on, s.late, s.outcome,
           s.outcome = 'accepted' AND s.id = max(s.id) FILTER (WHERE s.outcome = 'accepted')
               OVER (PARTITION BY s.programme, s.period, s.unit)
    FROM public.submission s
    ORDER BY s.programme, s.period, s.unit, s.received_at, s.id
$$;

CREATE FUNCTION province.read_obligations() RETURNS TABLE (
    programme text, duty text, period text, unit text, owed_by text, owed_to text, opened_on date, due_on date,
    provisional boolean, state text, ended_on date, late boolean, rule_sha256 text
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.programme, o.duty, o.period, o.unit, o.owed_by, o.owed_to, o.opened_on, d.due_on, d.provisional,
           CASE WHEN e.event IS NOT NULL AND e.event <> 'resumed' THEN e.event
                WHEN l.told THEN 'overdue' ELSE 'open' END,
           CASE WHEN e.event = 'met' THEN (e.detail ->> 'on')::date
                WHEN e.event <> 'resumed' THEN e.day END,
           CASE WHEN e.event IS NOT NULL AND e.event <> 'resumed'
                THEN coalesce((e.detail ->> 'late')::boolean, false) ELSE l.told END,
           o.rule_sha256
    FROM public.obligation o
    JOIN LATERAL (
        SELECT u.due_on, u.provisional FROM public.obligation_due u
        WHERE u.obligation_id = o.id AND u.set_on <= province.today() ORDER BY u.id DESC LIMIT 1
    ) d ON true
    LEFT JOIN LATERAL (
        SELECT v.event, v.day, v.detail FROM public.obligation_event v
        WHERE v.obligation_id = o.id AND v.day <= province.today()
          AND v.event IN ('met', 'lapsed', 'withdrawn', 'resumed')
        ORDER BY v.id DESC LIMIT 1
    ) e ON true
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM public.obligation_event v
            WHERE v.obligation_id = o.id AND v.event = 'overdue' AND v.step = d.due_on::text
              AND v.day <= province.today()
        ) AS told
    ) l
    ORDER BY o.programme, d.due_on, o.duty, o.unit, o.id
$$;

CREATE FUNCTION province.read_results() RETURNS TABLE (
    programme text, period text, unit text, total numeric, grade text, passed boolean, issued_on date,
    corrected boolean
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH told AS (
        SELECT s.programme, s.period, r.unit, r.total, r.grade, r.passed, i.issued_on,
               row_number() OVER newest AS place, count(*) OVER (PARTITION BY s.programme, s.period, r.unit) AS times
        FROM province.issued() i
        JOIN public.result_set s ON s.id = i.result_set_id
        JOIN public.result r ON r.result_set_id = i.result_set_id AND r.unit = i.unit
        WHERE s.mode = 'live'
        WINDOW newest AS (PARTITION BY s.programme, s.period, r.unit ORDER BY i.issue_id DESC)
    )
    SELECT programme, period, unit, total, grade, passed, issued_on, times > 1 FROM told WHERE place = 1
    ORDER BY programme, period, unit
$$;

CREATE FUNCTION province.read_documents() RETURNS TABLE (
    number text, title text, programme text, period text, unit text, recipient text, issued_on date
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT number, title, programme, period, unit, recipient, issued_on FROM public.document
    WHERE issued_on <= province.today() ORDER BY issued_on, id
$$;

-- what the port is for: to view and to count (2022-985#24)
CREATE FUNCTION province.read_counts() RETURNS TABLE (
    programme text, bodies bigint, submissions bigint, late bigint, open bigint, overdue bigint, results bigint,
    passed bigint, failed bigint
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH counted (programme, what) AS (
        SELECT b.programme, 'body' FROM province.read_bodies() b
        UNION ALL SELECT s.programme, CASE WHEN s.late THEN 'late' ELSE 'in time' END
            FROM province.read_submissions() s WHERE s.counts
        UNION ALL SELECT o.programme, o.state FROM province.read_obligations() o
        UNION ALL SELECT r.programme, CASE WHEN r.passed THEN 'passed' WHEN NOT r.passed THEN 'failed' ELSE 'told' END
            FROM province.read_results() r
    )
    SELECT programme,
           count(*) FILTER (WHERE what = 'body'), count(*) FILTER (WHERE what IN ('late', 'in time')),
           count(*) FILTER (WHERE what = 'late'), count(*) FILTER (WHERE what = 'open'),
           count(*) FILTER (WHERE what = 'overdue'), count(*) FILTER (WHERE what IN ('passed', 'failed', 'told')),
           count(*) FILTER (WHERE what = 'passed'), count(*) FILTER (WHERE what = 'failed')
    FROM counted GROUP BY programme ORDER BY programme
$$;

REVOKE ALL ON FUNCTION
    province.read_bodies(), province.read_title_events(), province.read_submissions(),
    province.read_obligations(), province.read_results(), province.read_documents(), province.read_counts()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    province.read_bodies(), province.read_title_events(), province.read_submissions(),
    province.read_obligations(), province.read_results(), province.read_documents(), province.read_counts()
TO ipgov_province;
RESET ROLE;
REVOKE CREATE ON SCHEMA province FROM ipgov_province_reader;
