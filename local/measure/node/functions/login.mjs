// POST /api/auth/login
import { createPrivateKey } from 'node:crypto'
import { verify } from '@node-rs/argon2'
import { createSigner } from 'fast-jwt'
import byEmailSql from '../../../shared/src/accounts/by_email.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { invalid, json, unauthorized } from '../lib/http.mjs'
import { API, check, LOGIN, LOGIN_ACCOUNT } from '../lib/rate-limit.mjs'
import { serve } from '../runtime.mjs'

const LIFETIME_SECONDS = 3600
// Of nobody's password, so that a login for an unknown account takes as long as one for a known account.
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2Utbm9ib2R5$BmbpAjNFXYc96u/8/3F5yIQS3gbOfLSi1M6RsA5+uiI'

const byEmail = statement('accounts.by_email', byEmailSql)

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
  const account = email.trim()
  const [user] = await byEmail(account)
  const matches = await verify(user?.password_hash ?? NOBODY, password)
  if (!user || !matches) {
    await check(`account:${account.toLowerCase()}`, [LOGIN_ACCOUNT])
    throw unauthorized('There is no account with this e-mail address and password.')
  }
  const token = sign({ sub: user.id, role: user.role })
  return json(200, { access_token: token, token_type: 'Bearer', expires_in: LIFETIME_SECONDS })
}

serve(endpoint('POST /api/auth/login', login, [LOGIN, API]))
