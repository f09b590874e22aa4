-- Search without accents (`cafe` finds `Café`, `Müller` finds `Muller`), typing errors that cost little to forgive, and
-- times that can be read.

-- Comes with Postgres, and is there on RDS and Aurora.
create extension if not exists unaccent;

-- English stems of words without accents. As a dictionary of the configuration, `unaccent` serves the index, the
-- queries and the excerpts alike; as a function it would not be immutable.
create text search configuration shop (copy = english);
alter text search configuration shop alter mapping for word, hword, hword_part with unaccent, english_stem;
alter text search configuration shop alter mapping for numword, numhword with unaccent, simple;

-- The same words, as they are written.
create text search configuration shop_words (copy = simple);
alter text search configuration shop_words
    alter mapping for word, hword, hword_part, numword, numhword with unaccent, simple;

-- The column keeps its name, so that functions of before go on. Writes the table anew.
alter table products drop column search;
alter table products add column search tsvector not null generated always as (
    setweight(to_tsvector('shop', name), 'A') || setweight(to_tsvector('shop', description), 'B')
) stored;
create index products_search on products using gin (search);

-- What a typing error may have meant: each word that a name ever had, once. There are far fewer words than products,
-- and looking through them costs the same however many products have them. The index products_name_trigrams is for
-- functions of before; a later step drops it.
create table product_words (word text primary key);
create index product_words_trigrams on product_words using gin (word gin_trgm_ops);
grant select, insert on product_words to millrace_app;

create function note_product_words() returns trigger language plpgsql as $$
begin
    -- In order, so that two who note the same words do not wait for each other for ever.
    insert into product_words
    select distinct lexeme
    from named, unnest(to_tsvector('shop_words', name))
    where length(lexeme) between 3 and 40
    order by lexeme
    on conflict do nothing;
    return null;
end
$$;

create trigger products_inserted after insert on products
    referencing new table as named for each statement execute function note_product_words();
create trigger products_updated after update on products
    referencing new table as named for each statement execute function note_product_words();

insert into product_words
select distinct lexeme
from products, unnest(to_tsvector('shop_words', name))
where length(lexeme) between 3 and 40;

-- Postgres knows times that no calendar has, and nobody who reads one could show it. Rows of before are not looked at.
alter table users add constraint users_times check (
    created_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;
alter table products add constraint products_times check (
    created_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and updated_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;
alter table orders add constraint orders_times check (
    created_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and updated_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and lease_until between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and next_attempt_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and deadline between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    and waits_since between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;
alter table payments add constraint payments_times check (
    attempted_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
) not valid;
