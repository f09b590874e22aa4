//! Selections of which nothing is left once `@skip` and `@include` are seen to. GraphQL answers them with an empty
//! object; async-graphql with null, which says that there is no such thing.
//!
//! So every selection that may come to nothing asks for one field more, which is taken out of the answer again.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned, Request, Value};

/// Nobody calls a field of theirs so.
const KEPT: &str = "_millrace_kept_for_an_empty_selection";

/// Adds the field where it is needed. Whether it was.
pub(crate) fn keep(query: &mut Request) -> bool {
    // Most queries have no directive, and need no copy.
    if !query.query.contains('@') {
        return false;
    }
    let Ok(document) = query.parsed_query() else { return false };
    let mut document = document.clone();
    if !keep_in(&mut document) {
        return false;
    }
    query.set_parsed_query(document);
    true
}

/// Takes the field out again.
pub(crate) fn remove(data: &mut Value) {
    match data {
        Value::Object(fields) => {
            fields.shift_remove(KEPT);
            fields.values_mut().for_each(remove);
        }
        Value::List(values) => values.iter_mut().for_each(remove),
        _ => {}
    }
}

fn keep_in(document: &mut ExecutableDocument) -> bool {
    let ExecutableDocument { operations, fragments } = document;
    let mut kept = false;
    let sets: Vec<&mut SelectionSet> = match operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node.selection_set.node],
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().map(|operation| &mut operation.node.selection_set.node).collect()
        }
    };
    let fragments = fragments.values_mut().map(|fragment| &mut fragment.node.selection_set.node);
    for set in sets.into_iter().chain(fragments) {
        kept |= keep_within(set);
    }
    kept
}

fn keep_within(set: &mut SelectionSet) -> bool {
    let (mut kept, mut conditional) = (false, false);
    for selection in &mut set.items {
        let (directives, within) = match &mut selection.node {
            Selection::Field(field) => (&field.node.directives, Some(&mut field.node.selection_set.node)),
            Selection::InlineFragment(inline) => {
                (&inline.node.directives, Some(&mut inline.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => (&spread.node.directives, None),
        };
        conditional |= !directives.is_empty();
        kept |= within.is_some_and(keep_within);
    }
    if conditional {
        set.items.push(Positioned::new(
            Selection::Field(Positioned::new(typename(), Pos::default())),
            Pos::default(),
        ));
    }
    kept || conditional
}

fn typename() -> Field {
    let name = |name: &str| Positioned::new(Name::new(name), Pos::default());
    Field {
        alias: Some(name(KEPT)),
        name: name("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), Pos::default()),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, SimpleObject, Variables, value};
    use serde_json::json;

    use super::*;

    struct Query;

    #[derive(SimpleObject)]
    struct Thing {
        id: i32,
    }

    #[Object]
    impl Query {
        async fn one(&self) -> Thing {
            Thing { id: 1 }
        }

        async fn none(&self) -> Option<Thing> {
            None
        }

        async fn all(&self) -> Vec<Thing> {
            vec![Thing { id: 1 }, Thing { id: 2 }]
        }
    }

    #[tokio::test]
    async fn a_selection_of_which_nothing_is_left_is_an_empty_object() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).disable_introspection().finish();
        for (query, answer) in [
            ("{ one @skip(if: true) { id } }", value!({})),
            ("{ one { id @skip(if: true) } }", value!({ "one": {} })),
            ("{ one { id @skip(if: false) } }", value!({ "one": { "id": 1 } })),
            ("{ none { id @skip(if: true) } }", value!({ "none": null })),
            ("{ all { id @include(if: false) } }", value!({ "all": [{}, {}] })),
            (
                "query($no: Boolean!) { one { ...f @include(if: $no) } } fragment f on Thing { id }",
                value!({ "one": {} }),
            ),
            ("{ one { ...f } } fragment f on Thing { id @skip(if: true) }", value!({ "one": {} })),
            ("{ one { ... on Thing @skip(if: true) { id } } }", value!({ "one": {} })),
            ("query A { one @skip(if: true) { id } }", value!({})),
        ] {
            let mut request = Request::new(query).variables(Variables::from_json(json!({ "no": false })));
            assert!(keep(&mut request), "{query}");
            let mut answered = schema.execute(request).await;
            remove(&mut answered.data);
            assert_eq!((answered.data, answered.errors), (answer, vec![]), "{query}");
        }
        assert!(!keep(&mut Request::new("{ one { id } }")) && !keep(&mut Request::new("{")));
    }
}
