-- Finds the product and changes it, if it is sold in this currency and has one of the versions that the caller expects
-- ($7: any), and none of those that it excludes.
with target as (
    select id, version, currency from products where id = $1 and archived_at is null for no key update
), changed as (
    update products
    set name = $2, description = $3, price = $4, featured = $6, version = products.version + 1, updated_at = now()
    from target
    where products.id = target.id and target.currency = $5
      and ($7 or target.version = any($8)) and target.version <> all($9)
    returning products.*
)
select
    target.version as found_version,
    target.currency as found_currency,
    changed.id, changed.sku, changed.name, changed.description, changed.price, changed.currency, changed.featured,
    changed.in_stock, changed.version, changed.updated_at
from target left join changed on changed.id = target.id
