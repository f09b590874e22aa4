-- Customers whom an identity provider knows: a row of theirs is made when something needs one.

alter table users
    -- Only the provider knows it.
    alter column email drop not null,
    -- Who says who it is, and the provider's name for that person; the id is made of both. The name is forgotten with
    -- its account.
    add column issuer text,
    add column subject text check (length(subject) between 1 and 255),
    add constraint users_known check (email is not null or issuer is not null);

grant update (subject) on users to millrace_app;
