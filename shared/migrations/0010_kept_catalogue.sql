-- What it takes to keep a catalogue through the API: products are added, leave the shop, and say whether any is left.

alter table products
    -- Since when it is no longer found, listed or sold. The row stays: orders keep what they bought.
    add column archived_at timestamptz,
    -- The shop's own name for it.
    add column sku text check (length(sku) between 1 and 100),
    -- Whether any is left. Kept by inventory_in_stock.
    add column in_stock boolean not null default true;

create unique index products_sku on products (sku);

update products
set in_stock = false
where not exists (select from inventory where inventory.product_id = products.id and inventory.available > 0);

-- The last piece that is sold, and the first one that comes back, change the product; all orders between them do not. A trigger,
-- because stock moves in several statements, and none of them may forget it.
--
-- Whoever moves stock holds its inventory row before the product's, so that nobody waits in a circle.
create function note_in_stock() returns trigger language plpgsql as $$
begin
    update products
    set in_stock = new.available > 0, version = version + 1, updated_at = now()
    where id = new.product_id and in_stock <> (new.available > 0);
    return null;
end
$$;

create trigger inventory_in_stock
after update of available on inventory
for each row
when ((old.available > 0) <> (new.available > 0))
execute function note_in_stock();

grant insert on products, inventory to millrace_app;
grant update (archived_at, in_stock, sku) on products to millrace_app;
