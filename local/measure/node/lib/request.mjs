// An HTTP API's event (payload version 2) as a handler sees it.
import { createPublicKey } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { badRequest, forbidden, invalid, Problem, unauthorized } from './http.mjs'

const MOST_BYTES = 8 * 1024
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const publicKey = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: process.env.TOKEN_PUBLIC_KEY.replace(/=+$/, '') },
  format: 'jwk',
})

// Each token is verified each time, as the Rust functions do; the library could also remember those it has seen.
const verify = createVerifier({
  key: publicKey.export({ type: 'spki', format: 'pem' }),
  algorithms: ['EdDSA'],
  allowedIss: 'millrace',
  allowedAud: 'millrace',
  requiredClaims: ['exp', 'iss', 'aud', 'sub'],
  cache: false,
})

export class Request {
  #event
  #claims
  #failure

  constructor(event, context) {
    this.#event = event
    this.id = event.requestContext.requestId ?? context.requestId
    this.traceHeader = context.traceHeader
    this.headers = event.headers ?? {}
    this.#authenticate(this.headers.authorization)
  }

  #authenticate(authorization) {
    if (!authorization) return
    try {
      const [scheme, token] = authorization.split(' ')
      if (scheme.toLowerCase() !== 'bearer') throw new Error('not a bearer token')
      this.#claims = verify(token)
    } catch {
      this.#failure = 'The access token is not valid. Log in again.'
    }
  }

  /** Whom rate limits are charged to: the verified user, else the source address. */
  get identity() {
    return this.#claims ? `user:${this.#claims.sub}` : `ip:${this.#event.requestContext.http.sourceIp}`
  }

  /** The verified user's claims, or 401. */
  user() {
    if (this.#claims) return this.#claims
    throw unauthorized(this.#failure ?? 'Log in, and send the access token as Authorization: Bearer.')
  }

  administrator() {
    const claims = this.user()
    if (claims.role !== 'administrator') throw forbidden('Only administrators may do this.')
    return claims
  }

  /** The path parameter `id`, which must be a UUID. */
  get pathId() {
    const id = this.#event.pathParameters?.id ?? ''
    if (!UUID.test(id)) throw badRequest('id', 'must be a UUID')
    return id
  }

  query(name) {
    this.parameters ??= new URLSearchParams(this.#event.rawQueryString ?? '')
    return this.parameters.get(name)
  }

  /** A query parameter that is a whole number within bounds, or the default. */
  number(name, least, most, otherwise) {
    const text = this.query(name)
    if (text === null) return otherwise
    const number = Number(text)
    if (!Number.isInteger(number) || number < least || number > most) throw badRequest(name, `must be from ${least} to ${most}`)
    return number
  }

  get body() {
    const { body = '', isBase64Encoded } = this.#event
    return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body
  }

  /** The body as a JSON object. */
  json() {
    const { body } = this
    if (body.length > MOST_BYTES) throw new Problem(413, 'payload-too-large', 'Payload too large', 'The body is too large.')
    if (!this.headers['content-type']?.startsWith('application/json')) {
      throw new Problem(415, 'unsupported-media-type', 'Unsupported media type', 'Send the body as JSON.')
    }
    const value = parse(body)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid('(body)', 'must be an object')
    return value
  }
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('(body)', 'is not valid JSON')
  }
}

/** Whether a value is a UUID, as ids are. */
export const isId = (value) => typeof value === 'string' && UUID.test(value)
