//! What a process has used, and the machine, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Time on a processor, of all its threads. The scheduler's own count, in nanoseconds: the clock ticks of `stat` are
/// 10 ms long, as much as a hundred requests.
pub(crate) fn processor_time(pid: i32) -> Result<Duration> {
    let mut total = 0;
    for task in
        fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone, or this is not Linux")?
    {
        let schedstat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = schedstat.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        total += nanoseconds.unwrap_or_default();
    }
    Ok(Duration::from_nanos(total))
}

/// Time that all processors together have spent on anything, since the machine was started.
pub(crate) fn machine_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat").context("this is not Linux")?;
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .into_iter()
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq; in ticks of 10 ms, on every Linux there is.
    let busy: u64 = [0, 1, 2, 5, 6].iter().filter_map(|column| ticks.get(*column)).sum();
    Ok(Duration::from_millis(busy * 10))
}

/// Memory of a process, in kilobytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident: what Lambda bills by.
    pub(crate) resident: u64,
    /// The same, pages shared with other processes counted by their part.
    pub(crate) proportional: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

/// See [`Memory`].
pub(crate) fn memory(pid: i32) -> Result<Memory> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    };
    let (rollup, status) = (read("smaps_rollup")?, read("status")?);
    Ok(Memory {
        resident: kilobytes(&rollup, "Rss:"),
        proportional: kilobytes(&rollup, "Pss:"),
        peak: kilobytes(&status, "VmHWM:"),
    })
}

fn kilobytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_this_process_has_used() -> Result<()> {
        let own = i32::try_from(std::process::id())?;
        let before = processor_time(own)?;
        let busy: u64 = (0..2_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        std::hint::black_box(busy);
        assert!(processor_time(own)? > before);
        let memory = memory(own)?;
        assert!(memory.resident > 100 && memory.proportional <= memory.resident);
        Ok(())
    }
}
