-- What the functions' statements cost, dearest together first; each has its name in a comment behind its first word.
with named as (
    select
        substring(query from '^[a-z]+ /[*] ([a-z0-9._]+) [*]/') as name,
        calls, rows, total_exec_time, shared_blks_hit + shared_blks_read as blocks
    from pg_stat_statements
    where
        userid = (select oid from pg_roles where rolname = current_user)
        and dbid = (select oid from pg_database where datname = current_database())
)
select
    name,
    sum(calls)::bigint as calls,
    sum(total_exec_time) as total_ms,
    sum(total_exec_time) / sum(calls)::float8 as mean_ms,
    100 * sum(total_exec_time) / sum(sum(total_exec_time)) over () as share_percent,
    (sum(rows) / sum(calls))::float8 as rows_each,
    (sum(blocks) / sum(calls))::float8 as blocks_each
from named
where name is not null
group by name
having sum(calls) > 0
order by total_ms desc, name
limit $1
