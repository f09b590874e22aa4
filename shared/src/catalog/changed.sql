-- What changed in the last $1 seconds, and before that what the caches have not been told again; oldest change first,
-- without those of which an import has told the caches: they could be so many that nobody else's turn would come. At
-- most two batches of one; by products_updated_at. One row without a product where nothing changed.
select now() as read_at, changed.id, changed.version, changed.updated_at
from products_announced as announced
left join lateral (
    select products.id, products.version, products.updated_at
    from products
    where
        products.updated_at >= least(announced.until, now() - $1 * interval '1 second')
        and (
            (products.updated_at, products.id) > (announced.until, announced.product_id)
            or products.updated_at > now() - $1 * interval '1 second'
        )
        and products.updated_at not in (
            select batch
            from imports
            cross join lateral unnest(batches) as batch
            where batch_at > now() - interval '1 hour'
        )
    order by products.updated_at, products.id
    limit 2000
) as changed on true
