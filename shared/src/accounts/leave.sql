-- Waits until no order of this account is being placed, and lets none begin until the transaction's end:
-- account_is_erased holds the same lock. $1 user.
select pg_advisory_xact_lock(hashtextextended('account ' || $1::uuid, 0))
