-- Writes down how a step ended, if the order is still as we took it and the lease is still ours, and gives the lease
-- back:
--   $1 order  $2 lease owner  $3 status as we took it  $4 status from now on  $5 first answer, or null
--   $6 seconds until the next step, or null  $7 charge id  $8 charge status  $9 decline code  $10 refund id
--   $11 when it is given up, or null  $12 how much went back, or null
--   $13 the refund that an administrator wanted, or null  $14 how that ended, or null
--   $15 what the customer's browser needs to authenticate the payment, or null
--   $16 the intent, or null  $17 whether nothing was ever sent under the order's key
--   $18 refunds that did not arrive, by the provider's ids and ours, or null
with settled as (
    update orders
    set
        status = $4,
        answer = coalesce(answer, $5),
        lease_owner = null,
        lease_until = null,
        -- News that came while somebody was at work may be of after that look, so they keep the order due; but to one
        -- that is paid now they said the same. (A lease is due again when it ends, unless there are news, or a sweep
        -- that came after it.)
        next_attempt_at = case
            when next_attempt_at is distinct from lease_until and ($4 = $3 or $4 <> 'paid') then now()
            else now() + $6 * interval '1 second'
        end,
        deadline = $11,
        waits_since = case
            when $6::integer is null
                and not (next_attempt_at is distinct from lease_until and ($4 = $3 or $4 <> 'paid'))
                then null
            when $4 = 'action_required' then $11::timestamptz
            -- Being charged and being put off are one wait.
            when $3 = 'charging' and $4 in ('charging', 'deferred') then coalesce(waits_since, created_at)
            when $3 = $4 then coalesce(waits_since, now())
            else now()
        end,
        updated_at = now()
    where id = $1 and lease_owner = $2 and status = $3
    returning id, status
),
payment as (
    update payments
    set
        charge_id = coalesce($7, charge_id),
        charge_status = coalesce($8, charge_status),
        decline_code = coalesce($9, decline_code),
        refund_id = coalesce($10, refund_id),
        refunded = coalesce($12, refunded),
        client_secret = case when $4 = 'action_required' then coalesce($15, client_secret) end,
        intent_id = coalesce(intent_id, $16),
        attempt = case when $17 then 0 else attempt end,
        attempted_at = case when $17 then null else attempted_at end
    from settled
    where payments.order_id = settled.id
),
-- With it comes back into stock what its customer has sent back: by a trigger, refund_changed.
refund as (
    update refunds
    set status = $14, refund_id = coalesce($10, refunds.refund_id)
    from settled
    where refunds.id = $13 and $14::text is not null and refunds.status = 'pending'
),
-- What seemed to be made and was not: the money is the shop's again. What came back into stock is there all the same.
failed as (
    update refunds
    set status = 'failed'
    from settled
    where
        refunds.order_id = settled.id
        and refunds.status = 'succeeded'
        and (refunds.refund_id = any($18::text[]) or refunds.id::text = any($18::text[]))
),
-- An order that will not be fulfilled gives its stock back, once; locked in id order, like everybody else does.
stock as (
    select inventory.product_id, inventory.available, order_items.quantity
    from settled
    join order_items on order_items.order_id = settled.id
    join inventory on inventory.product_id = order_items.product_id
    where
        settled.status in ('failed', 'cancelled', 'refund_pending')
        and $3 in ('charging', 'action_required', 'cancelling')
    order by inventory.product_id
    for update of inventory
),
-- What is to be had again by it changes as a product too, by a trigger: locked before, in id order, as an import and a
-- ranking change products.
to_be_had as (
    select id
    from products
    where id in (select product_id from stock where available = 0)
    order by id
    for no key update
),
released as (
    update inventory
    set available = inventory.available + stock.quantity
    from stock
    where inventory.product_id = stock.product_id and (select count(*) from to_be_had) >= 0
)
select id from settled
