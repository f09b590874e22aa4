// One JSON line for each request, which is also its metrics (CloudWatch's embedded metric format).

const service = process.env.POWERTOOLS_SERVICE_NAME ?? 'millrace'
const namespace = process.env.POWERTOOLS_METRICS_NAMESPACE ?? 'Millrace'

// An environment of Lambda serves one request at a time, so the request's counts need not be handed around.
let began = 0
let counts = {}

export function beginRequest() {
  began = performance.now()
  counts = {}
}

export function count(name) {
  counts[name] = (counts[name] ?? 0) + 1
}

export function logRequest(route, status, request) {
  const line = {
    timestamp: new Date().toISOString(),
    level: 'INFO',
    message: `${route} answered ${status}`,
    service,
    request_id: request.id,
    trace_id: request.traceHeader?.split(';')[0].replace('Root=', ''),
    Route: route,
    StatusClass: `${Math.floor(status / 100)}xx`,
    status,
    Latency: performance.now() - began,
    ...counts,
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: directives() },
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function directives() {
  const metric = (Name, Unit) => ({ Name, Unit })
  return [
    { Namespace: namespace, Dimensions: [['Route', 'StatusClass']], Metrics: [metric('Latency', 'Milliseconds')] },
    { Namespace: namespace, Dimensions: [[]], Metrics: Object.keys(counts).map((name) => metric(name, 'Count')) },
  ]
}
