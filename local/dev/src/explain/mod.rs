//! `./dev explain`: every statement of the functions with its plan on the demo data, as Postgres carries it out.
//!
//! Each runs as the functions' role, with the literals that `shared::database` would write, inside a transaction that
//! is rolled back; stored ones by the one plan that they have for all arguments. The command fails if any of them reads
//! a table from end to end, but for tables that are smaller than their indexes would be, or if a step reads many rows
//! only to leave them out: it walks through a whole index.

mod samples;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use shared::database::Argument;
use shared::database::migrations::STORED;

use cloud::Cloud;
use cloud::folder::Folder;
use cloud::progress::tell;
use samples::{SAMPLES, Sample};

const EXPLAIN: &str = "explain (analyze, buffers, costs off, timing off)";

/// Stands in psql's output before each plan.
const MARK: &str = "@@@";

/// The statements are the `.sql` files below it: `orders/list.sql` is `orders.list`.
const SOURCES: &str = "shared/src";

/// Changes thousands of products at a time, once an hour: more than it is worth to go to by an index, in a small shop.
const WHOLE: &str = "catalog.rank";

/// Tables of a thousand rows at most: Postgres reads them whole where an index would serve as well. Those that nobody
/// has counted are not among them.
const SMALL_TABLES: &str = "select relname from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples between 0 and 1000";

/// Rows that a step of a plan may leave out after it has read them: a tenth of the demo's products.
const MOST_LEFT_OUT: u64 = 1_000;

/// Prints the plans of the statements whose names begin with `wanted`, or of all.
pub(crate) async fn explain(folder: Folder, wanted: Option<&str>) -> Result<ExitCode> {
    let cloud = Cloud::open(folder)?;
    let statements = statements(&cloud.folder.root.join(SOURCES))?;
    let chosen: Vec<_> =
        statements.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.starts_with(wanted))).collect();
    let names = || statements.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ");
    ensure!(!chosen.is_empty(), "there is no such statement; choose from: {}", names());
    let mut script = String::new();
    for (name, text) in &chosen {
        script += &script_of(name, text)?;
    }
    let plans = cloud.sql_as_functions(&script).await?;
    let small = cloud.sql(SMALL_TABLES).await?;
    let walks = report(&plans, &small.lines().collect::<Vec<_>>());
    if walks.is_empty() {
        tell(format_args!("{} statements; none of them reads a table from end to end.", chosen.len()));
        return Ok(ExitCode::SUCCESS);
    }
    tell(format_args!("Read from end to end, or nearly: {}", walks.join(", ")));
    tell(format_args!("Plans follow the data; {} reset gives that of the demo back.", cloud.folder.dev));
    Ok(ExitCode::FAILURE)
}

