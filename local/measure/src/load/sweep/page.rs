//! Several runs beside each other as a page: tables, and curves, in one file that needs no other.

use std::fmt::Write;

use super::Sweep;
use super::curves::Curves;
use super::text::{HEADINGS, ceilings, processor_headings, processor_rows, rows};
use cloud::figures::{escape, machine};
use stats::chart::STYLE;

/// The whole page.
pub(crate) fn of(sweeps: &[Sweep], command: &str) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Millrace under load: how many users</title>\n\
         <style>{STYLE}</style>\n<h1>How many users Millrace serves</h1>\n"
    );
    for line in ceilings(sweeps) {
        let _ = writeln!(page, "<p><strong>{}</strong></p>", escape(&line));
    }
    let begun = sweeps.iter().flat_map(|sweep| &sweep.runs).map(|run| run.begun).min();
    let begun = begun.map_or_else(String::new, |begun| {
        format!(", begun {}, {:02}:{:02} UTC", begun.date(), begun.hour(), begun.minute())
    });
    let _ = writeln!(page, "<p class=\"soft\">{}{begun}, on {}.</p>", escape(command), escape(&machine()));
    table(&mut page, &HEADINGS, &rows(sweeps));
    page += "<p>Processors that were busy on average, and with whom. \u{201c}Customers\u{201d} is the program that plays them, \
             which is Lambda to the functions too.</p>\n";
    table(&mut page, &processor_headings(), &processor_rows(sweeps));
    for chart in Curves::new(sweeps).charts() {
        page += &chart;
        page.push('\n');
    }
    page + "</html>\n"
}

fn table<const N: usize>(page: &mut String, headings: &[&str; N], rows: &[[String; N]]) {
    let _ = write!(page, "<table><tr><th>{}", headings.join("<th>"));
    for row in rows {
        let _ = write!(page, "\n<tr><td>{}", row.each_ref().map(|cell| escape(cell)).join("<td>"));
    }
    page.push_str("</table>\n");
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NODE, sweep};
    use super::*;

    #[test]
    fn a_page_needs_no_other_file_and_shows_both_programs() {
        let page = of(&[sweep(None, 900), sweep(Some(NODE), 300)], "./dev load --ceiling --node");
        assert!(
            page.contains("./dev load --ceiling --node") && page.contains("every goal holds for 875 users")
        );
        assert_eq!(page.matches("p99, ours").count(), 1, "{page}");
        assert_eq!(page.matches("p99, Node.js v22.11.0").count(), 1);
        assert_eq!(page.matches("Processors by service").count(), 2 * 2, "a caption and a label of each");
        for outside in ["http://", "https://", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
