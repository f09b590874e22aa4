-- The language of the shop's texts is a setting of the shop: `select set_search_language('german')`, as the owner.

-- Whether it was another one. Then every product is written anew and its words get other stems, so do it in a quiet
-- hour; until it is done, all search goes on in the language of before.
create function set_search_language(language text) returns boolean
language plpgsql set search_path = public as $$
declare
    stems text := case language when 'simple' then language else language || '_stem' end;
begin
    if not exists (select from pg_ts_dict where dictname = stems) then
        raise exception 'Postgres knows no word forms of "%": "simple" takes words as they are', language;
    end if;
    if exists (
        select from pg_ts_config_map as map
        join pg_ts_dict as dictionary on dictionary.oid = map.mapdict
        where map.mapcfg = 'shop'::regconfig and dictionary.dictname = stems
            and map.maptokentype = (select tokid from ts_token_type('default') where alias = 'word')
    ) then
        return false;
    end if;
    execute format(
        'alter text search configuration shop
            alter mapping for asciiword, asciihword, hword_asciipart, word, hword, hword_part with unaccent, %I',
        stems
    );
    update products set name = name;
    update product_words
    set stem = coalesce(
        (select max(lexeme) from unnest(to_tsvector('shop', word)) having count(*) = 1), word
    );
    return true;
end
$$;
revoke execute on function set_search_language from public;
