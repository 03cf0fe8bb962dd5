//! From a system file to a [`Description`], or to one sentence that says what is wrong where.
//!
//! A system file is TOML, with comments. `keys` is the table of its keys, from which the reader, the manual and the
//! schema take names, types and bounds; `toml` remembers where each key stands.

mod commands;
pub mod keys;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use checker::F;

use super::error::{Fault, WorkloadError, nearest, quoted};
use super::fields::Fields;
use super::json::{Node, Value};
use crate::system::description::{
    Client, ConfigFile, Description, ExecClient, LeaderProbe, Peers, Ready, RespClient,
};
use crate::system::http::{HttpClient, HttpOperation, StatusRange, Statuses};
use crate::system::template::Template;
pub use keys::keys as system_keys;

/// Larger than any system file that is written by hand.
const LARGEST_FILE_BYTES: u64 = 1 << 16;

/// What a process can be told of itself and of the run.
const OF_A_PROCESS: &[&str] =
    &["id", "number", "name", "data", "here", "host", "port", "address", "peers", "replicas"];

/// What the program of a client can be told.
const OF_A_CLIENT: &[&str] = &["here", "replicas"];

/// What can be said of another replica.
const OF_A_PEER: &[&str] = &["id", "number", "name", "host", "port", "address"];

/// What a request can hold of its operation.
const OF_AN_OPERATION: &[&str] =
    &["key", "value", "value.text", "old", "old.text", "new", "new.text"];

/// Where names of ports can stand.
const PORT: &str = "port.";

impl Description {
    /// Reads and checks the system file at `path`.
    pub fn load(path: &Path) -> Result<Self, WorkloadError> {
        let file = path.to_string_lossy().into_owned();
        let unreadable =
            |problem: String| WorkloadError { file: file.clone(), place: None, problem };
        if path.is_dir() {
            return Err(unreadable("a directory, not a system; name a TOML file in it".to_owned()));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => unreadable(
                    "there is no such system file; `harness list systems` has the examples"
                        .to_owned(),
                ),
                _ => unreadable(format!("the system file cannot be read: {error}")),
            })?;
        if bytes.len() as u64 > LARGEST_FILE_BYTES {
            let problem = format!(
                "larger than a system file can be; allowed: at most {LARGEST_FILE_BYTES} bytes; is this the right \
                 file?"
            );
            return Err(unreadable(problem));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable("not UTF-8 text; save it as UTF-8".to_owned()))?;
        // The parent of a bare file name is empty, which is no folder.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let here = parent.unwrap_or(Path::new(".")).canonicalize();
        let here =
            here.map_err(|error| unreadable(format!("its folder cannot be read: {error}")))?;
        Self::parse(&file, &here, &text)
    }

    /// Checks the text of a system file; `file` names it in errors, and its stem names the system unless the text does.
    pub fn parse(file: &str, here: &Path, text: &str) -> Result<Self, WorkloadError> {
        let root = toml::read(text).map_err(|fault| fault.in_file(file))?;
        build(file, here, &root).map_err(|fault| fault.in_file(file))
    }
}

fn build(file: &str, here: &Path, root: &Node) -> Result<Description, Fault> {
    let top = Fields::of(system_keys(), root)?;
    let ports = read_ports(&top)?;
    let of_a_process = Places { known: OF_A_PROCESS, ports: &ports };
    let command = top.required("command", templates(&top, "command", &of_a_process)?)?;
    if command.is_empty() {
        return Err(top.fault("command", "an empty list; the program of a replica stands first"));
    }
    let environment = named(&top, "environment", &of_a_process)?;
    let files = top.objects("files")?;
    let files = files.iter().map(|fields| read_file(fields, &of_a_process));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let all =
        || command.iter().chain(environment.values()).chain(files.iter().map(|it| &it.content));
    let uses = |place: &str| all().any(|template| template.places().any(|it| it == place));
    let keeps_data = top.flag("keeps_data")?.unwrap_or_else(|| uses("data"));
    if !uses("port") && !ports.iter().any(|port| uses(&format!("{PORT}{port}"))) {
        let problem = "no argument, variable or file names the port at which the replica is to listen; put \
                       `{port}` where the program expects it";
        return Err(top.fault("command", problem));
    }
    let (ready, ready_within) = read_ready(&top, &of_a_process)?;
    let stem =
        Path::new(file).file_stem().map_or_else(String::new, |it| it.to_string_lossy().into());
    let client = top.required("client", top.object("client")?)?;
    Ok(Description {
        name: top.text("name")?.map_or(stem, str::to_owned),
        description: top.text("description")?.unwrap_or_default().to_owned(),
        here: here.to_owned(),
        replicas: read_replicas(&top)?,
        keeps_data,
        peers: read_peers(&top, &ports)?,
        ready,
        ready_within,
        leader: read_leader(&top)?,
        client: read_client(&client, here)?,
        cleanup: templates(&top, "cleanup", &Places { known: &["here"], ports: &[] })?
            .unwrap_or_default(),
        command,
        environment,
        files,
        ports,
    })
}

