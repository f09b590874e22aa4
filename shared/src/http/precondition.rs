//! `If-Match` and `If-None-Match` (RFC 9110, section 13): which versions of a thing a request is meant for.

use super::{Event, header};
use crate::catalog::Versions;
use crate::error::{Error, Kind, Result, bad_request};

/// The most tags of a list: each goes into a statement, and nobody has seen so many versions.
const MOST_TAGS: usize = 100;

/// What a request demands of the version that the thing has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    any_of: Option<Tags>,
    none_of: Option<Tags>,
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever it is.
    Any,
    List(Vec<Tag>),
}

/// `"7"`, or `W/"7"`.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

impl Preconditions {
    /// # Errors
    /// 400 for what cannot be read: to ignore it would overwrite what the caller wanted to keep.
    pub(super) fn of(event: &Event) -> Result<Self> {
        let read = |name: header::HeaderName, called| {
            let Some(value) = event.header(name.as_str()) else { return Ok(None) };
            let error = || {
                let message = format!("must be * or a list of at most {MOST_TAGS} entity tags such as \"7\"");
                bad_request(format!("{called} is not valid.")).field(called, message)
            };
            parse(value).map(Some).ok_or_else(error)
        };
        let none_of = read(header::IF_NONE_MATCH, "If-None-Match");
        // Who only reads loses nothing by getting all of it.
        let none_of =
            if matches!(event.method(), "GET" | "HEAD") { none_of.unwrap_or_default() } else { none_of? };
        Ok(Self { any_of: read(header::IF_MATCH, "If-Match")?, none_of })
    }

    /// For a request that changes the thing: which versions of it that is meant for.
    pub fn versions(&self) -> Versions {
        Versions { any_of: self.any_of(), none_of: self.none_of() }
    }

    /// The versions of which the thing must have one; `None` if it may have any.
    fn any_of(&self) -> Option<Vec<i64>> {
        match (&self.any_of, &self.none_of) {
            // There is no version that is none at all.
            (_, Some(Tags::Any)) => Some(Vec::new()),
            // By the strong comparison, which a weak tag never passes.
            (Some(Tags::List(tags)), _) => {
                Some(tags.iter().filter(|tag| !tag.weak).filter_map(Tag::version).collect())
            }
            (None | Some(Tags::Any), _) => None,
        }
    }

    /// The versions that it must not have.
    fn none_of(&self) -> Vec<i64> {
        match &self.none_of {
            Some(Tags::List(tags)) => tags.iter().filter_map(Tag::version).collect(),
            None | Some(Tags::Any) => Vec::new(),
        }
    }

    /// For a request that changes what has no versions.
    ///
    /// # Errors
    /// 412: a condition that names a version does not hold, nor does the one that there be nothing (RFC 9110, sections
    /// 13.1.1 and 13.1.2).
    pub(super) fn hold_without_versions(&self) -> Result<()> {
        let why = match (&self.any_of, &self.none_of) {
            (Some(Tags::List(_)), _) => {
                "If-Match names a version, and there are none here: send * or nothing."
            }
            (_, Some(Tags::Any)) => "If-None-Match with * never holds here.",
            _ => return Ok(()),
        };
        Err(Error::new(Kind::PreconditionFailed, why))
    }

    /// For a request that only reads: 412 if the thing is not what the caller asks for; whether the caller has it
    /// already.
    pub(super) fn is_known(&self, etag: &str) -> Result<bool> {
        let is = |tag: &Tag| etag == format!("\"{}\"", tag.opaque);
        if let Some(Tags::List(tags)) = &self.any_of
            && !tags.iter().any(|tag| !tag.weak && is(tag))
        {
            return Err(Error::new(Kind::PreconditionFailed, "Its version is not the one in If-Match."));
        }
        Ok(match &self.none_of {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::List(tags)) => tags.iter().any(is),
        })
    }
}

impl Tag {
    /// The version that it names, if it is one of ours: as `Product::etag` writes it and not otherwise.
    fn version(&self) -> Option<i64> {
        self.opaque.parse().ok().filter(|version: &i64| version.to_string() == self.opaque)
    }
}

