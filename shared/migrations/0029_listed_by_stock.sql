-- The lists of what is in stock, and of what is not. Without these, a list of what is sold out read the whole catalogue
-- where nothing is, and so did one of what is in stock where nearly nothing is, as after a file of products without
-- pieces.
--
-- What is featured needs none of its own: products_shown holds it alone, and it is few enough to be sorted.

create index products_listed_by_stock on products (in_stock, id) where archived_at is null;
create index products_by_stock_and_name on products (in_stock, name collate "C", id) where archived_at is null;
create index products_by_stock_and_price on products (in_stock, currency, price, id) where archived_at is null;
