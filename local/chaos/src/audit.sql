-- Everything that the audit wants to know, as one JSON document.
select json_build_object(
    'orders', (
        select coalesce(json_agg(json_build_object(
            'id', orders.id, 'user', orders.user_id, 'key', idempotency_key, 'status', status, 'total', total,
            'currency', currency, 'intent', intent_id, 'charge', charge_id, 'refunded', refunded,
            'placed', (extract(epoch from created_at) * 1000)::bigint,
            'moved', (
                select (extract(epoch from max(at)) * 1000)::bigint from order_history where order_id = orders.id
            )
        )), '[]')
        from orders join payments on order_id = orders.id
    ),
    'refunds', (
        select coalesce(json_agg(json_build_object(
            'order', order_id, 'key', idempotency_key, 'amount', amount, 'status', status
        )), '[]')
        from refunds
    ),
    'stock', (
        select json_agg(json_build_object(
            'product', start.product_id, 'start', start.available, 'left', inventory.available,
            'sold', coalesce(sold.pieces, 0) - coalesce(back.pieces, 0),
            'ordered', (extract(epoch from orders.first) * 1000)::bigint,
            'moved', (extract(epoch from orders.last) * 1000)::bigint
        ))
        from stock_at_start as start
        join inventory on inventory.product_id = start.product_id
        -- Of orders that were kept, and of those that were, until somebody gave the money back.
        left join (
            select product_id, sum(quantity) as pieces
            from order_items join orders on orders.id = order_id
            where
                status not in ('failed', 'cancelled', 'refund_pending', 'refunded')
                or exists (select from refunds where refunds.order_id = orders.id and refunds.status = 'succeeded')
            group by product_id
        ) as sold on sold.product_id = start.product_id
        left join (
            select line.product_id, sum(line.quantity) as pieces
            from refunds, jsonb_to_recordset(returns) as line (product_id uuid, quantity bigint)
            where status = 'succeeded'
            group by line.product_id
        ) as back on back.product_id = start.product_id
        -- Of whatever became of them: what is wrong with stock may come of any.
        left join (
            select product_id, min(at) as first, max(at) as last
            from order_items join order_history using (order_id)
            group by product_id
        ) as orders on orders.product_id = start.product_id
    )
);
