-- What a product may cost depends on its currency, and stands in one table of the functions (catalog/amounts.rs). Here
-- is the most of all, 9,999,999,999.99 rupiah: no cart of such prices comes to more than a bigint holds. Rows of before
-- fit.
alter table products drop constraint products_price_check, add constraint products_price_check
    check (price between 0 and 999999999999) not valid;
