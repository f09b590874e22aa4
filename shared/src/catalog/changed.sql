-- The products changed in the last $1 seconds, oldest change first, without those of which an import has told the
-- caches: they could be so many that nobody else's turn would come. At most two batches of one; by products_updated_at.
select id, version
from products
where
    updated_at > now() - $1 * interval '1 second'
    and updated_at not in (
        select batch from imports cross join lateral unnest(batches) as batch where batch_at > now() - interval '1 hour'
    )
order by updated_at
limit 2000
