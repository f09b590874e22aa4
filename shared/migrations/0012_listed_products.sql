-- The lists of products, each by an index that has its order, without what is archived.

create index products_listed on products (id) where archived_at is null;
create index products_by_name on products (name, id) where archived_at is null;
-- Amounts of two currencies have no order.
create index products_by_price on products (currency, price, id) where archived_at is null;

-- The front page: what is in stock first, then what changed last.
create index products_shown on products (in_stock desc, updated_at desc, id) where featured;
