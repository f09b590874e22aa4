select id, password_hash, role, must_change_password
from users
where lower(email) = lower($1) and erased_at is null