/// `*`, or tags with commas between, of which some may be missing. Commas inside a tag belong to it.
fn parse(header: &str) -> Option<Tags> {
    if header.trim() == "*" {
        return Some(Tags::Any);
    }
    let (mut tags, mut rest) = (Vec::new(), header);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (!tags.is_empty()).then_some(Tags::List(tags));
        }
        let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        let plain = opaque.chars().all(|character| character > ' ' && character != '\u{7f}');
        rest = after.trim_start_matches([' ', '\t']);
        if !plain || !(rest.is_empty() || rest.starts_with(',')) || tags.len() == MOST_TAGS {
            return None;
        }
        tags.push(Tag { weak, opaque: opaque.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preconditions(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
        let read = |header: Option<&str>| header.map(|header| parse(header).expect("reads"));
        Preconditions { any_of: read(if_match), none_of: read(if_none_match) }
    }

    #[test]
    fn an_update_is_meant_for_the_strong_tags_of_ours_in_if_match() {
        for (header, versions) in [
            ("*", None),
            (" * ", None),
            ("\"7\"", Some(vec![7])),
            ("\"7\", \"8\",,\"9\"", Some(vec![7, 8, 9])),
            (",\"7\"\t,", Some(vec![7])),
            ("W/\"7\"", Some(vec![])),
            ("W/\"7\", \"8\"", Some(vec![8])),
            ("\"07\"", Some(vec![])),
            ("\"+7\"", Some(vec![])),
            ("\"\"", Some(vec![])),
            ("\"a,b\", \"8\"", Some(vec![8])),
            ("\"é\"", Some(vec![])),
            ("\"99999999999999999999\"", Some(vec![])),
        ] {
            assert_eq!(preconditions(Some(header), None).any_of(), versions, "{header}");
        }
    }

    #[test]
    fn an_update_is_not_meant_for_the_tags_in_if_none_match() {
        assert_eq!(preconditions(None, Some("*")).any_of(), Some(vec![]));
        let two = preconditions(None, Some("W/\"7\", \"8\", \"x\""));
        assert_eq!((two.any_of(), two.none_of()), (None, vec![7, 8]));
    }

    #[test]
    fn a_reader_has_what_it_names_weakly_in_a_list_or_by_star() {
        for header in ["\"7\"", "\"6\", \"7\"", "W/\"7\"", "*", "\"a,b\",\"7\""] {
            assert_eq!(preconditions(None, Some(header)).is_known("\"7\"").ok(), Some(true), "{header}");
        }
        for header in ["\"6\"", "\"77\"", "\"6,7\"", "\"\""] {
            assert_eq!(preconditions(None, Some(header)).is_known("\"7\"").ok(), Some(false), "{header}");
        }
    }

    #[test]
    fn a_reader_who_wants_another_version_is_refused() {
        for header in ["\"6\"", "W/\"7\"", "\"6\", \"8\""] {
            let refusal = preconditions(Some(header), None).is_known("\"7\"").expect_err("refused");
            assert_eq!(refusal.problem().kind(), Kind::PreconditionFailed, "{header}");
        }
        for header in ["*", "\"7\"", "\"6\", \"7\""] {
            assert_eq!(preconditions(Some(header), None).is_known("\"7\"").ok(), Some(false), "{header}");
        }
    }

    #[test]
    fn a_list_has_a_hundred_tags_and_no_more() {
        let list = |tags: usize| vec!["\"9\""; tags].join(",");
        assert!(parse(&list(100)).is_some());
        assert_eq!(parse(&list(101)), None);
    }

    #[test]
    fn where_there_are_no_versions_a_condition_on_one_does_not_hold() {
        for (if_match, if_none_match, holds) in [
            (None, None, true),
            (Some("*"), None, true),
            (Some("\"999\""), None, false),
            (Some("W/\"1\", \"2\""), None, false),
            (None, Some("\"1\""), true),
            (None, Some("*"), false),
        ] {
            let held = preconditions(if_match, if_none_match).hold_without_versions();
            let kind = held.err().map(|error| error.problem().kind());
            let expected = (!holds).then_some(Kind::PreconditionFailed);
            assert_eq!(kind, expected, "{if_match:?} {if_none_match:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_not_ignored() {
        for header in [
            "",
            " ",
            ",",
            "7",
            "\"7",
            "7\"",
            "\"7\" \"8\"",
            "\"7\";",
            "w/\"7\"",
            "W/ \"7\"",
            "\"a b\"",
            "*, \"7\"",
            "\"7\", *",
        ] {
            assert_eq!(parse(header), None, "{header:?}");
        }
    }
}
