-- What the last batch of an import changed, if it went on since: $1 object; by products_updated_at.
select products.id, products.version
from imports
join products on products.updated_at = imports.batch_at
where imports.object = $1
