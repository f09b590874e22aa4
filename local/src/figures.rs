//! What the reports of [`stats`](crate::stats) and [`mod@bench`](crate::bench) share.

/// The percentile of ascending values by nearest rank: a value that was measured, the least that so many per cent do not
/// exceed.
pub(crate) fn percentile<T: Copy>(ascending: &[T], percent: usize) -> Option<T> {
    let rank = (ascending.len() * percent).div_ceil(100).clamp(1, ascending.len().max(1));
    ascending.get(rank - 1).copied()
}

/// For text between a page's tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
