-- The lists of what is featured. A shop of a million products featured 2,403 of them: too many to be sorted, so Postgres
-- walked through all products in the order that was asked for, and left out up to 63,000 for a page of 20.
--
-- These hold the featured products alone, so they are small, and nothing else is written to them.

create index products_featured_newest on products (id) where featured and archived_at is null;
create index products_featured_by_name on products (name collate "C", id) where featured and archived_at is null;
create index products_featured_by_price on products (currency, price, id) where featured and archived_at is null;
