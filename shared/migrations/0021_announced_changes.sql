-- Up to which change of the catalogue the caches have been told again. A sweep that Redis did not confirm leaves it where
-- it is, and the next one begins there, however long Redis was away.
create table products_announced (
    until      timestamptz not null,
    -- The last of those that changed at that moment.
    product_id uuid not null
);
insert into products_announced values (now(), 'ffffffff-ffff-ffff-ffff-ffffffffffff');
grant select, update on products_announced to millrace_app;
