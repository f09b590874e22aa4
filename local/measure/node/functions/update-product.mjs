// PUT /api/products/{id}
import updateSql from '../../../../shared/src/catalog/update.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { badRequest, invalid, json, notFound, Problem } from '../lib/http.mjs'
import { FEATURED_KEY, product, productKey } from '../lib/products.mjs'
import { redis } from '../lib/redis.mjs'
import { serve } from '../runtime.mjs'

const update = statement('catalog.update', updateSql)

async function updateProduct(request) {
  request.administrator()
  const id = request.pathId
  const { name, description, price, featured } = change(request.json())
  const expected = expectedVersions(request.headers['if-match'])
  // Of If-None-Match, which excludes versions, nothing is read.
  const excluded = []
  const [found] = await update(
    id, name, description, price.amount, price.currency, featured, expected === null, expected, excluded,
  )
  if (!found) throw notFound('product')
  if (found.found_currency !== price.currency) {
    throw invalid('price.currency', `this product is sold in ${found.found_currency}`)
  }
  if (found.id === null) {
    const detail = `The product has changed: its version is ${found.found_version} now.`
    throw new Problem(412, 'precondition-failed', 'Precondition failed', detail)
  }
  await redis.del(productKey(id), FEATURED_KEY)
  return json(200, product(found), { etag: `"${found.version}"` })
}

function change({ name, description, price, featured }) {
  const text = (field, value, least, most) => {
    const trimmed = typeof value === 'string' ? value.trim() : undefined
    if (trimmed === undefined || trimmed.length < least || trimmed.length > most || trimmed.includes('\0')) {
      throw invalid(field, `must have ${least} to ${most} characters`)
    }
    return trimmed
  }
  if (!Number.isSafeInteger(price?.amount) || price.amount < 0) {
    throw invalid('price.amount', 'must be a whole number of minor units, 0 or more')
  }
  if (!/^[a-z]{3}$/.test(price.currency)) throw invalid('price.currency', 'must be a currency code such as usd')
  if (typeof featured !== 'boolean') throw invalid('featured', 'must be true or false')
  return { name: text('name', name, 1, 200), description: text('description', description, 0, 4000), price, featured }
}

/** The versions of which If-Match wants one, or null for any. */
function expectedVersions(header) {
  if (header === undefined || header === '*') return null
  const [, version] = /^"(\d+)"$/.exec(header) ?? []
  if (version === undefined) throw badRequest('If-Match', 'must be the ETag of a product')
  return [Number(version)]
}

serve(endpoint('PUT /api/products/{id}', updateProduct))
