-- A small shop: 40 products, of which every fourth is soon sold out, one administrator, and a new customer for every
-- journey, so that no rate limit is met by accident.
insert into users (id, email, password_hash, role)
select ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'user-' || n || '@millrace.example', '-',
       case n when 2 then 'administrator' else 'customer' end
from generate_series(1, 60000) as n;

insert into products (id, sku, name, description, price, currency, featured)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'own-' || n, 'Product ' || n, 'Version 1.',
       100 + 35 * n, 'usd', n % 8 = 0
from generate_series(1, 40) as n;

insert into inventory (product_id, available)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, case n % 4 when 0 then 12 else 100000 end
from generate_series(1, 40) as n;

create table stock_at_start as select product_id, available from inventory;

-- Elsewhere the local cloud may lose the last commits when Postgres is killed. Here that would be a loss of our own
-- making: an acknowledged order has to be in the file before it is acknowledged, as it is on RDS.
alter database millrace set synchronous_commit = on;

-- And elsewhere a log line must not hold a statement's values. Here nobody is real, and a deadlock has to name who was
-- in it.
alter database millrace set log_error_verbosity = 'default';
