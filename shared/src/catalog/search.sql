-- Products that hold every word of $1, in whatever form, with or without accents: those whose name holds them before
-- those whose description does, and of these what sells best before the rest. `$2` products, after the one at step $3
-- with popularity $4 and id $5, which cost $6 to $7 and are in stock if $8.
--
-- What it reads is bounded, however much is sold and whatever is typed. The words are looked for among the shop's own
-- (product_words): what no product has is spelt another way there, or does not count. Then the indexes are asked one
-- after the other, until there are enough products: of the names of some two thousand best-selling products, of some
-- thirty thousand, of all; and again of whole texts. A word that many products have finds enough in the first, a rare
-- one has few in the last. Which index serves which step is said by the predicates of `matching`, not by the planner's
-- estimates, which for words that go together are wrong by any factor.
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
), meant as (
    -- The first of: the word, if the shop has it; for the last one, which may not be finished, words that begin with
    -- it; the word of the shop that is most like it.
    select typed.position, typed.word as typed, found.word, found.stems
    from typed
    left join lateral (
        select typed.word, array[typed.stem] as stems
        where exists (select from product_words where stem = typed.stem and products > 0)
        union all
        select typed.word, array_agg(stem)
        from (
            select stem
            from product_words
            where
                typed.is_last
                and products > 0
                and word ~>=~ typed.word
                and word ~<~ (typed.word || chr(1114111))
            group by stem
            order by sum(products) desc, stem
            limit 8
        ) as beginnings
        having count(*) > 0
        union all
        (
            select word, array[stem]
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
            order by errors, products desc, similarity(typed.word, word) desc, word
            limit 1
        )
        limit 1
    ) as found on true
), wanted as materialized (
    select
        string_agg('(' || query || ')', ' & ' order by position)::tsquery as query,
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
        from meant
    ) as parts
), walk as (
    select $3 - 1 as step, 0 as found, null::uuid[] as ids
    union all
    select walk.step + 1, found + coalesce(cardinality(best.ids), 0), best.ids
    from walk
    cross join wanted
    cross join lateral (
        select array_agg(id order by popularity desc, id desc) as ids
        from (
            select id, popularity
            from (
                select id, popularity, price, in_stock from products
                where step = -1 and popularity >= 20 and search_name @@ query and archived_at is null
                union all
                select id, popularity, price, in_stock from products
                where
                    step = 0 and popularity >= 16 and popularity < 20
                    and search_name @@ query and archived_at is null
                union all
                (
                    select id, popularity, price, in_stock from products
                    where step = 1 and popularity < 16 and search_name @@ query and archived_at is null
                    limit 5000
                )
                union all
                select id, popularity, price, in_stock from products
                where
                    step = 2 and popularity >= 20
                    and search @@ query and not search_name @@ query and archived_at is null
                union all
                select id, popularity, price, in_stock from products
                where
                    step = 3 and popularity >= 16 and popularity < 20
                    and search @@ query and not search_name @@ query and archived_at is null
                union all
                (
                    select id, popularity, price, in_stock from products
                    where
                        step = 4 and popularity < 16
                        and search @@ query and not search_name @@ query and archived_at is null
                    limit 5000
                )
            ) as matching
            where
                (step >= $3 or (popularity, id) < ($4, $5))
                and price between $6 and $7
                and (not $8 or in_stock)
            order by popularity desc, id desc
            limit $2
        ) as next_best
    ) as best
    where query is not null and found < $2 and step < 5
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
left join (page join products p on p.id = page.id) on true
order by page.step, page.place
