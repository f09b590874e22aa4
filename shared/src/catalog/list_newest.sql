-- What is sold, the newest first, after product $1; by products_listed, products_listed_by_stock or
-- products_featured_newest. Ids hold the time of their making: whoever adds a product, through the API or by a file,
-- gets one of ours, and can bring none along.
--   $2 limit  $3 currency, or null  $4 least and $5 most price  $6 featured, or null  $7 in stock, or null
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where
    archived_at is null
    and id < $1
    and ($3::text is null or currency = $3)
    and price between $4 and $5
    and ($6::boolean is null or featured = $6)
    and ($7::boolean is null or in_stock = $7)
order by id desc
limit $2
