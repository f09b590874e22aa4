-- An administrator who has to choose a password first: $1 user, $2 address, $3 password hash. No row if the address is
-- taken.
insert into users (id, email, password_hash, role, must_change_password)
values ($1, $2, $3, 'administrator', true)
on conflict (lower(email)) do nothing
