-- Ends a sign-in.
delete from sign_ins where id = $1
