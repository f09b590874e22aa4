-- Finds a product that is sold and archives it, if it has the version the caller expects (null: any): $1 product, $2
-- version.
with target as (
    select id, version from products where id = $1 and archived_at is null for no key update
),
archived as (
    update products
    set archived_at = now(), featured = false, version = products.version + 1, updated_at = now()
    from target
    where products.id = target.id and ($2::bigint is null or target.version = $2)
    returning products.id, products.version
)
select target.version as found_version, archived.version
from target
left join archived on archived.id = target.id
