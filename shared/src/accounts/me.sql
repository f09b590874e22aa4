select email, role, created_at, erased_at is not null as erased
from users
where id = $1
