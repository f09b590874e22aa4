//! What a million requests cost on Lambda. `docs/benchmarks/cost.md` says where the numbers come from.

use super::report::Figures;

/// Dollars for a million invocations, however short.
const INVOCATIONS: f64 = 0.20;
/// Dollars for a gigabyte-second on arm64.
const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// Memory that buys one processor. Lambda gives it out in proportion.
const PROCESSOR_MB: f64 = 1769.0;

/// Milliseconds that an exchange takes on AWS, roughly: with Valkey, with Postgres through RDS Proxy, with Stripe.
const REDIS_MS: f64 = 1.0;
/// See [`REDIS_MS`].
const STATEMENT_MS: f64 = 3.0;
/// See [`REDIS_MS`].
const PROVIDER_MS: f64 = 600.0;

/// Dollars for a million requests, API Gateway and the rest not included. Nothing where nothing was measured.
pub(super) fn of_a_million(figures: &Figures) -> f64 {
    if figures.cpu_us == 0.0 || figures.memory_mb == 0 {
        return 0.0;
    }
    INVOCATIONS + billed_ms(figures) * 1e3 * f64::from(figures.memory_mb) / 1024.0 * GIGABYTE_SECOND
}

/// Waiting, and computing with the part of a processor that the memory buys; Lambda rounds up to the millisecond.
fn billed_ms(figures: &Figures) -> f64 {
    let waits = figures.redis_round_trips * REDIS_MS
        + figures.statements * STATEMENT_MS
        + figures.provider_calls * PROVIDER_MS;
    let share = (f64::from(figures.memory_mb) / PROCESSOR_MB).min(1.0);
    (waits + figures.cpu_us / 1e3 / share).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_billed_for_waiting_and_for_computing_with_its_part_of_a_processor() {
        let cached = Figures { cpu_us: 160.0, memory_mb: 512, redis_round_trips: 1.0, ..Figures::default() };
        // 1 ms of waiting, 0.16 ms / 0.29 of computing: 2 ms of half a gigabyte.
        assert!((billed_ms(&cached) - 2.0).abs() < 1e-9);
        assert!((of_a_million(&cached) - 0.213_333_4).abs() < 1e-6, "{}", of_a_million(&cached));
        let login = Figures { cpu_us: 20_000.0, memory_mb: 1769, statements: 1.0, ..Figures::default() };
        assert!((billed_ms(&login) - 23.0).abs() < 1e-9);
    }

    #[test]
    fn what_was_not_measured_has_no_price() {
        assert!(of_a_million(&Figures::default()).abs() < 1e-9);
    }
}
