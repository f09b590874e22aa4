-- Products that hold every word of $1, in whatever form, with or without accents: those whose name holds them before
-- those whose description does, and of these what sells best before the rest. `$2` products, after the one at step $3
-- with popularity $4 and id $5, which cost $6 to $7, are in stock if $8, and sold in currency $9, or in any if that is
-- null.
--
-- What it reads is bounded, however much is sold and whatever is typed. The words are looked for among the shop's own
-- (product_words): what no product has is part of longer words there, or spelt another way, or does not count. Then the
-- indexes are asked one after the other, until there are enough products: of the names of some two thousand
-- best-selling products, of some thirty thousand, of all; and again of whole texts. A word that many products have
-- finds enough in the first, a rare one has few in the last. Words that all are common may have no product together,
-- and to learn that from an index is to read all that it has of them: then the newest products are looked at instead.
-- Which index serves which step is said by the predicates of `matching`, not by the planner's estimates, which for
-- words that go together are wrong by any factor.
--
-- Steps 0 to 5 take the last word as it is. If they find nothing, 6 to 11 take it for the beginning of one.
with recursive typed as (
    -- Each word, folded, and its stem; what has none, as `the`, does not count.
    select word, stem, position, position = max(position) over () as is_last
    from (
        select
            lexeme as word,
            positions[1] as position,
            (select max(lexeme) from unnest(to_tsvector('shop', lexeme)) having count(*) = 1) as stem
        from unnest(to_tsvector('shop_words', $1))
        where length(lexeme) <= 60
    ) as words
    where stem is not null
    order by position
    limit 10
), beginnings as materialized (
    -- What the last word may become, which may not be finished.
    select array_agg(stem) as stems, sum(products) as products
    from (
        select stem, sum(products) as products
        from product_words
        where
            products > 0
            and word ~>=~ (select word from typed where is_last)
            and word ~<~ (select word || chr(1114111) from typed where is_last)
        group by stem
        order by sum(products) desc, stem collate "C"
        limit 8
    ) as found
), meant as (
    -- The first of: the word, if the shop has it; for the last one, words that begin with it; words that end in it, as
    -- German ones do; the word of the shop that is most like it.
    select typed.position, typed.is_last, typed.word as typed, typed.stem, found.word, found.stems, found.products
    from typed
    left join lateral (
        select typed.word, array[typed.stem] as stems, sum(products) as products
        from product_words
        where stem = typed.stem and products > 0
        having count(*) > 0
        union all
        select typed.word, stems, products from beginnings where typed.is_last and stems is not null
        union all
        select typed.word, array_agg(stem), sum(products)
        from (
            select stem, sum(products) as products
            from product_words
            where
                products > 0
                and length(typed.stem) > 3
                and typed.word <% word
                -- A letter or two more are an error.
                and length(stem) > length(typed.stem) + 2
                and right(stem, length(typed.stem)) = typed.stem
            group by stem
            order by sum(products) desc, stem collate "C"
            limit 8
        ) as endings
        having count(*) > 0
        union all
        (
            select word, array[stem], products
            from (
                select
                    word,
                    stem,
                    products,
                    -- Two letters that changed places count as one error.
                    levenshtein(typed.word, word)
                        - (length(typed.word) = length(word) and letters(typed.word) = letters(word))::integer as errors
                from product_words
                where
                    products > 0
                    and length(typed.word) > 2
                    and (
                        misspellings(word) && misspellings(typed.word)
                        or length(typed.word) > 4 and typed.word <% word
                    )
            ) as similar_words
            where errors <= case when length(typed.word) < 5 then 1 when length(typed.word) < 9 then 2 else 3 end
            order by errors, products desc, similarity(typed.word, word) desc, word collate "C"
            limit 1
        )
        limit 1
    ) as found on true
), attempts as (
    select 0 as attempt, position, typed, word, stems, products from meant
    union all
    select 1, position, typed, word, case when is_last then beginnings.stems else meant.stems end,
        case when is_last then beginnings.products else meant.products end
    from meant
    cross join beginnings
    where exists (select from meant where is_last and stems = array[stem] and stems <> beginnings.stems)
), wanted as materialized (
    select
        attempt,
        string_agg('(' || query || ')', ' & ' order by position)::tsquery as query,
        -- What the indexes have of all words together would take 10 ms to read.
        count(query) > 1 and sum(products) > 80000 as is_dear,
        case when bool_or(word is distinct from typed) then string_agg(word, ' ' order by position) end as corrected
    from (
        select
            *,
            (
                -- Written as the type reads it: a quote and a backslash are doubled.
                select string_agg(
                    '''' || replace(replace(stem, chr(92), repeat(chr(92), 2)), '''', '''''') || '''',
                    ' | '
                )
                from unnest(stems) as stem
            ) as query
        from attempts
    ) as parts
    group by attempt
), walk as (
    select $3 - 1 as step, 0 as found, null::uuid[] as ids
    union all
    select next.step, found + coalesce(cardinality(best.ids), 0), best.ids
    from walk
    cross join lateral (select walk.step + 1 as step, (walk.step + 1) % 6 as kind) as next
    join wanted on attempt = next.step / 6
    cross join lateral (
        select array_agg(id order by popularity desc, id desc) as ids
        from (
            select id, popularity
            from (
                select id, popularity, price, currency, in_stock from products
                where kind = 0 and popularity >= 20 and search_name @@ query and archived_at is null
                union all
                select id, popularity, price, currency, in_stock from products
                where
                    kind = 1 and popularity >= 16 and popularity < 20
                    and search_name @@ query and archived_at is null
                union all
                (
                    select id, popularity, price, currency, in_stock from products
                    where
                        kind = 2 and not is_dear and popularity < 16
                        and search_name @@ query and archived_at is null
                    limit 3000
                )
                union all
                select id, popularity, price, currency, in_stock from products
                where
                    kind = 3 and popularity >= 20
                    and search @@ query and not search_name @@ query and archived_at is null
                union all
                select id, popularity, price, currency, in_stock from products
                where
                    kind = 4 and popularity >= 16 and popularity < 20
                    and search @@ query and not search_name @@ query and archived_at is null
                union all
                (
                    select id, popularity, price, currency, in_stock from products
                    where
                        kind = 5 and not is_dear and popularity < 16
                        and search @@ query and not search_name @@ query and archived_at is null
                    limit 3000
                )
                union all
                select id, popularity, price, currency, in_stock
                from (
                    select id, popularity, price, currency, in_stock, search, search_name, archived_at
                    from products
                    where is_dear and kind in (2, 5) and (next.step > $3 or id < $5)
                    order by id desc
                    limit 2000
                ) as newest
                where
                    popularity < 16 and archived_at is null
                    and search @@ query and (search_name @@ query) = (kind = 2)
            ) as matching
            where
                (next.step > $3 or (popularity, id) < ($4, $5))
                and price between $6 and $7
                and ($9::text is null or currency = $9)
                and (not $8 or in_stock)
            order by popularity desc, id desc
            limit $2
        ) as next_best
    ) as best
    where
        query is not null
        and found < $2
        -- A page that goes on after one of the first steps needs no others.
        and (next.step <> 6 or $3 >= 6 or found = 0 and $4 > 30)
), page as (
    select step, place, id
    from walk
    cross join lateral unnest(ids) with ordinality as ids(id, place)
    order by step, place
    limit $2
)
select
    wanted.corrected,
    page.step::smallint as step,
    p.popularity,
    p.id, p.sku, p.name, p.description, p.price, p.currency, p.featured, p.in_stock, p.version, p.updated_at,
    -- The marks are control characters, which no text of ours holds.
    ts_headline(
        'shop',
        p.name || '. ' || p.description,
        wanted.query,
        'MaxWords=30, MinWords=15, StartSel="' || chr(2) || '", StopSel="' || chr(3) || '"'
    ) as excerpt
from wanted
left join (page join products p on p.id = page.id) on page.step / 6 = attempt
where page.id is not null or attempt = 0 and not exists (select from page)
order by page.step, page.place
