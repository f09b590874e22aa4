-- From now on a sku is stored and looked for with its letters composed (NFC), so that a file in which an é is two
-- characters means the product in which it is one. Rows of before are composed too. Where several would become the same,
-- the oldest does, and none where a product has the composed sku already: only whoever keeps the catalogue knows which
-- one is meant. With a new version, by which the sweeper has the caches forget how it was written before.
with composed as (
    select distinct on (normalize(sku, nfc)) id, normalize(sku, nfc) as sku
    from products
    where sku is not nfc normalized
    order by normalize(sku, nfc), id
)
update products
set sku = composed.sku, version = version + 1, updated_at = now()
from composed
where
    products.id = composed.id
    -- A few letters are longer composed.
    and length(composed.sku) <= 100
    and not exists (select from products as other where other.sku = composed.sku);
