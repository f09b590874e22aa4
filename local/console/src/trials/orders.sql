-- console.orders: the list alone, for the way of one statement for each order and item.
-- $1 user   $2 how many
select id from orders
where user_id = $1 and status <> 'cancelled' and created_at > now() - interval '30 days'
order by created_at desc, id desc
limit $2
