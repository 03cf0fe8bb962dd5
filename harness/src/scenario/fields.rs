//! Reading an object's keys against the table of [`keys`](super::keys): names, types, bounds.

use super::error::{Fault, nearest, quoted};
use super::json::{Member, Node, Position, Value, join};
use super::keys::{self, Key, Shape};
use crate::fault::FaultKind;

/// An object of the file, its keys known to be in the table.
pub(super) struct Fields<'a> {
    /// The table of all keys of such files.
    table: &'static [Key],
    /// Its path in the file: `events[2]`.
    path: String,
    /// Its path in the table: `events[]`.
    pattern: String,
    at: Position,
    members: &'a [Member],
}

impl<'a> Fields<'a> {
    /// The outermost object of a workload file.
    pub(super) fn top(root: &'a Node) -> Result<Self, Fault> {
        Self::of(keys::keys(), root)
    }

    /// The outermost object of a file with the keys of this table.
    pub(super) fn of(table: &'static [Key], root: &'a Node) -> Result<Self, Fault> {
        Self::open(table, root, String::new(), String::new())
    }

    fn open(
        table: &'static [Key],
        node: &'a Node,
        path: String,
        pattern: String,
    ) -> Result<Self, Fault> {
        let Value::Object(members) = &node.value else {
            let found = node.value.describe();
            let problem = format!("an object {{...}} must stand here, not {found}");
            return Err(Fault { at: node.at, key: path, problem });
        };
        let fields = Self { table, path, pattern, at: node.at, members };
        match members.iter().find(|member| fields.find(&member.name).is_none()) {
            Some(unknown) => Err(Fault {
                at: unknown.at,
                key: join(&fields.path, &unknown.name),
                problem: unknown_key(table, &unknown.name, &fields.pattern),
            }),
            None => Ok(fields),
        }
    }

