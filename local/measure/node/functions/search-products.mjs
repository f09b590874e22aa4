// GET /api/search
import { createHash } from 'node:crypto'
import searchSql from '../../../shared/src/catalog/search.sql'
import { cacheable } from '../lib/cache.mjs'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { badRequest, json } from '../lib/http.mjs'
import { product } from '../lib/products.mjs'
import { API, SEARCH } from '../lib/rate-limit.mjs'
import { serve } from '../runtime.mjs'

const TTL = 30
const PAGE = 20
const MOST_FOUND = 50
const MOST_SKIPPED = 1000

const search = statement('catalog.search', searchSql)

async function searchProducts(request) {
  const words = (request.query('q') ?? '').trim().split(/\s+/).join(' ').toLowerCase()
  if (words.length < 1 || words.length > 100) throw badRequest('q', 'must have 1 to 100 characters')
  const limit = request.number('limit', 1, MOST_FOUND, PAGE)
  const offset = request.number('offset', 0, MOST_SKIPPED, 0)
  // A digest, because callers choose the words.
  const digest = createHash('sha256').update(`${limit} ${offset} ${words}`).digest('base64url')
  const page = await cacheable(`search:${digest}`, TTL, async () => {
    // One more than asked for tells whether there is a next page.
    const rows = await search(words, limit + 1, offset)
    const products = rows.slice(0, limit).map((row) => ({ ...product(row), highlight: highlight(row.excerpt) }))
    const next = offset + limit
    return { query: words, products, next_offset: rows.length > limit && next <= MOST_SKIPPED ? next : null }
  })
  return json(200, page)
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const TAGS = { '\u0002': '<mark>', '\u0003': '</mark>' }

/** HTML that says nothing but which words matched. */
const highlight = (excerpt) => excerpt.replace(/[&<>"'\u0002\u0003]/g, (character) => ENTITIES[character] ?? TAGS[character])

serve(endpoint('GET /api/search', searchProducts, [SEARCH, API]))
