select id, sku, name, description, price, currency, featured, in_stock, version, updated_at
from products
where id = $1 and archived_at is null
