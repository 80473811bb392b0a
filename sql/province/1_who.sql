-- A province sees its own bodies only (2022-985#24). Run after every migration, in one transaction with it.
--
-- Three walls, each of which would do alone:
--   1. a province's role may read the views of the schema province and no table;
--   2. the views are made by functions that run as ipgov_province_reader: nothing that a province adds to a
--      query (a function, a condition, EXPLAIN) comes near a table;
--   3. row-level security on the tables lets that role, and every role of a province to which somebody should
--      once grant a table by mistake, see only the rows of the province that asks.
DROP SCHEMA IF EXISTS province CASCADE;
CREATE SCHEMA province;
REVOKE ALL ON SCHEMA province FROM PUBLIC;
GRANT USAGE ON SCHEMA province TO ipgov_province, ipgov_province_reader;

-- Who asks: whoever signed in, whatever role was set since. The application signs in as itself and sets the
-- role of the province for which it exports; no province may set any role.
CREATE FUNCTION province.asks() RETURNS text STABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN session_user = 'ipgov_app' THEN current_setting('role') ELSE session_user::text END
$$;

-- The province that asks; null for everybody else and after a revocation: then no row is its own.
CREATE FUNCTION province.mine() RETURNS text STABLE LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN a.state <> 'revoked' THEN a.province END
    FROM public.province_access a WHERE a.role = province.asks() ORDER BY a.id DESC LIMIT 1
$$;

-- The day as of which, and the moment as known at which it is asked: an export's own; of a province that
-- signed in always now, or it could ask for a day on which another's body was still its own.
CREATE FUNCTION province.today() RETURNS date STABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        CASE WHEN session_user = 'ipgov_app' THEN nullif(current_setting('ipgov.as_of', true), '')::date END,
        (now() AT TIME ZONE 'Asia/Shanghai')::date
    )
$$;

CREATE FUNCTION province.knowing() RETURNS timestamptz STABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        CASE WHEN session_user = 'ipgov_app'
             THEN nullif(current_setting('ipgov.known_at', true), '')::timestamptz END,
        'infinity'
    )
$$;

-- The bodies of the province on that day: those that are in it and report through it. Those that the office
-- manages directly are no province's (2023-156#13). A code that two programmes use is a province's own only
-- where both bodies are.
CREATE FUNCTION province.units() RETURNS text[] STABLE LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH body AS (
        SELECT DISTINCT ON (programme, unit) unit, province, route FROM public.titled_body
        WHERE valid_from <= province.today() AND known_at <= province.knowing()
        ORDER BY programme, unit, valid_from DESC, known_at DESC, id DESC
    ), own AS (
        SELECT unit FROM body GROUP BY unit
        HAVING bool_and(province = province.mine() AND route = 'province')
    )
    SELECT coalesce(array_agg(unit), '{}') FROM own
$$;

-- Codes of the organisations that host or operate them.
CREATE FUNCTION province.organisations() RETURNS text[] STABLE LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT code), '{}')
    FROM public.titled_body b CROSS JOIN LATERAL (VALUES (b.host_code), (b.operator_code)) AS o (code)
    WHERE b.unit = ANY (province.units()) AND b.province = province.mine()
$$;

-- What its bodies, their organisations or itself owe, and what is owed to it: the office's own matters and
-- what concerns a body that is not its own are no part of it.
CREATE FUNCTION province.obligations() RETURNS bigint[] STABLE LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(o.id), '{}') FROM public.obligation o
    WHERE (o.unit = ANY (province.units()) AND (o.owed_by <> 'office' OR o.owed_to = province.mine()))
       OR (o.unit IS NULL AND province.mine() IN (o.owed_by, o.owed_to))
$$;

-- What was issued to it, or to others with a copy to it.
CREATE FUNCTION province.documents() RETURNS bigint[] STABLE LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(d.id), '{}') FROM public.document d
    WHERE d.recipient = province.mine() OR EXISTS (
        SELECT FROM public.dispatch s
        WHERE s.document_id = d.id AND s.recipient = province.mine() AND s.known_at <= province.knowing()
    )
$$;

-- Results that an issued round told the provinces: of a correction, those of the bodies that it corrects.
CREATE FUNCTION province.issued() RETURNS TABLE (result_set_id bigint, unit text, issue_id bigint, issued_on date)
STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.result_set_id, u.unit, i.id, t.issued_on
    FROM public.issue i
    JOIN public.review_round r ON r.id = i.round_id
    CROSS JOIN LATERAL (
        SELECT min(d.issued_on) AS issued_on FROM public.document d
        WHERE d.round_id = r.id AND d.kind IN ('result_to_province', 'result_correction_province')
          AND d.known_at <= province.knowing()
    ) t
    CROSS JOIN unnest(province.units()) AS u (unit)
    LEFT JOIN public.correction c ON c.round_id = r.id
    WHERE i.known_at <= province.knowing() AND r.result_set_id IS NOT NULL AND t.issued_on IS NOT NULL
      AND (c.id IS NULL OR EXISTS (
          SELECT FROM public.correction_unit x WHERE x.correction_id = c.id AND x.unit = u.unit
      ))
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA province FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA province TO ipgov_province, ipgov_province_reader;
