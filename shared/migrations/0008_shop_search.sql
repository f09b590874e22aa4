-- Search that a shop would want: by where the words stand and by what sells, with words corrected one by one, at a cost
-- that does not grow with the shop. docs/search.md says how it works.

-- Comes with Postgres, and is there on RDS and Aurora.
create extension if not exists fuzzystrmatch;

-- How well it sells: 30 for the best-selling product, 29 for the next two, 28 for the next four, and so on to 16 for
-- the last of 32,767; 0 for the rest. By place and not by pieces, so that it means the same in a small shop and in a
-- large one, and most products keep theirs from one hour to the next.
--
-- The columns of words lose weights and positions, which nothing counts any more. Writes the table anew.
alter table products add column popularity smallint not null default 0 check (popularity between 0 and 30);
alter table products drop column search;
alter table products
    add column search_name tsvector not null generated always as (strip(to_tsvector('shop', name))) stored,
    add column search tsvector not null generated always as (
        strip(to_tsvector('shop', name) || to_tsvector('shop', description))
    ) stored;

-- Each once for some two thousand products that sell best, for some thirty thousand, and for all: what many products
-- hold is found in the first.
create index products_search on products using gin (search);
create index products_search_16 on products using gin (search) where popularity >= 16;
create index products_search_20 on products using gin (search) where popularity >= 20;
create index products_search_name on products using gin (search_name);
create index products_search_name_16 on products using gin (search_name) where popularity >= 16;
create index products_search_name_20 on products using gin (search_name) where popularity >= 20;
create index products_popular on products (id) include (popularity) where popularity > 0;
drop index products_name_trigrams;

-- What was sold of each product, a piece counting for half as much with each month: written as if all were sold at the
-- beginning of 2026, older pieces for less and newer ones for more, so that nothing has to be counted down.
create table product_sales (
    product_id uuid primary key references products on delete cascade,
    sold       double precision not null
);
create index product_sales_best on product_sales (sold desc, product_id desc);
-- The moment up to which orders are counted in it.
create table product_sales_counted (until timestamptz not null);
insert into product_sales_counted values (now() - interval '1 day');
grant select, insert, update on product_sales to millrace_app;
grant select, update on product_sales_counted to millrace_app;
grant update (popularity) on products to millrace_app;

-- The shop's own words, folded, with their stems and with how many products have each: what is typed is looked for
-- among them, and corrected to one of them.
drop trigger products_inserted on products;
drop trigger products_updated on products;
drop function note_product_words();
drop table product_words;
create table product_words (
    word     text primary key,
    stem     text not null,
    products bigint not null
) with (fillfactor = 70);
create index product_words_stem on product_words (stem);
create index product_words_beginnings on product_words (word text_pattern_ops);
create index product_words_trigrams on product_words using gin (word gin_trgm_ops);
grant select on product_words to millrace_app;

-- The word, and the word without each of its letters: two words that differ by one error, or by two letters that
-- changed places, have one of these in common.
create function misspellings(word text) returns text[] language sql immutable parallel safe return (
    select array_agg(distinct spelling)
    from (
        select word as spelling
        union all
        select left(word, place - 1) || substr(word, place + 1) from generate_series(1, length(word)) as place
    ) as spellings
);
create index product_words_misspellings on product_words using gin (misspellings(word));

-- The letters of a word in order: two words with the same ones differ by letters that changed places.
create function letters(word text) returns text language sql immutable parallel safe return (
    select string_agg(letter, '' order by letter collate "C") from unnest(string_to_array(word, null)) as letter
);

-- Counts the words of texts that products got and lost. As the owner of the table, which the functions may only read;
-- in order, so that two who count the same words do not wait for each other for ever.
create function count_product_words(got text[], lost text[]) returns void
language sql security definer set search_path = public
begin atomic
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

create function products_inserted() returns trigger language plpgsql as $$
begin
    perform count_product_words(array_agg(name || ' ' || description), '{}') from got;
    return null;
end
$$;
create function products_updated() returns trigger language plpgsql as $$
begin
    perform count_product_words(
        array_agg(got.name || ' ' || got.description), array_agg(lost.name || ' ' || lost.description)
    )
    from got join lost using (id)
    where (got.name, got.description) <> (lost.name, lost.description)
    having count(*) > 0;
    return null;
end
$$;
create function products_deleted() returns trigger language plpgsql as $$
begin
    perform count_product_words('{}', array_agg(name || ' ' || description)) from lost;
    return null;
end
$$;
create trigger products_inserted after insert on products
    referencing new table as got for each statement execute function products_inserted();
create trigger products_updated after update on products
    referencing new table as got old table as lost for each statement execute function products_updated();
create trigger products_deleted after delete on products
    referencing old table as lost for each statement execute function products_deleted();

-- All products at once: their texts would be too much for one array.
insert into product_words (word, stem, products)
select word, stem, products
from (
    select word, count(*) as products
    from products
    cross join lateral unnest(tsvector_to_array(to_tsvector('shop_words', name || ' ' || description))) as word
    group by word
) as counted
cross join lateral (
    select max(lexeme) as stem from unnest(to_tsvector('shop', word)) having count(*) = 1
) as stemmed
where length(word) <= 60;

-- Where it thinks that a statement is dear, Postgres compiles it, which takes longer than any of ours. On the role,
-- where it costs no round trip and holds behind every pooler.
do $$
begin
    execute format('alter role millrace_app in database %I set jit = off', current_database());
end
$$;
