-- How the tables are read, those first of which most rows were read by sequential scans.
select
    relname::text as name,
    n_live_tup as rows,
    pg_table_size(relid) as bytes,
    seq_scan as sequential_scans,
    seq_tup_read as rows_scanned,
    coalesce(idx_scan, 0) as index_scans
from pg_stat_user_tables
where relname <> '_sqlx_migrations'
order by seq_tup_read desc, relname
