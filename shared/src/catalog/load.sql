-- The products with these ids, those that exist, in any order; by products_pkey.
select id, name, description, price, currency, featured, version, updated_at
from products
where id = any($1::uuid[])
