//! What was promised and what was seen of it: the verdict of [`mod@bench`](crate::bench) and of [`load`](crate::load).

/// What became of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Holds,
    Broken,
    /// What was measured lies on both sides of the limit.
    Undecided,
    NotMeasured,
}

impl Outcome {
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Broken }
    }

    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Broken => "✗",
            Self::Undecided => "?",
            Self::NotMeasured => "–",
        }
    }
}

/// One promise, what was seen of it, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    pub(crate) promise: String,
    pub(crate) seen: String,
    pub(crate) outcome: Outcome,
}

/// All of them in words that can follow a colon.
pub(crate) fn headline(goals: &[Goal]) -> String {
    let count = |outcome| goals.iter().filter(|goal| goal.outcome == outcome).count();
    let broken = count(Outcome::Broken);
    let (undecided, unmeasured) = (count(Outcome::Undecided), count(Outcome::NotMeasured));
    let verdict = match broken {
        0 if undecided > 0 => "no goal is missed".to_owned(),
        0 if unmeasured > 0 => "every goal that was measured holds".to_owned(),
        0 => "every goal holds".to_owned(),
        1 => format!("1 of {} goals does NOT hold", goals.len()),
        _ => format!("{broken} of {} goals do NOT hold", goals.len()),
    };
    let open = [(undecided, "undecided"), (unmeasured, "not measured")];
    let open = open.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    verdict + &open.collect::<String>()
}

/// A line of text for each.
pub(crate) fn lines(goals: &[Goal]) -> String {
    let line = |Goal { promise, seen, outcome }: &Goal| format!("  {} {promise}: {seen}\n", outcome.mark());
    goals.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_names_what_does_not_hold_and_what_nobody_measured() {
        let goals = |outcomes: &[Outcome]| {
            let goal = |outcome: &Outcome| Goal {
                promise: "quick".to_owned(),
                seen: "slow".to_owned(),
                outcome: *outcome,
            };
            outcomes.iter().map(goal).collect::<Vec<_>>()
        };
        let (holds, broken, unmeasured) = (Outcome::Holds, Outcome::Broken, Outcome::NotMeasured);
        let undecided = Outcome::Undecided;
        for (outcomes, words) in [
            (&[holds, holds][..], "every goal holds"),
            (&[holds, unmeasured], "every goal that was measured holds, 1 not measured"),
            (&[holds, broken], "1 of 2 goals does NOT hold"),
            (&[broken, broken, unmeasured], "2 of 3 goals do NOT hold, 1 not measured"),
            (&[holds, undecided], "no goal is missed, 1 undecided"),
            (&[broken, undecided, unmeasured], "1 of 3 goals does NOT hold, 1 undecided, 1 not measured"),
        ] {
            assert_eq!(headline(&goals(outcomes)), words);
        }
        assert_eq!(lines(&goals(&[broken])), "  ✗ quick: slow\n");
    }
}
