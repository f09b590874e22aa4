-- Whether an account is erased, as it is now and stays until the transaction's end: erasing it waits for that, and this
-- for erasing that is under way. A statement sees what was there when it began, also after it has waited for a lock; a
-- volatile function's own statements see what is there when they begin.
--
-- Orders of one account hold the lock together. It is one of the transaction's, which poolers leave alone.
create function account_is_erased(account uuid) returns boolean
language plpgsql volatile
as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('account ' || account, 0));
    return exists (select from public.users where id = account and erased_at is not null);
end
$$;