/// The places that a template may have.
struct Places<'a> {
    known: &'a [&'a str],
    ports: &'a [String],
}

impl Places<'_> {
    /// Whether all of a text's places are known, or what is wrong.
    fn check(&self, text: &str) -> Result<Template, String> {
        let template = Template::new(text);
        let is_known = |name: &str| {
            let port = name.strip_prefix(PORT);
            self.known.contains(&name)
                || port.is_some_and(|port| self.ports.iter().any(|known| known == port))
        };
        let unknown = template.places().find(|name| !is_known(name)).map(str::to_owned);
        let Some(unknown) = unknown else { return Ok(template) };
        let of_ports = self.ports.iter().map(|port| format!("{PORT}{port}"));
        let all: Vec<String> =
            self.known.iter().map(|it| (*it).to_owned()).chain(of_ports).collect();
        let near = nearest(&unknown, all.iter().map(String::as_str));
        let remedy = near.map(|near| format!("; did you mean `{{{near}}}`?")).unwrap_or_default();
        let allowed: Vec<String> = all.iter().map(|name| format!("`{{{name}}}`")).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        Err(format!(
            "there is no {} here{remedy}; allowed: {allowed}",
            quoted(&format!("{{{unknown}}}"))
        ))
    }
}

fn template(fields: &Fields, name: &str, places: &Places) -> Result<Option<Template>, Fault> {
    let Some(text) = fields.template(name)? else { return Ok(None) };
    places.check(text).map(Some).map_err(|problem| fields.fault(name, problem))
}

fn templates(fields: &Fields, name: &str, places: &Places) -> Result<Option<Vec<Template>>, Fault> {
    let Some(texts) = fields.texts(name)? else { return Ok(None) };
    let checked = texts.into_iter().enumerate().map(|(n, (text, at))| {
        let wrong = |problem| fields.fault_within(name, &format!("[{n}]"), at, problem);
        places.check(text).map_err(wrong)
    });
    checked.collect::<Result<Vec<_>, _>>().map(Some)
}

fn named(
    fields: &Fields,
    name: &str,
    places: &Places,
) -> Result<BTreeMap<String, Template>, Fault> {
    let given = fields.named(name)?;
    let checked = given.into_iter().map(|(key, text, at)| {
        let wrong = |problem| fields.fault_within(name, &format!(".{key}"), at, problem);
        Ok((key.to_owned(), places.check(text).map_err(wrong)?))
    });
    checked.collect()
}

fn read_ports(top: &Fields) -> Result<Vec<String>, Fault> {
    let Some(given) = top.texts("ports")? else { return Ok(vec!["client".to_owned()]) };
    let mut ports: Vec<String> = Vec::new();
    for (n, (name, at)) in given.into_iter().enumerate() {
        let wrong =
            |problem: &str| top.fault_within("ports", &format!("[{n}]"), at, problem.to_owned());
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !is_name {
            return Err(wrong(
                "no name of a port; allowed: a lowercase letter, then letters, digits, `-` and `_`",
            ));
        }
        if ports.iter().any(|known| known == name) {
            return Err(wrong("this port is named twice; keep one"));
        }
        ports.push(name.to_owned());
    }
    if ports.is_empty() {
        return Err(
            top.fault("ports", "an empty list; a replica needs one port at least, for clients")
        );
    }
    if ports.len() > 8 {
        return Err(
            top.fault("ports", format!("{} ports are too many; allowed: at most 8", ports.len()))
        );
    }
    Ok(ports)
}

fn read_file(fields: &Fields, places: &Places) -> Result<ConfigFile, Fault> {
    let path = fields.required("path", fields.text("path")?)?;
    let is_inside = !path.is_empty()
        && Path::new(path).components().all(|it| matches!(it, std::path::Component::Normal(_)));
    if !is_inside {
        let problem = "no file below `{data}`; allowed: a name such as \"store.conf\", without `..` and without `/` \
                       at its beginning";
        return Err(fields.fault("path", problem));
    }
    let content = fields.required("content", template(fields, "content", places)?)?;
    Ok(ConfigFile { path: path.to_owned(), content })
}

