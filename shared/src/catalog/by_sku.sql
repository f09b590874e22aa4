-- Which product has the sku $1, in the shop or taken out of it.
select id, archived_at is not null as archived from products where sku = $1
