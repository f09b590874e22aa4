//! Whether each twin gives a statement as many values as it has parameters.
//!
//! Most statements are those of our functions, from their own files. Who gives one of them another parameter does not
//! see the twins, and Postgres would only say so in the middle of a benchmark.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The modules of a folder.
fn modules(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "mjs"))
        .collect())
}

/// The highest `$n` of a statement.
fn parameters(sql: &str) -> usize {
    let number = |text: &str| {
        let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().unwrap_or(0)
    };
    sql.split('$').skip(1).map(number).max().unwrap_or(0)
}

/// How many values stand between the brackets that `source`, which begins behind the first of them, closes.
fn values(source: &str) -> Result<usize> {
    let (mut depth, mut values, mut is_open) = (0, 0, false);
    for character in source.chars() {
        match character {
            ')' | ']' | '}' if depth == 0 => return Ok(values + usize::from(is_open)),
            ',' if depth == 0 => (values, is_open) = (values + 1, false),
            character => {
                is_open |= !character.is_whitespace();
                depth += i32::from("([{".contains(character)) - i32::from(")]}".contains(character));
            }
        }
    }
    anyhow::bail!("brackets that nobody closes")
}

/// What stands behind the opening bracket of each call of this function, which is nobody's method.
fn calls<'a>(source: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let call = format!("{name}(");
    let begins =
        |at: &usize| !source[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '.');
    let places = source.match_indices(&call).map(|(at, _)| at).filter(begins).collect::<Vec<_>>();
    places.into_iter().map(move |at| &source[at + call.len()..])
}

/// Each `import nameSql from 'path'`, and what `statement(…, nameSql)` is called.
fn statements(source: &str) -> Result<Vec<(&str, &str)>> {
    let imports = source.lines().filter_map(|line| line.strip_prefix("import ")?.split_once(" from "));
    let files = imports.map(|(import, path)| (import, path.trim_matches('\'')));
    let statement = |(import, path)| {
        let end = format!(", {import})");
        let line = source.lines().find(|line| line.contains("= statement(") && line.ends_with(&end));
        let named = line.and_then(|line| line.strip_prefix("const ")?.split_once(" = "));
        Ok((named.with_context(|| format!("{path} is not made a statement"))?.0, path))
    };
    files
        .filter(|(_, path)| Path::new(path).extension().is_some_and(|end| end == "sql"))
        .map(statement)
        .collect()
}

#[test]
fn each_twin_gives_a_statement_as_many_values_as_it_has_parameters() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    let mut checked = 0;
    for module in [modules(&folder.join("functions"))?, modules(&folder.join("lib"))?].concat() {
        let source = fs::read_to_string(&module)?;
        for (name, path) in statements(&source)? {
            let sql = module.parent().context("a folder")?.join(path);
            let sql =
                fs::read_to_string(&sql).with_context(|| format!("{} has no {path}", module.display()))?;
            let (module, needed) = (module.display(), parameters(&sql));
            let given = calls(&source, name).map(values).collect::<Result<Vec<_>>>()?;
            let all_fit = given.iter().all(|given| *given == needed);
            ensure!(!given.is_empty() && all_fit, "{module} gives {path} {given:?} values, not {needed}");
            checked += given.len();
        }
    }
    ensure!(checked >= 10, "only {checked} were found");
    Ok(())
}

#[test]
fn values_are_counted_between_commas_of_their_own_brackets() -> Result<()> {
    for (source, count) in [
        (")", 0),
        ("id)", 1),
        ("id, [a, b], f(c, d)).map(", 3),
        ("\n  id,\n  { a, b },\n)", 2),
        ("(await x(y)))", 1),
    ] {
        assert_eq!(values(source)?, count, "{source}");
    }
    assert_eq!(parameters("select $2, $10::text -- $3"), 10);
    Ok(())
}
