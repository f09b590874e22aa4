// A circuit breaker of this environment.

/** Closed, open for a while after `threshold` failures in a row, then half open until so many calls have succeeded. */
export class CircuitBreaker {
  #failures = 0
  #openUntil = 0
  #successesToClose = 0

  constructor({ threshold, resetMs, halfOpenSuccesses }) {
    Object.assign(this, { threshold, resetMs, halfOpenSuccesses })
  }

  /** The result of `call`; of `fallback` where the breaker is open or the call fails with what counts as a failure. */
  async execute(call, fallback, isFailure = () => true) {
    if (Date.now() < this.#openUntil) return fallback()
    try {
      const result = await call()
      this.#succeed()
      return result
    } catch (error) {
      if (!isFailure(error)) {
        this.#succeed()
        throw error
      }
      this.#fail()
      return fallback(error)
    }
  }

  #succeed() {
    this.#successesToClose = Math.max(0, this.#successesToClose - 1)
    if (this.#successesToClose === 0) this.#failures = 0
  }

  #fail() {
    this.#failures += 1
    if (this.#failures < this.threshold) return
    this.#openUntil = Date.now() + this.resetMs
    this.#successesToClose = this.halfOpenSuccesses
  }
}
