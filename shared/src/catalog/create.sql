-- Adds a product with its stock; no row if another one has its sku:
--   $1 id  $2 sku, or null  $3 name  $4 description  $5 price  $6 currency  $7 featured  $8 pieces
with created as (
    insert into products (id, sku, name, description, price, currency, featured, in_stock)
    values ($1, $2, $3, $4, $5, $6, $7, $8 > 0)
    on conflict (sku) do nothing
    returning *
),
stocked as (
    insert into inventory (product_id, available)
    select id, $8 from created
)
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from created
