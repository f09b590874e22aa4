// Answers as the gateway reads them, and problems (RFC 9457).

/** A JSON answer that nobody may store. */
export const json = (statusCode, value, headers = {}) =>
  answer(statusCode, JSON.stringify(value), { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })

/**
 * A JSON answer that may be kept and must be asked for again each time; 304 where the caller has this version already.
 */
export function cached(request, value, version) {
  const headers = { etag: `"${version}"`, 'cache-control': 'no-cache' }
  if (request.headers['if-none-match'] === headers.etag) return answer(304, '', headers)
  return json(200, value, headers)
}

const answer = (statusCode, body, headers) => ({ statusCode, headers, body, isBase64Encoded: false, cookies: [] })

/** What a caller is told of an error. Anything else that is thrown is ours, and answered with 500. */
export class Problem extends Error {
  constructor(status, type, title, detail, { headers = {}, ...members } = {}) {
    super(detail)
    Object.assign(this, { status, headers, body: { type: `urn:millrace:problem:${type}`, title, status, detail, ...members } })
  }

  answer(requestId) {
    const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...this.headers }
    return answer(this.status, JSON.stringify({ ...this.body, request_id: requestId }), headers)
  }
}

export const badRequest = (field, message) =>
  new Problem(400, 'bad-request', 'Bad request', 'The request is not valid.', { errors: [{ field, message }] })
export const invalid = (field, message) =>
  new Problem(422, 'validation', 'Validation failed', 'Some values of the request are not valid.', { errors: [{ field, message }] })
export const unauthorized = (detail) =>
  new Problem(401, 'unauthorized', 'Authentication required', detail, { headers: { 'www-authenticate': 'Bearer realm="millrace"' } })
export const forbidden = (detail) => new Problem(403, 'forbidden', 'Forbidden', detail)
export const notFound = (thing) => new Problem(404, 'not-found', 'Not found', `There is no such ${thing}.`)
export const conflict = (detail) => new Problem(409, 'conflict', 'Conflict', detail)
export const internal = () => new Problem(500, 'internal', 'Internal error', 'Something went wrong on our side.')
