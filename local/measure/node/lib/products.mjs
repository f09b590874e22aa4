// Products as callers see them.

export const product = ({ id, sku, name, description, price, currency, featured, in_stock, version, updated_at }) => ({
  id,
  ...(sku === null ? {} : { sku }),
  name,
  description,
  price: { amount: price, currency },
  featured,
  in_stock,
  version,
  updated_at,
})

export const productKey = (id) => `product:${id}`
export const FEATURED_KEY = 'products:featured'
/** Seconds that products are cached. */
export const PRODUCT_TTL = 300
