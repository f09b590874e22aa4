-- The products after this id, oldest first (ids hold the time of their making); by products_pkey.
select id, name, description, price, currency, featured, version, updated_at
from products
where id > $1
order by id
limit $2
