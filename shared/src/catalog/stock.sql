-- Changes how many pieces there are of a product that is sold; `available` is null where it may not:
--   $1 product  $2 pieces from now on, or null  $3 how many more, or null
--   $4 pieces the caller expects, or null  $5 the most
with target as (
    select inventory.product_id, inventory.available, coalesce($2::bigint, inventory.available::bigint + $3) as wanted
    from inventory
    join products on products.id = inventory.product_id
    where inventory.product_id = $1 and products.archived_at is null
    for update of inventory
),
changed as (
    update inventory
    set available = target.wanted::integer
    from target
    where
        inventory.product_id = target.product_id
        and target.wanted between 0 and $5
        and ($4::integer is null or target.available = $4)
    returning inventory.product_id, inventory.available
)
select target.available as found, changed.available
from target
left join changed on changed.product_id = target.product_id
