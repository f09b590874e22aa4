-- Writes down how a step ended, if the lease is still ours, and gives the lease back:
--   $1 order  $2 lease owner  $3 status  $4 first answer  $5 seconds until the next step, or null
--   $6 charge id  $7 charge status  $8 decline code
with settled as (
    update orders
    set
        status = $3,
        answer = coalesce(answer, $4),
        lease_owner = null,
        lease_until = null,
        next_attempt_at = now() + $5 * interval '1 second',
        updated_at = now()
    where id = $1 and lease_owner = $2 and status = 'charging'
    returning id, status
),
payment as (
    update payments
    set
        charge_id = coalesce($6, charge_id),
        charge_status = coalesce($7, charge_status),
        decline_code = coalesce($8, decline_code)
    from settled
    where payments.order_id = settled.id
),
-- A failed or cancelled order gives its stock back; locked in id order, like everybody else does.
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
