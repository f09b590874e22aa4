//! A template's YAML: what is found where, with CloudFormation's short tags.

use saphyr::Yaml;

/// The binary that cargo-lambda builds for a function.
pub(super) fn binary(resource: &Yaml<'_>) -> Option<String> {
    let named = text_at(resource, &["Metadata", "BuildProperties", "Binary"]);
    let folder = || text_at(resource, &["Properties", "CodeUri"])?.trim_end_matches('/').rsplit('/').next();
    named.or_else(folder).map(str::to_owned)
}

pub(super) fn at<'a, 'input>(node: &'a Yaml<'input>, path: &[&str]) -> Option<&'a Yaml<'input>> {
    path.iter().try_fold(node, |node, key| node.as_mapping_get(key))
}

pub(super) fn text_at<'a>(node: &'a Yaml<'_>, path: &[&str]) -> Option<&'a str> {
    at(node, path)?.as_str()
}

pub(super) fn scalar(node: Option<&Yaml<'_>>) -> Option<String> {
    node?.as_str().map(str::to_owned)
}

/// A number, or the default of the parameter that a `!Ref` names.
pub(super) fn number(document: &Yaml<'_>, node: Option<&Yaml<'_>>) -> Option<u32> {
    let default = |parameter: String| at(document, &["Parameters", &parameter, "Default"])?.as_integer();
    node?.as_integer().or_else(|| default(reference(node)?))?.try_into().ok()
}

/// The logical name in `!Ref Name`, `!GetAtt Name.Arn` or `!GetAtt [Name, Arn]`.
pub(super) fn reference(node: Option<&Yaml<'_>>) -> Option<String> {
    let node = node?;
    let node = node.get_tagged_node().unwrap_or(node);
    let text = node.as_str().or_else(|| node.as_sequence()?.first()?.as_str())?;
    Some(text.split('.').next().unwrap_or(text).to_owned())
}
