//! The deadlocks that Postgres broke, and which statements were in them, as its log tells.

/// What Postgres told of each deadlock: who waited for whom, and the statement of each.
pub(super) fn deadlocks(log: &str) -> Vec<String> {
    let mut lines = log.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !line.ends_with("deadlock detected") {
            continue;
        }
        let mut told = Vec::new();
        if let Some((_, first)) = lines.peek().and_then(|line| line.split_once("DETAIL:  ")) {
            told.push(first);
            lines.next();
            // Postgres begins each further line of one message with a tab.
            while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                told.push(more.trim());
            }
        }
        found.push(told.join("\n"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2026-11-30 14:00:00.000 UTC [7] LOG:  database system is ready to accept connections
2026-11-30 14:00:01.000 UTC [41] ERROR:  deadlock detected
2026-11-30 14:00:01.000 UTC [41] DETAIL:  Process 41 waits for ShareLock on transaction 750; blocked by process 42.
\tProcess 42 waits for ShareLock on transaction 749; blocked by process 41.
\tProcess 41: update t
\t  set n = $1
\tProcess 42: update t set n = 2
2026-11-30 14:00:01.000 UTC [41] HINT:  See server log for query details.
2026-11-30 14:00:02.000 UTC [43] ERROR:  deadlock detected
2026-11-30 14:00:03.000 UTC [7] LOG:  checkpoint starting: time
";

    #[test]
    fn each_deadlock_names_its_statements_as_far_as_the_log_does() {
        let found = deadlocks(LOG);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("Process 41 waits for ShareLock"), "{found:?}");
        assert!(
            found[0].ends_with("Process 41: update t\nset n = $1\nProcess 42: update t set n = 2"),
            "{found:?}"
        );
        assert_eq!(found[1], "");
    }
}
