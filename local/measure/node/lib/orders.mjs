// Orders as callers see them.

export const summary = ({ id, status, created_at, total, currency, lines }) => ({
  id,
  status,
  created_at,
  total: { amount: total, currency },
  items: lines,
})

const PENDING = {
  deferred: 'deferred',
  charging: 'processing',
  action_required: 'requires_action',
  failed: 'failed',
  cancelling: 'cancelled',
  cancelled: 'cancelled',
}

/** A charge as far as it is known. */
export function charge({ status, charge_id, charge_status, decline_code }) {
  const known = charge_id && charge_status
  return {
    ...(known ? { id: charge_id, status: charge_status } : { id: 'pending', status: PENDING[status] ?? 'succeeded' }),
    ...(decline_code && { decline_code }),
  }
}

/** What checkout and cancellation answer about an order. */
export const orderAnswer = (order) => ({
  order_id: order.id,
  status: order.status,
  total: { amount: order.total, currency: order.currency },
  charge: charge(order),
})

/** The place of an order in its customer's list: microseconds and id, as 24 bytes. */
export function cursor({ id, created_at }) {
  const bytes = Buffer.alloc(24)
  bytes.writeBigInt64BE(microseconds(created_at))
  bytes.write(id.replaceAll('-', ''), 8, 'hex')
  return bytes.toString('base64url')
}

function microseconds(time) {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time)
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'))
}

/** Before the newest order. */
export const START = { created_at: '9999-12-31T00:00:00Z', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }

/** Reads a cursor; nothing if the text is not one. */
export function parseCursor(text) {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 24) return undefined
  const micros = bytes.readBigInt64BE()
  const date = new Date(Number(micros / 1000n))
  if (micros < 0n || Number.isNaN(date.getTime())) return undefined
  const fraction = String(micros % 1_000_000n).padStart(6, '0')
  const id = bytes.toString('hex', 8).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { created_at: `${date.toISOString().slice(0, 19)}.${fraction}Z`, id }
}
