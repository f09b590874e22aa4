-- Begins the import of an object, unless it has begun, and says how far it is; what was there of an older object of
-- this name is forgotten: $1 object  $2 its tag  $3 when it was put there
with begun as (
    insert into imports (object, etag, uploaded_at)
    values ($1, $2, $3)
    on conflict (object) do update
    set etag = excluded.etag, uploaded_at = excluded.uploaded_at, lines = 0, created = 0, changed = 0, unchanged = 0,
        refused = 0, refusals = '[]', failure = null, started_at = now(), finished_at = null
    where
        imports.uploaded_at < excluded.uploaded_at
        or imports.uploaded_at = excluded.uploaded_at and imports.etag <> excluded.etag
    returning *
)
select
    object, lines, created, changed, unchanged, refused, refusals, failure, finished_at is not null as finished,
    etag = $2 and uploaded_at = $3 as is_this
from (
    select * from begun
    union all
    select * from imports where object = $1 and not exists (select from begun)
) as import
