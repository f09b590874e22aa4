-- Ends an import that is at line $4 still, with or without a reason why its file could not be read, and says how it
-- went. The caches know of its last batch, too:
--   $1 object  $2 its tag  $3 when it was put there  $4 lines  $5 failure, or null
update imports
set
    finished_at = now(),
    failure = $5,
    batches = case when batch_at is null then batches else batches || batch_at end
where object = $1 and etag = $2 and uploaded_at = $3 and lines = $4 and finished_at is null
returning
    object, lines, created, changed, unchanged, refused, refusals, failure, true as finished, true as is_this
