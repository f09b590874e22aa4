-- What is sold and has a sku, after the product $1, oldest first, with its stock; by products_pkey.
select
    products.id, products.sku, products.name, products.description, products.price, products.currency,
    products.featured, inventory.available
from products
join inventory on inventory.product_id = products.id
where products.id > $1 and products.archived_at is null and products.sku is not null
order by products.id
limit $2
