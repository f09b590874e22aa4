-- On RDS the functions log in with IAM tokens, which Postgres takes from members of rds_iam alone. Elsewhere there is no
-- such role, and nothing to do.

do $$
begin
    if exists (select from pg_roles where rolname = 'rds_iam') then
        grant rds_iam to millrace_app;
    end if;
end
$$;
