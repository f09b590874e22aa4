-- An import that adds some products and renames others counts words twice, once for each kind, and locks those of the
-- second kind while it holds those of the first. So in order within each is not enough: whoever counts waits for the
-- one before. The lock ends with the transaction, and comes after those of its products, so nobody waits in a circle.
create or replace function count_product_words(got text[], lost text[]) returns void
language sql security definer set search_path = public
begin atomic
    select pg_advisory_xact_lock(8672001);
    insert into product_words (word, stem, products)
    select word, stem, products
    from (
        select word, sum(change) as products
        from (
            select unnest(tsvector_to_array(to_tsvector('shop_words', text))) as word, 1 as change
            from unnest(got) as text
            union all
            select unnest(tsvector_to_array(to_tsvector('shop_words', text))), -1 from unnest(lost) as text
        ) as changes
        group by word
    ) as counted
    cross join lateral (
        select max(lexeme) as stem from unnest(to_tsvector('shop', word)) having count(*) = 1
    ) as stemmed
    where products <> 0 and length(word) <= 60
    order by word
    on conflict (word) do update set products = product_words.products + excluded.products;
end;
