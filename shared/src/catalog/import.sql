-- Writes a batch of an import, what is new or different of it, and how far the import is. No row if the import is no
-- longer at line $4: somebody else goes on with it, or another file took its place.
--   $1 object  $2 its tag  $3 when it was put there  $4 lines before the batch  $5 lines after it  $6 refused lines
--   and of the others  $7 lines  $8 ids, if they are new  $9 skus  $10 names  $11 descriptions  $12 prices
--   $13 currencies  $14 featured, or null  $15 pieces, or null
with mine as (
    select object, refusals
    from imports
    where object = $1 and etag = $2 and uploaded_at = $3 and lines = $4 and finished_at is null
    for no key update
),
given as (
    select given.*
    from mine
    cross join unnest(
        $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::boolean[],
        $15::integer[]
    ) as given(line, id, sku, name, description, price, currency, featured, pieces)
),
judged as (
    select
        given.line, given.id, given.sku, given.name, given.description, given.price, given.currency, given.pieces,
        coalesce(given.featured, known.featured, false) as featured,
        known.id as known_id,
        known.currency as known_currency,
        known.id is null
            or (known.name, known.description, known.price, known.featured)
                is distinct from
                (given.name, given.description, given.price, coalesce(given.featured, known.featured)) as differs,
        case
            when known.archived_at is not null then 'sku'
            when known.currency <> given.currency then 'currency'
        end as refused
    from given
    left join products as known on known.sku = given.sku
),
-- What is left out stays as it is when the row is changed, whoever changed it since this statement began.
told as (
    select jsonb_object_agg(sku, featured) as featured from given where featured is not null
),
-- In the order of ids, as orders change products whose last piece they take; among new ones in that of their skus: so
-- nobody waits in a circle.
written as (
    insert into products (id, sku, name, description, price, currency, featured, in_stock)
    select id, sku, name, description, price, currency, featured, coalesce(pieces, 0) > 0
    from judged
    where differs and refused is null
    order by known_id, sku
    on conflict (sku) do update
    set name = excluded.name, description = excluded.description, price = excluded.price,
        featured = coalesce(((select featured from told) ->> excluded.sku)::boolean, products.featured),
        version = products.version + 1, updated_at = now()
    where
        products.archived_at is null
        and products.currency = excluded.currency
        and (products.name, products.description, products.price, products.featured)
            is distinct from (
                excluded.name, excluded.description, excluded.price,
                coalesce(((select featured from told) ->> excluded.sku)::boolean, products.featured)
            )
    returning id, sku, version
),
-- Only of what is new: pieces that were sold since the file was written would come back.
stocked as (
    insert into inventory (product_id, available)
    select judged.id, coalesce(judged.pieces, 0)
    from judged
    join written using (id)
    returning product_id
),
turned_down as (
    select line, field, message from jsonb_to_recordset($6) as read(line bigint, field text, message text)
    union all
    select
        line,
        refused,
        case
            when refused = 'sku' then 'belongs to a product that is archived'
            else 'must be ' || known_currency || ', in which this product is sold'
        end
    from judged
    where refused is not null
    union all
    -- Somebody else made or changed it since this statement began.
    select judged.line, 'sku', 'belongs to a product that was changed at the same moment: import it again'
    from judged
    where differs and refused is null and not exists (select from written where written.sku = judged.sku)
),
moved as (
    update imports
    set
        lines = $5,
        created = imports.created + (select count(*) from stocked),
        changed = imports.changed + (select count(*) from written) - (select count(*) from stocked),
        unchanged = imports.unchanged
            + (select count(*) from judged where not differs and refused is null),
        refused = imports.refused + (select count(*) from turned_down),
        refusals = case
            when jsonb_array_length(imports.refusals) >= 1000 then imports.refusals
            else imports.refusals
                || coalesce((select jsonb_agg(to_jsonb(turned_down) order by line) from turned_down), '[]')
        end,
        batch_at = now(),
        batches = array(
            select batch from unnest(imports.batches || imports.batch_at) as batch
            where batch > now() - interval '10 minutes'
        )
    from mine
    where imports.object = mine.object
    returning imports.object
)
select (select count(*) from stocked) as created, changed.id, changed.version
from moved
left join (select id, version from written where id not in (select product_id from stocked)) as changed on true