    fn find(&self, name: &str) -> Option<&'static Key> {
        keys::find(self.table, &join(&self.pattern, name))
    }

    fn key(&self, name: &str) -> &'static Key {
        self.find(name).expect("only keys of the table are asked for")
    }

    fn member(&self, name: &str) -> Option<&'a Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether the key is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// Whether a key is given that the course's files do not know.
    pub(super) fn has_one_of_ours(&self) -> bool {
        self.members.iter().any(|member| self.key(&member.name).is_ours)
    }

    /// Whether a fault is listed that the course does not know, by its type or its keys.
    pub(super) fn has_events_of_ours(&self) -> Result<bool, Fault> {
        Ok(self.objects("events")?.iter().any(|event| {
            let word = event.choice("type").ok().flatten();
            let kind = FaultKind::ALL.iter().find(|kind| Some(kind.name()) == word);
            event.has_one_of_ours() || kind.is_some_and(|kind| !kind.is_the_courses())
        }))
    }

    /// The first given key other than `name`.
    pub(super) fn other_than(&self, name: &str) -> Option<&'a str> {
        self.members.iter().map(|member| member.name.as_str()).find(|other| *other != name)
    }

    /// A fault at this key's value; at the object if the key is not given.
    pub(super) fn fault(&self, name: &str, problem: impl Into<String>) -> Fault {
        let at = self.member(name).map_or(self.at, |member| member.node.at);
        Fault { at, key: join(&self.path, name), problem: problem.into() }
    }

    /// A fault that says what may stand here.
    pub(super) fn not_allowed(&self, name: &str, wrong: &str) -> Fault {
        self.fault(name, format!("{wrong}; allowed: {}", self.key(name).allowed()))
    }

    pub(super) fn wrong_type(&self, name: &str, value: &Value) -> Fault {
        let wrong = match (self.key(name).shape, value) {
            (Shape::Number { .. } | Shape::Whole { .. }, Value::Text(text))
                if text.trim().parse::<f64>().is_ok() =>
            {
                format!("{} must be a number, without the quotes", value.describe())
            }
            (shape, _) => format!("{} is no {}", value.describe(), shape.name()),
        };
        self.not_allowed(name, &wrong)
    }

    /// What a key that must be given holds.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| self.not_allowed(name, "this key is required, and it is missing"))
    }

    /// A number within its bounds.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Number { min, max } = self.key(name).shape else {
            unreachable!("{name} is a number in the table")
        };
        let Value::Number(text) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        match text.parse::<f64>() {
            Ok(number) if number < min => Err(self.out_of_bounds(name, text, "small")),
            Ok(number) if number > max => Err(self.out_of_bounds(name, text, "large")),
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.wrong_type(name, &member.node.value)),
        }
    }

    /// A number without a fraction, within its bounds.
    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Whole { min, max } = self.key(name).shape else {
            unreachable!("{name} is a whole number in the table")
        };
        let Value::Number(text) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        match whole(text) {
            Whole::Number(number) if number < min => Err(self.out_of_bounds(name, text, "small")),
            Whole::Number(number) if number <= max => Ok(Some(number)),
            Whole::Number(_) | Whole::TooLarge => Err(self.out_of_bounds(name, text, "large")),
            Whole::Negative => Err(self.out_of_bounds(name, text, "small")),
            Whole::Fraction => Err(self.wrong_type(name, &member.node.value)),
        }
    }

    fn out_of_bounds(&self, name: &str, number: &str, too: &str) -> Fault {
        self.not_allowed(name, &format!("{} is too {too}", quoted(number)))
    }

    /// A text of one line, of an allowed length.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Text { max_chars } = self.key(name).shape else {
            unreachable!("{name} is a text in the table")
        };
        match &member.node.value {
            Value::Text(text) if text.chars().count() > max_chars => {
                Err(self.not_allowed(name, "this text is too long"))
            }
            Value::Text(text) if text.chars().any(char::is_control) => {
                Err(self.not_allowed(name, "this text is not one plain line"))
            }
            Value::Text(text) => Ok(Some(text)),
            other => Err(self.wrong_type(name, other)),
        }
    }

    /// A text of any number of lines.
    pub(super) fn template(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Template { max_chars } = self.key(name).shape else {
            unreachable!("{name} is a template in the table")
        };
        match &member.node.value {
            Value::Text(text) if text.chars().count() > max_chars => {
                Err(self.not_allowed(name, "this text is too long"))
            }
            Value::Text(text) if text.contains('\0') => {
                Err(self.not_allowed(name, "no text may hold the character 0"))
            }
            Value::Text(text) => Ok(Some(text)),
            other => Err(self.wrong_type(name, other)),
        }
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<(&'a str, &'a Node)>>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Templates { max_items } = self.key(name).shape else {
            unreachable!("{name} is a list of texts in the table")
        };
        let Value::List(items) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        if items.len() > max_items {
            let wrong = format!("{} items are too many", items.len());
            return Err(self.not_allowed(name, &wrong));
        }
        let text = |(n, node): (usize, &'a Node)| match &node.value {
            Value::Text(text) if !text.contains('\0') => Ok((text.as_str(), node)),
            other => {
                let problem = format!("{} is no text; put it in quotes", other.describe());
                Err(self.fault_within(name, &format!("[{n}]"), node, problem))
            }
        };
        items.iter().enumerate().map(text).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// A text for each name, with its place.
    pub(super) fn named(&self, name: &str) -> Result<Vec<(&'a str, &'a str, &'a Node)>, Fault> {
        let Some(member) = self.member(name) else { return Ok(Vec::new()) };
        let Value::Object(members) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        let text = |member: &'a Member| match &member.node.value {
            Value::Text(text) if !text.contains('\0') => {
                Ok((member.name.as_str(), text.as_str(), &member.node))
            }
            other => {
                let problem = format!("{} is no text; put it in quotes", other.describe());
                let rest = format!(".{}", member.name);
                Err(self.fault_within(name, &rest, &member.node, problem))
            }
        };
        members.iter().map(text).collect()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.member(name).map(|member| &member.node.value) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong_type(name, other)),
        }
    }

    /// A number twice, or a list of two numbers, the smaller first.
    pub(super) fn range(&self, name: &str) -> Result<Option<[f64; 2]>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Range { min, max } = self.key(name).shape else {
            unreachable!("{name} is a range in the table")
        };
        let number = |node: &Node| match &node.value {
            Value::Number(text) => text.parse::<f64>().ok(),
            _ => None,
        };
        let range = match &member.node.value {
            Value::Number(_) => number(&member.node).map(|both| [both, both]),
            Value::List(items) => match items.as_slice() {
                [from, to] => number(from).zip(number(to)).map(|(from, to)| [from, to]),
                _ => None,
            },
            _ => None,
        };
        let Some([from, to]) = range else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        if from > to || from < min || to > max {
            return Err(self.not_allowed(name, &format!("from {from} to {to} is no range here")));
        }
        Ok(range)
    }

    /// The names of the given keys, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The path of this object in the file.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key, for callers that know its shape.
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        self.member(name).map(|member| &member.node)
    }

    /// A fault at a place within this key's value.
    pub(super) fn fault_within(&self, name: &str, rest: &str, at: &Node, problem: String) -> Fault {
        Fault { at: at.at, key: format!("{}{rest}", join(&self.path, name)), problem }
    }

    /// One of the table's words for this key; a number is read as its digits.
    pub(super) fn choice(&self, name: &str) -> Result<Option<&'static str>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Shape::Choice(words) = self.key(name).shape else {
            unreachable!("{name} is a choice in the table")
        };
        let (Value::Text(given) | Value::Number(given)) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        if let Some(word) = words.iter().find(|word| *word == given) {
            return Ok(Some(word));
        }
        let near = nearest(given, words.iter().copied());
        let remedy = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        let found = member.node.value.describe();
        let allowed = self.key(name).allowed();
        Err(self.fault(name, format!("{found} is not known here; allowed: {allowed}{remedy}")))
    }

    /// An object with keys of its own.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let (path, pattern) = (join(&self.path, name), join(&self.pattern, name));
        Self::open(self.table, &member.node, path, pattern).map(Some)
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Fault> {
        let Some(member) = self.member(name) else { return Ok(Vec::new()) };
        let Shape::Objects { max_items } = self.key(name).shape else {
            unreachable!("{name} is a list of objects in the table")
        };
        let Value::List(items) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        if items.len() > max_items {
            return Err(self.fault(
                name,
                format!("{} items are too many; allowed: at most {max_items}", items.len()),
            ));
        }
        let open = |(n, node): (usize, &'a Node)| {
            let (path, pattern) = (join(&self.path, name), join(&self.pattern, name));
            let pattern = format!("{pattern}[]");
            let pattern = keys::pattern(&pattern).to_owned();
            Self::open(self.table, node, format!("{path}[{n}]"), pattern)
        };
        items.iter().enumerate().map(open).collect()
    }

    /// The limits of three tiers.
    pub(super) fn tiers(&self, name: &str) -> Result<Option<[f64; 3]>, Fault> {
        let Some(member) = self.member(name) else { return Ok(None) };
        let Value::List(items) = &member.node.value else {
            return Err(self.wrong_type(name, &member.node.value));
        };
        let limits = items.iter().enumerate().map(|(n, node)| match &node.value {
            Value::Number(text) => {
                text.parse::<f64>().ok().filter(|limit| *limit >= 0.0).ok_or((n, node))
            }
            _ => Err((n, node)),
        });
        match limits.collect::<Result<Vec<_>, _>>() {
            Ok(limits) => {
                let count = limits.len();
                let limits = limits.try_into().map_err(|_| {
                    self.not_allowed(name, &format!("this list has the wrong length, {count}"))
                })?;
                Ok(Some(limits))
            }
            Err((n, node)) => {
                let key = format!("{}[{n}]", join(&self.path, name));
                let found = node.value.describe();
                let problem = format!("{found} is no limit; allowed: a number of at least 0");
                Err(Fault { at: node.at, key, problem })
            }
        }
    }
}

