//! A system as its file describes it: how its processes are started, when they are ready, and how clients talk to it.
//!
//! It comes from a file ([`Description::load`]), is checked before anything is started, and stands in the plan of each
//! run, so that a run can be made again without the file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use checker::F;
use serde::{Deserialize, Serialize};

use super::http::HttpClient;
use super::template::Template;

/// A system under test, as its file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The name in reports.
    pub name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// The folder of its file: `{here}`.
    pub here: PathBuf,
    /// How many replicas it can have, both ends included.
    pub replicas: [usize; 2],
    /// The program and its arguments.
    pub command: Vec<Template>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Template>,
    /// Files that are written before each start.
    pub files: Vec<ConfigFile>,
    /// The names of each replica's ports, the first being the one that clients use.
    pub ports: Vec<String>,
    /// How a replica is told of the others.
    pub peers: Peers,
    /// Whether a replica that is started again has what it wrote to `{data}`.
    pub keeps_data: bool,
    /// When a replica is ready.
    pub ready: Ready,
    /// After this time a replica that is not ready is reported.
    pub ready_within: Duration,
    /// How the leader is found.
    pub leader: Option<LeaderProbe>,
    /// How clients talk to it.
    pub client: Client,
    /// A command that runs once, after each run.
    pub cleanup: Vec<Template>,
}

/// A file that a replica reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Its name in the replica's data directory.
    pub path: String,
    /// What stands in it.
    pub content: Template,
}

/// How a replica is told of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peers {
    /// What is said of one of them.
    pub each: Template,
    /// What stands between two; `None`: each is an argument of its own.
    pub separator: Option<String>,
    /// Whether the replica itself is listed, too.
    pub with_self: bool,
}

/// When a replica is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// It accepts a connection at its first port.
    Connects,
    /// It answers this path with a status of 200 to 299.
    Http(Template),
    /// This command ends with 0.
    Command(Vec<Template>),
    /// It prints a line with this text in it.
    Line(String),
}

impl Ready {
    /// What a replica does when it is ready, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Connects => "accepts a connection at `{port}`".to_owned(),
            Self::Http(path) => {
                format!("answers `GET {}` with a status of 200 to 299", path.text())
            }
            Self::Command(words) => {
                let words: Vec<&str> = words.iter().map(Template::text).collect();
                format!("lets the command `{}` end with 0", words.join(" "))
            }
            Self::Line(line) => format!("prints a line with `{line}` in it"),
        }
    }
}

/// How the leader is found: each replica is asked now and then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderProbe {
    /// The path that is asked.
    pub path: Template,
    /// Where the answer says it: a JSON pointer to `true`, a number, a name or an address.
    pub pointer: String,
    /// How often it is asked.
    pub every: Duration,
}

/// How clients talk to a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Client {
    /// Over HTTP.
    Http(HttpClient),
    /// By a program of the user's.
    Exec(ExecClient),
    /// By the protocol of Redis.
    Resp(RespClient),
    /// By the commands of a folder.
    Commands(Commands),
}

/// A folder of commands, each of which does one thing; their names say when they are run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// The folder.
    pub folder: PathBuf,
    /// They run once, one after the other, before the first operation.
    pub first: Vec<String>,
    /// The command of each function.
    pub clients: BTreeMap<F, String>,
    /// They hold at any time.
    pub anytime: Vec<String>,
    /// They hold in the end, once all faults are healed.
    pub eventually: Vec<String>,
    /// They hold after all others did.
    pub finally: Vec<String>,
}

/// A program that is asked for operations, one line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecClient {
    /// The program and its arguments.
    pub command: Vec<Template>,
    /// What it can be asked for.
    pub functions: Vec<F>,
}

/// A server that speaks the protocol of Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RespClient {
    /// What it can be asked for.
    pub functions: Vec<F>,
    /// What stands before each key.
    pub prefix: String,
}

impl Client {
    /// Its name in system files.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Exec(_) => "exec",
            Self::Resp(_) => "resp",
            Self::Commands(_) => "commands",
        }
    }

    /// What it can be asked for.
    pub fn functions(&self) -> Vec<F> {
        match self {
            Self::Http(client) => client.operations.keys().copied().collect(),
            Self::Exec(client) => client.functions.clone(),
            Self::Resp(client) => client.functions.clone(),
            Self::Commands(commands) => commands.clients.keys().copied().collect(),
        }
    }
}
