-- What is sold, by name, after product $1 of name $2; by products_by_name_everywhere, whose order is the same whatever
-- locale the database was made with, or by products_by_stock_and_name or products_featured_by_name.
--   $3 limit  $4 currency, or null  $5 least and $6 most price  $7 featured, or null  $8 in stock, or null
select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where
    archived_at is null
    and (name collate "C", id) > ($2 collate "C", $1)
    and ($4::text is null or currency = $4)
    and price between $5 and $6
    and ($7::boolean is null or featured = $7)
    and ($8::boolean is null or in_stock = $8)
order by name collate "C", id
limit $3
