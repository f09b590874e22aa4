-- Foreign keys without an index that begins with their columns: to delete or renumber a row of the other table, all of
-- this one is read.
select
    c.conrelid::regclass::text as "table",
    c.confrelid::regclass::text as "references",
    (
        select string_agg(a.attname, ', ' order by k.position)
        from unnest(c.conkey) with ordinality as k (number, position)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
    ) as columns
from pg_constraint c
where
    c.contype = 'f'
    and not exists (
        select
        from pg_index i
        where
            i.indrelid = c.conrelid
            and i.indisvalid
            and i.indpred is null
            and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
    )
order by 1, 3
