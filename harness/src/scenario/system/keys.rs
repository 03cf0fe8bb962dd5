//! Every key that a system file may have, in one table.

use std::sync::LazyLock;

use super::super::keys::{Key, Shape};

/// Kinds of clients.
pub const CLIENTS: &[&str] = &["http", "exec", "resp", "commands"];

const NAME: Shape = Shape::Text { max_chars: 60 };
const PATH: Shape = Shape::Template { max_chars: 1000 };
const TEXT: Shape = Shape::Template { max_chars: 10_000 };
const TEXTS: Shape = Shape::Templates { max_items: 1000 };

const fn key(
    path: &'static str,
    shape: Shape,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { path, shape, also: "", default, meaning, is_ours: false }
}

/// All keys of a system file, in the order in which they are shown to people.
pub fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| TABLE.to_vec());
    &KEYS
}

#[rustfmt::skip]
const TABLE: &[Key] = &[
    key("name", NAME, "the file's stem", "the name in reports"),
    key("description", Shape::Text { max_chars: 300 }, "none", "one line for people"),
    key("command", TEXTS, "required",
        "the program of a replica and its arguments; a name without `/` is looked for in `PATH`"),
    key("replicas", Shape::Range { min: 1.0, max: 21.0 }, "[1, 21]",
        "how many replicas the system can have"),
    key("ports", TEXTS, "[\"client\"]",
        "names of each replica's ports; clients use the first one"),
    key("environment", Shape::Named, "none", "variables of a replica's environment"),
    key("files", Shape::Objects { max_items: 100 }, "none",
        "files that are written to `{data}` before each start"),
    key("files[].path", NAME, "required", "the file's name"),
    key("files[].content", Shape::Template { max_chars: 100_000 }, "required", "what stands in it"),
    key("peers", Shape::Object, "none", "what `{peers}` stands for"),
    key("peers.each", TEXT, "\"{address}\"",
        "what is said of each other replica: `{id}`, `{number}`, `{name}`, `{address}`, `{port}`, `{port.NAME}`"),
    key("peers.separator", Shape::Template { max_chars: 20 }, "each is an argument of its own",
        "what stands between two of them"),
    key("peers.with_self", Shape::Flag, "false", "whether the replica itself is listed, too"),
    key("keeps_data", Shape::Flag, "whether `{data}` is used",
        "whether a replica that is started again has what it wrote to `{data}`"),
    key("ready", Shape::Object, "it accepts a connection", "when a replica is ready; one of its keys"),
    key("ready.http", PATH, "none", "it answers this path with a status of 200 to 299"),
    key("ready.command", TEXTS, "none", "this command ends with 0"),
    key("ready.line", Shape::Text { max_chars: 300 }, "none", "it prints a line with this text in it"),
    key("ready.within_s", Shape::Number { min: 0.1, max: 600.0 }, "20",
        "a replica that is not ready by then is reported"),
    key("leader", Shape::Object, "the leader is not known",
        "how the leader is found: each replica is asked over HTTP"),
    key("leader.path", PATH, "required", "the path that is asked"),
    key("leader.pointer", Shape::Template { max_chars: 300 }, "required",
        "a JSON pointer into the answer: to `true` at the leader, or to the leader's number, name or address"),
    key("leader.every_ms", Shape::Whole { min: 20, max: 60_000 }, "200", "how often each is asked"),
    key("client", Shape::Object, "required", "how clients talk to the system"),
    key("client.kind", Shape::Choice(CLIENTS), "required",
        "over HTTP, by a program of your own, in the protocol of Redis, or by a folder of commands"),
    key("client.command", TEXTS, "required for \"exec\"",
        "\"exec\": the program, one process for each client"),
    key("client.folder", Shape::Text { max_chars: 1000 }, "required for \"commands\"",
        "\"commands\": the folder, from that of the system file"),
    key("client.functions", TEXTS, "[\"get\", \"put\"]",
        "\"exec\" and \"resp\": what it can be asked for"),
    key("client.prefix", Shape::Template { max_chars: 100 }, "none", "\"resp\": what stands before each key"),
    key("client.headers", Shape::Named, "none", "\"http\": headers of each request"),
    key("client.ok", Shape::Statuses, "[\"2xx\"]",
        "\"http\": the statuses that mean that an operation took effect"),
    key("client.fail", Shape::Statuses, "[\"4xx\"] but for 408",
        "\"http\": those that mean that it certainly did not; after any other its effect is unknown"),
    key("client.redirect", Shape::Statuses, "[301, 302, 307, 308]",
        "\"http\": those that mean that another replica is to be asked, the one of the header `Location`"),
    key("client.leader_pointer", Shape::Template { max_chars: 300 }, "none",
        "\"http\": where the answer of a redirect names the leader instead: a JSON pointer to its number, name or \
         address"),
    key("client.operations", Shape::Objects { max_items: 20 }, "required for \"http\"",
        "\"http\": the request of each function"),
    key("client.operations[].f", NAME, "required", "the function: \"get\", \"put\", \"cas\", \"add\", ..."),
    key("client.operations[].method", NAME, "\"GET\" for what only asks, \"POST\" else", "the method"),
    key("client.operations[].path", PATH, "required",
        "the path with its query: `{key}`, `{value}`, `{old}`, `{new}`"),
    key("client.operations[].body", TEXT, "none",
        "the body: the same as JSON, or `{value.text}` as plain text"),
    key("client.operations[].value", Shape::Template { max_chars: 300 }, "the whole answer, a text",
        "where the answer has the value: a JSON pointer; \"\" is the whole answer as JSON"),
    key("client.operations[].applied", Shape::Template { max_chars: 300 }, "the status says it",
        "where the answer says whether it took effect: a JSON pointer to `true` or `false`"),
    key("client.operations[].absent", Shape::Statuses, "[404] for \"get\", none else",
        "the statuses that mean that there is no value"),
    key("client.operations[].ok", Shape::Statuses, "`client.ok`", "the same for this function"),
    key("client.operations[].fail", Shape::Statuses, "`client.fail`", "the same for this function"),
    key("cleanup", TEXTS, "none", "a command that runs once, after each run"),
];
