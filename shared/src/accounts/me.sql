select id, email, role, created_at
from users
where id = $1 and erased_at is null
