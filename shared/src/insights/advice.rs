//! From figures to suggestions: each says what to do and why it thinks so, and none is made on thin evidence.

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::{Insights, MissingIndex, Server, StatementCost, TableUse, UnusedIndex};

/// A table below is read whole in no time, and an index would not be used.
const SMALL_TABLE_ROWS: i64 = 1_000;
/// Fewer scans are somebody looking around, a migration, a backup.
const MANY_SCANS: i64 = 100;
/// A statement that takes less than this part of all time is not worth an hour of anybody's.
const LARGE_SHARE_PERCENT: f64 = 20.0;
/// Warm reads by index take well under a millisecond, writes of some rows a few.
const SLOW_MS: f64 = 20.0;
/// 8 MB looked at in one call.
const MANY_BLOCKS: f64 = 1_000.0;
/// Blocks for each row beyond which most of what is read is thrown away. By index it takes about four.
const BLOCKS_A_ROW: f64 = 50.0;
/// An index may serve a report of the month's end; a week without a reader is a reason to look, less is none.
const LONG_ENOUGH: Duration = Duration::days(7);
/// Less than this from memory, and disks set the pace.
const LOW_MEMORY_PERCENT: u64 = 99;
/// Fewer blocks say nothing about a rate: a server that has just started reads everything once.
const ENOUGH_BLOCKS: i64 = 100_000;
/// Above it, a burst may find no connection left.
const MANY_CONNECTIONS_PERCENT: u64 = 80;

/// Something to do, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The statement, table, index or setting that it is about.
    pub about: String,
    /// What to do.
    pub advice: String,
    /// The figures that it rests on.
    pub evidence: String,
}

fn suggest(about: impl Into<String>, advice: impl Into<String>, evidence: String) -> Suggestion {
    Suggestion { about: about.into(), advice: advice.into(), evidence }
}

/// What to do about it, the most urgent first: what may stop the shop, what slows it, what costs room.
#[must_use]
pub fn advise(insights: &Insights, now: OffsetDateTime) -> Vec<Suggestion> {
    let counted_for = now - insights.server.since;
    let connections = connections(&insights.server).into_iter().chain(transactions(&insights.server));
    let statements = insights.statements.iter().filter_map(statement);
    let tables = insights.tables.iter().filter_map(|table| scans(table, &insights.statements));
    let unused = insights.unused_indexes.iter().filter_map(|index| unused(index, counted_for));
    let missing = insights.missing_indexes.iter().filter_map(|key| missing(key, &insights.tables));
    connections
        .chain(memory(&insights.server))
        .chain(statements)
        .chain(tables)
        .chain(unused)
        .chain(missing)
        .collect()
}

fn connections(server: &Server) -> Option<Suggestion> {
    let percent = server.connections_percent();
    (percent > MANY_CONNECTIONS_PERCENT).then(|| {
        suggest(
            "max_connections",
            "Let the proxy open fewer (MaxConnectionsPercent, default_pool_size), or find what connects past it.",
            format!("{} of {} connections are open ({percent} %).", server.connections, server.connection_limit),
        )
    })
}

fn transactions(server: &Server) -> Option<Suggestion> {
    (server.idle_in_transaction > 0).then(|| {
        suggest(
            "idle transactions",
            "Look whether a function does something else inside transaction(). The server ends them after 10 s.",
            format!("{} transactions are open and doing nothing.", server.idle_in_transaction),
        )
    })
}

fn memory(server: &Server) -> Option<Suggestion> {
    let (percent, disk) = (server.memory_percent(), server.blocks_from_disk);
    (percent < LOW_MEMORY_PERCENT && server.blocks_from_memory + disk > ENOUGH_BLOCKS).then(|| {
        suggest(
            "memory",
            "Give the database more memory, or have it read less: look at the statements with the most blocks.",
            format!("{percent} % of the blocks were in memory; {disk} came from disk."),
        )
    })
}

fn statement(cost: &StatementCost) -> Option<Suggestion> {
    let StatementCost { name, calls, mean_ms, share_percent, rows_each, blocks_each, .. } = cost;
    if name.starts_with("insights.") {
        return None;
    }
    let evidence = format!(
        "{calls} calls, {mean_ms:.2} ms and {blocks_each:.0} blocks each for {rows_each:.1} rows, \
         {share_percent:.0} % of all time."
    );
    if *blocks_each > MANY_BLOCKS && blocks_each / rows_each.max(1.0) > BLOCKS_A_ROW {
        let advice = "It reads far more than it returns: look at its plan for a missing index.";
        return Some(suggest(name, advice, evidence));
    }
    if *mean_ms > SLOW_MS && *share_percent > LARGE_SHARE_PERCENT {
        let advice = "It is slow, and most of the time goes there: look at its plan, or ask it less often.";
        return Some(suggest(name, advice, evidence));
    }
    None
}

fn scans(table: &TableUse, statements: &[StatementCost]) -> Option<Suggestion> {
    let TableUse { name, rows, sequential_scans, rows_scanned, index_scans, .. } = table;
    if *rows < SMALL_TABLE_ROWS
        || *sequential_scans < MANY_SCANS
        || sequential_scans * rows > 2 * rows_scanned
    {
        return None;
    }
    let dearest = statements.iter().max_by(|a, b| a.blocks_each.total_cmp(&b.blocks_each));
    let dearest = dearest.map_or_else(String::new, |cost| {
        format!(" {} looks at the most blocks, {:.0} a call.", cost.name, cost.blocks_each)
    });
    Some(suggest(
        name,
        "Find the statement that reads all of it, and give it an index.",
        format!(
            "Of {rows} rows, it was read from end to end {sequential_scans} times ({rows_scanned} rows), and \
             {index_scans} times by index.{dearest}"
        ),
    ))
}

fn unused(index: &UnusedIndex, counted_for: Duration) -> Option<Suggestion> {
    let UnusedIndex { name, table, bytes } = index;
    (counted_for >= LONG_ENOUGH).then(|| {
        suggest(
            name,
            "Drop it, unless something rare needs it: every write keeps it up to date.",
            format!(
                "No statement has read it for {} days; it takes {} kB, on {table}.",
                counted_for.whole_days(),
                bytes / 1024
            ),
        )
    })
}

fn missing(key: &MissingIndex, tables: &[TableUse]) -> Option<Suggestion> {
    let MissingIndex { table, columns, references } = key;
    let rows = tables.iter().find(|known| known.name == *table)?.rows;
    (rows >= SMALL_TABLE_ROWS).then(|| {
        suggest(
            format!("{table} ({columns})"),
            format!("Add an index before rows of {references} are deleted; nothing else needs it."),
            format!(
                "A foreign key to {references} without an index: a deletion there reads all {rows} rows here."
            ),
        )
    })
}

#[cfg(test)]
mod tests;
