-- Products that hold every word of $1, in whatever form (index products_search), best match first. Where there is none,
-- products whose name is spelt like it (index products_name_trigrams), so that typing errors are forgiven.
--
-- `not exists (…)` is decided once: the second half costs nothing where the first has found something. The excerpt, the
-- dearest part, is made for the products of the page alone; its marks are control characters, which no text of ours
-- holds.
with matching as (
    select id, ts_rank_cd(search, plainto_tsquery('english', $1)) as score
    from products
    where search @@ plainto_tsquery('english', $1)
), similar_names as (
    select id, word_similarity($1, name) as score
    from products
    where $1 <% name and not exists (select from matching)
), found as (
    select id, score from matching
    union all
    -- What is far less similar than the best is only noise.
    select id, score
    from (select id, score, max(score) over () as best from similar_names) as similar_names
    where score >= 0.7 * best
), page as (
    select id, score from found order by score desc, id limit $2 offset $3
)
select
    p.id, p.name, p.description, p.price, p.currency, p.featured, p.version, p.updated_at,
    ts_headline(
        'english',
        p.name || '. ' || p.description,
        case
            when p.search @@ plainto_tsquery('english', $1) then plainto_tsquery('english', $1)
            else (
                select plainto_tsquery('english', coalesce(string_agg(word, ' '), ''))
                from string_to_table(p.name, ' ') as word
                where word_similarity(word, $1) >= 0.3
            )
        end,
        'MaxWords=30, MinWords=15, StartSel="' || chr(2) || '", StopSel="' || chr(3) || '"'
    ) as excerpt
from page
join products p on p.id = page.id
order by page.score desc, page.id
