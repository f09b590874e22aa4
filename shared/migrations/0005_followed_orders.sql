-- What is needed to bring every order to an end, and to know what the provider did about it afterwards.

-- Since when an unfinished order waits for us in its present state; of one that waits for its customer, from when it will.
alter table orders add column waits_since timestamptz;

update orders
set waits_since = case
    when status = 'action_required' then coalesce(deadline, next_attempt_at)
    when status in ('pending', 'charging', 'deferred') then created_at
    else updated_at
end
where next_attempt_at is not null;

alter table payments
    -- How much of it went back, whoever gave it back.
    add column refunded bigint not null default 0 check (refunded >= 0),
    -- Where the customer's dispute about it stands, in the provider's words.
    add column dispute text,
    -- Whether a card network has told the provider that it is fraudulent.
    add column fraud_warning boolean not null default false;
