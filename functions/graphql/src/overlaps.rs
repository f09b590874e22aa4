//! Fields that have one name in the answer and are not one field. GraphQL refuses them (Field Selection Merging);
//! async-graphql 7.2 overlooks them below two fields that it joins, and where only one of them stands in a fragment,
//! and would answer with members of both.
//!
//! A schema without interfaces and unions needs no more than this: no two fields of a place belong to different types.

use std::collections::{BTreeMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

/// The name of two different fields. Looks at no more than `most` selections and no deeper than `deepest`, which a
/// query passes whose fragments spread themselves; it is refused for that later.
pub(crate) fn overlap(document: &ExecutableDocument, most: usize, deepest: usize) -> Option<String> {
    let mut walk = Walk { document, left: most };
    let mut sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.find_map(|set| walk.overlap(&[set], deepest))
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    left: usize,
}

/// Fields by their name in the answer.
type Fields<'a> = BTreeMap<&'a str, Vec<&'a Field>>;

impl<'a> Walk<'a> {
    /// Within what several fields select that are one.
    fn overlap(&mut self, sets: &[&'a SelectionSet], deepest: usize) -> Option<String> {
        let deeper = deepest.checked_sub(1)?;
        let (mut fields, mut spread) = (Fields::new(), HashSet::new());
        for set in sets {
            self.collect(set, &mut fields, &mut spread);
        }
        fields.into_iter().find_map(|(name, fields)| {
            let (first, others) = fields.split_first()?;
            if others.iter().any(|other| !is_same(first, other)) {
                return Some(name.to_owned());
            }
            let sets: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
            self.overlap(&sets, deeper)
        })
    }

    /// Adds the fields that a set comes to. A fragment that is spread twice comes to the same.
    fn collect(&mut self, set: &'a SelectionSet, fields: &mut Fields<'a>, spread: &mut HashSet<&'a str>) {
        for selection in &set.items {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(&field.node.response_key().node).or_default().push(&field.node);
                }
                Selection::InlineFragment(inline) => {
                    self.collect(&inline.node.selection_set.node, fields, spread);
                }
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name).filter(|_| spread.insert(name))
                    {
                        self.collect(&fragment.node.selection_set.node, fields, spread);
                    }
                }
            }
        }
    }
}

fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| other.get_argument(&name.node) == Some(value))
}

#[cfg(test)]
mod tests {
    use async_graphql::Request;

    use super::*;

    fn found(query: &str) -> Option<String> {
        let mut request = Request::new(query);
        overlap(request.parsed_query().expect("a query"), 1_000, 64)
    }

    #[test]
    fn two_fields_under_one_name_are_found_wherever_they_stand() {
        for (query, name) in [
            ("{ a: one a: two }", "a"),
            ("{ a(n: 1) a(n: 2) }", "a"),
            ("{ a(n: 1) a }", "a"),
            ("{ a(n: $n) a(n: $m) }", "a"),
            ("{ a(n: 1) ... on Query { a(n: 2) } }", "a"),
            ("{ a { b(n: 1) } a { b(n: 2) } }", "b"),
            ("{ a { b(n: 1) } ...f } fragment f on Query { a { b(n: 2) } }", "b"),
            ("{ a { b { c: d } } ... { a { ...f } } } fragment f on A { b { c: e } }", "c"),
            ("query A { a } query B { b: c b: d }", "b"),
        ] {
            assert_eq!(found(query).as_deref(), Some(name), "{query}");
        }
    }

    #[test]
    fn one_field_may_stand_anywhere_any_number_of_times() {
        for query in [
            "{ a(n: 1, m: [2]) a(m: [2], n: 1) }",
            "{ a(n: $n) a(n: $n) }",
            "{ a: b(n: 1) c: b(n: 2) }",
            "{ a { b(n: 1) } c: a { b(n: 2) } }",
            "{ a { b } ...f ...f } fragment f on Query { a { b c } }",
            "{ a @skip(if: true) a }",
        ] {
            assert_eq!(found(query), None, "{query}");
        }
    }

    #[test]
    fn a_fragment_that_spreads_itself_ends_the_search() {
        for query in [
            "{ ...f } fragment f on Query { a ...f }",
            "{ ...f } fragment f on Query { a { ...f } b { ...f } }",
        ] {
            assert_eq!(found(query), None, "{query}");
        }
    }
}
