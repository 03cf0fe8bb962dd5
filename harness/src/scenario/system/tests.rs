use std::path::Path;

use super::*;

const GOOD: &str = r#"
# A store over HTTP.
name = "store"
command = ["python3", "{here}/store.py", "--id={id}", "--port", "{port}", "--data", "{data}", "{peers}"]
replicas = [1, 5]
[environment]
LEVEL = "info-{number}"
[[files]]
path = "store.conf"
content = """
listen = {address}
home = ${HOME}
"""
[peers]
each = "{id}={address}"
[ready]
http = "/health"
within_s = 3
[leader]
path = "/status"
pointer = "/leader"
[client]
kind = "http"
fail = ["4xx", 503]
[[client.operations]]
f = "get"
path = "/kv/{key}"
value = "/value"
[[client.operations]]
f = "put"
method = "PUT"
path = "/kv/{key}"
body = '{"value": {value}}'
"#;

fn parse(text: &str) -> Result<Description, String> {
    Description::parse("s.toml", Path::new("/s"), text).map_err(|error| error.to_string())
}

#[test]
fn a_system_is_read_with_its_defaults() {
    let system = parse(GOOD).unwrap();
    assert_eq!((system.name.as_str(), system.replicas), ("store", [1, 5]));
    assert!(system.keeps_data, "`{{data}}` is used");
    assert_eq!(system.ports, ["client"]);
    assert_eq!(system.ready, Ready::Http(Template::new("/health")));
    let Client::Http(http) = &system.client else { panic!("{:?}", system.client) };
    let get = &http.operations[&F::Get];
    assert_eq!((get.method.as_str(), get.value.as_deref()), ("GET", Some("/value")));
    assert!(get.absent.contains(404) && !http.operations[&F::Put].absent.contains(404));
    assert!(http.fail.contains(409) && http.fail.contains(503) && !http.fail.contains(500));
    let text = serde_json::to_string(&system).unwrap();
    assert_eq!(
        serde_json::from_str::<Description>(&text).unwrap(),
        system,
        "as the manifest keeps it"
    );
}

#[test]
fn without_a_word_about_statuses_a_timeout_of_the_server_decides_nothing() {
    use crate::system::http::Meaning::{Fail, Ok, Unknown};

    let Client::Http(http) = parse(&GOOD.replace("fail =", "#")).unwrap().client else {
        panic!("http")
    };
    let put = &http.operations[&F::Put];
    let meanings = [200, 204, 302, 404, 408, 409, 500, 503].map(|it| http.meaning(put, it));
    assert_eq!(meanings, [Ok, Ok, Unknown, Fail, Unknown, Fail, Unknown, Unknown]);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_remedy() {
    let cases = [
        ("name = ", "nme = ", "s.toml, line 3, column 1, `nme`: unknown key; did you mean `name`?"),
        ("within_s", "within", "`ready.within`: unknown key; did you mean `within_s`?"),
        (
            "{here}",
            "{hear}",
            "line 4, column 23, `command[1]`: there is no `{hear}` here; did you mean `{here}`?",
        ),
        ("{number}", "{node}", "`environment.LEVEL`: there is no `{node}` here"),
        ("\"{port}\"", "\"4711\"", "`command`: no argument, variable or file names the port"),
        (
            "[1, 5]",
            "[0, 5]",
            "`replicas`: from 0 to 5 is no range here; allowed: a number from 1 to 21",
        ),
        (
            "[1, 5]",
            "\"five\"",
            "`replicas`: the text `\"five\"` is no number or list of two numbers",
        ),
        ("store.conf", "../x", "`files[0].path`: no file below `{data}`"),
        (
            "\"/health\"",
            "\"health\"",
            "`ready.http`: `health` is no path; allowed: a path that begins with `/`",
        ),
        (
            "http = \"/health\"",
            "http = \"/health\"\nline = \"up\"",
            "`ready.line`: `http` is given, too",
        ),
        ("\"/leader\"", "\"leader\"", "`leader.pointer`: `leader` is no JSON pointer"),
        (
            "\"http\"",
            "\"htp\"",
            "allowed: \"http\", \"exec\", \"resp\", \"commands\"; did you mean \"http\"?",
        ),
        (
            "kind = \"http\"",
            "kind = \"exec\"",
            "`client.fail`: a client of kind \"exec\" has no such key",
        ),
        ("f = \"get\"", "f = \"gte\"", "`gte` is no function; did you mean \"get\"?"),
        ("f = \"put\"", "f = \"get\"", "`client.operations[1].f`: \"get\" is given twice"),
        ("\"PUT\"", "\"PTU\"", "`PTU` is no method; allowed: GET, PUT"),
        ("503", "99", "`client.fail[1]`: the number `99` is no status"),
        ("{value}}", "{valu}}", "there is no `{valu}` here; did you mean `{value}`?"),
        ("name = \"store\"", "name = \"store", "s.toml, line 3, column"),
        (
            "name = \"store\"",
            "name = \"store\"\nname = \"x\"",
            "line 4, column 1: not TOML: duplicate key",
        ),
        (
            "\"info-{number}\"",
            "3",
            "`environment.LEVEL`: the number `3` is no text; put it in quotes",
        ),
    ];
    for (old, new, expected) in cases {
        assert!(GOOD.contains(old), "{old}");
        let error = parse(&GOOD.replacen(old, new, 1)).unwrap_err();
        assert!(error.contains(expected), "{old} as {new}:\n{error}\nshould contain\n{expected}");
    }
    let missing = parse("command = [\"x\", \"{port}\"]").unwrap_err();
    assert!(missing.contains("`client`: this key is required, and it is missing"), "{missing}");
    let empty = parse("").unwrap_err();
    assert!(empty.contains("`command`: this key is required"), "{empty}");
}

#[test]
fn whatever_stands_in_a_file_it_is_read_or_refused() {
    for end in (0..GOOD.len()).filter(|&end| GOOD.is_char_boundary(end)) {
        let _ = parse(&GOOD[..end]);
        let _ = parse(&GOOD[end..]);
    }
    let deep = format!("a = {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(parse(&deep).is_err());
}