enum Whole {
    Number(u64),
    Negative,
    TooLarge,
    Fraction,
}

/// The whole number that a JSON number stands for; `5.0` and `1e3` are whole.
fn whole(text: &str) -> Whole {
    if let Ok(number) = text.parse::<u64>() {
        return Whole::Number(number);
    }
    let number = text.parse::<f64>().unwrap_or(f64::NAN);
    // Above 2^53 the digits of a fraction or an exponent are no longer exact.
    let largest_exact = (1_u64 << 53) as f64;
    if number < 0.0 {
        Whole::Negative
    } else if number > largest_exact {
        Whole::TooLarge
    } else if number.fract() == 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and between 0 and 2^53"
        )]
        Whole::Number(number as u64)
    } else {
        Whole::Fraction
    }
}

/// What to say about a key that the table does not have below `parent`.
fn unknown_key(table: &'static [Key], name: &str, parent: &str) -> String {
    let here: Vec<&str> = keys::children(table, parent).map(Key::name).collect();
    let elsewhere = || {
        let key = table.iter().find(|key| key.name() == name)?;
        let parent = key.parent();
        Some(if parent.is_empty() {
            "it belongs to the outermost object".to_owned()
        } else {
            format!("it belongs to `{parent}`")
        })
    };
    let remedy = nearest(name, here.iter().copied())
        .map(|near| format!("did you mean `{near}`?"))
        .or_else(elsewhere)
        .map(|remedy| format!("; {remedy}"))
        .unwrap_or_default();
    format!("unknown key{remedy}; allowed here: `{}`", here.join("`, `"))
}
