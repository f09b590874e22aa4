select id, name, description, price, currency, featured, version, updated_at
from products
where id = $1
