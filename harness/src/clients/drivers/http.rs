//! HTTP: an operation becomes a request by the templates of the system, and a response becomes an answer.

use checker::Datum;
use serde_json::Value;

use super::{Answer, Asked, Elsewhere, halves, plain, shown, typed};
use crate::system::http::{HttpClient, HttpOperation, Meaning};
use crate::system::template::Template;

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
}

/// A response that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Characters of a path that stand for themselves.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn percent(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        plain if is_plain(plain) => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

/// Fills a template for an operation; each value is written down by `write`.
fn fill(template: &Template, asked: Asked<'_>, write: impl Fn(&Datum) -> String) -> String {
    template.fill(|place| {
        let (name, is_text) = match place.strip_suffix(".text") {
            Some(name) => (name, true),
            None => (place, false),
        };
        let written = |value: &Datum| if is_text { plain(value) } else { write(value) };
        match name {
            "key" => Some(write(&Datum::text(asked.key))),
            "value" => Some(written(asked.value)),
            "old" => Some(written(halves(asked.value).map_or(&Datum::Nil, |(old, _)| old))),
            "new" => Some(written(halves(asked.value).map_or(&Datum::Nil, |(_, new)| new))),
            _ => None,
        }
    })
}

/// The request for an operation; `None` if the system has none for its function.
pub fn request(client: &HttpClient, asked: Asked<'_>) -> Option<Request> {
    let operation = client.operations.get(&asked.f)?;
    let as_json = |value: &Datum| serde_json::to_string(value).unwrap_or_default();
    let in_path = |value: &Datum| percent(&plain(value));
    let header = |(name, value): (&String, &Template)| (name.clone(), fill(value, asked, plain));
    Some(Request {
        method: operation.method.clone(),
        path: fill(&operation.path, asked, in_path),
        headers: client.headers.iter().map(header).collect(),
        body: operation.body.as_ref().map(|body| fill(body, asked, as_json)),
    })
}

/// What a response means for an operation. `are_numbers`: values that are written are numbers, also where they come
/// back as texts.
pub fn answer(
    client: &HttpClient,
    asked: Asked<'_>,
    response: &Response,
    are_numbers: bool,
) -> Answer {
    let Some(operation) = client.operations.get(&asked.f) else {
        return Answer::Fail(format!("the system has no request for `{}`", asked.f.name()));
    };
    let status = response.status;
    if client.redirects.contains(status) {
        return Answer::Redirect(elsewhere(client, response));
    }
    if operation.absent.contains(status) {
        return Answer::Ok(Datum::Nil);
    }
    let said = || format!("status {status}{}", said(&response.body));
    match client.meaning(operation, status) {
        Meaning::Fail => Answer::Fail(said()),
        Meaning::Unknown => Answer::Info(said()),
        Meaning::Ok => taken(operation, asked, &response.body, are_numbers),
    }
}

/// The first words of a body, as the rest of a sentence.
fn said(body: &[u8]) -> String {
    if body.is_empty() { String::new() } else { format!(": {}", shown(body)) }
}

fn elsewhere(client: &HttpClient, response: &Response) -> Elsewhere {
    if let Some(location) = &response.location
        && location.contains("://")
    {
        return Elsewhere::of_text(location);
    }
    let pointer = client.leader_pointer.as_deref();
    let json: Option<Value> = serde_json::from_slice(&response.body).ok();
    let named = pointer.zip(json.as_ref()).and_then(|(pointer, json)| json.pointer(pointer));
    named.map_or(Elsewhere::Unknown, Elsewhere::of)
}

/// The answer of an operation that took effect.
fn taken(operation: &HttpOperation, asked: Asked<'_>, body: &[u8], are_numbers: bool) -> Answer {
    let json = || serde_json::from_slice::<Value>(body);
    if let Some(pointer) = &operation.applied {
        match json().map(|json| json.pointer(pointer).and_then(Value::as_bool)) {
            Ok(Some(true)) => {}
            Ok(Some(false)) => return Answer::Fail(format!("`{pointer}` is false")),
            Ok(None) => {
                let said = shown(body);
                return Answer::Info(format!(
                    "the answer has no `true` or `false` at `{pointer}`: {said}"
                ));
            }
            Err(error) => return no_json(&error, body),
        }
    }
    if !asked.f.only_asks() && operation.value.is_none() {
        return Answer::Ok(Datum::Nil);
    }
    let Some(pointer) = &operation.value else {
        return match std::str::from_utf8(body) {
            Ok(text) => Answer::Ok(typed(text, are_numbers)),
            Err(_) => Answer::Info(format!("the answer is no UTF-8 text: {}", shown(body))),
        };
    };
    match json() {
        Ok(json) => match json.pointer(pointer) {
            Some(Value::String(text)) => Answer::Ok(typed(text, are_numbers)),
            Some(value) => Answer::Ok(Datum::from(value)),
            None => {
                let said = shown(body);
                Answer::Info(format!("the answer has nothing at `{pointer}`: {said}"))
            }
        },
        Err(error) => no_json(&error, body),
    }
}

