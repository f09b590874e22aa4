// GET /api/products/{id}
import findSql from '../../../../shared/src/catalog/find.sql'
import { cacheable } from '../lib/cache.mjs'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { cached, notFound } from '../lib/http.mjs'
import { PRODUCT_TTL, product, productKey } from '../lib/products.mjs'
import { serve } from '../runtime.mjs'

const find = statement('catalog.find', findSql)

async function getProduct(request) {
  const id = request.pathId
  const found = await cacheable(productKey(id), PRODUCT_TTL, async () => {
    const [row] = await find(id)
    return row && product(row)
  })
  if (!found) throw notFound('product')
  return cached(request, found, found.version)
}

serve(endpoint('GET /api/products/{id}', getProduct))
