// GET /api/products/featured
import featuredSql from '../../../../shared/src/catalog/featured.sql'
import { cacheable } from '../lib/cache.mjs'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { cached } from '../lib/http.mjs'
import { FEATURED_KEY, PRODUCT_TTL, product } from '../lib/products.mjs'
import { serve } from '../runtime.mjs'

const featured = statement('catalog.featured', featuredSql)

async function featuredProducts(request) {
  const { products, version } = await cacheable(FEATURED_KEY, PRODUCT_TTL, async () => {
    const rows = await featured()
    return { products: rows.filter(({ id }) => id !== null).map(product), version: rows[0].as_of }
  })
  return cached(request, { products }, version)
}

serve(endpoint('GET /api/products/featured', featuredProducts))
