-- When the event happened that told how the dispute stands. Events come late, doubled and out of order: the latest
-- counts, and not the one that comes last. Of what was noted before this, nobody knows; the next event counts.
alter table payments add column dispute_at timestamptz;

-- As 0007 has it for the others: times that no calendar has are shown to nobody.
alter table payments drop constraint payments_times, add constraint payments_times check (
    attempted_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and dispute_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;
alter table order_history add constraint order_history_times check (
    at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;

-- Who is left to run the shop: whoever erases an administrator's account looks.
create index users_administrators on users (id) where role = 'administrator' and erased_at is null;
