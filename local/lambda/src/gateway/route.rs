//! Which function answers a method and a path.

use crate::template::{Function, Route};

/// The routes of an HTTP API.
pub struct Router(Vec<Entry>);

struct Entry {
    route: Route,
    /// `GET /api/products/{id}`
    key: String,
    function: String,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// `GET /api/products/{id}`
    pub key: &'a str,
    /// The function that answers.
    pub function: &'a str,
    /// Names and values as they stand in the path.
    pub parameters: Vec<(&'a str, &'a str)>,
}

impl Router {
    /// A fixed segment comes before a parameter, as on API Gateway: `featured` is not a product's id.
    pub fn new<'a>(functions: impl IntoIterator<Item = &'a Function>) -> Self {
        let entries = functions.into_iter().flat_map(|function| {
            function.routes.iter().map(|route| Entry {
                route: route.clone(),
                key: format!("{} {}", route.method, route.path),
                function: function.name.clone(),
            })
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.route.path.matches('{').count());
        Self(entries)
    }

    /// The function for a request, if there is one.
    pub fn find<'a>(&'a self, method: &str, path: &'a str) -> Option<Matched<'a>> {
        self.0.iter().filter(|entry| entry.route.method == method).find_map(|entry| {
            let parameters = parameters(&entry.route.path, path)?;
            Some(Matched { key: &entry.key, function: &entry.function, parameters })
        })
    }
}

fn parameters<'a>(pattern: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(parameters),
            (Some(expected), Some(segment)) => {
                let name = expected.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
                match name {
                    Some(name) if !segment.is_empty() => parameters.push((name, segment)),
                    None if expected == segment => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn router() -> Router {
        let function = |name: &str, method: &str, path: &str| Function {
            name: name.to_owned(),
            time_limit: Duration::from_secs(10),
            memory_mb: 512,
            routes: vec![Route { method: method.to_owned(), path: path.to_owned() }],
        };
        Router::new(&[
            function("get", "GET", "/products/{id}"),
            function("featured", "GET", "/products/featured"),
            function("cancel", "POST", "/orders/{id}/cancel"),
        ])
    }

    #[test]
    fn it_prefers_a_fixed_segment_to_a_parameter() {
        let router = router();
        let function = |path| router.find("GET", path).map(|matched| matched.function);
        assert_eq!(function("/products/featured"), Some("featured"));
        assert_eq!(function("/products/7"), Some("get"));
    }

    #[test]
    fn it_names_the_parameters_of_the_path() {
        let router = router();
        let matched = router.find("POST", "/orders/7/cancel");
        let parameters = vec![("id", "7")];
        assert_eq!(
            matched,
            Some(Matched { key: "POST /orders/{id}/cancel", function: "cancel", parameters })
        );
    }

    #[test]
    fn it_finds_nothing_for_other_methods_and_other_paths() {
        let router = router();
        for (method, path) in [
            ("POST", "/products/7"),
            ("GET", "/products"),
            ("GET", "/products/"),
            ("GET", "/products/7/"),
            ("GET", "/products/7/8"),
            ("GET", ""),
        ] {
            assert_eq!(router.find(method, path), None, "{method} {path}");
        }
    }
}
