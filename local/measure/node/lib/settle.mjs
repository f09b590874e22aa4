// Writing down how a charge ended.
import { statement } from './database.mjs'
import settleSql from './settle.sql'

const save = statement('checkout.settle', settleSql)

/** Seconds after which somebody has to look at an order that is not finished. */
const RETRY_SECONDS = 60
const UNFINISHED = ['deferred', 'cancelling']

/** Saves the answer about an order, and what is known of its charge, if the lease is still ours. */
export async function settle({ id, owner, answer, intent = null }) {
  const { status, charge } = answer
  const wait = UNFINISHED.includes(status) ? RETRY_SECONDS : null
  const [chargeId, chargeStatus] = charge.id === 'pending' ? [null, null] : [charge.id, charge.status]
  await save(id, owner, status, answer, wait, intent, chargeId, chargeStatus, charge.decline_code ?? null)
}
