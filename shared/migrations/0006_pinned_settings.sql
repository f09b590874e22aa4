-- What a statement means, and how its result is written, must not depend on who set what for the server, the database or the
-- role. On a role in one database a setting goes before all of these. A start-up parameter would be refused by PgBouncer, and a
-- SET would pin RDS Proxy and leak to other clients.
--
-- docs/database.md says what each would do otherwise. Limits are not here: 0002 has set them on the role, where they can be
-- changed; nor is default_transaction_read_only, by which an operator closes a shop for writing.

-- Loads the extension's library, which makes its settings known.
select show_limit();

do $$
declare
    setting text;
begin
    foreach setting in array array[
        'search_path = public',
        'default_transaction_isolation = ''read committed''',
        'default_transaction_deferrable = off',
        'datestyle = ''ISO, MDY''',
        'intervalstyle = postgres',
        'timezone = ''UTC''',
        'client_encoding = ''UTF8''',
        'bytea_output = hex',
        'extra_float_digits = 1',
        'xmlbinary = base64',
        'xmloption = content',
        'lc_monetary = ''C''',
        'lc_numeric = ''C''',
        'lc_time = ''C''',
        'quote_all_identifiers = off',
        'standard_conforming_strings = on',
        'escape_string_warning = on',
        'backslash_quote = safe_encoding',
        'array_nulls = on',
        'transform_null_equals = off',
        'row_security = on',
        'default_text_search_config = ''pg_catalog.english''',
        'gin_fuzzy_search_limit = 0',
        'pg_trgm.word_similarity_threshold = 0.3',
        'client_min_messages = warning'
    ] loop
        execute format('alter role millrace_app in database %I set %s', current_database(), setting);
    end loop;
end
$$;
