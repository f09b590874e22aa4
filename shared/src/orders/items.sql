-- The items of these orders; by order_items_order_product.
select order_id, product_id, quantity, unit_price
from order_items
where order_id = any($1::uuid[])
order by order_id, product_id
