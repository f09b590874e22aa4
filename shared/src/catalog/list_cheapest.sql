-- What is sold in one currency, the cheapest first, after product $1 of price $2; by products_by_price,
-- products_by_stock_and_price or products_featured_by_price.
--   $3 limit  $4 currency  $5 least and $6 most price  $7 featured, or null  $8 in stock, or null
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where
    archived_at is null
    and currency = $4
    and (price, id) > ($2, $1)
    and price between $5 and $6
    and ($7::boolean is null or featured = $7)
    and ($8::boolean is null or in_stock = $8)
order by price, id
limit $3
