//! TOML as the values of [`json`](super::super::json), with the place of each key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::error::Fault;
use super::super::json::{Member, Node, Position, Value};

/// Reads a whole file.
pub fn read(text: &str) -> Result<Node, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let problem = format!("not TOML: {}", error.message().trim());
        Fault { at: place(text, at), key: String::new(), problem }
    })?;
    let members = members(text, table.get_ref());
    Ok(Node { at: Position::START, value: Value::Object(members) })
}

fn place(text: &str, at: usize) -> Position {
    Position::after(text.get(..at).unwrap_or(text))
}

fn members(text: &str, table: &DeTable<'_>) -> Vec<Member> {
    let mut members: Vec<(usize, Member)> = table
        .iter()
        .map(|(name, value)| {
            let start = name.span().start;
            let node = node(text, value);
            let name = name.get_ref().clone().into_owned();
            (start, Member { at: place(text, start), name, node })
        })
        .collect();
    // In the order of the file: the first mistake is told first.
    members.sort_by_key(|(start, _)| *start);
    members.into_iter().map(|(_, member)| member).collect()
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let at = place(text, value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Number(number.to_string()),
            Err(_) => Value::Number(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(text, item)).collect()),
        DeValue::Table(table) => Value::Object(members(text, table)),
    };
    Node { at, value }
}
