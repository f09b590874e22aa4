//! What was found, a sentence each.

use std::fmt::{self, Display, Formatter};

use cloud::progress::table;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// Works without.
    Note,
    Missing,
}

/// All of it, in the order in which it was found.
#[derive(Default)]
pub(super) struct Report(Vec<(&'static str, Verdict, String)>);

/// A report's part on one server.
pub(super) struct Section<'a> {
    server: &'static str,
    report: &'a mut Report,
}

impl Report {
    pub(super) fn on(&mut self, server: &'static str) -> Section<'_> {
        Section { server, report: self }
    }

    /// Whether nothing is missing.
    pub(super) fn is_well(&self) -> bool {
        self.count(Verdict::Missing) == 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|(_, found, _)| *found == verdict).count()
    }
}

impl Section<'_> {
    pub(super) fn good(&mut self, text: impl Into<String>) {
        self.add(Verdict::Good, text);
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.add(Verdict::Note, text);
    }

    pub(super) fn missing(&mut self, text: impl Into<String>) {
        self.add(Verdict::Missing, text);
    }

    fn add(&mut self, verdict: Verdict, text: impl Into<String>) {
        self.report.0.push((self.server, verdict, text.into()));
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.0.iter().map(|(server, verdict, text)| {
            let verdict = match verdict {
                Verdict::Good => "ok",
                Verdict::Note => "note",
                Verdict::Missing => "MISSING",
            };
            [(*server).to_owned(), verdict.to_owned(), text.clone()]
        });
        let rows = rows.collect::<Vec<_>>();
        formatter.write_str(&table(["server", "", "what was found"], &rows))?;
        match (self.count(Verdict::Missing), self.count(Verdict::Note)) {
            (0, 0) => writeln!(formatter, "\n  These three can carry Millrace."),
            (0, notes) => {
                writeln!(formatter, "\n  These three can carry Millrace; read the {notes} marked note.")
            }
            (missing, _) => writeln!(
                formatter,
                "\n  {missing} missing: Millrace would not work with these three as they are."
            ),
        }
    }
}
