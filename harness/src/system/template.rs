//! Texts with places to fill in: `{id}`, `{port.peer}`.
//!
//! A place is a word in braces. Everything else in braces is left as it is, so that JSON can be written down: in
//! `{"value": {value}}` only `{value}` is a place. `${NAME}` is left to the shell.

use serde::{Deserialize, Serialize};

/// A text with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// It stays as it is.
    Text(&'a str),
    /// It is filled in.
    Place(&'a str),
}

impl Template {
    /// The template that this text is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Its parts.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let (mut parts, mut rest) = (Vec::new(), self.0.as_str());
        let (mut text, mut from) = (rest, 0);
        while let Some(open) = rest[from..].find('{').map(|at| from + at) {
            let inside = &rest[open + 1..];
            let length = inside.find(|c: char| !is_of_a_name(c)).unwrap_or(inside.len());
            let is_place = inside[length..].starts_with('}')
                && inside.starts_with(|c: char| c.is_ascii_lowercase())
                && !rest[..open].ends_with('$');
            if !is_place {
                from = open + 1;
                continue;
            }
            if open > 0 {
                parts.push(Part::Text(&text[..open]));
            }
            parts.push(Part::Place(&inside[..length]));
            rest = &inside[length + 1..];
            (text, from) = (rest, 0);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts
    }

    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.parts().into_iter().filter_map(|part| match part {
            Part::Place(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// With its places filled in; one that `value` does not know stays as it is.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> String {
        self.parts()
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Place(name) => value(name).unwrap_or_else(|| format!("{{{name}}}")),
            })
            .collect()
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        Template::new(text).fill(|name| (name == "value").then(|| "7".to_owned()))
    }

    #[test]
    fn places_are_filled_in_and_json_stays_json() {
        assert_eq!(fill(r#"{"value": {value}}"#), r#"{"value": 7}"#);
        assert_eq!(fill("{value}{value}"), "77");
        assert_eq!(fill(r#"{"a": {"b": [{value},{}]}}"#), r#"{"a": {"b": [7,{}]}}"#);
        assert_eq!(fill("${value} {VALUE} {other} {"), "${value} {VALUE} {other} {");
        assert_eq!(fill("{{value}}"), "{7}");
        assert_eq!(fill(""), "");
    }

    #[test]
    fn the_names_of_places_are_known() {
        let template = Template::new(r#"--peer={id}@{port.peer} ${HOME} {"x": 1}"#);
        assert_eq!(template.places().collect::<Vec<_>>(), ["id", "port.peer"]);
    }
}
