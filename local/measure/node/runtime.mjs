// Lambda's Runtime API, spoken with Node's own HTTP client. AWS's client for Node.js has to be compiled where it runs,
// so this one is ours, and it costs as much: docs/benchmarks/README.md has what was measured.
import { Agent, request } from 'node:http'

// Host and port on AWS; a whole address locally, where each environment has a path of its own.
const api = process.env.AWS_LAMBDA_RUNTIME_API.replace('http://', '')
const { hostname, port, pathname } = new URL(`http://${api}`)
const PATH = `${pathname.replace(/\/$/, '')}/2018-06-01/runtime/invocation`

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

function call(method, path, body = '') {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => (text += part))
      response.on('end', () => resolve({ headers: response.headers, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Serves events with `handler(event, context)`, one at a time, for ever. */
export async function serve(handler) {
  for (;;) {
    const { headers, text } = await call('GET', `${PATH}/next`)
    const requestId = headers['lambda-runtime-aws-request-id']
    const traceHeader = headers['lambda-runtime-trace-id']
    try {
      const answer = await handler(JSON.parse(text), { requestId, traceHeader })
      await call('POST', `${PATH}/${requestId}/response`, JSON.stringify(answer))
    } catch ({ name, message }) {
      await call('POST', `${PATH}/${requestId}/error`, JSON.stringify({ errorType: name, errorMessage: message }))
    }
  }
}
