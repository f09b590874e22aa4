-- The products with these ids, those that are sold, in any order; by products_pkey.
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where id = any($1::uuid[]) and archived_at is null
