select id, password_hash, role
from users
where lower(email) = lower($1)
