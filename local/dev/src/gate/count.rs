//! How many checks a step made, read from the closing lines of its tool.

/// Passed and failed checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: u32,
    pub(super) failed: u32,
}

/// How a step's tool says what it counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// It does not: the step is one check.
    One,
    /// `Summary [ 3.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
    Nextest,
    /// `test result: ok. 3 passed; 0 failed; …`, once for each crate.
    Rustdoc,
    /// `==== 2 failed, 40 passed in 3.21s ====`
    Pytest,
}

impl Counter {
    /// The count in a tool's output. A tool that failed without counting a failure (it did not compile, it crashed)
    /// counts as one.
    pub(super) fn read(self, output: &str, success: bool) -> Count {
        let mut count = match self {
            Self::One => Count { passed: u32::from(success), failed: 0 },
            Self::Nextest => tally(lines(output, |line| line.trim_start().starts_with("Summary [")).last()),
            Self::Rustdoc => tally(lines(output, |line| line.starts_with("test result:"))),
            Self::Pytest => {
                tally(lines(output, |line| line.starts_with('=') && line.contains(" in ")).last())
            }
        };
        if !success && count.failed == 0 {
            count.failed = 1;
        }
        count
    }
}

fn lines(output: &str, chosen: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    output.lines().filter(move |line| chosen(line))
}

/// Adds up every `N word` whose word is a verdict.
fn tally<'a>(lines: impl IntoIterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    for line in lines {
        let words: Vec<_> =
            line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let (Ok(number), verdict) = (pair[0].parse::<u32>(), pair[1]) else { continue };
            match verdict {
                "passed" => count.passed += number,
                // "timed out", "exec failed", and pytest's "errors".
                "failed" | "timed" | "exec" | "error" | "errors" => count.failed += number,
                _ => {}
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_nextest_says() {
        let output = "     Summary [   3.2s] 12 tests run: 8 passed (1 slow), 2 failed, 1 timed out, 1 exec failed, 2 skipped";
        assert_eq!(Counter::Nextest.read(output, false), Count { passed: 8, failed: 4 });
    }

    #[test]
    fn it_adds_up_what_rustdoc_says_of_each_crate() {
        let output = "test result: ok. 3 passed; 0 failed; 0 ignored; finished in 0.01s\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(Counter::Rustdoc.read(output, false), Count { passed: 4, failed: 2 });
    }

    #[test]
    fn it_counts_what_pytest_says() {
        let output = "== test session starts ==\n===== 1 failed, 40 passed, 1 error in 3.21s =====";
        assert_eq!(Counter::Pytest.read(output, false), Count { passed: 40, failed: 2 });
        assert_eq!(Counter::Pytest.read("=== 83 passed in 2.41s ===", true), Count { passed: 83, failed: 0 });
    }

    #[test]
    fn it_takes_a_crash_for_a_failure_even_if_the_tool_counted_none() {
        assert_eq!(Counter::Nextest.read("error: could not compile", false), Count { passed: 0, failed: 1 });
        assert_eq!(Counter::One.read("", false), Count { passed: 0, failed: 1 });
        assert_eq!(Counter::One.read("", true), Count { passed: 1, failed: 0 });
    }
}
