-- Facts are appended, never changed. Run after every migration, so that no table can be forgotten:
-- every table refuses UPDATE, DELETE and TRUNCATE, and the application's role may only read and add.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on "%" refused: facts are appended, never changed', TG_OP, TG_TABLE_NAME
        USING HINT = 'Add a new row that names what it supersedes and why.',
              ERRCODE = 'integrity_constraint_violation';
END $$;

DO $$
DECLARE
    name text;
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO ipgov_app;
    FOR name IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT ON %I TO ipgov_app', name);
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = name::regclass AND tgname = 'append_only') THEN
            EXECUTE format(
                'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
            -- also when a session calls itself a replica
            EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', name);
        END IF;
    END LOOP;
    GRANT SELECT ON alembic_version TO ipgov_app;
END $$;