fn no_json(error: &serde_json::Error, body: &[u8]) -> Answer {
    Answer::Info(format!("the answer is no JSON ({error}): {}", shown(body)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use checker::F;

    use super::*;
    use crate::system::Description;
    use crate::system::description::Client;

    fn client(more: &str) -> HttpClient {
        let text = format!(
            r#"
command = ["store", "{{port}}"]
[client]
kind = "http"
headers = {{ x-key = "{{key}}" }}
{more}
[[client.operations]]
f = "get"
path = "/kv/{{key}}"
value = "/value"
[[client.operations]]
f = "put"
method = "PUT"
path = "/kv/{{key}}?raw={{value}}"
body = '{{"value": {{value}}}}'
[[client.operations]]
f = "cas"
path = "/cas"
body = '{{"key": {{key}}, "old": {{old}}, "new": {{new}}, "said": "{{new.text}}"}}'
applied = "/swapped"
[[client.operations]]
f = "dequeue"
path = "/pop"
"#
        );
        let system = Description::parse("s.toml", Path::new("/"), &text).unwrap();
        let Client::Http(client) = system.client else { panic!("http") };
        client
    }

    fn asked(f: F, value: &Datum) -> Asked<'_> {
        Asked { f, key: "a b/ü", value }
    }

    fn response(status: u16, body: &str) -> Response {
        Response { status, location: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn templates_become_requests_that_nothing_in_a_value_can_break() {
        let value = Datum::text("x\"}&\n");
        let put = request(&client(""), asked(F::Put, &value)).unwrap();
        assert_eq!(put.method, "PUT");
        assert_eq!(put.path, "/kv/a%20b%2F%C3%BC?raw=x%22%7D%26%0A");
        assert_eq!(put.body.as_deref(), Some(r#"{"value": "x\"}&\n"}"#));
        assert_eq!(put.headers, [("x-key".to_owned(), "a b/ü".to_owned())]);
        let both = Datum::List(vec![Datum::Nil, Datum::Integer(3)]);
        let cas = request(&client(""), asked(F::Cas, &both)).unwrap();
        let body = r#"{"key": "a b/ü", "old": null, "new": 3, "said": "3"}"#;
        assert_eq!(cas.body.as_deref(), Some(body));
        assert_eq!(request(&client(""), asked(F::Add, &value)), None);
    }

    #[test]
    fn statuses_and_pointers_decide_what_an_answer_means() {
        let (nil, both) = (Datum::Nil, Datum::List(vec![1.into(), 2.into()]));
        let get = |response| answer(&client(""), asked(F::Get, &nil), &response, false);
        assert_eq!(get(response(200, r#"{"value": "x"}"#)), Answer::Ok(Datum::text("x")));
        assert_eq!(get(response(200, r#"{"value": [1, null]}"#)), {
            Answer::Ok(Datum::List(vec![1.into(), Datum::Nil]))
        });
        assert_eq!(get(response(404, "gone")), Answer::Ok(Datum::Nil));
        assert_eq!(get(response(429, "slow\n")), Answer::Fail("status 429: `slow\\n`".into()));
        assert_eq!(get(response(503, "")), Answer::Info("status 503".into()));
        for (body, expected) in [
            ("{\"valu\": 1}", "nothing at `/value`"),
            ("{\"value\": ", "no JSON (EOF"),
            ("\u{1b}<html>", "`\\u{1b}<html>`"),
        ] {
            let Answer::Info(why) = get(response(200, body)) else { panic!("{body}") };
            assert!(why.contains(expected), "{why}");
        }
        let cas = |body| answer(&client(""), asked(F::Cas, &both), &response(200, body), false);
        assert_eq!(cas(r#"{"swapped": true}"#), Answer::Ok(Datum::Nil));
        assert_eq!(cas(r#"{"swapped": false}"#), Answer::Fail("`/swapped` is false".into()));
        assert!(matches!(cas("{}"), Answer::Info(_)));
        let pop =
            |numbers| answer(&client(""), asked(F::Dequeue, &nil), &response(200, "7"), numbers);
        assert_eq!(pop(false), Answer::Ok(Datum::text("7")));
        assert_eq!(pop(true), Answer::Ok(Datum::Integer(7)));
        let odd = Response { status: 200, location: None, body: vec![0xFF] };
        assert!(matches!(
            answer(&client(""), asked(F::Dequeue, &nil), &odd, false),
            Answer::Info(_)
        ));
    }

    #[test]
    fn a_redirect_names_the_leader_by_its_header_or_by_a_pointer() {
        let (nil, client) =
            (Datum::Nil, client("redirect = [307, 421]\nleader_pointer = \"/leader\""));
        let get = |response: Response| answer(&client, asked(F::Get, &nil), &response, false);
        let location = Some("http://127.0.0.1:4712/kv/a".to_owned());
        let moved = Response { status: 307, location, body: Vec::new() };
        assert_eq!(get(moved), Answer::Redirect(Elsewhere::At("127.0.0.1:4712".into())));
        let hint = response(421, r#"{"leader": 2}"#);
        assert_eq!(get(hint), Answer::Redirect(Elsewhere::Number(2)));
        for body in ["", "{}", "not JSON"] {
            assert_eq!(get(response(421, body)), Answer::Redirect(Elsewhere::Unknown));
        }
    }
}
