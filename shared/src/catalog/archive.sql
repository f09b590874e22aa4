-- Finds a product that is sold and archives it, if it has one of the versions that the caller expects ($2: any), and
-- none of those that it excludes: $1 product, $3 expected, $4 excluded.
with target as (
    select id, version from products where id = $1 and archived_at is null for no key update
),
archived as (
    update products
    set archived_at = now(), featured = false, version = products.version + 1, updated_at = now()
    from target
    where products.id = target.id and ($2 or target.version = any($3)) and target.version <> all($4)
    returning products.id, products.version
)
select target.version as found_version, archived.version
from target
left join archived on archived.id = target.id
