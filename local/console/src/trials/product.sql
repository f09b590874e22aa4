-- console.product: one item's product.   $1 product
select name from products where id = $1
