// What every endpoint does around its handler: caller, rate limit, errors, headers, log line.
import { internal, Problem } from './http.mjs'
import { beginRequest, logRequest } from './log.mjs'
import { API, check, headersOf, refusal } from './rate-limit.mjs'
import { Request } from './request.mjs'

/** A Lambda handler for a route, limited by these policies. */
export function endpoint(route, handler, policies = [API]) {
  return async (event, context) => {
    const request = new Request(event, context)
    beginRequest()
    let quotas = []
    const response = await answer().catch((error) => problem(error, request, route))
    Object.assign(response.headers, headersOf(quotas), { 'x-request-id': request.id })
    logRequest(route, response.statusCode, request)
    return response

    async function answer() {
      quotas = await check(request.identity, policies)
      const refused = refusal(quotas)
      if (refused) throw refused
      return handler(request)
    }
  }
}

function problem(error, request, route) {
  if (error instanceof Problem) return error.answer(request.id)
  console.error(JSON.stringify({ level: 'ERROR', request_id: request.id, route, message: error.message, stack: error.stack }))
  return internal().answer(request.id)
}
