-- Row-level security. The application's role sees and adds as before; every other role that is neither the
-- owner nor lifted above the policies sees nothing, and a province what is its own and was known.
DO $$
DECLARE
    rows CONSTANT text[] := ARRAY[
        'titled_body', 'unit = ANY ((SELECT province.units())::text[])',
        'organisation', 'code = ANY ((SELECT province.organisations())::text[])',
        'title_event', 'unit = ANY ((SELECT province.units())::text[])',
        'submission', 'unit = ANY ((SELECT province.units())::text[])',
        'result', '(result_set_id, unit) IN (SELECT i.result_set_id, i.unit FROM province.issued() i)',
        'result_set', 'id IN (SELECT i.result_set_id FROM province.issued() i)',
        'obligation', 'id = ANY ((SELECT province.obligations())::bigint[])',
        'obligation_due', 'obligation_id = ANY ((SELECT province.obligations())::bigint[])',
        'obligation_event', 'obligation_id = ANY ((SELECT province.obligations())::bigint[])',
        'document', 'id = ANY ((SELECT province.documents())::bigint[])',
        'document_file', 'document_id = ANY ((SELECT province.documents())::bigint[])',
        'dispatch', 'recipient = (SELECT province.mine())'
    ];
    name text;
    own text;
BEGIN
    FOR n IN 1 .. array_length(rows, 1) BY 2 LOOP
        name := rows[n];
        own := rows[n + 1];
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('DROP POLICY IF EXISTS application ON public.%I', name);
        EXECUTE format('DROP POLICY IF EXISTS province ON public.%I', name);
        EXECUTE format('CREATE POLICY application ON public.%I TO ipgov_app USING (true) WITH CHECK (true)', name);
        EXECUTE format(
            'CREATE POLICY province ON public.%I FOR SELECT TO ipgov_province, ipgov_province_reader '
            'USING (known_at <= (SELECT province.knowing()) AND %s)', name, own);
        EXECUTE format('GRANT SELECT ON public.%I TO ipgov_province_reader', name);
    END LOOP;
END $$;

-- nobody but the application works here: no tables or functions of a session's own
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
