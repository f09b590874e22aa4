-- The role the functions log in as: it owns nothing, and may do only what they do.
--
-- The time limits live on the role and not in the connection, because a SET would cost a round trip, would pin RDS Proxy,
-- and would leak to other clients behind a transaction pooler.

do $$
begin
    if not exists (select from pg_roles where rolname = 'millrace_app') then
        create role millrace_app login;
    end if;
end
$$;

alter role millrace_app set statement_timeout = '5s';
alter role millrace_app set lock_timeout = '3s';
alter role millrace_app set idle_in_transaction_session_timeout = '10s';

grant usage on schema public to millrace_app;
grant select on users to millrace_app;
grant select, update (name, description, price, featured, version, updated_at) on products to millrace_app;
grant select, update (available) on inventory to millrace_app;
grant select, insert, update on orders, payments to millrace_app;
grant select, insert on order_items to millrace_app;
