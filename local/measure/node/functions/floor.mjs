// Does nothing: what Node.js and the Runtime API cost by themselves.
import { serve } from '../runtime.mjs'

serve(async () => ({ statusCode: 200, headers: {}, body: '', isBase64Encoded: false, cookies: [] }))
