-- console.items: the items of one order.   $1 order
select product_id, quantity from order_items where order_id = $1
