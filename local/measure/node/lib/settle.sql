-- Writes down how a charge ended and gives the lease back:
--   $1 order  $2 lease owner  $3 status from now on  $4 first answer  $5 seconds until somebody has to look again, or
--   null $6 intent  $7 charge id  $8 charge status  $9 decline code
with settled as (
    update orders
    set
        status = $3,
        answer = coalesce(answer, $4),
        lease_owner = null,
        lease_until = null,
        next_attempt_at = now() + $5 * interval '1 second',
        deadline = case when $5 is not null then deadline end,
        waits_since = case when $5 is not null then waits_since end,
        updated_at = now()
    where id = $1 and lease_owner = $2
    returning id, status
),
payment as (
    update payments
    set
        intent_id = coalesce($6, intent_id),
        attempt = 1,
        attempted_at = now(),
        charge_id = coalesce($7, charge_id),
        charge_status = coalesce($8, charge_status),
        decline_code = coalesce($9, decline_code)
    from settled
    where payments.order_id = settled.id
),
-- An order that will not be fulfilled gives its stock back; locked in id order, like everybody else does.
stock as (
    select inventory.product_id, order_items.quantity
    from settled
    join order_items on order_items.order_id = settled.id
    join inventory on inventory.product_id = order_items.product_id
    where settled.status in ('failed', 'cancelled')
    order by inventory.product_id
    for update of inventory
),
released as (
    update inventory
    set available = inventory.available + stock.quantity
    from stock
    where inventory.product_id = stock.product_id
)
select id from settled