/// Names and texts, in the order of their names.
fn statements(sources: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![sources.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "sql") {
                found.push((name_of(&path)?, fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> Result<String> {
    let part = |path: Option<PathBuf>| path.and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let (folder, file) = (part(path.parent().map(Into::into)), part(Some(path.into())));
    let name = folder.zip(file).map(|(folder, file)| format!("{folder}.{file}"));
    name.with_context(|| format!("{} has no name", path.display()))
}

fn script_of(name: &str, text: &str) -> Result<String> {
    let samples: Vec<&Sample> = SAMPLES.iter().filter(|sample| sample.statement == name).collect();
    ensure!(
        !samples.is_empty(),
        "say in local/dev/src/explain/samples.rs with which arguments {name} is called"
    );
    let explain = |sample: &Sample| {
        let what = if sample.what.is_empty() { String::new() } else { format!(", {}", sample.what) };
        let planned = if STORED.iter().any(|(stored, _)| *stored == name) {
            planned_once(text, sample.arguments)
        } else {
            fill(text, sample.arguments).map(|statement| format!("{EXPLAIN}\n{statement};\n"))
        };
        let planned = planned.with_context(|| format!("samples of {name}"))?;
        Ok(format!("\\echo {MARK} {name}{what}\nbegin;\n{planned}rollback;\n"))
    };
    samples.into_iter().map(explain).collect()
}

/// A stored statement has one plan for all arguments, as its function has.
fn planned_once(text: &str, arguments: &[&str]) -> Result<String> {
    let literals = literals(text, arguments)?;
    let call = if literals.is_empty() { String::new() } else { format!("({})", literals.join(", ")) };
    Ok(format!(
        "set local plan_cache_mode = force_generic_plan;\nprepare stored as {text};\n\
         {EXPLAIN} execute stored{call};\ndeallocate stored;\n"
    ))
}

/// The text with its placeholders replaced. The last first: `$1` begins `$10` too.
fn fill(text: &str, arguments: &[&str]) -> Result<String> {
    let literals = literals(text, arguments)?;
    let numbered = literals.iter().enumerate().rev();
    Ok(numbered
        .fold(text.to_owned(), |text, (index, literal)| text.replace(&format!("${}", index + 1), literal)))
}

/// The literals of the arguments, of which there has to be one for each placeholder.
fn literals(text: &str, arguments: &[&str]) -> Result<Vec<String>> {
    let expected = (1..=99).take_while(|number| text.contains(&format!("${number}"))).count();
    ensure!(arguments.len() == expected, "{} arguments for {expected} placeholders", arguments.len());
    arguments.iter().map(|argument| literal(argument)).collect()
}

/// As the functions write it: text is the one type whose literal may change the plan.
fn literal(argument: &str) -> Result<String> {
    let Some(text) = argument.strip_prefix('\'').and_then(|rest| rest.strip_suffix("'::text")) else {
        return Ok(format!("({argument})"));
    };
    let encoded = Argument::from(text);
    encoded.literal().map(str::to_owned).map_err(anyhow::Error::msg)
}

/// Prints the plans, and returns `table (statement)` for each scan of a table of ours that is not small, and how many
/// rows a statement left out where they are too many.
fn report(plans: &str, small: &[&str]) -> Vec<String> {
    let mut walks = Vec::new();
    let (mut statement, mut step) = ("", "");
    for line in plans.lines() {
        if let Some(name) = line.strip_prefix(MARK) {
            statement = name.trim();
            tell(format_args!("\n{statement}"));
            continue;
        }
        tell(format_args!("    {line}"));
        if statement.starts_with(WHOLE) {
            continue;
        }
        if let Some(table) = scanned_table(line).filter(|table| !small.contains(table)) {
            walks.push(format!("{table} ({statement})"));
        }
        if line.contains("(actual rows=") {
            step = line;
        }
        if let Some(rows) = left_out(step, line).filter(|rows| *rows > MOST_LEFT_OUT) {
            walks.push(format!("{rows} rows left out ({statement})"));
        }
    }
    tell("");
    walks
}

/// The table that a line of a plan reads from end to end. Postgres' own catalogues are small, and read by `insights`.
fn scanned_table(line: &str) -> Option<&str> {
    let (_, table) = line.split_once("Seq Scan on ")?;
    table.split(' ').next().filter(|table| !table.starts_with("pg_"))
}

/// The rows of a table of ours that a step left out by a line below it, which tells them for each time on average.
fn left_out(step: &str, line: &str) -> Option<u64> {
    let rows: u64 = line.trim_start().strip_prefix("Rows Removed by Filter: ")?.parse().ok()?;
    let (reads, times) = step.strip_suffix(')')?.split_once("loops=")?;
    let is_ours = reads.contains(" Scan ") && !reads.contains("Function Scan") && !reads.contains(" on pg_");
    is_ours.then_some(rows.saturating_mul(times.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_a_sample_for_every_statement_and_a_statement_for_every_sample() -> Result<()> {
        let statements = statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(SOURCES))?;
        assert!(statements.len() > 20, "{statements:?}");
        for (name, text) in &statements {
            script_of(name, text)?;
        }
        for sample in SAMPLES {
            assert!(statements.iter().any(|(name, _)| name == sample.statement), "{}", sample.statement);
        }
        Ok(())
    }

    #[test]
    fn it_fills_in_every_placeholder_and_refuses_a_wrong_number() -> Result<()> {
        assert_eq!(fill("$1 $2 $1", &["a", "b"])?, "(a) (b) (a)");
        let ten = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(fill("$1$2$3$4$5$6$7$8$9$10", &ten)?, "(0)(1)(2)(3)(4)(5)(6)(7)(8)(9)");
        assert!(fill("$1", &["'it'::text"])?.contains("convert_from("), "text goes as the functions send it");
        assert!(fill("$1 $2", &["a"]).is_err() && fill("$1", &["a", "b"]).is_err());
        assert!(planned_once("$1 $2", &["a"]).is_err() && planned_once("$1", &["a", "b"]).is_err());
        Ok(())
    }

    #[test]
    fn it_sees_a_scan_of_a_table_and_no_other() {
        assert_eq!(scanned_table("  ->  Seq Scan on orders o (actual rows=50000 loops=1)"), Some("orders"));
        assert_eq!(scanned_table("  ->  Parallel Seq Scan on products (never executed)"), Some("products"));
        assert_eq!(scanned_table("  ->  Seq Scan on pg_class c (actual rows=400 loops=1)"), None);
        assert_eq!(scanned_table("  ->  Index Scan using orders_pkey on orders o"), None);
    }

    #[test]
    fn it_sees_what_a_step_leaves_out_each_time_and_says_of_which_statement() {
        let plan = |rows: u64, loops: u64| {
            format!(
                "{MARK} catalog.list_newest, sold out\n  ->  Index Scan using products_listed on products \
                 (actual rows=0 loops={loops})\n        Filter: (NOT in_stock)\n        \
                 Rows Removed by Filter: {rows}\n"
            )
        };
        for (rows, loops) in [(MOST_LEFT_OUT, 1), (MOST_LEFT_OUT / 10, 10)] {
            assert!(report(&plan(rows, loops), &[]).is_empty(), "{rows} rows, {loops} times");
        }
        let walks = report(&plan(101, 10), &[]);
        assert_eq!(walks, ["1010 rows left out (catalog.list_newest, sold out)"]);
        for step in ["Function Scan on pg_stat_statements", "Index Scan using a on pg_class c", "Hash Join"] {
            let of_postgres = plan(5_000, 1).replace("Index Scan using products_listed on products", step);
            assert!(report(&of_postgres, &[]).is_empty(), "{of_postgres}");
        }
    }
}
