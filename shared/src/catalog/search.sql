-- Products that hold every word of $1, in whatever form and with or without accents (index products_search), best match
-- first. Where there is none, products that hold the words of names which are spelt like those of $1 (index
-- product_words_trigrams), so that typing errors are forgiven; what is like no word of any name does not count.
--
-- What it reads is bounded, whatever is typed: 2,000 products, of which it ranks all, and five similar words for each
-- of the first six. `not exists (…)` is decided once: guessing costs nothing where something was found. The excerpt,
-- the dearest part, is made for the products of the page alone; its marks are control characters, which no text of ours
-- holds.
with matching as (
    select id, search, plainto_tsquery('shop', $1) as query
    from products
    where search @@ plainto_tsquery('shop', $1)
    limit 2000
), typed as (
    select lexeme as word
    from unnest(to_tsvector('shop_words', $1))
    where length(lexeme) between 3 and 40 and not exists (select from matching)
    order by positions[1]
    limit 6
), similar_words as (
    select typed.word as typed, similar_to_it.word, similarity, max(similarity) over (partition by typed.word) as best
    from typed cross join lateral (
        select word, word_similarity(typed.word, word) as similarity
        from product_words
        where typed.word <% word
        order by similarity desc, similarity(typed.word, word) desc, word
        limit 5
    ) as similar_to_it
), meant as (
    -- What is far less similar than the best is only noise. The word itself may stand in a description.
    select string_agg(nullif(plainto_tsquery('shop', word)::text, ''), ' | ') as query
    from (
        select typed, word from similar_words where similarity >= 0.7 * best
        union
        select typed, typed from similar_words
    ) as words
    group by typed
), guessed as (
    select id, search, guess.query
    from (
        select string_agg('(' || query || ')', ' & ')::tsquery as query from meant having count(query) > 0
    ) as guess
    join products on products.search @@ guess.query
    limit 2000
), page as (
    select id, query, ts_rank_cd(search, query) as score
    from (select * from matching union all select * from guessed) as found
    order by score desc, id
    limit $2 offset $3
)
select
    p.id, p.name, p.description, p.price, p.currency, p.featured, p.version, p.updated_at,
    ts_headline(
        'shop',
        p.name || '. ' || p.description,
        page.query,
        'MaxWords=30, MinWords=15, StartSel="' || chr(2) || '", StopSel="' || chr(3) || '"'
    ) as excerpt
from page
join products p on p.id = page.id
order by page.score desc, page.id
