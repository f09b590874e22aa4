-- The products changed in the last $1 seconds, oldest change first; by products_updated_at.
select id, version
from products
where updated_at > now() - $1 * interval '1 second'
order by updated_at
limit 1000
