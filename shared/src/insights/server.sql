-- How full the server is, and how much of what was read lay in its memory. Sessions of other roles show no state.
select
    current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true), '0')::integer as connection_limit,
    sessions.open as connections,
    sessions.active,
    sessions.idle_in_transaction,
    d.blks_hit as blocks_from_memory,
    d.blks_read as blocks_from_disk,
    coalesce(d.stats_reset, pg_postmaster_start_time()) as since
from pg_stat_database d
cross join (
    select
        count(*) as open,
        count(*) filter (where state = 'active') as active,
        count(*) filter (where state like 'idle in transaction%') as idle_in_transaction
    from pg_stat_activity
    where usename is not null and datname is not null
) as sessions
where d.datname = current_database()
