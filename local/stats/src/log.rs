//! The requests of the last minutes, from the functions' log.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use cloud::log::read_from;

use crate::sample::Sample;

/// The functions' log, read on from where it was read before.
pub(crate) struct Log {
    path: PathBuf,
    position: u64,
    minutes: u16,
    samples: VecDeque<Sample>,
}

impl Log {
    /// Of the file at a path, from which nothing was read yet.
    pub(crate) fn new(path: PathBuf, minutes: u16) -> Self {
        Self { path, position: 0, minutes, samples: VecDeque::new() }
    }

    /// Takes what is new and forgets what is too old. The two ends of the time looked at.
    pub(crate) fn read(&mut self) -> Result<(OffsetDateTime, OffsetDateTime)> {
        let now = OffsetDateTime::now_utc();
        let began = now - Duration::from_mins(self.minutes.into());
        let samples = &mut self.samples;
        let take = |line: &str| samples.extend(Sample::read(line).filter(|sample| sample.at >= began));
        self.position = read_from(&self.path, self.position, take)?;
        // Several environments write to one log, so its lines are only nearly in order.
        samples.retain(|sample| sample.at >= began);
        Ok((began, now))
    }

    /// What was read and is not too old, nearly in order.
    pub(crate) fn samples(&mut self) -> &[Sample] {
        self.samples.make_contiguous()
    }
}
