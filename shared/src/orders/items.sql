-- The items of these orders; by order_items_order_product. Orders from before names were kept have the catalogue's.
select i.order_id, i.product_id, coalesce(i.name, p.name) as name, i.quantity, i.unit_price
from order_items i
join products p on p.id = i.product_id
where i.order_id = any($1::uuid[])
order by i.order_id, i.product_id
