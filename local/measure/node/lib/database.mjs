// Postgres: one connection, because an environment serves one request at a time.
import pg from 'pg'

// Prices are far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
// Text as RFC 3339 and no Date, which would lose the microseconds that pages continue from.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z'))

// The role has its statement timeout from the schema: a SET on connecting would not survive a transaction pooler.
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 1,
  idleTimeoutMillis: 30_000,
  connectionTimeoutMillis: 3_000,
  allowExitOnIdle: true,
})
pool.on('error', (error) => console.error(JSON.stringify({ level: 'WARN', message: `Postgres: ${error.message}` })))

/**
 * A statement and the name that pg_stat_statements shows it by, behind its first word: Postgres 18 drops what stands
 * before. Unnamed on the wire: a pooler has many servers.
 */
export function statement(name, text) {
  const sql = text.replace(/^(?:\s|--.*\n)*(\w+)/, `$1 /* node.${name} */`)
  return async (...values) => (await pool.query(sql, values)).rows
}
