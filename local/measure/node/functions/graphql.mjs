// POST /api/graphql
import DataLoader from 'dataloader'
import { buildSchema, execute, NoSchemaIntrospectionCustomRule, parse, specifiedRules, validate } from 'graphql'
import loadSql from '../../../../shared/src/catalog/load.sql'
import itemsSql from '../../../../shared/src/orders/items.sql'
import pageSql from '../../../../shared/src/orders/page.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { invalid, json } from '../lib/http.mjs'
import { cursor, parseCursor, START } from '../lib/orders.mjs'
import { serve } from '../runtime.mjs'

const LONGEST = 8000
/** Clients send the same few queries again and again. */
const MOST_DOCUMENTS = 100

const schema = buildSchema(`
  scalar MinorUnits
  type Money { amount: MinorUnits!, currency: String! }
  type Product {
    id: ID!, name: String!, description: String!, price: Money!, featured: Boolean!, version: Int!, updatedAt: String!
  }
  type Item { quantity: Int!, unitPrice: Money!, product: Product }
  type Order { id: ID!, status: String!, createdAt: String!, total: Money!, cursor: String!, items: [Item!]! }
  type Query {
    product(id: ID!): Product
    orders(limit: Int = 20, after: String): [Order!]!
  }
`)
const rules = [...specifiedRules, NoSchemaIntrospectionCustomRule]

const page = statement('orders.page', pageSql)
const itemsOf = statement('orders.items', itemsSql)
const load = statement('catalog.load', loadSql)

/** Batches of one request: one statement for each level of a query. */
function loaders() {
  return {
    products: new DataLoader(async (ids) => {
      const found = new Map((await load(ids)).map((row) => [row.id, row]))
      return ids.map((id) => found.get(id) ?? new Error('There is no such product.'))
    }),
    items: new DataLoader(async (orders) => {
      const lines = new Map(orders.map((id) => [id, []]))
      for (const line of await itemsOf(orders)) lines.get(line.order_id).push(line)
      return orders.map((id) => lines.get(id))
    }),
  }
}

const money = (amount, currency) => ({ amount, currency })

const product = ({ price, currency, updated_at, ...row }) => ({ ...row, price: money(price, currency), updatedAt: updated_at })

const item = ({ quantity, unit_price, product_id }, currency) => ({
  quantity,
  unitPrice: money(unit_price, currency),
  product: async (_, { products }) => product(await products.load(product_id)),
})

const order = ({ id, status, created_at, total, currency }) => ({
  id,
  status: status.toUpperCase(),
  createdAt: created_at,
  total: money(total, currency),
  cursor: () => cursor({ id, created_at }),
  items: async (_, { items }) => (await items.load(id)).map((line) => item(line, currency)),
})

const root = {
  product: async ({ id }, { products }) => product(await products.load(id)),
  orders: async ({ limit, after }, { request }) => {
    const { sub } = request.user()
    const start = after ? parseCursor(after) : START
    if (!start || limit < 1 || limit > 20) throw new Error('limit or after is not valid')
    return (await page(sub, start.created_at, start.id, limit)).map(order)
  },
}

const documents = new Map()

/** The query, parsed and validated, or why it is not valid. Kept, as GraphQL servers for Node.js do. */
function prepare(query) {
  let known = documents.get(query)
  if (!known) {
    try {
      const document = parse(query)
      known = { document, errors: validate(schema, document, rules) }
    } catch (error) {
      return { errors: [error] }
    }
    if (documents.size < MOST_DOCUMENTS) documents.set(query, known)
  }
  return known
}

async function graphql(request) {
  const { query, operationName, variables } = request.json()
  if (typeof query !== 'string' || query.length > LONGEST) throw invalid('query', `must have at most ${LONGEST} characters`)
  const { document, errors } = prepare(query)
  if (errors.length > 0) return json(200, { data: null, errors })
  const contextValue = { request, ...loaders() }
  return json(200, await execute({ schema, document, rootValue: root, contextValue, variableValues: variables, operationName }))
}

serve(endpoint('POST /api/graphql', graphql))
