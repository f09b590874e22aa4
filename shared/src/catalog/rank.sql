-- Says anew how well products sell, from what was noted: by their place, halved and halved again. At most $1 products
-- move, the best first; the others wait for the next time. Their versions stay, since nobody sees it in a product.
with best as (
    select product_id as id, 31 - length(ltrim(place::integer::bit(32)::text, '0')) as popularity
    from (
        select product_id, row_number() over (order by sold desc, product_id desc) as place
        from product_sales
        order by sold desc, product_id desc
        limit 32767
    ) as placed
), moved as (
    select id, coalesce(best.popularity, 0) as popularity
    from best
    full join (select id, popularity from products where popularity > 0) as known using (id)
    where best.popularity is distinct from known.popularity
    order by greatest(best.popularity, known.popularity) desc, id
    limit $1
),
-- In the order of ids, as everybody changes several products: so nobody waits in a circle. Counted below, because that
-- takes all of them before the first product changes.
held as (
    select id from products where id in (select id from moved) order by id for no key update
)
update products
set popularity = moved.popularity
from moved
where products.id = moved.id and (select count(*) from held) >= 0
