//! Stripe's request bodies: forms whose names carry brackets (`metadata[order_id]`, `expand[]`).

use std::collections::BTreeMap;

use super::error::ApiError;

/// A decoded form or query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Decodes body and query string; both may carry parameters.
    pub(super) fn parse(query: &str, body: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(body));
        Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
    }

    /// The parameter, where it is given and not empty (to Stripe an empty one is not given).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The parameter, or Stripe's error for one that is missing.
    pub(super) fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| {
            ApiError::invalid(format!("Missing required param: {name}."))
                .code("parameter_missing")
                .param(name)
        })
    }

    /// A whole number, where it is given.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                ApiError::invalid(format!("Invalid integer: {text}"))
                    .code("parameter_invalid_integer")
                    .param(name)
            })
        };
        self.get(name).map(parse).transpose()
    }

    /// `name[]` or `name[0]`, all of them.
    pub(super) fn list<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.inside(name).map(|(_, value)| value).collect()
    }

    /// `name[key]`, all of them.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        self.inside(name).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Stripe refuses parameters it does not know, and so shows the caller's mistake.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.iter().map(|(key, _)| base(key)).find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(ApiError::invalid(format!("Received unknown parameter: {name}"))
                .code("parameter_unknown")
                .param(name)),
        }
    }

    /// The same for the same parameters, in whatever order they came.
    pub(super) fn canonical(&self) -> String {
        let mut pairs = self.0.clone();
        pairs.sort();
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn inside<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(key, value)| {
            let inner = key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((inner, value.as_str()))
        })
    }
}

fn base(key: &str) -> &str {
    key.split_once('[').map_or(key, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_brackets() {
        let form =
            Form::parse("expand[]=latest_charge", b"metadata%5Border_id%5D=o%201&amount=1200&currency=");
        assert_eq!(form.list("expand"), ["latest_charge"]);
        assert_eq!(form.map("metadata"), [("order_id".to_owned(), "o 1".to_owned())].into());
        assert_eq!(form.integer("amount").ok().flatten(), Some(1200));
        assert_eq!(form.get("currency"), None);
    }

    #[test]
    fn it_refuses_a_parameter_that_stripe_does_not_know() {
        let form = Form::parse("", b"metadata[order_id]=1&colour=red");
        assert!(form.only(&["metadata"]).is_err());
        assert!(form.only(&["metadata", "colour"]).is_ok());
    }

    #[test]
    fn it_takes_the_same_parameters_in_another_order_for_the_same() {
        let [one, other] = [b"a=1&b=2", b"b=2&a=1"].map(|body| Form::parse("", body).canonical());
        assert_eq!(one, other);
    }
}
