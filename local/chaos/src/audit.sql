-- Everything that the audit wants to know, as one JSON document.
select json_build_object(
    'orders', (
        select coalesce(json_agg(json_build_object(
            'id', orders.id, 'user', orders.user_id, 'key', idempotency_key, 'status', status, 'total', total,
            'currency', currency, 'intent', intent_id, 'charge', charge_id
        )), '[]')
        from orders join payments on order_id = orders.id
    ),
    'stock', (
        select json_agg(json_build_object(
            'product', start.product_id, 'start', start.available, 'left', inventory.available, 'sold', coalesce(sold.pieces, 0)
        ))
        from stock_at_start as start
        join inventory on inventory.product_id = start.product_id
        left join (
            select product_id, sum(quantity) as pieces
            from order_items join orders on orders.id = order_id
            where status not in ('failed', 'cancelled', 'refund_pending', 'refunded')
            group by product_id
        ) as sold on sold.product_id = start.product_id
    )
);
