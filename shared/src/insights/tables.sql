-- How the tables are read, those first of which most rows were read by sequential scans. Counts are forgotten when the
-- server crashes or another takes over; how many rows there are is then known from the last analyze.
select
    relid::regclass::text as name,
    greatest(n_live_tup, reltuples::bigint) as rows,
    pg_table_size(relid) as bytes,
    seq_scan as sequential_scans,
    seq_tup_read as rows_scanned,
    coalesce(idx_scan, 0) as index_scans
from pg_stat_user_tables
join pg_class on pg_class.oid = relid
where pg_stat_user_tables.relname <> '_sqlx_migrations'
order by seq_tup_read desc, name
