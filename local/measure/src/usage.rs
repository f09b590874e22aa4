//! What a process has used, and the machine, from `/proc`.

use std::collections::BTreeMap;
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

/// The processes of this machine, and what each has used.
pub(crate) struct Processes(BTreeMap<i32, Process>);

struct Process {
    parent: i32,
    /// Its own time and that of its children which have ended, in ticks of 10 ms.
    ticks: u64,
}

impl Processes {
    /// As they are now. What ends meanwhile is not among them.
    pub(crate) fn now() -> Result<Self> {
        let processes = fs::read_dir("/proc").context("this is not Linux")?.flatten().filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, Process::read(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
        });
        Ok(Self(processes.collect()))
    }

    /// Time on a processor of a process and of all that came from it. Threads and children that have ended are in it:
    /// a server may have one for each request, of which `schedstat` knows nothing any more.
    pub(crate) fn family_time(&self, ancestor: i32) -> Duration {
        let parent = |pid: &i32| self.0.get(pid).map(|process| process.parent);
        let descends = |pid| std::iter::successors(Some(pid), parent).any(|pid| pid == ancestor);
        let family = self.0.iter().filter(|(pid, _)| descends(**pid));
        Duration::from_millis(family.map(|(_, process)| process.ticks * 10).sum())
    }
}

impl Process {
    /// From its line in `stat`. The program's name, in brackets, may hold anything.
    fn read(stat: &str) -> Option<Self> {
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // From the state on, which is the third in proc(5): utime, stime, cutime, cstime.
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks })
    }
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
    use std::process::Command;

    use super::*;

    #[test]
    fn what_has_ended_is_in_its_familys_time_and_what_others_used_is_not() -> Result<()> {
        // A shell whose child has computed, and ended; it then waits to be looked at.
        let busy = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo; read line";
        let piped = std::process::Stdio::piped;
        let mut shell = Command::new("sh").args(["-c", busy]).stdin(piped()).stdout(piped()).spawn()?;
        let mut line = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().context("piped")?, &mut line)?;
        let now = Processes::now();
        drop(shell.stdin.take());
        shell.wait()?;
        let (now, pid) = (now?, i32::try_from(shell.id())?);
        assert!(now.family_time(pid) >= Duration::from_millis(20), "{:?}", now.family_time(pid));
        assert!(now.family_time(std::process::id().try_into()?) >= now.family_time(pid), "a child is family");
        assert_eq!(now.family_time(i32::MAX), Duration::ZERO);
        Ok(())
    }

    #[test]
    fn a_programs_name_may_hold_brackets_and_spaces() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 100";
        let process = Process::read(stat).map(|process| (process.parent, process.ticks));
        assert_eq!(process, Some((7, 100)));
    }

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
