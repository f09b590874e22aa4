//! Numbers for people: what reports and the demo data share.

use std::time::Duration;

use sysinfo::System;

/// The percentile of ascending values by nearest rank: a value that was measured, the least that so many per cent do
/// not exceed.
pub fn percentile<T: Copy>(ascending: &[T], percent: usize) -> Option<T> {
    let rank = (ascending.len() * percent).div_ceil(100).clamp(1, ascending.len().max(1));
    ascending.get(rank - 1).copied()
}

/// For text between a page's tags and in attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// This machine, as far as it matters to figures.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let system = System::long_os_version().unwrap_or_else(|_| "an unknown system".to_owned());
    format!("{cores} cores, {system}")
}

/// As figures are computed with.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// As figures are computed with.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn float(number: u64) -> f64 {
    number as f64
}

/// A count as people write it: `10,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_in_groups_of_three_digits() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
    }
}
