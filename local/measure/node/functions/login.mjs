// POST /api/auth/login
import { createHash, createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { verify } from '@node-rs/argon2'
import { createSigner } from 'fast-jwt'
import byEmailSql from '../../../../shared/src/accounts/by_email.sql'
import signInSql from '../../../../shared/src/accounts/sign_in.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { invalid, json, Problem, unauthorized } from '../lib/http.mjs'
import { API, check, isUsedUp, LOGIN, LOGIN_ACCOUNT } from '../lib/rate-limit.mjs'
import { serve } from '../runtime.mjs'

const LIFETIME_SECONDS = 3600
/** What a login of an account waits that saw too many wrong passwords. */
const SLOWED_BY_MS = 1000
// Of nobody's password, so that a login for an unknown account takes as long as one for a known account.
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2Utbm9ib2R5$BmbpAjNFXYc96u/8/3F5yIQS3gbOfLSi1M6RsA5+uiI'

const byEmail = statement('accounts.by_email', byEmailSql)
const signIn = statement('accounts.sign_in', signInSql)

const privateKey = createPrivateKey({ key: Buffer.from(process.env.TOKEN_PRIVATE_KEY, 'base64'), format: 'der', type: 'pkcs8' })
const sign = createSigner({
  key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  algorithm: 'EdDSA',
  iss: 'millrace',
  aud: 'millrace',
  expiresIn: LIFETIME_SECONDS * 1000,
})

async function login(request) {
  const { email, password } = request.json()
  if (typeof email !== 'string') throw invalid('email', 'is missing')
  if (typeof password !== 'string') throw invalid('password', 'is missing')
  const account = email.trim().normalize()
  const guessed = `account:${account.toLowerCase()}`
  const [[user], slowed] = await Promise.all([byEmail(account), isUsedUp(guessed, LOGIN_ACCOUNT)])
  if (slowed) await setTimeout(SLOWED_BY_MS)
  const matches = await verify(user?.password_hash ?? NOBODY, password)
  if (!user || !matches) {
    await check(guessed, [LOGIN_ACCOUNT])
    throw wrongPassword()
  }
  if (user.must_change_password) {
    const detail = 'This password was set by someone else. Choose your own first: POST /api/auth/password.'
    throw new Problem(403, 'password-change-required', 'Password change required', detail)
  }
  const refresh_token = await beginSignIn(user)
  const access_token = sign({ sub: user.id, role: user.role })
  return json(200, { access_token, token_type: 'Bearer', expires_in: LIFETIME_SECONDS, refresh_token })
}

/** Begins a sign-in. Its first refresh token is its name and a secret, of which a digest is stored. */
async function beginSignIn({ id, password_hash }) {
  const name = randomUUID()
  const secret = randomBytes(32)
  const digest = createHash('sha256').update(secret).digest('hex')
  const [begun] = await signIn(id, password_hash, null, name, digest)
  if (!begun) throw wrongPassword()
  return Buffer.concat([Buffer.from(name.replaceAll('-', ''), 'hex'), secret]).toString('base64url')
}

const wrongPassword = () => unauthorized('There is no account with this e-mail address and password.')

serve(endpoint('POST /api/auth/login', login, [LOGIN, API]))
