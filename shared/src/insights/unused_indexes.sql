-- Indexes that no statement has read, largest first. A unique one is needed for what it forbids.
select
    s.indexrelname::text as name,
    s.relname::text as "table",
    pg_relation_size(s.indexrelid) as bytes
from pg_stat_user_indexes s
join pg_index i on i.indexrelid = s.indexrelid
where s.idx_scan = 0 and not i.indisunique
order by bytes desc, name
