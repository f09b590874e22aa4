-- The caches know again of each change up to $1, and of those at that moment up to product $2.
update products_announced set until = $1, product_id = $2
