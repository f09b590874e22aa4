-- The products after this id, oldest first (ids hold the time of their making); by products_pkey.
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where id > $1 and archived_at is null
order by id
limit $2
