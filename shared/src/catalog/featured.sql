-- By products_shown, which holds the featured products alone: what is in stock first, then newest change first.
-- `as_of` is there even when no product is: the list's version is the moment it was read, because leaving the list
-- changes it too. Archiving takes a product off the front page; by hand that may be forgotten.
select
    (extract(epoch from now()) * 1000000)::bigint as as_of,
    shown.*
from (select) as always
left join lateral (
    select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
    from products
    where featured and archived_at is null
    order by in_stock desc, updated_at desc, id
    limit 24
) as shown on true
