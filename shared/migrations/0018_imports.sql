-- Products from files: how far each file is, and which of its lines were refused.
create table imports (
    -- The object's name in the bucket. Another object of this name takes the row.
    object      text primary key check (length(object) between 1 and 1024),
    -- Which object: its entity tag, and when it was put there.
    etag        text not null,
    uploaded_at timestamptz not null,
    -- Lines that are dealt with, from the first on.
    lines       bigint not null default 0,
    created     bigint not null default 0,
    changed     bigint not null default 0,
    unchanged   bigint not null default 0,
    refused     bigint not null default 0,
    -- The first thousand or so of those that were refused: [{"line": 7, "field": "price", "message": "is missing"}].
    refusals    jsonb not null default '[]',
    -- When the last batch was written, and the batches of the minutes before it. The caches were told of these: whoever
    -- looks for changes that they may not know of leaves them out (catalog.changed).
    batch_at    timestamptz,
    batches     timestamptz[] not null default '{}',
    -- Why the file as a whole could not be read.
    failure     text,
    started_at  timestamptz not null default now(),
    finished_at timestamptz
);

grant select, insert, update on imports to millrace_app;
