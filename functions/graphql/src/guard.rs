//! What is refused before async-graphql looks at it: what its own limits on depth and complexity come too late for.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, Value};

use super::overlaps::overlap;

/// How deep brackets may stand in one another, whatever they hold. async-graphql bounds what is selected; the rest is
/// bounded here, before its parser reads it.
const MOST_NESTED: usize = 64;

/// How much may be selected once each fragment stands wherever it is spread. Fragments within fragments multiply, and
/// async-graphql walks through all of it before it counts what it may cost.
const MOST_SELECTED: usize = 10_000;

/// Why this query is not executed.
pub(crate) fn objection(query: &mut Request, introspection: bool) -> Option<String> {
    if nesting(&query.query) > MOST_NESTED {
        return Some("The query is nested too deeply.".to_owned());
    }
    let (variables, chosen) = (query.variables.clone(), query.operation_name.clone());
    // What is not a query says so when it is executed.
    let document = query.parsed_query().ok()?;
    if selected(document) > MOST_SELECTED {
        return Some("The query selects too much once its fragments are expanded.".to_owned());
    }
    if !introspection && introspects(document) {
        return Some("Introspection is off. Ask whoever runs this shop for the schema.".to_owned());
    }
    if let Some(name) = overlap(document, MOST_SELECTED, MOST_NESTED) {
        return Some(format!(
            "The query has different fields under the one name {name}. Give each a name (`name: field`)."
        ));
    }
    let is_missing = |name: &str| variables.get(name).is_none_or(|value| *value == Value::Null);
    let missing = missing_variable(document, chosen.as_deref(), is_missing)?;
    Some(format!("The variable ${missing} is required and has no value."))
}

/// How deep its brackets stand in one another. Those in comments and texts are none, as for the parser: the closing
/// ones among them would hide as many that are open.
fn nesting(query: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let mut rest = query.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'#' => rest = after_comment(after),
            b'"' => rest = after_text(after),
            b'[' | b'{' | b'(' => open += 1,
            b']' | b'}' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// What is left once the comment ends, which it does with its line.
fn after_comment(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    &rest[end.unwrap_or(rest.len())..]
}

/// What is left once the text ends whose first quote was read. Three quotes that no others end are an empty text and
/// the beginning of another to async-graphql's parser, which reads the brackets behind.
fn after_text(rest: &[u8]) -> &[u8] {
    rest.strip_prefix(b"\"\"").and_then(after_block).unwrap_or_else(|| after_line(rest))
}

/// The same of a text between three quotes, if it ends.
fn after_block(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(after) = rest.strip_prefix(b"\"\"\"") {
            return Some(after);
        }
        rest = rest.strip_prefix(b"\\\"\"\"").or_else(|| rest.get(1..))?;
    }
}

/// The same of a text between two quotes, which ends with its line at the latest.
fn after_line(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [] | [b'\n' | b'\r', ..] => return rest,
            [b'"', after @ ..] => return after,
            [b'\\', b'"' | b'\\', after @ ..] | [_, after @ ..] => after,
        };
    }
}

/// How much all its operations select. Takes time by the length of the text alone.
fn selected(document: &ExecutableDocument) -> usize {
    let mut known = HashMap::new();
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.fold(0, |sum: usize, set| sum.saturating_add(selected_by(set, document, &mut known)))
}

/// `known` has the sums of fragments, each reckoned once.
fn selected_by<'a>(
    set: &'a SelectionSet,
    document: &'a ExecutableDocument,
    known: &mut HashMap<&'a str, usize>,
) -> usize {
    let mut sum = set.items.len();
    for selection in &set.items {
        let within = match &selection.node {
            Selection::Field(field) => selected_by(&field.node.selection_set.node, document, known),
            Selection::InlineFragment(inline) => {
                selected_by(&inline.node.selection_set.node, document, known)
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                match (known.get(name), document.fragments.get(name)) {
                    (Some(&sum), _) => sum,
                    (None, Some(fragment)) => {
                        // Where it spreads itself it is refused later, at the end of its first way down.
                        known.insert(name, 0);
                        let sum = selected_by(&fragment.node.selection_set.node, document, known);
                        known.insert(name, sum);
                        sum
                    }
                    (None, None) => 0,
                }
            }
        };
        sum = sum.saturating_add(within);
    }
    sum
}

/// Whether it asks for the schema, which is never null, and which async-graphql would say is. A type by its name
/// (`__type`) may be unknown, so null is a true answer to that, and one that the audits of graphql-http want.
fn introspects(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).any(introspects_in)
}

