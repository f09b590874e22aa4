-- What is archived is not found, and its words are nobody's: they count for the shop's vocabulary as if it had been deleted.

create or replace function products_updated() returns trigger language plpgsql as $$
begin
    perform count_product_words(
        array_agg(got.name || ' ' || got.description) filter (where got.archived_at is null),
        array_agg(lost.name || ' ' || lost.description) filter (where lost.archived_at is null)
    )
    from got join lost using (id)
    where (got.name, got.description, got.archived_at is null) <> (lost.name, lost.description, lost.archived_at is null)
    having count(*) > 0;
    return null;
end
$$;
create or replace function products_inserted() returns trigger language plpgsql as $$
begin
    perform count_product_words(array_agg(name || ' ' || description), '{}') from got where archived_at is null;
    return null;
end
$$;
create or replace function products_deleted() returns trigger language plpgsql as $$
begin
    perform count_product_words('{}', array_agg(name || ' ' || description)) from lost where archived_at is null;
    return null;
end
$$;

select count_product_words('{}', array_agg(name || ' ' || description)) from products where archived_at is not null;