fn read_replicas(top: &Fields) -> Result<[usize; 2], Fault> {
    let Some(range) = top.range("replicas")? else { return Ok([1, 21]) };
    if range.iter().any(|number| number.fract() != 0.0) {
        return Err(top.not_allowed("replicas", "a replica is there or not: no fractions"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 to 21, by the table"
    )]
    Ok(range.map(|number| number as usize))
}

fn read_peers(top: &Fields, ports: &[String]) -> Result<Peers, Fault> {
    let each = Template::new("{address}");
    let Some(fields) = top.object("peers")? else {
        return Ok(Peers { each, separator: None, with_self: false });
    };
    let places = Places { known: OF_A_PEER, ports };
    Ok(Peers {
        each: template(&fields, "each", &places)?.unwrap_or(each),
        separator: fields.template("separator")?.map(str::to_owned),
        with_self: fields.flag("with_self")?.unwrap_or(false),
    })
}

fn read_ready(top: &Fields, places: &Places) -> Result<(Ready, Duration), Fault> {
    let default = Duration::from_secs(20);
    let Some(fields) = top.object("ready")? else { return Ok((Ready::Connects, default)) };
    let mut given = ["http", "command", "line"].into_iter().filter(|name| fields.has(name));
    let (first, second) = (given.next(), given.next());
    if let Some((first, second)) = first.zip(second) {
        let problem = format!("`{first}` is given, too, and one of them decides; keep one");
        return Err(fields.fault(second, problem));
    }
    let ready = if let Some(path) = template(&fields, "http", places)? {
        Ready::Http(rooted(&fields, "http", path)?)
    } else if let Some(command) = templates(&fields, "command", places)? {
        if command.is_empty() {
            return Err(fields.fault("command", "an empty list; the program stands first"));
        }
        Ready::Command(command)
    } else if let Some(line) = fields.text("line")? {
        Ready::Line(line.to_owned())
    } else {
        Ready::Connects
    };
    let within = fields.number("within_s")?.map_or(default, Duration::from_secs_f64);
    Ok((ready, within))
}

/// A path of HTTP begins with `/`.
fn rooted(fields: &Fields, name: &str, path: Template) -> Result<Template, Fault> {
    if path.text().starts_with('/') {
        return Ok(path);
    }
    let shown = quoted(path.text());
    Err(fields.fault(name, format!("{shown} is no path; allowed: a path that begins with `/`")))
}

fn read_leader(top: &Fields) -> Result<Option<LeaderProbe>, Fault> {
    let Some(fields) = top.object("leader")? else { return Ok(None) };
    let places = Places { known: &[], ports: &[] };
    let path = fields.required("path", template(&fields, "path", &places)?)?;
    let pointer = fields.required("pointer", fields.template("pointer")?)?;
    Ok(Some(LeaderProbe {
        path: rooted(&fields, "path", path)?,
        pointer: checked_pointer(&fields, "pointer", pointer)?,
        every: Duration::from_millis(fields.whole("every_ms")?.unwrap_or(200)),
    }))
}

fn pointer(fields: &Fields, name: &str) -> Result<Option<String>, Fault> {
    fields.template(name)?.map(|pointer| checked_pointer(fields, name, pointer)).transpose()
}

fn checked_pointer(fields: &Fields, name: &str, pointer: &str) -> Result<String, Fault> {
    if pointer.is_empty() || pointer.starts_with('/') {
        return Ok(pointer.to_owned());
    }
    let shown = quoted(pointer);
    let problem = format!(
        "{shown} is no JSON pointer; allowed: \"\" for the whole answer, or a path that begins with `/`, such as \
         \"/value\""
    );
    Err(fields.fault(name, problem))
}

fn read_client(fields: &Fields, here: &Path) -> Result<Client, Fault> {
    let kind = fields.required("kind", fields.choice("kind")?)?;
    let of_kind: &[&str] = match kind {
        "http" => &["headers", "ok", "fail", "redirect", "leader_pointer", "operations"],
        "exec" => &["command", "functions"],
        "commands" => &["folder"],
        _ => &["functions", "prefix"],
    };
    if let Some(foreign) = fields.names().find(|name| *name != "kind" && !of_kind.contains(name)) {
        let allowed = of_kind.join("`, `");
        let problem = format!("a client of kind \"{kind}\" has no such key; allowed: `{allowed}`");
        return Err(fields.fault(foreign, problem));
    }
    Ok(match kind {
        "http" => Client::Http(read_http(fields)?),
        "exec" => {
            let places = Places { known: OF_A_CLIENT, ports: &[] };
            let command = templates(fields, "command", &places)?;
            let command = fields.required("command", command)?;
            if command.is_empty() {
                return Err(
                    fields.fault("command", "an empty list; the client's program stands first")
                );
            }
            Client::Exec(ExecClient { command, functions: read_functions(fields)? })
        }
        "commands" => {
            let folder = fields.required("folder", fields.text("folder")?)?;
            let commands = commands::read(&here.join(folder));
            Client::Commands(commands.map_err(|problem| fields.fault("folder", problem))?)
        }
        _ => Client::Resp(RespClient {
            functions: read_functions(fields)?,
            prefix: fields.template("prefix")?.unwrap_or_default().to_owned(),
        }),
    })
}

fn read_functions(fields: &Fields) -> Result<Vec<F>, Fault> {
    let Some(given) = fields.texts("functions")? else { return Ok(vec![F::Get, F::Put]) };
    if given.is_empty() {
        return Err(fields.fault("functions", "an empty list; name one function at least"));
    }
    let known = given.into_iter().enumerate().map(|(n, (name, at))| {
        let wrong = |problem| fields.fault_within("functions", &format!("[{n}]"), at, problem);
        function(name).map_err(wrong)
    });
    known.collect()
}

fn function(name: &str) -> Result<F, String> {
    let names = F::NAMES.map(|(name, _)| name);
    F::named(name).ok_or_else(|| {
        let near = nearest(name, names).map(|near| format!("; did you mean \"{near}\"?"));
        let (near, shown) = (near.unwrap_or_default(), quoted(name));
        format!("{shown} is no function{near}; allowed: \"{}\"", names.join("\", \""))
    })
}

fn read_http(fields: &Fields) -> Result<HttpClient, Fault> {
    let places = Places { known: OF_AN_OPERATION, ports: &[] };
    let listed = fields.objects("operations")?;
    if listed.is_empty() {
        return Err(
            fields.not_allowed("operations", "this key is required, with one operation at least")
        );
    }
    let mut operations = BTreeMap::new();
    for operation in &listed {
        let name = operation.required("f", operation.text("f")?)?;
        let f = function(name).map_err(|problem| operation.fault("f", problem))?;
        let path = operation.required("path", template(operation, "path", &places)?)?;
        let method = match operation.text("method")? {
            None if f.only_asks() && f == F::Get => "GET",
            None => "POST",
            Some(given) => METHODS.into_iter().find(|known| *known == given).ok_or_else(|| {
                let shown = quoted(given);
                operation.fault(
                    "method",
                    format!("{shown} is no method; allowed: {}", METHODS.join(", ")),
                )
            })?,
        };
        let gone = if f == F::Get { vec![StatusRange(404, 404)] } else { Vec::new() };
        let request = HttpOperation {
            method: method.to_owned(),
            path: rooted(operation, "path", path)?,
            body: template(operation, "body", &places)?,
            value: pointer(operation, "value")?,
            applied: pointer(operation, "applied")?,
            absent: statuses(operation, "absent")?.unwrap_or(Statuses(gone)),
            ok: statuses(operation, "ok")?,
            fail: statuses(operation, "fail")?,
        };
        if operations.insert(f, request).is_some() {
            return Err(operation.fault("f", format!("\"{}\" is given twice; keep one", f.name())));
        }
    }
    let moved = [301, 302, 307, 308].map(|status| StatusRange(status, status));
    let usual = Statuses(vec![StatusRange(400, 407), StatusRange(409, 499)]);
    Ok(HttpClient {
        operations,
        ok: statuses(fields, "ok")?.unwrap_or(Statuses(vec![StatusRange(200, 299)])),
        fail: statuses(fields, "fail")?.unwrap_or(usual),
        redirects: statuses(fields, "redirect")?.unwrap_or(Statuses(moved.to_vec())),
        leader_pointer: pointer(fields, "leader_pointer")?,
        headers: named(fields, "headers", &places)?,
    })
}

const METHODS: [&str; 6] = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"];

fn statuses(fields: &Fields, name: &str) -> Result<Option<Statuses>, Fault> {
    let Some(node) = fields.node(name) else { return Ok(None) };
    let Value::List(items) = &node.value else { return Err(fields.wrong_type(name, &node.value)) };
    let read = items.iter().enumerate().map(|(n, item)| {
        status(&item.value).ok_or_else(|| {
            let found = item.value.describe();
            let problem = format!(
                "{found} is no status; allowed: a number from 100 to 599, or a class such as \"2xx\""
            );
            fields.fault_within(name, &format!("[{n}]"), item, problem)
        })
    });
    read.collect::<Result<Vec<_>, _>>().map(|ranges| Some(Statuses(ranges)))
}

fn status(value: &Value) -> Option<StatusRange> {
    let (Value::Number(text) | Value::Text(text)) = value else { return None };
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some(StatusRange(class * 100, class * 100 + 99));
    }
    let status: u16 = text.parse().ok().filter(|status| (100..=599).contains(status))?;
    Some(StatusRange(status, status))
}
