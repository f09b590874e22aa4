-- What an order keeps of the day it was placed, what its customer needs to finish it, and how much a customer owes.

-- The product's name on that day; of an order from before, the catalogue has it.
alter table order_items add column name text;

-- What the customer's browser needs to authenticate the payment, for as long as the order waits for that.
alter table payments add column client_secret text;

-- The orders of a customer that hold stock and are not paid.
create index orders_unpaid on orders (user_id)
where status in ('charging', 'deferred', 'action_required', 'cancelling');
