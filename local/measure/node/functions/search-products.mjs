// GET /api/search
import { createHash } from 'node:crypto'
import searchSql from '../../../../shared/src/catalog/search.sql'
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
const FIRST = { step: 0, popularity: 31, id: '00000000-0000-0000-0000-000000000000' }

const search = statement('catalog.search', searchSql)

async function searchProducts(request) {
  const words = (request.query('q') ?? '').trim().split(/\s+/).join(' ').toLowerCase()
  if (words.length < 1 || words.length > 100) throw badRequest('q', 'must have 1 to 100 characters')
  const limit = request.number('limit', 1, MOST_FOUND, PAGE)
  const after = request.query('cursor') ? place(request.query('cursor')) : FIRST
  const currency = request.query('currency')
  const least = request.number('min_price', 0, Number.MAX_SAFE_INTEGER, 0)
  const most = request.number('max_price', 0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const inStock = request.query('in_stock') === 'true'
  // A digest, because callers choose the words.
  const asked = `${limit} ${cursor(after)} ${least} ${most} ${currency} ${inStock} ${words}`
  const digest = createHash('sha256').update(asked).digest('base64url')
  const page = await cacheable(`search:${digest}`, TTL, async () => {
    // One more than asked for tells whether there is a next page.
    const rows = await search(words, limit + 1, after.step, after.popularity, after.id, least, most, inStock, currency)
    const found = rows.filter((row) => row.id !== null)
    const shown = found.slice(0, limit)
    const products = shown.map((row) => ({ ...product(row), highlight: highlight(row.excerpt) }))
    const next_cursor = found.length > limit ? cursor(shown.at(-1)) : null
    return { query: words, corrected: rows[0].corrected, products, next_cursor }
  })
  return json(200, page)
}

/** Where a product stands among those found: step and popularity in two bytes each, and its id. */
function cursor({ step, popularity, id }) {
  const bytes = Buffer.alloc(20)
  bytes.writeInt16BE(step, 0)
  bytes.writeInt16BE(popularity, 2)
  bytes.write(id.replaceAll('-', ''), 4, 'hex')
  return bytes.toString('base64url')
}

function place(text) {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 20) throw badRequest('cursor', 'must be the next_cursor of the page before')
  const id = bytes.toString('hex', 4).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return { step: bytes.readInt16BE(0), popularity: bytes.readInt16BE(2), id }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const TAGS = { '\u0002': '<mark>', '\u0003': '</mark>' }

/** HTML that says nothing but which words matched. */
const highlight = (excerpt) => excerpt.replace(/[&<>"'\u0002\u0003]/g, (character) => ENTITIES[character] ?? TAGS[character])

serve(endpoint('GET /api/search', searchProducts, [SEARCH, API]))
