-- By products_featured, which holds the featured products alone, newest change first. `as_of` is there even when no
-- product is: the list's version is the moment it was read, because leaving the list changes it too.
select
    (extract(epoch from now()) * 1000000)::bigint as as_of,
    shown.*
from (select) as always
left join lateral (
    select id, name, description, price, currency, featured, version, updated_at
    from products
    where featured
    order by updated_at desc, id
    limit 24
) as shown on true