fn introspects_in(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            field.node.name.node == "__schema" || introspects_in(&field.node.selection_set.node)
        }
        Selection::InlineFragment(inline) => introspects_in(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

/// A variable that must have a value and has none. async-graphql would find out in the middle of the execution, field
/// by field, where GraphQL refuses the request.
fn missing_variable(
    document: &ExecutableDocument,
    chosen: Option<&str>,
    is_missing: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut operations = document.operations.iter();
    let (_, operation) = match chosen {
        Some(chosen) => operations.find(|(name, _)| name.is_some_and(|name| name == chosen))?,
        None => operations.next()?,
    };
    let definitions = operation.node.variable_definitions.iter().map(|definition| &definition.node);
    let mut missing = definitions.filter(|definition| {
        !definition.var_type.node.nullable
            && definition.default_value.is_none()
            && is_missing(&definition.name.node)
    });
    missing.next().map(|definition| definition.name.node.to_string())
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_in_one_another_are_counted_whatever_their_kind() {
        for (query, deep) in [
            ("", 0),
            ("{ a b }", 1),
            ("{ orders { items { product { price { amount } } } } }", 5),
            ("{ a(b: [{ c: [1] }]) }", 5),
            ("} } { [ ] [ ] }", 2),
            (&"[".repeat(100), 100),
        ] {
            assert_eq!(nesting(query), deep, "{query}");
        }
    }

    #[test]
    fn brackets_in_comments_and_texts_are_none_and_those_behind_them_are() {
        for (query, deep) in [
            ("{ # ]})\n [ ] }", 2),
            ("{ # ]})\r [ ] }", 2),
            ("{ # \"\n [ ] }", 2),
            ("# [{(", 0),
            ("#", 0),
            (r#"{ "]})" [ ] }"#, 2),
            (r#"{ "[{(" }"#, 1),
            (r##"{ "#" [ ] }"##, 2),
            (r#"{ "" [ ] }"#, 2),
            (r#"{ "\"]})" [ ] }"#, 2),
            (r#"{ "\\" [ ] "]})" }"#, 2),
            ("{ \"\"\"]})\n\"]})\"\n\\\"\"\"]})\"\"\" [ ] }", 2),
            (r#"{ """""" [ ] }"#, 2),
            (r#"{ """[{(""" }"#, 1),
        ] {
            assert_eq!(nesting(query), deep, "{query}");
        }
    }

    #[test]
    fn a_text_that_does_not_end_hides_no_more_than_its_line() {
        for (query, deep) in [
            ("\"", 0),
            ("\"\"\"", 0),
            ("\"\\", 0),
            ("\"\"\"\\\"\"\"", 0),
            ("{ \"[\n [ ] }", 2),
            ("{ \"\\\n [ ] }", 2),
            ("{ \"[\r [ ] }", 2),
            ("{ \"\"\" [\" [ ] }", 2),
            ("{ \"\"\" [\n [ ] }", 2),
        ] {
            assert_eq!(nesting(query), deep, "{query}");
        }
    }

    /// So many fragments, each of which spreads the next one so many times.
    fn fragments(count: usize, times: usize) -> String {
        let spread = |n: usize| format!("...f{n} ").repeat(times);
        let all = (1..=count).map(|n| {
            format!(
                "fragment f{n} on Query {{ a {} }}",
                if n < count { spread(n + 1) } else { String::new() }
            )
        });
        format!("{{ {} }} {}", spread(1), all.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_fragment_counts_wherever_it_is_spread() {
        for (query, expected) in [
            ("{ a { b } c }", 3),
            ("{ ...f ...f } fragment f on Query { a }", 4),
            ("{ ... on Query { a b } }", 3),
            ("query A { ...f } query B { ...f } fragment f on Query { a }", 4),
            ("{ ...nobody }", 1),
            ("{ ...f } fragment f on Query { a ...f }", 3),
            (&fragments(3, 2), 2 + 2 * (3 + 2 * (3 + 2))),
            (&fragments(200, 1), 400),
        ] {
            let mut query = Request::new(query);
            assert_eq!(selected(query.parsed_query().expect("a query")), expected, "{}", query.query);
        }
    }

    #[test]
    fn fragments_that_multiply_are_refused() {
        let refused = |count, times| objection(&mut Request::new(fragments(count, times)), false).is_some();
        assert!(!refused(300, 1));
        assert!(!refused(10, 2));
        assert!(refused(13, 2));
        assert!(refused(5, 9));
    }

    #[test]
    fn who_asks_for_the_schema_is_told_that_introspection_is_off() {
        for query in [
            "{ __schema { queryType { name } } }",
            "{ a: __schema { queryType { name } } }",
            "{ products { id } ... on Query { __schema { types { name } } } }",
            "{ ...f } fragment f on Query { __schema { types { name } } }",
        ] {
            let objection = |on: bool| objection(&mut Request::new(query), on);
            assert!(objection(false).is_some_and(|why| why.starts_with("Introspection is off")), "{query}");
            assert_eq!(objection(true), None, "{query}");
        }
        for query in ["{ __typename products { __typename } }", "{ __type(name: \"Order\") { name } }"] {
            assert_eq!(objection(&mut Request::new(query), false), None, "{query}");
        }
    }

    #[test]
    fn who_wants_two_fields_under_one_name_is_told_the_name() {
        let query = "{ orders(limit: 1) { id } ... on Query { orders(limit: 2) { createdAt } } }";
        let why = objection(&mut Request::new(query), false).expect("an objection");
        assert!(why.contains("under the one name orders."), "{why}");
        assert_eq!(objection(&mut Request::new(query.replace('2', "1")), false), None);
    }

    #[test]
    fn a_variable_without_a_value_is_missing_where_its_type_demands_one() {
        let two =
            "query A($a: ID!) { product(id: $a) { id } } query B($b: Int) { products(limit: $b) { id } }";
        for (query, variables, name, missing) in [
            ("query($id: ID!) { product(id: $id) { id } }", json!({}), None, Some("id")),
            ("query($id: ID!) { product(id: $id) { id } }", json!({ "id": null }), None, Some("id")),
            ("query($id: ID!) { product(id: $id) { id } }", json!({ "id": "1" }), None, None),
            ("query($id: ID! = 1) { product(id: $id) { id } }", json!({}), None, None),
            (two, json!({}), Some("A"), Some("a")),
            (two, json!({}), Some("B"), None),
            (two, json!({}), Some("C"), None),
            ("{", json!({}), None, None),
        ] {
            let mut request = Request::new(query).variables(Variables::from_json(variables));
            request.operation_name = name.map(str::to_owned);
            let expected = missing.map(|name| format!("The variable ${name} is required and has no value."));
            assert_eq!(objection(&mut request, false), expected, "{query}");
        }
    }
}
